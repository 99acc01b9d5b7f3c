//! What a page is refused, as an error and not a panic: the engine's files are read and written in workers only.

use js_sys::Array;
use rivulet::storage::files::Files;
use rivulet::web::registered_files::RegisteredFiles;
use rivulet::web::storage::FileStore;
use wasm_bindgen_test::wasm_bindgen_test;
use web_sys::Blob;

use crate::objects::bytes;

#[wasm_bindgen_test]
fn a_registered_file_cannot_be_read_at_once_on_a_page() {
    let files = RegisteredFiles::default();
    let blob = Blob::new_with_u8_array_sequence(&Array::of1(&bytes(b"x"))).unwrap();
    files.set("/f".into(), Some(blob), 0);
    assert_eq!(files.list("/f").unwrap().len(), 1);
    let error = files.read("/f").unwrap_err();
    assert_eq!(error.condition.as_deref(), Some("FAILED_READ_FILE.NO_HINT"));
}

#[wasm_bindgen_test]
async fn a_page_opens_a_store() {
    assert!(FileStore::open().await.is_ok());
}
