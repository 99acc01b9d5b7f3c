//! [`FileStore`]: the same list of tests over each of its places. A test has a folder of its own.

use rivulet::web::storage::FileStore;

use crate::random::Random;

/// Makes the tests of the list over the place that `open` opens.
macro_rules! tests_of_a_store {
    ($open:expr) => {
        $crate::store::tests_of_a_store! { $open =>
            what_is_written_is_read
            an_absent_file_is_none
            a_shorter_content_replaces_a_longer_one_whole
            an_empty_file_is_a_file
            a_list_is_in_order_and_has_folders_once
            the_list_of_an_absent_folder_is_empty
            folders_lie_in_folders
            a_removed_file_is_absent_and_its_neighbours_stay
            a_removed_folder_takes_all_below_it_and_no_neighbour
            what_is_absent_can_be_removed
            names_of_all_kinds_are_names
            a_file_of_megabytes_is_whole
            what_is_written_is_there_for_who_opens_the_place_again
            it_says_what_a_map_of_paths_says
        }
    };
    ($open:expr => $($test:ident)*) => {
        $(
            #[wasm_bindgen_test::wasm_bindgen_test]
            async fn $test() {
                let again = || async { $open };
                $crate::store::$test(&$open, again).await;
            }
        )*
    };
}
pub(crate) use tests_of_a_store;

pub async fn what_is_written_is_read(files: &FileStore, _: impl AsyncFn() -> FileStore) {
    for seed in 0..50 {
        let content = Random::seeded(seed).bytes();
        files.write(&["store-written", "f"], &content).await.unwrap();
        assert_eq!(
            files.read(&["store-written", "f"]).await.unwrap(),
            Some(content),
            "seed {seed}"
        );
    }
}

pub async fn an_absent_file_is_none(files: &FileStore, _: impl AsyncFn() -> FileStore) {
    assert_eq!(files.read(&["store-absent", "f"]).await.unwrap(), None);
    files.write(&["store-absent", "g"], b"g").await.unwrap();
    assert_eq!(files.read(&["store-absent", "f"]).await.unwrap(), None);
}

pub async fn a_shorter_content_replaces_a_longer_one_whole(files: &FileStore, _: impl AsyncFn() -> FileStore) {
    let path = ["store-replaced", "f"];
    for content in [&[1; 5000][..], &[2; 10], &[], &[3; 600]] {
        files.write(&path, content).await.unwrap();
        assert_eq!(files.read(&path).await.unwrap().unwrap(), content);
    }
}

pub async fn an_empty_file_is_a_file(files: &FileStore, _: impl AsyncFn() -> FileStore) {
    files.write(&["store-empty", "f"], b"").await.unwrap();
    assert_eq!(files.read(&["store-empty", "f"]).await.unwrap(), Some(vec![]));
    assert_eq!(files.list(&["store-empty"]).await.unwrap(), ["f"]);
}

pub async fn a_list_is_in_order_and_has_folders_once(files: &FileStore, _: impl AsyncFn() -> FileStore) {
    for path in [&["10"][..], &["9"], &["a", "x"], &["a", "y"], &["a.crc"], &["B"]] {
        let path = [&["store-listed"], path].concat();
        files.write(&path, b"-").await.unwrap();
    }
    assert_eq!(
        files.list(&["store-listed"]).await.unwrap(),
        ["10", "9", "B", "a", "a.crc"]
    );
    assert_eq!(files.list(&["store-listed", "a"]).await.unwrap(), ["x", "y"]);
    assert!(files.list(&[]).await.unwrap().contains(&"store-listed".to_owned()));
}

pub async fn the_list_of_an_absent_folder_is_empty(files: &FileStore, _: impl AsyncFn() -> FileStore) {
    assert_eq!(files.list(&["store-nowhere"]).await.unwrap(), [""; 0]);
    assert_eq!(files.list(&["store-nowhere", "below"]).await.unwrap(), [""; 0]);
}

pub async fn folders_lie_in_folders(files: &FileStore, _: impl AsyncFn() -> FileStore) {
    let deep = ["store-deep", "state", "0", "1", "2.delta"];
    files.write(&deep, b"deep").await.unwrap();
    for depth in 1..deep.len() {
        assert_eq!(files.list(&deep[..depth]).await.unwrap(), [deep[depth]]);
    }
    assert_eq!(files.read(&deep).await.unwrap().unwrap(), b"deep");
}

pub async fn a_removed_file_is_absent_and_its_neighbours_stay(files: &FileStore, _: impl AsyncFn() -> FileStore) {
    for name in ["a", "ab", "a.b"] {
        files.write(&["store-removed", name], b"-").await.unwrap();
    }
    files.remove(&["store-removed", "a"]).await.unwrap();
    assert_eq!(files.read(&["store-removed", "a"]).await.unwrap(), None);
    assert_eq!(files.list(&["store-removed"]).await.unwrap(), ["a.b", "ab"]);
}

pub async fn a_removed_folder_takes_all_below_it_and_no_neighbour(files: &FileStore, _: impl AsyncFn() -> FileStore) {
    for path in [
        ["a", "1", "x"],
        ["a", "2", "y"],
        ["a-b", "1", "z"],
        ["ab", "1", "z"],
        ["A", "1", "z"],
    ] {
        files
            .write(&[&["store-folder"][..], &path].concat(), b"-")
            .await
            .unwrap();
    }
    files.remove(&["store-folder", "a"]).await.unwrap();
    assert_eq!(files.list(&["store-folder"]).await.unwrap(), ["A", "a-b", "ab"]);
    assert_eq!(files.list(&["store-folder", "a"]).await.unwrap(), [""; 0]);
    assert_eq!(files.read(&["store-folder", "a", "1", "x"]).await.unwrap(), None);
    assert_eq!(
        files.read(&["store-folder", "ab", "1", "z"]).await.unwrap().unwrap(),
        b"-"
    );
}

pub async fn what_is_absent_can_be_removed(files: &FileStore, _: impl AsyncFn() -> FileStore) {
    files.remove(&["store-never"]).await.unwrap();
    files.remove(&["store-never", "a", "b"]).await.unwrap();
    assert_eq!(files.list(&["store-never"]).await.unwrap(), [""; 0]);
}

pub async fn names_of_all_kinds_are_names(files: &FileStore, _: impl AsyncFn() -> FileStore) {
    let mut names = vec!["with space", "ünï", "%2F", "'q'", "中", "😀", ".hidden", "a,b"];
    for name in &names {
        files.write(&["store-names", name, "f"], name.as_bytes()).await.unwrap();
    }
    for name in &names {
        let found = files.read(&["store-names", name, "f"]).await.unwrap();
        assert_eq!(found.as_deref(), Some(name.as_bytes()), "{name}");
    }
    names.sort_unstable();
    assert_eq!(files.list(&["store-names"]).await.unwrap(), names);
}

pub async fn a_file_of_megabytes_is_whole(files: &FileStore, _: impl AsyncFn() -> FileStore) {
    let mut random = Random::seeded(1);
    let content: Vec<u8> = (0..400_000).flat_map(|_| random.bits().to_le_bytes()).collect();
    files.write(&["store-large", "f"], &content).await.unwrap();
    assert!(
        files.read(&["store-large", "f"]).await.unwrap() == Some(content),
        "3.2 MB came back otherwise"
    );
}

pub async fn what_is_written_is_there_for_who_opens_the_place_again(
    files: &FileStore,
    again: impl AsyncFn() -> FileStore,
) {
    files.write(&["store-again", "f"], b"kept").await.unwrap();
    let other = again().await;
    assert_eq!(other.read(&["store-again", "f"]).await.unwrap().unwrap(), b"kept");
    other.write(&["store-again", "f"], b"new").await.unwrap();
    assert_eq!(files.read(&["store-again", "f"]).await.unwrap().unwrap(), b"new");
}

pub async fn it_says_what_a_map_of_paths_says(files: &FileStore, _: impl AsyncFn() -> FileStore) {
    use std::collections::{BTreeMap, BTreeSet};
    for seed in 0..3 {
        let mut random = Random::seeded(seed);
        let root = format!("store-model-{seed}");
        let mut model: BTreeMap<[&str; 2], Vec<u8>> = BTreeMap::new();
        for _ in 0..80 {
            let path = [
                random.one_of(&["a", "b", "ab"]),
                random.one_of(&["0", "1", "10", "1.crc"]),
            ];
            let whole = [root.as_str(), path[0], path[1]];
            match random.below(5) {
                0 | 1 => {
                    let content = random.bytes();
                    files.write(&whole, &content).await.unwrap();
                    model.insert(path, content);
                }
                2 => {
                    files.remove(&whole).await.unwrap();
                    model.remove(&path);
                }
                3 if random.below(5) == 0 => {
                    files.remove(&whole[..2]).await.unwrap();
                    model.retain(|other, _| other[0] != path[0]);
                }
                3 => {
                    let below = model.keys().filter(|other| other[0] == path[0]).map(|other| other[1]);
                    let expected: BTreeSet<&str> = below.collect();
                    let found = files.list(&whole[..2]).await.unwrap();
                    assert_eq!(found, Vec::from_iter(expected), "seed {seed}");
                }
                _ => assert_eq!(
                    files.read(&whole).await.unwrap(),
                    model.get(&path).cloned(),
                    "seed {seed}"
                ),
            }
        }
        files.remove(&[root.as_str()]).await.unwrap();
        assert_eq!(files.list(&[root.as_str()]).await.unwrap(), [""; 0]);
    }
}
