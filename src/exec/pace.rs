//! When a task that runs lets its executor look at what else has come.
//!
//! An executor has one thread. A task's operators hand on batches as streams; between two batches a stream may say that it is
//! not ready, which every operator above it passes on, and the executor gets the thread back until it asks again. What is
//! computed in one piece, such as a sort, or a function of the user's, is not interrupted.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::task::{Context, Poll};

use futures::{Stream, StreamExt, stream::BoxStream};

/// Says when a task has had the thread for long enough. The host has the clock.
pub trait Pace: fmt::Debug + Send + Sync {
    /// Notes that the task goes on.
    fn begin(&self);
    /// Returns whether the task should stop until its next turn.
    fn is_over(&self) -> bool;
}

/// How long a task has the thread before its executor looks at what has come, ms.
const SLICE_MS: i64 = 30;

/// Slices of 30 ms by the host's clock.
#[derive(Debug)]
pub struct Slices {
    /// Returns the time, ms since any moment.
    now_ms: fn() -> i64,
    /// When the slice began.
    since_ms: AtomicI64,
}

impl Slices {
    /// Returns slices by a clock.
    pub fn new(now_ms: fn() -> i64) -> Self {
        let since_ms = AtomicI64::new(now_ms());
        Self { now_ms, since_ms }
    }
}

impl Pace for Slices {
    fn begin(&self) {
        self.since_ms.store((self.now_ms)(), Relaxed);
    }

    fn is_over(&self) -> bool {
        // A clock that was set back does not stop the task for good.
        !(0..SLICE_MS).contains(&((self.now_ms)() - self.since_ms.load(Relaxed)))
    }
}

/// Makes a stream that stops between items when its task has had the thread for long enough; without a pace it never does.
pub fn paced<T: 'static>(items: BoxStream<'static, T>, pace: Option<&Arc<dyn Pace>>) -> BoxStream<'static, T> {
    match pace {
        None => items,
        Some(pace) => Paced {
            items,
            pace: pace.clone(),
            rested: false,
        }
        .boxed(),
    }
}

/// A stream that stops now and then.
struct Paced<T> {
    /// The items.
    items: BoxStream<'static, T>,
    /// Says when to stop.
    pace: Arc<dyn Pace>,
    /// Whether it has stopped since its last item: it goes on when it is asked again, whoever asks.
    rested: bool,
}

impl<T> Stream for Paced<T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        if !self.rested && self.pace.is_over() {
            self.rested = true;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let next = self.items.poll_next_unpin(context);
        self.rested &= next.is_pending();
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::stream;
    use std::sync::atomic::AtomicBool;

    #[derive(Debug, Default)]
    struct Switch(AtomicBool);

    impl Pace for Switch {
        fn begin(&self) {
            self.0.store(false, Relaxed);
        }

        fn is_over(&self) -> bool {
            self.0.load(Relaxed)
        }
    }

    #[test]
    fn a_stream_stops_once_between_items_and_goes_on_when_it_is_asked_again() {
        let switch = Arc::new(Switch::default());
        let pace: Arc<dyn Pace> = switch.clone();
        let mut items = paced(stream::iter([1, 2, 3]).boxed(), Some(&pace));
        let mut context = Context::from_waker(futures::task::noop_waker_ref());
        let mut ask = || items.poll_next_unpin(&mut context);
        assert_eq!(ask(), Poll::Ready(Some(1)));
        switch.0.store(true, Relaxed);
        assert_eq!(ask(), Poll::Pending);
        assert_eq!(ask(), Poll::Ready(Some(2)), "nobody waits for ever");
        assert_eq!(ask(), Poll::Pending);
        pace.begin();
        assert_eq!((ask(), ask()), (Poll::Ready(Some(3)), Poll::Ready(None)));
    }
}
