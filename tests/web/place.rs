//! [`Place`] and [`Storage`]: requests of the engine over the origin's files, which are sealed.

use arrow::buffer::Buffer;
use rivulet::storage::{Answer, Reply, Request, StorageError, seal};
use rivulet::web::storage::indexed::IndexedFiles;
use rivulet::web::storage::origin::OriginFiles;
use rivulet::web::storage::{FileStore, Place, Storage, said};
use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::heard::hearing;
use crate::objects::{patch, script};

fn read(path: &str) -> Request {
    Request::Read { path: path.into() }
}

fn write(path: &str, bytes: &[u8]) -> Request {
    Request::Write {
        path: path.into(),
        bytes: bytes.into(),
    }
}

fn list(path: &str) -> Request {
    Request::List { path: path.into() }
}

fn lock(path: &str) -> Request {
    Request::Lock { path: path.into() }
}

fn unlock(path: &str) -> Request {
    Request::Unlock { path: path.into() }
}

fn bytes(of: &[u8]) -> Answer {
    Ok(Reply::Bytes(Some(Buffer::from(of))))
}

const DONE: Answer = Ok(Reply::Done);

#[wasm_bindgen_test]
async fn a_file_is_read_as_written_and_lies_sealed_on_the_disk() {
    let mut place = Place::default();
    assert_eq!(place.perform(&write("opfs://place/a/f", b"content")).await, DONE);
    assert_eq!(place.perform(&read("opfs://place/a/f")).await, bytes(b"content"));
    let raw = OriginFiles::open()
        .await
        .unwrap()
        .read(&["place", "a", "f"])
        .await
        .unwrap();
    assert_eq!(raw, Some(seal::seal(b"content")));
}

#[wasm_bindgen_test]
async fn a_path_means_the_same_with_and_without_its_scheme_and_empty_parts() {
    let mut place = Place::default();
    assert_eq!(place.perform(&write("opfs://place-path/f", b"1")).await, DONE);
    for path in ["place-path/f", "/place-path/f", "opfs:///place-path//f"] {
        assert_eq!(place.perform(&read(path)).await, bytes(b"1"), "{path}");
    }
}

#[wasm_bindgen_test]
async fn absence_lists_and_removals_are_answered() {
    let mut place = Place::default();
    assert_eq!(place.perform(&read("/place-list/a")).await, Ok(Reply::Bytes(None)));
    assert_eq!(place.perform(&list("/place-list")).await, Ok(Reply::Names(vec![])));
    for name in ["b", "a"] {
        assert_eq!(place.perform(&write(&format!("/place-list/{name}"), b"")).await, DONE);
    }
    let names = |names: &[&str]| Ok(Reply::Names(names.iter().map(|n| (*n).to_owned()).collect()));
    assert_eq!(place.perform(&list("/place-list")).await, names(&["a", "b"]));
    let delete = |path: &str| Request::Delete { path: path.into() };
    assert_eq!(place.perform(&delete("/place-list/a")).await, DONE);
    assert_eq!(place.perform(&list("/place-list")).await, names(&["b"]));
    assert_eq!(place.perform(&delete("/place-list")).await, DONE);
    assert_eq!(place.perform(&list("/place-list")).await, names(&[]));
}

/// Writes raw files in turn, and expects each to be found damaged.
async fn all_damaged(name: &str, files: impl Iterator<Item = Vec<u8>>) {
    let (raw, mut place) = (OriginFiles::open().await.unwrap(), Place::default());
    for (at, file) in files.enumerate() {
        raw.write(&[name, "f"], &file).await.unwrap();
        let answer = place.perform(&read(&format!("opfs://{name}/f"))).await;
        let Err(StorageError::Corrupt { path, .. }) = answer else {
            panic!("case {at}: {answer:?}")
        };
        assert_eq!(path, format!("opfs://{name}/f"));
    }
}

#[wasm_bindgen_test]
async fn a_file_torn_at_any_length_is_damaged() {
    let whole = seal::seal(b"nextBatchWatermarkMs");
    all_damaged("place-torn", (0..whole.len()).map(|length| whole[..length].to_vec())).await;
}

#[wasm_bindgen_test]
async fn a_file_with_one_byte_changed_anywhere_is_damaged() {
    let whole = seal::seal(b"nextBatchWatermarkMs");
    let flipped = |at: usize| {
        let mut changed = whole.clone();
        changed[at] ^= 0x10;
        changed
    };
    all_damaged("place-flipped", (0..whole.len()).map(flipped)).await;
}

#[wasm_bindgen_test]
async fn a_write_mends_a_damaged_file() {
    let (raw, mut place) = (OriginFiles::open().await.unwrap(), Place::default());
    raw.write(&["place-mended", "f"], b"torn").await.unwrap();
    assert!(place.perform(&read("/place-mended/f")).await.is_err());
    assert_eq!(place.perform(&write("/place-mended/f", b"whole")).await, DONE);
    assert_eq!(place.perform(&read("/place-mended/f")).await, bytes(b"whole"));
}

#[wasm_bindgen_test]
async fn a_locked_path_is_refused_to_another_place_until_it_is_unlocked() {
    let (mut first, mut second) = (Place::default(), Place::default());
    let refused = Err(StorageError::Locked {
        path: "opfs://place-lock".into(),
    });
    assert_eq!(first.perform(&lock("opfs://place-lock")).await, DONE);
    assert_eq!(second.perform(&lock("opfs://place-lock")).await, refused);
    assert_eq!(second.perform(&lock("opfs://place-lock/other")).await, DONE);
    assert_eq!(first.perform(&unlock("opfs://place-lock")).await, DONE);
    assert_eq!(second.perform(&lock("opfs://place-lock")).await, DONE);
    assert_eq!(first.perform(&lock("opfs://place-lock")).await, refused);
}

#[wasm_bindgen_test]
async fn a_path_unlocked_can_be_locked_again_at_once() {
    let mut place = Place::default();
    for _ in 0..20 {
        assert_eq!(place.perform(&lock("place-relock")).await, DONE);
        assert_eq!(place.perform(&unlock("place-relock")).await, DONE);
    }
}

#[wasm_bindgen_test]
async fn a_path_is_locked_by_whatever_spelling_and_once_only() {
    let mut place = Place::default();
    assert_eq!(place.perform(&lock("opfs://place-once/a/")).await, DONE);
    assert!(place.perform(&lock("/place-once//a")).await.is_err());
}

#[wasm_bindgen_test]
async fn the_end_of_a_place_unlocks_its_paths() {
    let (mut first, mut second) = (Place::default(), Place::default());
    assert_eq!(first.perform(&lock("place-ended")).await, DONE);
    drop(first);
    let held = rivulet::web::locks::hold("rivulet-checkpoint:place-ended")
        .await
        .unwrap();
    held.release().await;
    assert_eq!(second.perform(&lock("place-ended")).await, DONE);
}

#[wasm_bindgen_test]
async fn a_disk_that_takes_only_a_part_is_full() {
    let mut place = Place::default();
    assert_eq!(place.perform(&write("place-full/f", b"12345")).await, DONE);
    let full = patch(
        "FileSystemSyncAccessHandle.prototype",
        "write",
        "(bytes) => bytes.byteLength - 1",
    );
    let answer = place.perform(&write("place-full/f", b"123456")).await;
    drop(full);
    let Err(StorageError::Quota { path, reason }) = answer else {
        panic!("{answer:?}")
    };
    assert_eq!(path, "place-full/f");
    assert!(reason.contains("wrote 29 of 30 bytes"), "{reason}");
    assert_eq!(place.perform(&write("place-full/f", b"again")).await, DONE);
    assert_eq!(place.perform(&read("place-full/f")).await, bytes(b"again"));
}

#[wasm_bindgen_test]
async fn a_disk_that_throws_is_full_or_failed_by_the_name_of_what_it_throws() {
    let mut place = Place::default();
    let throws = |name: &str| format!("() => {{ throw new DOMException('so', '{name}'); }}");
    let full = patch(
        "FileSystemSyncAccessHandle.prototype",
        "write",
        &throws("QuotaExceededError"),
    );
    let answer = place.perform(&write("place-throws/f", b"1")).await;
    assert!(matches!(answer, Err(StorageError::Quota { .. })), "{answer:?}");
    drop(full);
    let broken = patch(
        "FileSystemSyncAccessHandle.prototype",
        "flush",
        &throws("InvalidStateError"),
    );
    let answer = place.perform(&write("place-throws/f", b"1")).await;
    drop(broken);
    let Err(StorageError::Failed { reason, .. }) = answer else {
        panic!("{answer:?}")
    };
    assert_eq!(reason, "InvalidStateError: so");
}

#[wasm_bindgen_test]
async fn a_file_that_another_has_open_fails_and_nothing_is_lost() {
    let mut place = Place::default();
    assert_eq!(place.perform(&write("place-open/f", b"kept")).await, DONE);
    let files = rivulet::web::storage::origin::origin().await.unwrap();
    let mut folder = files;
    for name in ["rivulet", "place-open"] {
        folder = rivulet::web::storage::origin::child(&folder, name, false)
            .await
            .unwrap();
    }
    let open = rivulet::web::storage::origin::open_sync(&folder, "f").await.unwrap();
    let answer = place.perform(&write("place-open/f", b"lost")).await;
    assert!(matches!(answer, Err(StorageError::Failed { .. })), "{answer:?}");
    open.close();
    assert_eq!(place.perform(&read("place-open/f")).await, bytes(b"kept"));
}

#[wasm_bindgen_test]
async fn without_a_private_file_system_the_database_has_the_files() {
    let none = patch(
        "StorageManager.prototype",
        "getDirectory",
        "async () => { throw new DOMException('no', 'SecurityError'); }",
    );
    let opened = FileStore::open().await;
    let mut place = Place::default();
    let written = place.perform(&write("place-indexed/f", b"database")).await;
    drop(none);
    assert!(matches!(opened, Ok(FileStore::Indexed(_))));
    assert_eq!(written, DONE);
    let raw = IndexedFiles::open()
        .await
        .unwrap()
        .read(&["place-indexed", "f"])
        .await
        .unwrap();
    assert_eq!(raw, Some(seal::seal(b"database")));
    assert_eq!(
        OriginFiles::open()
            .await
            .unwrap()
            .read(&["place-indexed", "f"])
            .await
            .unwrap(),
        None
    );
}

#[wasm_bindgen_test]
async fn with_a_private_file_system_it_has_the_files() {
    assert!(matches!(FileStore::open().await, Ok(FileStore::Origin(_))));
}

#[wasm_bindgen_test]
async fn answers_come_in_the_order_of_the_requests_each_with_its_number() {
    let (hear, mut heard) = hearing();
    let storage = Storage::start(move |op, answer| hear((op, answer)));
    let large = vec![9; 200_000];
    for op in 0..20 {
        let path = format!("storage-order/{}", op % 3);
        storage.ask(op * 10, write(&path, if op % 2 == 0 { &large } else { b"small" }));
        storage.ask(op * 10 + 1, read(&path));
    }
    for op in 0..20u64 {
        assert_eq!(heard.next().await, (op * 10, DONE));
        assert_eq!(
            heard.next().await,
            (op * 10 + 1, bytes(if op % 2 == 0 { &large } else { b"small" }))
        );
    }
}

#[wasm_bindgen_test]
fn an_error_is_said_by_name_and_sentence_and_what_is_none_by_itself() {
    assert_eq!(
        said(&script("new DOMException('no room', 'QuotaExceededError')")),
        "QuotaExceededError: no room"
    );
    assert_eq!(said(&script("new TypeError('bad')")), "TypeError: bad");
    assert_eq!(said(&"thrown text".into()), "JsValue(\"thrown text\")");
    assert_eq!(said(&JsValue::UNDEFINED), "JsValue(undefined)");
}
