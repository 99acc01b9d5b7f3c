//! Items that the page brings once a query asks for them: those of an iterable, of another program's client, or events.
//!
//! The page is asked to begin after an offset, as a server of events is: the one that the last durable item had, as the page named it.
//! Each block has the offset of its last item as its mark, so an item counts just when its offset does. Where the page can begin after
//! any offset, each item is there exactly once, whatever happens to the page. Where it cannot, it learns how many of its blocks are
//! durable, and acknowledges their items to whoever sent them.
//!
//! ```text
//! Open { after } ──▶ page ──Block { offset, data }──▶ queue, write-ahead log
//!                     ▲ ◀──── Credit { taken } ────────┤  a full queue says it later: the page waits
//!                     └ ◀──── Credit { durable } ──────┘
//! ```
//!
//! A page that fails ends the query, after all that came before is processed.

use arrow::buffer::Buffer;
use serde_json::{Value, json};

use super::marked;
use super::options::{Kind, Opt, Options, RECORD_FORMAT};
use super::queue::{Queue, QueueSource};
use super::{Ask, Definition, Event, Guarantee, Heard, Records, Source, StreamSpec};
use crate::error::{Result, SparkError};

/// By which the page finds what it shall read.
const PAGE_SOURCE: Opt = Opt::new("pageSource", Kind::Text, None, "Names what the page reads.");
/// What users call it.
const NAME: Opt = Opt::new(
    "name",
    Kind::Text,
    Some("the number of the source"),
    "Names the source in progress and errors.",
);

/// What the page reads for a query.
pub const PAGE: Definition = Definition {
    name: "rivulet.page",
    about: "Has the items of an iterable, of a client or of events, which the page reads while a query wants them.",
    options: &[
        PAGE_SOURCE,
        NAME,
        RECORD_FORMAT,
        Queue::MAX_BLOCKS,
        Queue::MAX_OFFSETS,
        Queue::MAX_BYTES,
        Queue::MAX_QUEUE,
        Queue::DEAD_LETTERS,
    ],
    records: Records::Chosen,
    offset: "the number of blocks, and the page's own offset of the last item",
    guarantee: Guarantee::Logged,
    orders: false,
    passes: None,
    check: |_| Ok(()),
    open,
    recall: Queue::recall,
    table: None,
};

/// What is asked of the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PageAsk {
    /// Begins to read.
    Open {
        /// What the page shall read, by its own name.
        source: String,
        /// The offset of the last item that will not be asked for again; null to begin at the beginning.
        after: Value,
        /// Whether the page will hear what is durable.
        is_logged: bool,
    },
    /// Says what has become of the blocks of this connection.
    Credit {
        /// How many are taken: the page waits while too many are not.
        taken: i64,
        /// How many are durable; `None` if no checkpoint makes them so.
        durable: Option<i64>,
    },
}

/// What the page says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PageEvent {
    /// Items.
    Block {
        /// The offset of the last of them; null if they have none.
        offset: Value,
        /// Their records.
        data: Vec<u8>,
        /// How many items the page had no room for, before these.
        dropped: u64,
    },
    /// The page waits for more items.
    CaughtUp,
    /// No more will come.
    Ended,
    /// No more will come, because of an error.
    Failed(Box<SparkError>),
}

/// Makes the source.
fn open(spec: &StreamSpec, _: i64) -> Result<Box<dyn Source>> {
    let options = Options(&spec.options);
    let id = options.text(&PAGE_SOURCE).unwrap_or_default().to_owned();
    let queue = Queue::of(&spec.options);
    Ok(Box::new(PageSource {
        name: options.text(&NAME).map_or_else(|| id.clone(), str::to_owned),
        id,
        after: Value::Null,
        before: 0,
        came: 0,
        taken: 0,
        is_held: false,
        queue,
    }))
}

/// What a page reads for one source of a query.
#[derive(Debug)]
struct PageSource {
    /// What users call it.
    name: String,
    /// What the page calls it.
    id: String,
    /// The offset of the last item of the run before.
    after: Value,
    /// How many blocks came in earlier runs.
    before: i64,
    /// How many blocks came in this one.
    came: i64,
    /// How many of them the page was told of.
    taken: i64,
    /// Whether the page waits for room.
    is_held: bool,
    /// Blocks that no batch has taken.
    queue: Queue,
}

impl PageSource {
    /// Says how many blocks are taken, and how many are durable.
    fn credit(&self) -> Ask {
        Ask::Page(PageAsk::Credit {
            taken: self.taken,
            durable: self.durable(),
        })
    }

    /// Returns how many blocks of this run are durable; `None` without a checkpoint.
    fn durable(&self) -> Option<i64> {
        self.queue.durable().map(|count| (count - self.before).max(0))
    }
}

impl QueueSource for PageSource {
    fn name(&self) -> String {
        format!("page[{}]", self.name)
    }

    fn waiting(&self) -> &Queue {
        &self.queue
    }

    fn waiting_mut(&mut self) -> &mut Queue {
        &mut self.queue
    }

    fn offset(&self, blocks: i64) -> Value {
        json!({ "blocks": blocks, "offset": marked::mark_at(&self.queue, blocks) })
    }

    fn resume(&mut self, start: &Value) {
        self.after = marked::last_mark(&self.queue).unwrap_or_else(|| start["offset"].clone());
        self.before = self.queue.durable().unwrap_or(0);
    }

    fn records(&self, blocks: Vec<Buffer>) -> Result<Vec<Buffer>> {
        Ok(blocks.into_iter().map(marked::data).collect())
    }

    fn begin(&mut self, _: i64) -> Vec<Ask> {
        self.queue.is_coming = true;
        vec![Ask::Page(PageAsk::Open {
            source: self.id.clone(),
            after: self.after.clone(),
            is_logged: self.queue.durable().is_some(),
        })]
    }

    fn hear(&mut self, event: Event, _: i64) -> Result<Heard> {
        let mut heard = Heard::default();
        let Event::Page(event) = event else { return Ok(heard) };
        self.queue.is_coming = matches!(event, PageEvent::Block { .. });
        match event {
            PageEvent::Block { offset, data, dropped } => {
                self.came += 1;
                self.queue.count_dropped(dropped);
                let block = marked::block(&offset, &data);
                self.is_held = self.is_held || self.queue.must_hold(block.len());
                heard.blocks.push(block);
                if !self.is_held {
                    self.taken = self.came;
                    heard.asks.push(self.credit());
                }
            }
            PageEvent::CaughtUp => {}
            PageEvent::Ended => self.queue.ended = true,
            PageEvent::Failed(error) => self.queue.failure = Some(*error),
        }
        Ok(heard)
    }

    fn acknowledge(&mut self, _: i64) -> Vec<Ask> {
        vec![self.credit()]
    }

    fn due_at(&self) -> Option<i64> {
        (self.is_held && self.queue.has_room()).then_some(i64::MIN)
    }

    fn due(&mut self, _: i64) -> Vec<Ask> {
        if self.due_at().is_none() {
            return vec![];
        }
        self.is_held = false;
        self.taken = self.came;
        vec![self.credit()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::Memory;
    use crate::storage::files::NoFiles;
    use crate::storage::wal::Kept;

    fn source(options: &[(&str, &str)]) -> Box<dyn Source> {
        let options = options.iter().chain(&[("pagesource", "page-0"), ("name", "orders")]);
        let spec = StreamSpec {
            format: "rivulet.page".into(),
            path: None,
            options: options.map(|(k, v)| ((*k).into(), (*v).into())).collect(),
        };
        open(&spec, 0).unwrap()
    }

    fn opens_after(asks: &[Ask]) -> (Value, bool) {
        let [
            Ask::Page(PageAsk::Open {
                source,
                after,
                is_logged,
            }),
        ] = asks
        else {
            panic!("{asks:?} opens the source")
        };
        assert_eq!(source, "page-0");
        (after.clone(), *is_logged)
    }

    /// Hears a block, as the driver lets it.
    fn hear(source: &mut dyn Source, offset: Value, data: &str) -> Vec<Ask> {
        let block = PageEvent::Block {
            offset,
            data: data.into(),
            dropped: 0,
        };
        let heard = source.heard(Event::Page(block), 0).unwrap();
        for block in heard.blocks {
            source.queue().unwrap().push(block);
        }
        heard.asks
    }

    fn credit(taken: i64, durable: Option<i64>) -> Ask {
        Ask::Page(PageAsk::Credit { taken, durable })
    }

    #[test]
    fn offsets_are_kept_with_their_items_and_a_restart_begins_after_the_last_that_is_durable() {
        let mut first = source(&[]);
        assert_eq!(opens_after(&first.open(0)), (Value::Null, false));
        assert_eq!(hear(&mut *first, json!(3), "{\"a\":3}\n"), [credit(1, None)]);
        assert_eq!(hear(&mut *first, json!("x"), "{\"a\":4}\n"), [credit(2, None)]);
        let (end, _) = first.plan(&Value::Null, 0, true);
        assert_eq!(end, json!({ "blocks": 2, "offset": "x" }));
        let read = first.read(&Value::Null, &end, &NoFiles).unwrap();
        let read: Vec<&[u8]> = read.iter().map(Buffer::as_slice).collect();
        assert_eq!(read, [b"{\"a\":3}\n", b"{\"a\":4}\n"]);

        // A batch took the first; the log has both.
        let kept = Kept {
            blocks: [marked::block(&json!("x"), b"{\"a\":4}\n")].into(),
            durable: 2,
            ..Kept::default()
        };
        let start = json!({ "blocks": 1, "offset": 3 });
        let mut second = source(&[]);
        second.restore("/c/sources/0".into(), &start, &Memory::of(kept));
        assert_eq!(opens_after(&second.open(0)), (json!("x"), true));
        // All were taken.
        let mut third = source(&[]);
        let kept = Kept {
            durable: 2,
            ..Kept::default()
        };
        third.restore("/c/sources/0".into(), &end, &Memory::of(kept));
        assert_eq!(opens_after(&third.open(0)), (json!("x"), true));
    }

    #[test]
    fn the_page_hears_how_many_blocks_of_this_run_are_durable() {
        let mut source = source(&[]);
        let kept = Kept {
            durable: 5,
            ..Kept::default()
        };
        source.restore("/c".into(), &json!({ "blocks": 5, "offset": 5 }), &Memory::of(kept));
        source.open(0);
        assert_eq!(hear(&mut *source, json!(6), "{}\n"), [credit(1, Some(0))]);
        source.queue().unwrap().written();
        assert_eq!(source.received(6), [credit(1, Some(1))]);
    }

    #[test]
    fn a_page_that_is_too_fast_waits_until_half_of_what_waits_is_processed() {
        let mut source = source(&[("maxqueuebytes", "40")]);
        // Each block has ten bytes.
        for taken in 1..=4 {
            assert_eq!(hear(&mut *source, json!(0), "1234567\n"), [credit(taken, None)]);
        }
        assert_eq!(hear(&mut *source, json!(0), "1234567\n"), []);
        assert_eq!((source.wake_at(), source.wake(0)), (None, vec![]));
        source.read(&Value::Null, &json!({ "blocks": 2 }), &NoFiles).unwrap();
        assert_eq!(source.wake_at(), None, "30 of 40 bytes wait");
        source
            .read(&json!({ "blocks": 2 }), &json!({ "blocks": 3 }), &NoFiles)
            .unwrap();
        assert_eq!(source.wake_at(), Some(i64::MIN));
        assert_eq!(source.wake(0), [credit(5, None)]);
        assert_eq!(source.wake_at(), None);
    }

    #[test]
    fn what_the_page_says_of_itself_is_kept_and_items_that_it_dropped_are_counted() {
        let mut source = source(&[]);
        source.open(0);
        let is_coming = |source: &mut Box<dyn Source>| source.queue().unwrap().is_coming;
        assert!(is_coming(&mut source), "before the page has said anything");
        source.heard(Event::Page(PageEvent::CaughtUp), 0).unwrap();
        assert!(!is_coming(&mut source));
        let block = PageEvent::Block {
            offset: Value::Null,
            data: b"{}\n".to_vec(),
            dropped: 3,
        };
        source.heard(Event::Page(block), 0).unwrap();
        assert!(is_coming(&mut source));
        assert_eq!(source.queue().unwrap().take_counts(), [0, 0, 3]);
        let error = SparkError::internal("gone");
        let failed = PageEvent::Failed(Box::new(error.clone()));
        source.heard(Event::Page(failed), 0).unwrap();
        assert_eq!(source.queue().unwrap().failure, Some(error));
    }
}
