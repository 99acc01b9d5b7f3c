//! [`Port`]: a header and its blobs between two workers.

use arrow::buffer::Buffer;
use js_sys::{Array, Uint8Array};
use rivulet::web::port::{MOVED_BYTES, Originals, Parcel, Port};

/// Bytes from which a blob moves.
const LARGE: usize = MOVED_BYTES as usize;
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;
use web_sys::MessageChannel;

use crate::heard::{Heard, hearing, messages_delivered};
use crate::objects::{bytes, object};
use crate::random::Random;

/// A message as it arrived: header and blobs.
type Message = (Vec<u8>, Vec<Vec<u8>>);

/// Makes blobs of their own for a message.
fn blobs(of: &[Vec<u8>]) -> Array {
    of.iter().map(|blob| bytes(blob)).collect()
}

/// Makes the two ends of a channel: one to send, one that listens.
fn ends() -> (Port, Port, Heard<Message>) {
    let channel = MessageChannel::new().unwrap();
    let (hear, heard) = hearing();
    let mut listens = Port::new(channel.port2());
    listens.listen(move |header, blobs| {
        hear((
            header,
            blobs
                .iter()
                .map(|b| b.unchecked_into::<Uint8Array>().to_vec())
                .collect(),
        ));
    });
    (Port::new(channel.port1()), listens, heard)
}

#[wasm_bindgen_test]
async fn header_and_blobs_arrive_as_they_were_sent() {
    let (port, _listens, mut heard) = ends();
    for seed in 0..200 {
        let mut random = Random::seeded(seed);
        let header = random.bytes();
        let sent: Vec<Vec<u8>> = (0..random.below(6)).map(|_| random.bytes()).collect();
        port.send(&header, &blobs(&sent)).unwrap();
        assert_eq!(heard.next().await, (header, sent), "seed {seed}");
    }
}

#[wasm_bindgen_test]
async fn empty_blobs_keep_their_places() {
    let (port, _listens, mut heard) = ends();
    let sent = vec![vec![], vec![1], vec![], vec![]];
    port.send(b"h", &blobs(&sent)).unwrap();
    assert_eq!(heard.next().await, (b"h".to_vec(), sent));
}

#[wasm_bindgen_test]
async fn a_thousand_blobs_arrive_in_one_message_in_their_order() {
    let (port, _listens, mut heard) = ends();
    let sent: Vec<Vec<u8>> = (0..1000u32).map(|n| n.to_le_bytes().to_vec()).collect();
    port.send(b"many", &blobs(&sent)).unwrap();
    assert_eq!(heard.next().await.1, sent);
}

#[wasm_bindgen_test]
async fn blobs_are_moved_and_leave_the_sender_nothing() {
    let (port, _listens, mut heard) = ends();
    let blob = Uint8Array::from(&[7; 100][..]);
    port.send(b"", &Array::of1(&blob)).unwrap();
    assert_eq!((blob.length(), blob.buffer().byte_length()), (0, 0));
    assert_eq!(heard.next().await.1, [vec![7; 100]]);
}

#[wasm_bindgen_test]
async fn messages_arrive_in_the_order_in_which_they_were_sent() {
    let (port, _listens, mut heard) = ends();
    for n in 0..200 {
        port.send(&[n], &Array::new()).unwrap();
    }
    let headers: Vec<u8> = heard.some(200).await.into_iter().map(|(header, _)| header[0]).collect();
    assert_eq!(headers, (0..200).collect::<Vec<u8>>());
}

#[wasm_bindgen_test]
async fn what_is_sent_before_anyone_listens_is_kept() {
    let channel = MessageChannel::new().unwrap();
    let (port, mut late) = (Port::new(channel.port1()), Port::new(channel.port2()));
    port.send(b"early", &Array::new()).unwrap();
    messages_delivered().await;
    let (hear, mut heard) = hearing();
    late.listen(move |header, _| hear(header));
    assert_eq!(heard.next().await, b"early");
}

#[wasm_bindgen_test]
async fn a_dropped_end_is_closed_and_carries_nothing_more() {
    let channel = MessageChannel::new().unwrap();
    let (hear, mut heard) = hearing();
    let mut listens = Port::new(channel.port2());
    listens.listen(move |header, _| hear(header));
    let message = |header: &[u8]| object(&[("header", bytes(header)), ("blobs", Array::new().into())]);
    let port = Port::new(channel.port1());
    channel.port1().post_message(&message(b"open")).unwrap();
    assert_eq!(heard.next().await, b"open");
    drop(port);
    channel.port1().post_message(&message(b"closed")).unwrap();
    messages_delivered().await;
    assert_eq!(heard.rest(), [[0u8; 0]; 0]);
}

#[wasm_bindgen_test]
async fn a_dropped_end_hears_nothing_more() {
    let (port, listens, mut heard) = ends();
    port.send(b"1", &Array::new()).unwrap();
    drop(listens);
    messages_delivered().await;
    assert_eq!(heard.rest(), []);
}

#[wasm_bindgen_test]
async fn a_message_of_another_shape_is_an_empty_header_without_blobs() {
    let channel = MessageChannel::new().unwrap();
    let (hear, mut heard) = hearing();
    let mut port = Port::new(channel.port2());
    port.listen(move |header, blobs| hear((header, blobs.length())));
    let shapes = [
        JsValue::NULL,
        JsValue::UNDEFINED,
        5.into(),
        "text".into(),
        object(&[]),
        object(&[("header", "text".into()), ("blobs", 3.into())]),
        object(&[
            ("header", Array::of1(&1.into()).into()),
            ("blobs", object(&[("length", 9.into())])),
        ]),
    ];
    for shape in &shapes {
        channel.port1().post_message(shape).unwrap();
        assert_eq!(heard.next().await, (vec![], 0), "{shape:?}");
    }
}

#[wasm_bindgen_test]
async fn two_views_of_one_buffer_are_refused_and_the_port_goes_on() {
    let (port, _listens, mut heard) = ends();
    let whole = Uint8Array::from(&[1, 2, 3, 4][..]);
    assert!(
        port.send(b"bad", &Array::of2(&whole.subarray(0, 2), &whole.subarray(2, 4)))
            .is_err()
    );
    port.send(b"good", &Array::new()).unwrap();
    assert_eq!(heard.next().await.0, b"good");
}

#[wasm_bindgen_test]
async fn a_large_buffer_whose_blob_was_taken_comes_back_and_is_filled_again() {
    let channel = MessageChannel::new().unwrap();
    let (mut one, mut other) = (Port::new(channel.port1()), Port::new(channel.port2()));
    let (hear, mut heard) = hearing();
    other.listen(move |_, blobs| {
        let blob: Uint8Array = blobs.get(0).unchecked_into();
        hear((blob.to_vec(), blob.buffer().byte_length()));
        blobs.set_length(0);
    });
    let (answered, mut answers) = hearing();
    one.listen(move |header, _| answered(header));
    let mut capacities = vec![];
    for (n, length) in [(1u8, 100_000), (2, 90_000), (3, 101_000), (4, 10)] {
        let sent = vec![n; length];
        one.send_copies(&[Parcel::new(vec![], vec![sent.clone().into()])], |_| None)
            .unwrap();
        let (got, capacity) = heard.next().await;
        assert_eq!(got, sent, "nothing of the blob before is left");
        capacities.push(capacity);
        other.send(&[n], &Array::new()).unwrap();
        assert_eq!(answers.next().await, [n]);
    }
    assert!(capacities[0] >= 100_000);
    assert_eq!(capacities, [capacities[0], capacities[0], capacities[0], 10]);
}

#[wasm_bindgen_test]
async fn a_buffer_whose_blob_is_kept_does_not_go_back() {
    let channel = MessageChannel::new().unwrap();
    let (mut one, mut other) = (Port::new(channel.port1()), Port::new(channel.port2()));
    let (hear, mut heard) = hearing();
    other.listen(move |_, blobs| hear(blobs));
    let (answered, mut answers) = hearing();
    one.listen(move |header, _| answered(header));
    one.send_copies(&[Parcel::new(vec![], vec![vec![7u8; 100_000].into()])], |_| None)
        .unwrap();
    let kept = heard.next().await;
    other.send(b"answer", &Array::new()).unwrap();
    assert_eq!(answers.next().await, b"answer");
    one.send_copies(&[Parcel::new(vec![], vec![vec![8u8; 100_000].into()])], |_| None)
        .unwrap();
    heard.next().await;
    let kept: Uint8Array = kept.get(0).unchecked_into();
    assert_eq!(kept.to_vec(), vec![7; 100_000]);
}

#[wasm_bindgen_test]
async fn messages_that_are_posted_at_once_arrive_one_by_one_in_their_order() {
    let (port, _listens, mut heard) = ends();
    let sent: Vec<Message> = (1..4u8)
        .map(|n| (vec![n], vec![vec![n; 70_000], vec![], vec![n; 3]]))
        .collect();
    let messages: Vec<_> = sent
        .iter()
        .map(|(header, blobs)| Parcel::new(header.clone(), blobs.iter().cloned().map(Into::into).collect()))
        .collect();
    port.send_copies(&[], |_| None).unwrap();
    port.send_copies(&messages, |_| None).unwrap();
    port.send(b"after", &Array::new()).unwrap();
    for message in sent {
        assert_eq!(heard.next().await, message);
    }
    assert_eq!(heard.next().await, (b"after".to_vec(), vec![]));
}

#[wasm_bindgen_test]
async fn a_block_that_came_as_it_is_sent_moves_on_once_and_is_copied_after_that() {
    let (port, _listens, mut heard) = ends();
    let mut originals = Originals::default();
    let (one, other): (Buffer, Buffer) = (vec![1u8; LARGE].into(), vec![1u8; LARGE].into());
    let came = Uint8Array::from(&[1; LARGE][..]);
    originals.keep(one.clone(), came.clone());
    assert!(originals.take(&other).is_none(), "equal bytes are not the block");
    assert!(originals.take(&one.slice(1)).is_none(), "nor is a part of it");
    for _ in 0..2 {
        port.send_copies(&[Parcel::new(vec![], vec![one.clone()])], |blob| originals.take(blob))
            .unwrap();
        assert_eq!(heard.next().await.1, [[1; LARGE]]);
        assert_eq!(came.length(), 0, "the first time it moved");
    }
}

#[wasm_bindgen_test]
fn originals_are_kept_up_to_a_limit_the_oldest_leave() {
    let mut originals = Originals::default();
    let blocks: Vec<Buffer> = (0..40u8).map(|n| Buffer::from(vec![n; 8 << 20])).collect();
    for block in &blocks {
        originals.keep(block.clone(), Uint8Array::new_with_length(1));
    }
    let kept = blocks.iter().filter(|block| originals.take(block).is_some()).count();
    assert_eq!(kept, 32, "256 MiB");
    assert!(originals.take(&blocks[39]).is_none(), "taken once");
}

#[wasm_bindgen_test]
fn originals_of_blocks_that_nobody_holds_leave() {
    let mut originals = Originals::default();
    // Their memory is used again, so that a block could be taken for one of them.
    for n in 0..1000u32 {
        originals.keep(Buffer::from(n.to_le_bytes().to_vec()), Uint8Array::new_with_length(4));
    }
    assert!(originals.len() <= 16, "{} are kept", originals.len());
    let held = Buffer::from(vec![0; 1 << 20]);
    originals.keep(held.clone(), Uint8Array::new_with_length(1));
    originals.keep(Buffer::from(vec![0; 40 << 20]), Uint8Array::new_with_length(1));
    originals.sweep_large();
    assert_eq!(originals.len(), 1, "the large one is let go at once");
    assert!(originals.take(&held).is_some());
}
