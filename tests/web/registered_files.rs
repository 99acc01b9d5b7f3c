//! [`RegisteredFiles`]: what the page has lent to the driver.

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::Array;
use rivulet::error::Exception;
use rivulet::storage::files::{FileEntry, Files};
use rivulet::web::port::Originals;
use rivulet::web::registered_files::{RegisteredFiles, read_whole};
use wasm_bindgen::JsCast;
use wasm_bindgen_test::wasm_bindgen_test;
use web_sys::Blob;

use crate::objects::{bytes, patch, script};
use crate::random::Random;

fn blob(content: &[u8]) -> Option<Blob> {
    Some(Blob::new_with_u8_array_sequence(&Array::of1(&bytes(content))).unwrap())
}

fn registered(paths: &[&str]) -> RegisteredFiles {
    let files = RegisteredFiles::default();
    for (at, path) in paths.iter().enumerate() {
        files.set((*path).to_owned(), blob(path.as_bytes()), at as i64);
    }
    files
}

fn listed(files: &RegisteredFiles, path: &str) -> Vec<String> {
    files.list(path).unwrap().into_iter().map(|entry| entry.path).collect()
}

#[wasm_bindgen_test]
fn files_below_a_path_are_listed_by_path_and_its_neighbours_are_not() {
    let files = registered(&["/in/b", "/in/a", "/in/deep/c", "/in2/d", "/i", "/in.csv"]);
    for path in ["/in", "/in/"] {
        assert_eq!(listed(&files, path), ["/in/a", "/in/b", "/in/deep/c"], "{path}");
    }
    assert_eq!(listed(&files, "/nowhere"), [""; 0]);
}

#[wasm_bindgen_test]
fn a_file_is_listed_by_its_own_path_with_size_and_time() {
    let files = RegisteredFiles::default();
    files.set("/f.csv".into(), blob(&[0; 1234]), 1_700_000_000_123);
    let entry = FileEntry {
        path: "/f.csv".into(),
        size: 1234,
        modified: 1_700_000_000_123,
    };
    assert_eq!(files.list("/f.csv").unwrap(), [entry]);
}

#[wasm_bindgen_test]
fn a_file_that_was_read_is_at_hand_as_the_browser_gave_it() {
    let originals: Rc<RefCell<Originals>> = Rc::default();
    let files = RegisteredFiles::new(originals.clone());
    files.set("/f".into(), blob(b"a,b\n"), 0);
    let block = files.read("/f").unwrap();
    let original = originals.borrow_mut().take(&block).unwrap();
    assert_eq!(original.to_vec(), block.as_slice());
}

#[wasm_bindgen_test]
fn a_file_is_read_as_it_is() {
    for seed in 0..50 {
        let (content, files) = (Random::seeded(seed).bytes(), RegisteredFiles::default());
        files.set("/f".into(), blob(&content), 0);
        assert_eq!(files.read("/f").unwrap().as_slice(), content, "seed {seed}");
    }
}

#[wasm_bindgen_test]
fn a_file_registered_again_is_the_new_one() {
    let files = registered(&["/f"]);
    files.set("/f".into(), blob(b"the new one"), 9);
    assert_eq!(files.read("/f").unwrap().as_slice(), b"the new one");
    let entries = files.list("/f").unwrap();
    assert_eq!(
        entries,
        [FileEntry {
            path: "/f".into(),
            size: 11,
            modified: 9
        }]
    );
}

#[wasm_bindgen_test]
fn a_file_taken_back_is_not_there() {
    let files = registered(&["/in/a", "/in/b"]);
    files.set("/in/a".into(), None, 0);
    files.set("/never".into(), None, 0);
    assert_eq!(listed(&files, "/in"), ["/in/b"]);
    assert!(files.read("/in/a").is_err());
}

#[wasm_bindgen_test]
fn reading_what_is_not_registered_is_sparks_error() {
    let error = registered(&["/in/a"]).read("/in").unwrap_err();
    assert_eq!(error.exception, Exception::Connect);
    assert_eq!(error.condition.as_deref(), Some("FAILED_READ_FILE.NO_HINT"));
    assert_eq!(error.sql_state.as_deref(), Some("KD001"));
    assert_eq!(error.parameters["path"], "/in");
    assert!(
        error.message.contains("no file is registered as /in"),
        "{}",
        error.message
    );
}

#[wasm_bindgen_test]
fn a_file_that_cannot_be_read_any_more_is_sparks_error_with_the_browsers_sentence() {
    let files = registered(&["/gone"]);
    let gone = patch(
        "FileReaderSync.prototype",
        "readAsArrayBuffer",
        "() => { throw new DOMException('the file is gone', 'NotFoundError'); }",
    );
    let error = files.read("/gone").unwrap_err();
    drop(gone);
    assert_eq!(error.condition.as_deref(), Some("FAILED_READ_FILE.NO_HINT"));
    assert!(error.message.contains("/gone: the file is gone"), "{}", error.message);
}

#[wasm_bindgen_test]
fn a_file_of_the_users_is_a_blob_too() {
    let file: Blob = script("new File(['of the ', 'user'], 'name.txt')").unchecked_into();
    assert_eq!(read_whole(&file).unwrap().to_vec(), b"of the user");
}
