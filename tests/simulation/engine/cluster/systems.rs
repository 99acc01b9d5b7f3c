//! The hosts of sources that read other systems: their answers are late, or come twice.

use futures::executor::block_on;
use rand::Rng;

use super::{Cluster, Happening};
use rivulet::connect::protocol::Input;
use rivulet::ids::{ConnectionId, ExecutorRef, TaskId};
use rivulet::sources::Event;
use rivulet::sources::kinesis::reading;
use rivulet::sources::systems::{Found, Order, Question};

impl Cluster {
    /// Changes of other systems that are still to come.
    pub fn changes_to_come(&self) -> usize {
        self.brokers.to_come.len() + self.service.to_come.len() + self.gateway.to_come.len()
    }

    /// Whether nothing will change any more, and nobody waits.
    pub fn is_quiet(&self) -> bool {
        self.changes_to_come() == 0 && self.gateway.is_idle()
    }

    /// Another system changes.
    pub(super) fn system_changes(&mut self) {
        self.record_written();
        self.service.change();
        self.gateway.change();
    }

    /// A source asks what there is.
    pub(super) fn asked(&mut self, connection: ConnectionId, question: &Question) {
        let answer = match question {
            Question::Kafka(question) => self.spans_asked(question).map(Found::Kafka),
            Question::Kinesis(question) => block_on(reading::look(&self.service, question)).map(Found::Kinesis),
            Question::Flume(question) => self.gateway.answer(question).map(Found::Flume),
        };
        self.brokers.questions += 1;
        for _ in 0..self.times() {
            let event = Event::Answered(Box::new(answer.clone()));
            let delay = self.network.rng.random_range(0..200);
            self.network
                .after(delay, Happening::Driver(Input::Connection { connection, event }));
        }
    }

    /// An executor's task wants records.
    pub(super) fn ordered(&mut self, executor: ExecutorRef, task: TaskId, at: usize, order: &Order) {
        let brought = match order {
            Order::Kafka(order) => self.records_ordered(order),
            Order::Kinesis(order) => block_on(reading::pull(&self.service, order)),
        };
        let times = 1 + usize::from(self.network.chance(self.brokers.doubling));
        for _ in 0..times {
            let delay = self.network.rng.random_range(0..300);
            self.network
                .after(delay, Happening::Supplied(executor, task, at, brought.clone()));
        }
    }
}
