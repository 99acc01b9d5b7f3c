//! Other systems, in a page: what sources ask, what tasks order and what sinks write is carried out over HTTP.

use arrow::buffer::Buffer;

use super::fetch::Fetch;
use crate::error::Result;
use crate::sources::flume;
use crate::sources::kafka::bridge;
use crate::sources::kinesis::{reading, writing};
use crate::sources::systems::{Answer, Found, Order, Question, Refused, Writing};

/// Answers a question.
pub async fn answer(question: &Question) -> Answer {
    match question {
        Question::Kafka(question) => bridge::answer_of(&Fetch, question).await.map(Found::Kafka),
        Question::Kinesis(question) => reading::look(&Fetch, question).await.map(Found::Kinesis),
        Question::Flume(question) => flume::bridge::ask(&Fetch, question).await.map(Found::Flume),
    }
}

/// Carries out an order; returns blocks of rows.
///
/// # Errors
/// The system's.
pub async fn pull(order: &Order) -> Result<Vec<Buffer>> {
    match order {
        Order::Kafka(order) => bridge::pull(&Fetch, order).await,
        Order::Kinesis(order) => reading::pull(&Fetch, order).await,
    }
}

/// Writes records.
///
/// # Errors
/// Why they are not written; some may be.
pub async fn write(writing: &Writing) -> std::result::Result<(), Refused> {
    match writing {
        Writing::Kafka(writing) => bridge::write(&Fetch, writing).await,
        Writing::Kinesis(writing) => writing::write(&Fetch, writing).await,
    }
}
