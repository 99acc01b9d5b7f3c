//! Which offsets there are, by a REST server.

use futures::future::try_join_all;
use serde::Deserialize;

use super::{Server, check_topic, told};
use crate::sources::http::{Http, Response};
use crate::sources::kafka::dialect::Dialect;
use crate::sources::kafka::exchange::{Question, Span, Spans, Times, Topics};
use crate::sources::kafka::positions::TopicPartition;
use crate::sources::kafka::settings::whole_pattern;
use crate::sources::systems::Refused;

/// Partitions whose offsets are asked for at once.
const AT_ONCE: usize = 8;

/// A partition of a topic.
#[derive(Debug, Deserialize)]
struct Partition {
    /// Its number.
    partition: i32,
}

/// What a partition holds.
#[derive(Debug, Deserialize)]
pub(super) struct Offsets {
    /// The first offset.
    pub(super) beginning_offset: i64,
    /// The offset after the last.
    pub(super) end_offset: i64,
}

/// Asks a REST server which offsets there are.
///
/// # Errors
/// If a topic does not exist; if the server refuses, cannot be reached, or answers what is not offsets; offsets by time, which no
/// such server has.
pub async fn answer_of(http: &impl Http, base: &str, dialect: Dialect, question: &Question) -> Result<Spans, Refused> {
    let server = Server {
        http,
        base,
        cluster: &question.cluster,
        dialect,
    };
    if question.times != Times::None {
        return Err(Refused::for_good(format!(
            "{base} has no offsets by time, as it is a REST server: startingOffsets and endingOffsets name offsets; Rivulet's gateway has both."
        )));
    }
    let partitions = server.partitions(&question.topics).await?;
    let mut spans = Spans::new();
    for some in partitions.chunks(AT_ONCE) {
        let asked = some.iter().map(|partition| server.span(partition));
        let found = try_join_all(asked).await?;
        spans.extend(some.iter().cloned().zip(found));
    }
    Ok(spans)
}

impl<H: Http> Server<'_, H> {
    /// Asks for JSON.
    ///
    /// # Errors
    /// If there is none.
    async fn json<T: for<'de> Deserialize<'de>>(&self, path: &str, what: &str) -> Result<T, Refused> {
        let url = self.url(path);
        let response = self.get(&url).await.map_err(|why| {
            Refused::for_now(format!(
                "{url} cannot be reached: {why}. It must run, and allow this page's origin (CORS)."
            ))
        })?;
        read(&url, &response, what)
    }

    /// Returns the partitions of topics.
    async fn partitions(&self, topics: &Topics) -> Result<Vec<TopicPartition>, Refused> {
        let names = match topics {
            Topics::Partitions(partitions) => {
                let mut names = partitions.iter().map(|(topic, _)| topic);
                names
                    .try_for_each(|name| check_topic(name))
                    .map_err(Refused::for_good)?;
                return Ok(partitions.clone());
            }
            Topics::Names(names) => names.clone(),
            Topics::Pattern(pattern) => {
                let pattern = whole_pattern(pattern).map_err(Refused::for_good)?;
                let all: Vec<String> = self.json("/topics", "names of topics").await?;
                all.into_iter().filter(|name| pattern.is_match(name)).collect()
            }
        };
        let mut found = vec![];
        for name in names {
            check_topic(&name).map_err(Refused::for_good)?;
            let of: Vec<Partition> = self.json(&format!("/topics/{name}/partitions"), "partitions").await?;
            found.extend(of.into_iter().map(|of| (name.clone(), of.partition)));
        }
        Ok(found)
    }

    /// Returns what a partition holds.
    async fn span(&self, partition: &TopicPartition) -> Result<Span, Refused> {
        let offsets = self.offsets(partition).await?;
        Ok(Span {
            earliest: offsets.beginning_offset,
            latest: offsets.end_offset,
            at_time: None,
        })
    }

    /// Returns the offsets of a partition.
    ///
    /// # Errors
    /// As [`answer_of`].
    pub(super) async fn offsets(&self, (topic, partition): &TopicPartition) -> Result<Offsets, Refused> {
        let path = format!("/topics/{topic}/partitions/{partition}/offsets");
        let offsets: Offsets = self.json(&path, "offsets").await?;
        if offsets.beginning_offset < 0 || offsets.end_offset < offsets.beginning_offset {
            let url = self.url(&path);
            return Err(Refused::for_good(format!(
                "{url} says that the partition holds offsets from {} up to {}, which cannot be.",
                offsets.beginning_offset, offsets.end_offset
            )));
        }
        Ok(offsets)
    }
}

/// Reads an answer.
fn read<T: for<'de> Deserialize<'de>>(url: &str, response: &Response, what: &str) -> Result<T, Refused> {
    if response.status != 200 {
        return Err(Refused::new(told(url, response), response.is_away()));
    }
    serde_json::from_slice(&response.body).map_err(|_| {
        Refused::for_good(format!(
            "{url} does not answer with {what}: the option kafka.bridge.dialect says which kind of server it is."
        ))
    })
}
