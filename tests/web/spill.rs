//! The spill file, and [`Blocks`] in memory and in it.

use std::cell::Cell;
use std::collections::{BTreeSet, HashMap};

use arrow::buffer::Buffer;
use rivulet::cluster::executor::BlockStore;
use rivulet::cluster::states::StateStore;
use rivulet::ids::{DatasetId, KeptId, OperatorId, PartitionId, RunId, StateId, StatePart};
use rivulet::scheduler::BlockId;
use rivulet::web::blocks::Blocks;
use rivulet::web::spill::Room;
use rivulet::web::storage::origin::{child, names, open_sync, origin};
use rivulet::web::{locks, spill};
use wasm_bindgen_test::wasm_bindgen_test;
use web_sys::FileSystemSyncAccessHandle;

use crate::objects::{call, patch};
use crate::random::Random;

/// Lists the spill files that are there.
async fn files() -> Vec<String> {
    let folder = child(&origin().await.unwrap(), "rivulet-spill", true).await.unwrap();
    names(&folder).await.unwrap()
}

/// Leaves a spill file of a worker that is gone.
async fn leave(name: &str) {
    let folder = child(&origin().await.unwrap(), "rivulet-spill", true).await.unwrap();
    let file = open_sync(&folder, name).await.unwrap();
    file.write_with_u8_array(&[1; 100]).unwrap();
    file.close();
}

/// Opens a spill file; the handle tells its size.
async fn opened(lock: &str) -> (Room, FileSystemSyncAccessHandle) {
    let room = spill::open(lock).await.unwrap();
    (room, room.handle().unwrap())
}

#[wasm_bindgen_test]
async fn a_spill_file_opens_empty_whatever_it_had() {
    leave("spill-old").await;
    let file = opened("spill-old").await.1;
    assert_eq!(file.get_size().unwrap(), 0.0);
    file.close();
}

#[wasm_bindgen_test]
async fn files_of_workers_that_are_gone_are_removed_and_those_of_held_locks_stay() {
    let _held = locks::hold("spill-alive").await.unwrap();
    for name in ["spill-alive", "spill-gone", "spill-gone-too"] {
        leave(name).await;
    }
    let (_, own) = opened("spill-own").await;
    let left: BTreeSet<String> = files().await.into_iter().collect();
    assert!(left.contains("spill-alive") && left.contains("spill-own"), "{left:?}");
    assert!(
        !left.contains("spill-gone") && !left.contains("spill-gone-too"),
        "{left:?}"
    );
    own.close();
}

#[wasm_bindgen_test]
async fn a_file_that_a_living_worker_has_open_does_not_stop_another() {
    let _held = locks::hold("spill-open").await.unwrap();
    let (_, open) = opened("spill-open").await;
    let (_, other) = opened("spill-other").await;
    other.close();
    open.close();
}

#[wasm_bindgen_test]
async fn a_lock_of_any_name_has_a_file_that_stays_its_own() {
    let _held = locks::hold("spill/a b:ä").await.unwrap();
    opened("spill/a b:ä").await.1.close();
    opened("spill-after").await.1.close();
    assert!(files().await.contains(&"spill%2Fa%20b%3A%C3%A4".to_owned()));
}

#[wasm_bindgen_test]
async fn without_a_private_file_system_nothing_spills() {
    let none = patch(
        "StorageManager.prototype",
        "getDirectory",
        "async () => { throw new DOMException('no', 'SecurityError'); }",
    );
    let opened = spill::open("spill-none").await;
    drop(none);
    assert!(opened.is_none());
}

fn block(number: usize) -> BlockId {
    BlockId::Kept(KeptId {
        dataset: DatasetId(1),
        partition: PartitionId(number),
    })
}

fn state(number: u64) -> StateId {
    let part = StatePart {
        operator: OperatorId(0),
        partition: PartitionId(0),
    };
    StateId {
        run: RunId(number),
        part,
    }
}

fn found(bytes: &[u8]) -> Option<Buffer> {
    Some(Buffer::from(bytes))
}

/// Makes blocks with a file, and a handle that tells its size.
async fn with_file(lock: &str) -> (Blocks, FileSystemSyncAccessHandle) {
    let (room, file) = opened(lock).await;
    (Blocks::new(Some(room)), file)
}

#[wasm_bindgen_test]
async fn a_block_in_memory_is_not_in_the_file() {
    let (mut blocks, file) = with_file("blocks-memory").await;
    blocks.put(block(1), vec![1; 100], false);
    assert_eq!(blocks.get(block(1)), found(&[1; 100]));
    assert_eq!(file.get_size().unwrap(), 0.0);
    assert_eq!(blocks.get(block(2)), None);
    file.close();
}

#[wasm_bindgen_test]
async fn a_block_for_the_file_is_there_and_comes_back() {
    let (mut blocks, file) = with_file("blocks-file").await;
    blocks.put(block(1), vec![1; 100], true);
    blocks.put(block(2), vec![2; 50], true);
    blocks.put(block(3), vec![], true);
    assert_eq!(file.get_size().unwrap(), 150.0);
    assert_eq!(blocks.get(block(1)), found(&[1; 100]));
    assert_eq!(blocks.get(block(2)), found(&[2; 50]));
    assert_eq!(blocks.get(block(3)), found(&[]));
    file.close();
}

#[wasm_bindgen_test]
async fn a_block_put_again_is_the_new_one_and_its_old_place_is_used_again() {
    let (mut blocks, file) = with_file("blocks-again").await;
    for round in 0..10u8 {
        blocks.put(block(1), vec![round; 100], round % 3 != 2);
        assert_eq!(blocks.get(block(1)), found(&[round; 100]));
    }
    assert_eq!(file.get_size().unwrap(), 200.0);
    file.close();
}

#[wasm_bindgen_test]
async fn what_is_not_wanted_is_dropped_and_its_place_is_used_again() {
    let (mut blocks, file) = with_file("blocks-retain").await;
    for number in 0..10 {
        blocks.put(block(number), vec![number as u8; 100], number % 2 == 0);
    }
    blocks.retain(&|id| id == block(0) || id == block(1));
    assert_eq!(blocks.get(block(0)), found(&[0; 100]));
    assert_eq!(blocks.get(block(1)), found(&[1; 100]));
    assert!((2..10).all(|number| blocks.get(block(number)).is_none()));
    for number in 20..24 {
        blocks.put(block(number), vec![number as u8; 100], true);
    }
    assert_eq!(file.get_size().unwrap(), 500.0);
    assert_eq!(blocks.get(block(0)), found(&[0; 100]));
    file.close();
}

#[wasm_bindgen_test]
async fn state_is_taken_once_and_its_place_is_used_again() {
    let (mut blocks, file) = with_file("blocks-state").await;
    assert!(blocks.takes_state());
    for round in 0..5u8 {
        assert!(blocks.put_state(state(1), &[round; 300]));
        assert_eq!(blocks.take_state(state(1)), found(&[round; 300]));
        assert_eq!(blocks.take_state(state(1)), None);
    }
    assert_eq!(file.get_size().unwrap(), 300.0);
    file.close();
}

#[wasm_bindgen_test]
async fn state_put_twice_is_the_later_one_and_its_earlier_place_is_used_again() {
    let (mut blocks, file) = with_file("blocks-state-twice").await;
    for round in 0..10u8 {
        assert!(blocks.put_state(state(1), &[round; 100]));
    }
    assert_eq!(blocks.take_state(state(1)), found(&[9; 100]));
    assert!(file.get_size().unwrap() <= 200.0, "{} bytes", file.get_size().unwrap());
    file.close();
}

#[wasm_bindgen_test]
async fn operators_write_into_the_file_beside_blocks_and_hear_when_it_is_full() {
    let (mut blocks, file) = with_file("blocks-operators").await;
    let room = blocks.spill_room().unwrap();
    blocks.put(block(1), vec![1; 100], true);
    let at = room.write(&[7; 50]).unwrap();
    blocks.put(block(2), vec![2; 100], true);
    assert_eq!((at, room.read(at, 50).unwrap()), (100, vec![7; 50]));
    room.give(at, 50);
    assert_eq!(room.write(&[8; 40]).unwrap(), at);
    assert_eq!(blocks.get(block(2)), found(&[2; 100]));
    let full = patch("FileSystemSyncAccessHandle.prototype", "write", "() => 0");
    let refused = room.write(&[9; 10]);
    drop(full);
    assert_eq!(refused.unwrap_err().kind(), std::io::ErrorKind::StorageFull);
    assert_eq!(
        room.read(10_000, 10).unwrap_err().kind(),
        std::io::ErrorKind::UnexpectedEof
    );
    assert!(Blocks::new(None).spill_room().is_none());
    file.close();
}

#[wasm_bindgen_test]
fn without_a_file_blocks_stay_in_memory_and_state_is_refused() {
    let mut blocks = Blocks::new(None);
    blocks.put(block(1), vec![1; 10], true);
    assert_eq!(blocks.get(block(1)), found(&[1; 10]));
    assert!(!blocks.takes_state());
    assert!(!blocks.put_state(state(1), b"s"));
    assert_eq!(blocks.take_state(state(1)), None);
}

#[wasm_bindgen_test]
async fn a_file_that_is_full_leaves_blocks_in_memory_and_refuses_state() {
    let (mut blocks, file) = with_file("blocks-full").await;
    let full = patch(
        "FileSystemSyncAccessHandle.prototype",
        "write",
        "(bytes) => bytes.byteLength - 1",
    );
    blocks.put(block(1), vec![1; 10], true);
    let stored = blocks.put_state(state(1), b"state");
    drop(full);
    assert!(!stored);
    assert_eq!(blocks.get(block(1)), found(&[1; 10]));
    assert_eq!(blocks.take_state(state(1)), None);
    blocks.put(block(2), vec![2; 10], true);
    assert_eq!(
        (blocks.get(block(2)), file.get_size().unwrap()),
        (found(&[2; 10]), 10.0)
    );
    file.close();
}

#[wasm_bindgen_test]
async fn a_file_that_has_become_shorter_has_no_such_block() {
    let (mut blocks, file) = with_file("blocks-short").await;
    blocks.put(block(1), vec![1; 10], true);
    file.truncate_with_f64(5.0).unwrap();
    assert_eq!(blocks.get(block(1)), None);
    file.close();
}

/// As many bytes of new blocks as stay in the engine's heap.
const NEW_BYTES: usize = 64 << 20;

#[wasm_bindgen_test]
async fn new_blocks_beyond_a_few_do_not_share_memory_with_the_engine() {
    let heap = || {
        let bytes = call("(memory) => memory.buffer.byteLength", &[wasm_bindgen::memory()]);
        bytes.as_f64().unwrap()
    };
    let mut blocks = Blocks::new(None);
    blocks.put(block(0), vec![1; NEW_BYTES], false);
    let before = heap();
    // More than the heap can grow by without notice, were the blocks kept in it.
    for number in 1..65 {
        blocks.put(block(number), vec![number as u8; 1 << 20], false);
    }
    let grown = heap() - before;
    assert!(grown < 16.0 * 1_048_576.0, "grew by {grown} bytes");
    assert_eq!(blocks.get(block(63)).unwrap().as_slice(), vec![63; 1 << 20]);
}

#[wasm_bindgen_test]
async fn blocks_say_what_a_map_says() {
    for seed in 0..3 {
        let mut random = Random::seeded(seed);
        let (mut blocks, file) = with_file("blocks-model").await;
        let (mut model, mut states) = (HashMap::new(), HashMap::new());
        for step in 0..400 {
            let (number, bytes) = (random.below(12) as usize, random.bytes());
            match random.below(6) {
                0 | 1 => {
                    blocks.put(block(number), bytes.clone(), random.flip());
                    model.insert(block(number), bytes);
                }
                2 => {
                    let kept = Cell::new(random.bits());
                    let wanted = |id: BlockId| kept.get() >> (id.map().0 * 2) & 3 != 0;
                    blocks.retain(&wanted);
                    model.retain(|id, _| wanted(*id));
                }
                3 => {
                    assert!(blocks.put_state(state(number as u64), &bytes));
                    states.insert(state(number as u64), bytes);
                }
                4 => {
                    let expected = states.remove(&state(number as u64)).map(Buffer::from);
                    assert_eq!(
                        blocks.take_state(state(number as u64)),
                        expected,
                        "seed {seed}, step {step}"
                    );
                }
                _ => {
                    let expected = model.get(&block(number)).map(|b| Buffer::from(b.as_slice()));
                    assert_eq!(blocks.get(block(number)), expected, "seed {seed}, step {step}");
                }
            }
        }
        file.close();
    }
}

#[wasm_bindgen_test]
fn a_block_that_is_read_again_stays_in_the_heap_until_it_is_dropped() {
    let mut blocks = Blocks::new(None);
    let id = |dataset| {
        BlockId::Kept(KeptId {
            dataset: DatasetId(dataset),
            partition: PartitionId(0),
        })
    };
    // A new one is where it was made, as long as there are few.
    blocks.put(id(3), vec![0; NEW_BYTES], false);
    assert_eq!(blocks.get(id(3)).unwrap().as_ptr(), blocks.get(id(3)).unwrap().as_ptr());
    blocks.put(id(1), vec![1, 2, 3], false);
    blocks.put(id(2), vec![4], false);
    let read: Vec<Buffer> = (0..4).map(|_| blocks.get(id(1)).unwrap()).collect();
    assert!(read.iter().all(|bytes| bytes.as_slice() == [1, 2, 3]));
    // The first reading is a copy; from the second on, it is one and the same.
    assert_ne!(read[0].as_ptr(), read[1].as_ptr());
    assert!(read[2..].iter().all(|bytes| bytes.as_ptr() == read[1].as_ptr()));
    blocks.retain(&|block| block != id(1));
    assert!(blocks.get(id(1)).is_none());
    assert_eq!(blocks.get(id(2)).unwrap().as_slice(), [4]);
    // A block in its place is another one.
    blocks.put(id(1), vec![9], false);
    assert_eq!(blocks.get(id(1)).unwrap().as_slice(), [9]);
}
