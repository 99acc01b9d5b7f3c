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
use crate::sources::credentials::{System, Wanted, no_page};
use crate::sources::flume::bridge;
use crate::sources::kafka::bridge as kafka_bridge;
use crate::sources::kafka::exchange::Cluster;
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

/// Refuses headers of a function of a page's where requests go to the brokers; those to other servers ask for them, and are refused.
///
/// # Errors
/// `RIVULET_CREDENTIALS.NO_PAGE`, which names the option and what to set in its place.
fn check(cluster: &Cluster) -> Result<()> {
    let Some(name) = cluster.credentials.clone() else {
        return Ok(());
    };
    let url = cluster.bridge.clone().unwrap_or_default();
    Err(no_page(&Wanted {
        name,
        system: System::Kafka,
        url,
    }))
}

/// Answers a question in the background.
pub fn ask(question: Question, answered: impl FnOnce(Answer) + Send + 'static) {
    let work = async move {
        match question {
            // Without the brokers' addresses there is only the server in front of them.
            Question::Kafka(question) if question.cluster.servers.is_empty() => {
                kafka_bridge::answer_of(&Client, &question).await.map(Found::Kafka)
            }
            Question::Kafka(question) => {
                check(&question.cluster)?;
                kafka::brokers().answer(&question).await.map(Found::Kafka)
            }
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
            Order::Kafka(order) => {
                check(&order.cluster)?;
                kafka::brokers().pull(&order).await
            }
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
            Writing::Kafka(writing) => {
                check(&writing.cluster)?;
                kafka::brokers().write_all(&writing).await
            }
            Writing::Kinesis(mut writing) => {
                kinesis::sign(&mut writing.stream);
                writing::write(&Client, &writing).await
            }
        }
    };
    run(work, written, |why| Err(Refused::for_good(why)));
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;
    use crate::sources::kafka::exchange::{Question as OfKafka, Times, Topics, Writing as ToKafka};
    use crate::sources::kinesis::options::stream_of;

    fn condition(error: Option<Box<SparkError>>) -> String {
        error.and_then(|error| error.condition).unwrap_or_default()
    }

    #[test]
    fn credentials_of_a_page_are_refused_where_no_page_is_before_anything_is_sent() {
        for servers in ["", "127.0.0.1:9"] {
            let cluster = Cluster {
                servers: servers.into(),
                bridge: Some("http://127.0.0.1:9".into()),
                credentials: Some("orders".into()),
                ..Cluster::default()
            };
            let question = OfKafka {
                cluster: cluster.clone(),
                topics: Topics::Names(vec!["t".into()]),
                times: Times::None,
            };
            let (tell, hear) = channel();
            ask(Question::Kafka(question), move |answer| tell.send(answer).unwrap());
            let refused = hear.recv().unwrap().unwrap_err();
            assert!(
                refused
                    .message
                    .contains("set kafka.bootstrap.servers, or kafka.bridge.url with"),
                "{refused:?}"
            );
            assert_eq!(condition(refused.error), "RIVULET_CREDENTIALS.NO_PAGE");
            let (tell, hear) = channel();
            let blocks = vec![Buffer::from(vec![0_u8])];
            write(Writing::Kafka(ToKafka { cluster, blocks }), move |answer| {
                tell.send(answer).unwrap()
            });
            let refused = hear.recv().unwrap().unwrap_err();
            assert_eq!(condition(refused.error), "RIVULET_CREDENTIALS.NO_PAGE");
        }
        let options = [
            ("kinesis.streamname", "s"),
            ("kinesis.region", "r"),
            ("kinesis.credentials", "aws"),
        ];
        let options = options.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let order = Order::Kinesis(crate::sources::kinesis::exchange::Order {
            stream: stream_of(&options.into()).unwrap(),
            shard: "a".into(),
            from: crate::sources::kinesis::positions::Position::Horizon,
            until: None,
            records: None,
            strict: false,
        });
        let (tell, hear) = channel();
        supply(order, move |brought| tell.send(brought).unwrap());
        let error = hear.recv().unwrap().unwrap_err();
        assert_eq!(error.condition.as_deref(), Some("RIVULET_CREDENTIALS.NO_PAGE"));
        assert!(
            error.message.contains("AWS_… variables or the shared credentials file"),
            "{error}"
        );
    }
}
