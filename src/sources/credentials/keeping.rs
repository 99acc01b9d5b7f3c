//! Keeps what the page's functions return, until shortly before it expires, and says when to ask the page: once at a time for each
//! function and server, whoever waits.
//!
//! ```text
//!             want                        answered
//!   nothing ───────▶ asked, others wait ───────────▶ kept ──▶ want: the same, until it is due or refused
//!                        ▲                             │
//!                        └──── want: due, or refused ──┘       forget: nothing is kept
//! ```

use std::collections::BTreeMap;

use super::{Held, Wanted};

/// Most functions and servers whose credentials are kept.
const MOST_KEPT: usize = 64;

/// Why the page is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Nothing is kept.
    First,
    /// What is kept is due.
    Expiring,
    /// A server has refused what is kept.
    Refused,
}

impl Reason {
    /// Returns the word that the page's function hears.
    pub fn word(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Expiring => "expiring",
            Self::Refused => "refused",
        }
    }
}

/// What whoever needs credentials does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Takes these.
    Use(Held),
    /// Asks the page under a number, and waits.
    Ask(u64, Reason),
    /// Waits: the page is asked already.
    Wait,
}

/// What is known of one function for one server.
#[derive(Debug)]
struct Entry<W> {
    /// What it has returned last.
    held: Option<Held>,
    /// The number of the question that is open.
    asked: Option<u64>,
    /// Who waits for its answer.
    waiting: Vec<W>,
}

/// What is kept; `W` is whoever waits.
#[derive(Debug)]
pub struct Keeper<W> {
    /// By what is wanted.
    entries: BTreeMap<Wanted, Entry<W>>,
    /// The number of the next question.
    next: u64,
}

impl<W> Default for Keeper<W> {
    fn default() -> Self {
        Self {
            entries: BTreeMap::new(),
            next: 1,
        }
    }
}

impl<W> Keeper<W> {
    /// Decides what whoever needs credentials does, to whom `refused` was refused. Who does not take what is kept waits for
    /// [`Keeper::answered`].
    pub fn want(&mut self, wanted: &Wanted, refused: Option<u64>, now_ms: i64, waiter: W) -> Step {
        self.make_room(wanted);
        let entry = self.entries.entry(wanted.clone()).or_insert_with(|| Entry {
            held: None,
            asked: None,
            waiting: vec![],
        });
        let reason = match &entry.held {
            Some(held) if refused.is_some_and(|serial| held.serial <= serial) => Reason::Refused,
            Some(held) if now_ms >= held.until_ms => Reason::Expiring,
            Some(held) => return Step::Use(held.clone()),
            None if refused.is_some() => Reason::Refused,
            None => Reason::First,
        };
        entry.waiting.push(waiter);
        if entry.asked.is_some() {
            return Step::Wait;
        }
        let id = self.next;
        self.next += 1;
        entry.asked = Some(id);
        Step::Ask(id, reason)
    }

    /// Takes in the answer to a question, `None` if it is an error, and returns who waits for it: each is handed the answer as it is,
    /// however soon it is due. An answer to another question changes nothing.
    pub fn answered(&mut self, id: u64, held: Option<Held>) -> Vec<W> {
        let found = self.entries.iter_mut().find(|(_, entry)| entry.asked == Some(id));
        let Some((wanted, entry)) = found else { return vec![] };
        entry.asked = None;
        let waiting = std::mem::take(&mut entry.waiting);
        match held {
            Some(held) => entry.held = Some(held),
            None => {
                let wanted = wanted.clone();
                self.entries.remove(&wanted);
            }
        }
        waiting
    }

    /// Forgets what a function has returned; who waits, waits on.
    pub fn forget(&mut self, name: &str) {
        self.entries.retain(|wanted, entry| {
            if wanted.name == name {
                entry.held = None;
            }
            entry.held.is_some() || entry.asked.is_some()
        });
    }

    /// Makes room for another: what is due first is forgotten, and asked for again by whoever needs it.
    fn make_room(&mut self, wanted: &Wanted) {
        if self.entries.len() < MOST_KEPT || self.entries.contains_key(wanted) {
            return;
        }
        let idle = self.entries.iter().filter(|(_, entry)| entry.asked.is_none());
        let due = idle.min_by_key(|(_, entry)| entry.held.as_ref().map_or(i64::MIN, |held| held.until_ms));
        if let Some(first) = due.map(|(wanted, _)| wanted.clone()) {
            self.entries.remove(&first);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::System;
    use super::*;

    fn wanted(name: &str) -> Wanted {
        Wanted {
            name: name.into(),
            system: System::Kafka,
            url: "https://h".into(),
        }
    }

    fn held(serial: u64, until_ms: i64) -> Held {
        Held {
            serial,
            asked_ms: 0,
            until_ms,
            values: [].into(),
        }
    }

    /// Keeps one function's credentials; who waits has a letter.
    #[derive(Default)]
    struct One(Keeper<char>);

    impl One {
        fn want(&mut self, refused: Option<u64>, now_ms: i64, waiter: char) -> Step {
            self.0.want(&wanted("orders"), refused, now_ms, waiter)
        }
    }

    #[test]
    fn the_page_is_asked_once_whoever_waits_and_all_are_handed_the_answer() {
        let mut keeper = One::default();
        assert_eq!(keeper.want(None, 0, 'a'), Step::Ask(1, Reason::First));
        assert_eq!(keeper.want(None, 5, 'b'), Step::Wait);
        assert_eq!(keeper.want(Some(9), 5, 'c'), Step::Wait);
        assert_eq!(keeper.0.answered(7, Some(held(1, 100))), Vec::<char>::new());
        assert_eq!(keeper.0.answered(1, Some(held(10, 100))), ['a', 'b', 'c']);
        assert_eq!(keeper.0.answered(1, Some(held(11, 100))), Vec::<char>::new());
        assert_eq!(keeper.want(None, 99, 'd'), Step::Use(held(10, 100)));
    }

    #[test]
    fn what_is_kept_is_used_until_it_is_due_and_asked_for_anew_then() {
        let mut keeper = One::default();
        keeper.want(None, 0, 'a');
        keeper.0.answered(1, Some(held(1, 100)));
        assert_eq!(keeper.want(None, 99, 'b'), Step::Use(held(1, 100)));
        assert_eq!(keeper.want(None, 100, 'c'), Step::Ask(2, Reason::Expiring));
        assert_eq!(keeper.want(None, 101, 'd'), Step::Wait);
        assert_eq!(keeper.0.answered(2, Some(held(2, 200))), ['c', 'd']);
        assert_eq!(keeper.want(None, 101, 'e'), Step::Use(held(2, 200)));
    }

    #[test]
    fn what_is_refused_is_asked_for_anew_by_the_first_and_others_take_what_came_since() {
        let mut keeper = One::default();
        keeper.want(None, 0, 'a');
        keeper.0.answered(1, Some(held(1, 100)));
        assert_eq!(keeper.want(Some(1), 10, 'b'), Step::Ask(2, Reason::Refused));
        assert_eq!(keeper.0.answered(2, Some(held(2, 100))), ['b']);
        assert_eq!(keeper.want(Some(1), 11, 'c'), Step::Use(held(2, 100)));
        assert_eq!(keeper.want(Some(2), 12, 'd'), Step::Ask(3, Reason::Refused));
    }

    #[test]
    fn an_error_reaches_all_who_wait_and_nothing_is_kept_of_it() {
        let mut keeper = One::default();
        keeper.want(None, 0, 'a');
        keeper.want(None, 0, 'b');
        assert_eq!(keeper.0.answered(1, None), ['a', 'b']);
        assert_eq!(keeper.want(None, 1, 'c'), Step::Ask(2, Reason::First));
        keeper.0.answered(2, Some(held(2, 100)));
        assert_eq!(keeper.want(Some(2), 1, 'd'), Step::Ask(3, Reason::Refused));
        assert_eq!(keeper.0.answered(3, None), ['d']);
        assert_eq!(keeper.want(None, 1, 'e'), Step::Ask(4, Reason::First));
    }

    #[test]
    fn what_a_function_has_returned_is_forgotten_with_it_and_who_waits_is_not() {
        let mut keeper = One::default();
        keeper.want(None, 0, 'a');
        keeper.0.answered(1, Some(held(1, 100)));
        keeper.0.forget("others");
        assert_eq!(keeper.want(None, 1, 'b'), Step::Use(held(1, 100)));
        keeper.0.forget("orders");
        assert_eq!(keeper.want(None, 1, 'b'), Step::Ask(2, Reason::First));
        keeper.0.forget("orders");
        assert_eq!(keeper.0.answered(2, Some(held(2, 100))), ['b']);
    }

    #[test]
    fn functions_and_servers_are_kept_apart_and_not_more_than_there_is_room_for() {
        let mut keeper = Keeper::default();
        let kinesis = Wanted {
            system: System::Kinesis,
            ..wanted("orders")
        };
        let elsewhere = Wanted {
            url: "https://g".into(),
            ..wanted("orders")
        };
        for (n, wanted) in [wanted("orders"), kinesis, elsewhere].iter().enumerate() {
            let id = n as u64 + 1;
            assert_eq!(keeper.want(wanted, None, 0, n), Step::Ask(id, Reason::First));
            assert_eq!(keeper.answered(id, Some(held(id, 1_000 + n as i64))), [n]);
        }
        for n in 0..MOST_KEPT {
            keeper.want(&wanted(&format!("f{n}")), None, 0, n);
            let id = keeper.next - 1;
            keeper.answered(id, Some(held(id, 2_000)));
            assert!(keeper.entries.len() <= MOST_KEPT);
        }
        // Those that were due first had to go.
        assert!(matches!(keeper.want(&wanted("orders"), None, 0, 0), Step::Ask(..)));
        assert!(matches!(keeper.want(&wanted("f9"), None, 0, 0), Step::Use(_)));
    }
}
