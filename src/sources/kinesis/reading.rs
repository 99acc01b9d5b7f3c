//! How a host reads shards: how far each can be read, without keeping what it reads, and then the records up to there.
//!
//! Kinesis does not say which record of a shard is the last: that is known once the shard is read. So a batch is planned by reading
//! ahead, its end per shard becomes durable, and only then are its records read, from one sequence number up to another: they are the
//! same whenever the batch runs again. The price is that each record is read twice.

use arrow::buffer::Buffer;
use futures::future::try_join_all;

use super::client::{Client, Trouble};
use super::exchange::{Look, Order, Question, Reach, Shard};
use super::positions::{Position, compare};
use super::rows::{self, Record};
use super::shards::{is_read_through, positions, readable};
use super::{data_loss, unanswered};
use crate::error::Result as Read;
use crate::sources::http::Http;
use crate::sources::systems::Refused;

/// Shards that are read at the same time.
const AT_ONCE: usize = 16;
/// Most bytes of a shard in a batch, about: half of what a task can take.
const BATCH_BYTES: usize = 512 << 20;
/// Bytes of a block of rows, about.
const BLOCK_BYTES: usize = 8 << 20;
/// Most bytes that one task reads.
const MOST_BYTES: usize = 1 << 30;
/// How long a shard is read on through pages without records, ms: a look takes it for one that has none then, and a task fails.
const EMPTY_MS: i64 = 300_000;
/// How often an iterator may expire in a row.
const MOST_EXPIRIES: u32 = 3;
/// How long a task waits for a record that was there when its batch was planned, ms.
const MISSING_MS: i64 = 10_000;

/// Reads one shard from a position on.
struct Reader<'a, H> {
    /// The stream's server.
    client: &'a Client<'a, H>,
    /// The shard.
    shard: &'a str,
    /// Where the next record is.
    at: Position,
    /// The iterator; `None` if a new one is due.
    iterator: Option<String>,
    /// Whether records that are gone are an error; else those that are there are taken.
    strict: bool,
    /// How often an iterator has expired in a row.
    expiries: u32,
}

/// What was read at once.
struct Page {
    /// The records.
    records: Vec<Record>,
    /// Whether nothing will ever follow.
    has_ended: bool,
    /// Whether nothing follows now.
    is_tip: bool,
}

impl<'a, H: Http> Reader<'a, H> {
    /// Begins to read a shard.
    fn new(client: &'a Client<'a, H>, shard: &'a str, at: &Position, strict: bool) -> Self {
        Self {
            client,
            shard,
            at: at.clone(),
            iterator: None,
            strict,
            expiries: 0,
        }
    }

    /// Reads the next records, `limit` at most. An iterator that has expired is replaced by one after the last record.
    ///
    /// # Errors
    /// If the server refuses, or its sequence numbers do not grow.
    async fn page(&mut self, limit: u64) -> Result<Page, Trouble> {
        let limit = limit.min(self.client.stream.per_read).max(1);
        let page = loop {
            let iterator = match self.iterator.take() {
                Some(iterator) => iterator,
                None => match self.client.iterator(self.shard, &self.at).await {
                    // The number is older than what the stream keeps.
                    Err(Trouble::Invalid(_)) if matches!(self.at, Position::After(_)) && !self.strict => {
                        self.at = Position::Horizon;
                        continue;
                    }
                    found => found?,
                },
            };
            match self.client.records(&iterator, limit).await {
                Err(Trouble::Expired) if self.expiries < MOST_EXPIRIES => self.expiries += 1,
                page => break page?,
            }
        };
        self.expiries = 0;
        for record in &page.records {
            let is_after = match &self.at {
                Position::After(last) => compare(&record.sequence, last).is_gt(),
                Position::At(first) => compare(&record.sequence, first).is_ge(),
                _ => true,
            };
            if !is_after {
                let what = format!(
                    "has a record of {} again, or out of its order: {}",
                    self.shard, record.sequence
                );
                return Err(self.client.unusable("GetRecords", &what));
            }
            self.at = Position::After(record.sequence.clone());
        }
        // A page that is not full ends with the newest record, if there is no distance to it.
        let is_full = u64::try_from(page.records.len()).is_ok_and(|count| count >= limit);
        self.iterator = page.next;
        Ok(Page {
            has_ended: self.iterator.is_none(),
            is_tip: page.behind_ms == 0 && !is_full,
            records: page.records,
        })
    }

    /// Waits as long as a shard must be left alone between two reads.
    async fn pause(&self) {
        self.client.http.sleep(self.client.stream.interval_ms).await;
    }
}

/// Returns how far the shards of a stream can be read, whose turn it is.
///
/// # Errors
/// What the server refuses, or that it cannot be reached.
pub async fn look(http: &impl Http, question: &Question) -> Result<Look, Refused> {
    let client = Client {
        http,
        stream: &question.stream,
    };
    looked(&client, question).await.map_err(|trouble| match trouble {
        trouble if is_to_come(&trouble) => Refused::for_now(trouble.message()),
        trouble => trouble.into(),
    })
}

/// Returns whether the trouble is a time that is not yet come by the server's clock.
fn is_to_come(trouble: &Trouble) -> bool {
    matches!(trouble, Trouble::Invalid(why) if why.contains("future") || why.contains("currentTimestampInMillis"))
}

/// Looks at all shards whose turn it is.
async fn looked(client: &Client<'_, impl Http>, question: &Question) -> Result<Look, Trouble> {
    let shards = client.shards().await?;
    let (from, lost) = positions(&shards, question.from.as_ref(), &question.starting);
    let turn: Vec<_> = readable(&shards, &from).collect();
    let mut look = Look {
        reaches: Default::default(),
        from: from.clone(),
        lost,
    };
    for some in turn.chunks(AT_ONCE) {
        let each = some
            .iter()
            .filter_map(|(name, shard)| Some((*name, *shard, from.get(*name)?)));
        let reaches = each.map(|(name, shard, at)| async move {
            match ahead(client, question, (name, shard), at).await {
                // The number is older than what the stream keeps.
                Err(Trouble::Invalid(_)) if matches!(at, Position::After(_)) => Ok((name.clone(), None)),
                reach => Ok::<_, Trouble>((name.clone(), Some(reach?))),
            }
        });
        for (name, reach) in try_join_all(reaches).await? {
            match reach {
                Some(reach) => _ = look.reaches.insert(name, reach),
                None => look.lost.push(name),
            }
        }
    }
    Ok(look)
}

/// Reads a shard ahead, up to the limits or to its tip.
async fn ahead(
    client: &Client<'_, impl Http>,
    question: &Question,
    (name, shard): (&str, &Shard),
    at: &Position,
) -> Result<Reach, Trouble> {
    let begun_ms = client.http.now_ms();
    let mut reader = Reader::new(client, name, at, question.strict);
    let (mut reach, mut bytes) = (Reach::default(), 0);
    loop {
        let page = reader.page(question.records.saturating_sub(reach.records)).await?;
        reach.records += page.records.len() as u64;
        bytes += page.records.iter().map(Record::bytes).sum::<usize>();
        if let Some(last) = page.records.last() {
            reach.last = Some(last.sequence.clone());
        }
        let is_through = page.is_tip && page.records.is_empty() && is_read_through(shard, &reader.at);
        if page.has_ended || is_through {
            reach.has_ended = true;
            return Ok(reach);
        }
        // A closed shard is read on to its end.
        let may_end = shard.last.is_some() && !page.records.is_empty();
        if page.is_tip && !may_end {
            reach.is_tip = true;
            return Ok(reach);
        }
        let took_ms = client.http.now_ms() - begun_ms;
        let is_late = took_ms >= if reach.records > 0 { question.time_ms } else { EMPTY_MS };
        if reach.records >= question.records || bytes >= BATCH_BYTES || is_late {
            return Ok(reach);
        }
        reader.pause().await;
    }
}

/// Reads the records of an order: blocks of rows.
///
/// # Errors
/// `RIVULET_KINESIS_DATA_LOSS` if records are gone and that is an error; `RIVULET_KINESIS_UNANSWERED` if the server refuses or cannot be
/// reached; if there are more than a task can take.
pub async fn pull(http: &impl Http, order: &Order) -> Read<Vec<Buffer>> {
    let client = Client {
        http,
        stream: &order.stream,
    };
    let mut reader = Reader::new(&client, &order.shard, &order.from, order.strict);
    let mut pulled = Pulled::default();
    let mut waited_ms = 0;
    loop {
        let page = match reader.page(u64::MAX).await {
            Err(Trouble::Invalid(why)) if order.strict => return Err(gone(order, &why)),
            page => page.map_err(Trouble::into_error)?,
        };
        let brought = !page.records.is_empty();
        let is_over = pulled.take(order, page.records)?;
        if is_over || page.has_ended {
            break;
        }
        if brought {
            waited_ms = 0;
        } else {
            // All that there were are here, or the last was not seen yet.
            let is_all = order.until.is_none() && order.records.is_some_and(|records| pulled.count >= records);
            if page.is_tip && (is_all || waited_ms >= MISSING_MS) {
                break;
            }
            if waited_ms >= EMPTY_MS {
                let what = format!(
                    "has no records of {} for minutes, and says that there are some",
                    order.shard
                );
                return Err(unanswered(&client.unusable("GetRecords", &what).message()));
            }
            waited_ms += client.stream.interval_ms.max(1);
        }
        reader.pause().await;
    }
    pulled.finish(order)
}

/// The records of an order so far.
#[derive(Default)]
struct Pulled {
    /// Blocks of rows.
    blocks: Vec<Buffer>,
    /// Records that are not in a block yet.
    open: Vec<Record>,
    /// Their bytes, about.
    open_bytes: usize,
    /// Bytes of all, about.
    bytes: usize,
    /// How many there are.
    count: u64,
}

impl Pulled {
    /// Takes records up to the last that is wanted; returns whether that has come.
    ///
    /// # Errors
    /// If there are more than a task can take; Arrow's.
    fn take(&mut self, order: &Order, records: Vec<Record>) -> Read<bool> {
        for record in records {
            let place = order.until.as_ref().map(|until| compare(&record.sequence, until));
            if place.is_some_and(|place| place.is_gt()) {
                return Ok(true);
            }
            self.count += 1;
            self.open_bytes += record.bytes();
            self.bytes += record.bytes();
            self.open.push(record);
            if self.open_bytes >= BLOCK_BYTES {
                self.close(order)?;
            }
            if self.bytes > MOST_BYTES {
                return Err(too_much(order));
            }
            if place.is_some_and(|place| place.is_eq()) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Makes a block of the records that are not in one yet.
    ///
    /// # Errors
    /// Arrow's.
    fn close(&mut self, order: &Order) -> Read<()> {
        if !self.open.is_empty() {
            let block = rows::block(&order.stream.name, &self.open)?;
            self.blocks.push(block.into());
            self.open.clear();
            self.open_bytes = 0;
        }
        Ok(())
    }

    /// Returns the blocks.
    ///
    /// # Errors
    /// `RIVULET_KINESIS_DATA_LOSS` if they are not as many as the batch has, and that is an error.
    fn finish(mut self, order: &Order) -> Read<Vec<Buffer>> {
        let wanted = order.records.unwrap_or(self.count);
        if order.strict && wanted != self.count {
            let why = format!("the batch has {wanted}, and {} are there", self.count);
            return Err(gone(order, &why));
        }
        self.close(order)?;
        Ok(self.blocks)
    }
}

/// Makes the error of records that are gone.
fn gone(order: &Order, why: &str) -> crate::error::SparkError {
    let (kind, position) = order.from.parts();
    let until = order.until.as_deref().unwrap_or("the shard's end");
    data_loss(&format!(
        "Could not read the records of {} of the stream {} from {kind} {position} up to {until}: {why}",
        order.shard, order.stream.name
    ))
}

/// Makes the error of more records than a task can take.
fn too_much(order: &Order) -> crate::error::SparkError {
    unanswered(&format!(
        "The records of {} of the stream {} in one batch are more than 1 GiB: kinesis.maxFetchRecordsPerShard makes batches smaller.",
        order.shard, order.stream.name
    ))
}
