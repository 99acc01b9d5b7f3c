//! The list of [`crate::store`] over IndexedDB.

use rivulet::web::storage::FileStore;
use rivulet::web::storage::indexed::IndexedFiles;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::objects::{patch, text};

crate::store::tests_of_a_store!(FileStore::Indexed(IndexedFiles::open().await.unwrap()));

#[wasm_bindgen_test]
async fn a_full_database_says_so_and_keeps_what_it_has() {
    let files = IndexedFiles::open().await.unwrap();
    files.write(&["indexed-full", "f"], b"before").await.unwrap();
    let full = patch(
        "IDBObjectStore.prototype",
        "put",
        "() => { throw new DOMException('no room', 'QuotaExceededError'); }",
    );
    let error = files.write(&["indexed-full", "f"], b"after").await.unwrap_err();
    assert_eq!(text(&error, "name"), "QuotaExceededError");
    drop(full);
    assert_eq!(files.read(&["indexed-full", "f"]).await.unwrap().unwrap(), b"before");
}

#[wasm_bindgen_test]
async fn a_transaction_that_aborts_is_an_error_and_changes_nothing() {
    let files = IndexedFiles::open().await.unwrap();
    files.write(&["indexed-abort", "f"], b"before").await.unwrap();
    let aborting = patch(
        "IDBObjectStore.prototype",
        "put",
        "((put) => function (...all) { const request = put.apply(this, all); this.transaction.abort(); return request; })(IDBObjectStore.prototype.put)",
    );
    assert!(files.write(&["indexed-abort", "f"], b"after").await.is_err());
    drop(aborting);
    assert_eq!(files.read(&["indexed-abort", "f"]).await.unwrap().unwrap(), b"before");
}
