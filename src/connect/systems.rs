//! Other systems, natively: what sources ask, what tasks order and what sinks write is carried out on threads of its own, and handed
//! over from there.

use std::future::Future;
use std::result::Result as Answered;
use std::sync::OnceLock;

use arrow::buffer::Buffer;
use tokio::runtime::{Builder, Runtime};

use super::http::Client;
use super::{kafka, kinesis};
use crate::error::{Result, SparkError};
use crate::sources::flume::bridge;
use crate::sources::kafka::bridge as kafka_bridge;
use crate::sources::kinesis::{reading, writing};
use crate::sources::systems::{Answer, Found, Order, Question, Refused, Writing};

/// Returns the threads that work for other systems.
///
/// # Errors
/// Why the system cannot start threads.
fn runtime() -> Answered<&'static Runtime, String> {
    static RUNTIME: OnceLock<Answered<Runtime, String>> = OnceLock::new();
    let made = RUNTIME.get_or_init(|| {
        let mut threads = Builder::new_multi_thread();
        let runtime = threads.worker_threads(2).thread_name("systems").enable_all().build();
        runtime.map_err(|e| e.to_string())
    });
    made.as_ref().map_err(Clone::clone)
}

/// Runs `work` in the background and hands over what it returns; `failed` makes that of a system without threads.
fn run<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
    done: impl FnOnce(T) + Send + 'static,
    failed: impl FnOnce(String) -> T,
) {
    match runtime() {
        Ok(runtime) => drop(runtime.spawn(async move { done(work.await) })),
        Err(why) => done(failed(why)),
    }
}

/// Answers a question in the background.
pub fn ask(question: Question, answered: impl FnOnce(Answer) + Send + 'static) {
    let work = async move {
        match question {
            // Without the brokers' addresses there is only the server in front of them.
            Question::Kafka(question) if question.cluster.servers.is_empty() => {
                kafka_bridge::answer_of(&Client, &question).await.map(Found::Kafka)
            }
            Question::Kafka(question) => kafka::brokers().answer(&question).await.map(Found::Kafka),
            Question::Kinesis(mut question) => {
                kinesis::sign(&mut question.stream);
                reading::look(&Client, &question).await.map(Found::Kinesis)
            }
            Question::Flume(question) => bridge::ask(&Client, &question).await.map(Found::Flume),
        }
    };
    run(work, answered, |why| Err(Refused::for_good(why)));
}

/// Carries out an order in the background, and hands over what it brings.
pub fn supply(order: Order, supplied: impl FnOnce(Result<Vec<Buffer>>) + Send + 'static) {
    let work = async move {
        match order {
            Order::Kafka(order) if order.cluster.servers.is_empty() => kafka_bridge::pull(&Client, &order).await,
            Order::Kafka(order) => kafka::brokers().pull(&order).await,
            Order::Kinesis(mut order) => {
                kinesis::sign(&mut order.stream);
                reading::pull(&Client, &order).await
            }
        }
    };
    run(work, supplied, |why| Err(SparkError::internal(why)));
}

/// Writes records in the background.
pub fn write(writing: Writing, written: impl FnOnce(Answered<(), Refused>) + Send + 'static) {
    let work = async move {
        match writing {
            Writing::Kafka(writing) if writing.cluster.servers.is_empty() => {
                kafka_bridge::write(&Client, &writing).await
            }
            Writing::Kafka(writing) => kafka::brokers().write_all(&writing).await,
            Writing::Kinesis(mut writing) => {
                kinesis::sign(&mut writing.stream);
                writing::write(&Client, &writing).await
            }
        }
    };
    run(work, written, |why| Err(Refused::for_good(why)));
}
