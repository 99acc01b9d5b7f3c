//! One timer that can be moved.
//!
//! Timers of dedicated workers are not throttled in hidden tabs as the page's are. A time that has come already is delivered
//! through a channel, without the clamp that browsers put on nested timeouts.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use gloo_timers::callback::Timeout;
use wasm_bindgen::prelude::*;
use web_sys::{MessageChannel, MessageEvent};

type Hears = Closure<dyn FnMut(MessageEvent)>;

/// A timer with one time, or none.
pub struct Timer {
    due: Rc<dyn Fn()>,
    /// The time that it is set to, until that has come.
    at_ms: Rc<Cell<Option<i64>>>,
    /// Counts changes of the time: what was posted for an earlier one says nothing.
    turn: Rc<Cell<u32>>,
    pending: RefCell<Option<Timeout>>,
    /// Where the browser makes one.
    channel: Option<(MessageChannel, Hears)>,
}

impl Timer {
    /// Makes a timer that calls `due` when its time comes.
    pub fn new(due: impl Fn() + 'static) -> Self {
        let (at_ms, turn) = (Rc::new(Cell::new(None)), Rc::new(Cell::new(0)));
        let own = at_ms.clone();
        let due: Rc<dyn Fn()> = Rc::new(move || {
            own.set(None);
            due();
        });
        let (call, current) = (due.clone(), turn.clone());
        let hears = Hears::new(move |event: MessageEvent| {
            if event.data().as_f64() == Some(f64::from(current.get())) {
                call();
            }
        });
        let channel = MessageChannel::new().ok().map(|channel| {
            channel.port1().set_onmessage(Some(hears.as_ref().unchecked_ref()));
            (channel, hears)
        });
        Self {
            due,
            at_ms,
            turn,
            pending: RefCell::new(None),
            channel,
        }
    }

    /// Sets the time, ms since the epoch, in place of the one before; `None` clears it. Setting the time that it has costs nothing.
    pub fn set(&self, at_ms: Option<i64>) {
        if self.at_ms.replace(at_ms) == at_ms {
            return;
        }
        // Dropping a timeout cancels it.
        *self.pending.borrow_mut() = None;
        self.turn.set(self.turn.get().wrapping_add(1));
        let Some(at_ms) = at_ms else { return };
        let delay_ms = at_ms.saturating_sub(now_ms());
        if let (true, Some((channel, _))) = (delay_ms <= 0, &self.channel) {
            let turn = f64::from(self.turn.get());
            if channel.port2().post_message(&turn.into()).is_ok() {
                return;
            }
        }
        let delay_ms = delay_ms.clamp(0, i64::from(i32::MAX)) as u32;
        let due = self.due.clone();
        *self.pending.borrow_mut() = Some(Timeout::new(delay_ms, move || due()));
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        if let Some((channel, _)) = &self.channel {
            channel.port1().close();
        }
    }
}

/// Returns the time, ms since the epoch.
pub fn now_ms() -> i64 {
    js_sys::Date::now() as i64
}
