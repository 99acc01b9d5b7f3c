//! Other systems, in a page: what sources ask, what tasks order and what sinks write is carried out over HTTP.

use arrow::buffer::Buffer;

use super::credentials::Credentials;
use super::fetch::Fetch;
use crate::error::Result;
use crate::sources::flume;
use crate::sources::kafka::bridge;
use crate::sources::kinesis::{reading, writing};
use crate::sources::systems::{Answer, Found, Order, Question, Refused, Writing};

/// Answers a question.
pub async fn answer(credentials: &Credentials, question: &Question) -> Answer {
    let http = Fetch(credentials);
    match question {
        Question::Kafka(question) => bridge::answer_of(&http, question).await.map(Found::Kafka),
        Question::Kinesis(question) => reading::look(&http, question).await.map(Found::Kinesis),
        Question::Flume(question) => flume::bridge::ask(&http, question).await.map(Found::Flume),
    }
}

/// Carries out an order; returns blocks of rows.
///
/// # Errors
/// The system's.
pub async fn pull(credentials: &Credentials, order: &Order) -> Result<Vec<Buffer>> {
    let http = Fetch(credentials);
    match order {
        Order::Kafka(order) => bridge::pull(&http, order).await,
        Order::Kinesis(order) => reading::pull(&http, order).await,
    }
}

/// Writes records.
///
/// # Errors
/// Why they are not written; some may be.
pub async fn write(credentials: &Credentials, writing: &Writing) -> std::result::Result<(), Refused> {
    let http = Fetch(credentials);
    match writing {
        Writing::Kafka(writing) => bridge::write(&http, writing).await,
        Writing::Kinesis(writing) => writing::write(&http, writing).await,
    }
}
