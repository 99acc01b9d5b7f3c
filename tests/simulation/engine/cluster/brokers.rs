//! Kafka's brokers: partitions that grow and are added, and hosts whose answers are late, come twice, or say that nobody answers.

use arrow::buffer::Buffer;

use super::{Cluster, Happening};
use rand::Rng;
use rivulet::connect::protocol::{Input, Writer};
use rivulet::error::Result;
use rivulet::sources::kafka::exchange::{Order, Question, Span, Spans, Times};
use rivulet::sources::kafka::rows::{Record, block, records};
use rivulet::sources::kafka::{data_loss, unanswered};
use rivulet::sources::systems::{Refused, Writing};

pub const TOPIC: &str = "t";

#[derive(Default)]
pub struct Brokers {
    /// Records of each partition that there is.
    pub latest: Vec<i64>,
    /// The first record of each partition that executors still find.
    pub gone: i64,
    /// Questions so far.
    pub questions: usize,
    /// Values of the records that were written, in order, by topic.
    pub written: Vec<(String, String)>,
    /// The partitions of records that will be written, in order.
    pub to_come: Vec<usize>,
    /// Probability that brokers do not answer.
    pub silence: f64,
    /// Probability that an answer comes twice.
    pub doubling: f64,
    /// Probability that an answer to a question or to a write is lost.
    pub losing: f64,
}

impl Cluster {
    /// A source asks which offsets there are.
    pub(super) fn spans_asked(&mut self, question: &Question) -> std::result::Result<Spans, Refused> {
        assert_eq!(question.cluster.servers, "brokers");
        let spans = (0..)
            .zip(&self.brokers.latest)
            .map(|(partition, latest)| span(partition, *latest, &question.times))
            .collect();
        if self.network.chance(self.brokers.silence) {
            Err(Refused::for_now("the brokers are silent"))
        } else {
            Ok(spans)
        }
    }

    /// How often an answer comes.
    pub(super) fn times(&mut self) -> usize {
        if self.network.chance(self.brokers.losing) {
            return 0;
        }
        1 + usize::from(self.network.chance(self.brokers.doubling))
    }

    /// Records are to be written: all of them are, or none.
    pub(super) fn records_written(&mut self, writer: &Writer, writing: &Writing) {
        let Writing::Kafka(writing) = writing else {
            panic!("only Kafka is written to");
        };
        let answer = if self.network.chance(self.brokers.silence) {
            Err(Refused::for_good("the brokers are silent"))
        } else {
            for block in &writing.blocks {
                for (topic, _, record) in records(block).expect("what is written can be read") {
                    let value = String::from_utf8(record.value.unwrap_or_default()).expect("a value is a string");
                    self.brokers.written.push((topic, value));
                }
            }
            Ok(())
        };
        for _ in 0..self.times() {
            let (writer, answer) = (writer.clone(), answer.clone());
            let delay = self.network.rng.random_range(0..200);
            self.network
                .after(delay, Happening::Driver(Input::Written { writer, answer }));
        }
    }

    /// An executor's task wants records.
    pub(super) fn records_ordered(&mut self, order: &Order) -> Result<Vec<Buffer>> {
        if self.network.chance(self.brokers.silence) {
            Err(unanswered("the brokers are silent"))
        } else {
            self.records_of(order)
        }
    }

    fn records_of(&self, order: &Order) -> Result<Vec<Buffer>> {
        let latest = self.brokers.latest[order.partition as usize];
        assert!(
            order.from < order.until && order.until <= latest,
            "{order:?} of {latest}"
        );
        if order.from < self.brokers.gone && order.strict {
            return Err(data_loss("COULD_NOT_READ_OFFSET_RANGE", "Records are gone."));
        }
        let from = order.from.max(self.brokers.gone).min(order.until);
        let records = (from..order.until).map(|offset| Record {
            offset,
            ..Record::default()
        });
        let rows = block(&order.topic, order.partition, &records.collect::<Vec<_>>(), false)?;
        Ok(vec![Buffer::from(rows)])
    }

    /// A record is written, the first of a partition perhaps.
    pub(super) fn record_written(&mut self) {
        if self.brokers.to_come.is_empty() {
            return;
        }
        let partition = self.brokers.to_come.remove(0);
        let latest = &mut self.brokers.latest;
        latest.resize(latest.len().max(partition + 1), 0);
        latest[partition] += 1;
    }
}

/// What a partition holds: each record has its offset as its time.
fn span(partition: i32, latest: i64, times: &Times) -> ((String, i32), Span) {
    let place = (TOPIC.to_owned(), partition);
    let span = Span {
        earliest: 0,
        latest,
        at_time: times.of(&place).filter(|at| *at < latest),
    };
    (place, span)
}
