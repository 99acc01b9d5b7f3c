//! Kafka's brokers: partitions that grow and are added, and hosts whose answers are late, come twice, or say that nobody answers.

use arrow::buffer::Buffer;

use super::Cluster;
use rivulet::error::Result;
use rivulet::sources::kafka::exchange::{Order, Question, Span, Spans};
use rivulet::sources::kafka::rows::{Record, block};
use rivulet::sources::kafka::unanswered;
use rivulet::sources::systems::Refused;

pub const TOPIC: &str = "t";

#[derive(Default)]
pub struct Brokers {
    /// Records of each partition that there is.
    pub latest: Vec<i64>,
    /// The partitions of records that will be written, in order.
    pub to_come: Vec<usize>,
    /// Probability that brokers do not answer.
    pub silence: f64,
    /// Probability that an answer comes twice.
    pub doubling: f64,
}

impl Cluster {
    /// A source asks which offsets there are.
    pub(super) fn spans_asked(&mut self, question: &Question) -> std::result::Result<Spans, Refused> {
        assert_eq!(question.cluster.servers, "brokers");
        let spans = (0..)
            .zip(&self.brokers.latest)
            .map(|(partition, latest)| span(partition, *latest))
            .collect();
        if self.network.chance(self.brokers.silence) {
            Err(Refused::for_now("the brokers are silent"))
        } else {
            Ok(spans)
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
        let records = (order.from..order.until).map(|offset| Record {
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

fn span(partition: i32, latest: i64) -> ((String, i32), Span) {
    let span = Span {
        earliest: 0,
        latest,
        at_time: None,
    };
    ((TOPIC.to_owned(), partition), span)
}
