//! [`Timer`]: one time at most, in the place of the one before. Other timers stand beside it, so that "never" is "not
//! before a later one".

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use gloo_timers::callback::Timeout;
use rivulet::web::timer::{Timer, now_ms};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::heard::{Heard, hearing, messages_delivered};

/// Makes a timer that says its name.
fn timer(name: &'static str, hear: &(impl Fn(&'static str) + Clone + 'static)) -> Timer {
    let hear = hear.clone();
    Timer::new(move || hear(name))
}

/// Waits for as long as a timeout takes that is set now.
async fn later(in_ms: u32) {
    let (hear, mut heard) = hearing();
    Timeout::new(in_ms, move || hear(())).forget();
    heard.next().await;
}

#[wasm_bindgen_test]
async fn it_fires_once_when_its_time_has_come() {
    let (hear, mut heard) = hearing();
    let timer = Timer::new(move || hear(now_ms()));
    let at = now_ms() + 20;
    timer.set(Some(at));
    // A timeout's clock and the date's may differ by one.
    assert!(heard.next().await >= at - 1);
    later(40).await;
    assert_eq!(heard.rest(), [0i64; 0]);
}

#[wasm_bindgen_test]
async fn a_new_time_takes_the_place_of_the_one_before() {
    let (hear, mut heard) = hearing();
    let (moved, other) = (timer("moved", &hear), timer("other", &hear));
    moved.set(Some(now_ms() + 5));
    other.set(Some(now_ms() + 20));
    moved.set(Some(now_ms() + 60));
    assert_eq!(heard.some(2).await, ["other", "moved"]);
}

#[wasm_bindgen_test]
async fn an_earlier_time_takes_the_place_of_a_later_one() {
    let (hear, mut heard) = hearing();
    let (moved, other) = (timer("moved", &hear), timer("other", &hear));
    moved.set(Some(now_ms() + 60));
    other.set(Some(now_ms() + 30));
    moved.set(Some(now_ms() + 5));
    assert_eq!(heard.some(2).await, ["moved", "other"]);
    later(70).await;
    assert_eq!(heard.rest(), [""; 0]);
}

#[wasm_bindgen_test]
async fn no_time_clears_it() {
    let (hear, mut heard) = hearing();
    let (cleared, other) = (timer("cleared", &hear), timer("other", &hear));
    cleared.set(Some(now_ms() + 5));
    cleared.set(None);
    other.set(Some(now_ms() + 20));
    assert_eq!(heard.next().await, "other");
}

#[wasm_bindgen_test]
async fn a_time_that_has_passed_fires_but_not_inside_the_call() {
    let (hear, mut heard) = hearing();
    let timer = timer("due", &hear);
    timer.set(Some(now_ms() - 1000));
    assert_eq!(heard.rest(), [""; 0]);
    assert_eq!(heard.next().await, "due");
}

#[wasm_bindgen_test]
async fn a_passed_time_that_is_cleared_before_it_is_delivered_says_nothing() {
    let (hear, mut heard) = hearing();
    let timer = timer("due", &hear);
    timer.set(Some(0));
    timer.set(None);
    messages_delivered().await;
    assert_eq!(heard.rest(), [""; 0]);
}

#[wasm_bindgen_test]
async fn a_passed_time_set_three_times_fires_once() {
    let (hear, mut heard) = hearing();
    let timer = timer("due", &hear);
    for _ in 0..3 {
        timer.set(Some(0));
    }
    heard.next().await;
    messages_delivered().await;
    assert_eq!(heard.rest(), [""; 0]);
}

/// A timer that sets itself again from its own call, `turns` times in all, `in_ms` from then.
fn chain(turns: u32, in_ms: i64) -> (Rc<RefCell<Option<Timer>>>, Heard<u32>) {
    let (hear, heard) = hearing();
    let place: Rc<RefCell<Option<Timer>>> = Rc::default();
    let (turn, own) = (Cell::new(0), Rc::downgrade(&place));
    *place.borrow_mut() = Some(Timer::new(move || {
        turn.set(turn.get() + 1);
        if turn.get() < turns
            && let Some(place) = own.upgrade()
        {
            place.borrow().as_ref().unwrap().set(Some(now_ms() + in_ms));
        }
        hear(turn.get());
    }));
    place.borrow().as_ref().unwrap().set(Some(now_ms() + in_ms));
    (place, heard)
}

#[wasm_bindgen_test]
async fn two_hundred_nested_turns_without_delay_all_fire_in_order_and_are_not_clamped() {
    // A chain of plain timeouts beside it, which the browser clamps to 4 ms each from the fifth on.
    let clamped = Rc::new(Cell::new(0u32));
    fn again(count: Rc<Cell<u32>>) {
        Timeout::new(0, move || {
            count.set(count.get() + 1);
            if count.get() < 200 {
                again(count);
            }
        })
        .forget();
    }
    again(clamped.clone());
    let (_timer, mut heard) = chain(200, 0);
    assert_eq!(heard.some(200).await, (1..=200).collect::<Vec<u32>>());
    assert!(clamped.get() < 100, "{} plain timeouts meanwhile", clamped.get());
}

#[wasm_bindgen_test]
async fn it_can_be_set_again_from_its_own_call() {
    let (_timer, mut heard) = chain(5, 2);
    assert_eq!(heard.some(5).await, [1, 2, 3, 4, 5]);
}

#[wasm_bindgen_test]
async fn a_dropped_timer_is_silent() {
    let (hear, mut heard) = hearing();
    let (soon, due, other) = (timer("soon", &hear), timer("due", &hear), timer("other", &hear));
    soon.set(Some(now_ms() + 5));
    due.set(Some(0));
    drop((soon, due));
    other.set(Some(now_ms() + 20));
    assert_eq!(heard.next().await, "other");
}

#[wasm_bindgen_test]
async fn the_first_of_all_times_fires_and_the_last_does_not() {
    let (hear, mut heard) = hearing();
    let (first, last) = (timer("first", &hear), timer("last", &hear));
    last.set(Some(i64::MAX));
    first.set(Some(i64::MIN));
    assert_eq!(heard.next().await, "first");
    later(20).await;
    assert_eq!(heard.rest(), [""; 0]);
}
