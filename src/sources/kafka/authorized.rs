//! Requests to a server in front of Kafka's brokers with the headers that a function of the page's returns
//! (`kafka.bridge.credentials`): each carries those that are kept, and is sent again with others if the server refuses them.

use std::sync::OnceLock;

use super::bridge::said;
use super::exchange::Cluster;
use crate::error::{Result as Known, SparkError};
use crate::sources::credentials::{self, Held, Refusals, System, Wanted};
use crate::sources::http::{Http, Request, Response};

/// The status that stands for headers which are not to be had: whoever asks takes it for good.
const UNAUTHORIZED: u16 = 401;

/// Sends the requests of one question, order or writing.
pub(super) struct Authorized<'a, H> {
    /// Who sends them.
    http: &'a H,
    /// Which headers they need; `None` if the options say all.
    wanted: Option<Wanted>,
    /// Why headers are not to be had, or are refused: then nothing more is sent.
    failure: OnceLock<SparkError>,
}

impl<'a, H: Http> Authorized<'a, H> {
    /// Sends requests to the server of a cluster.
    pub fn new(http: &'a H, cluster: &Cluster) -> Self {
        let wanted = cluster.credentials.as_ref().map(|name| Wanted {
            name: name.clone(),
            system: System::Kafka,
            url: cluster.bridge.clone().unwrap_or_default(),
        });
        Self {
            http,
            wanted,
            failure: OnceLock::new(),
        }
    }

    /// Returns why headers were not to be had, or refused; `None` if that is not what went wrong.
    pub fn failure(self) -> Option<SparkError> {
        self.failure.into_inner()
    }

    /// Notes why nothing more is sent, and returns the answer that stands for it.
    fn failed(&self, error: SparkError) -> Response {
        let error = self.failure.get_or_init(|| error);
        Response {
            status: UNAUTHORIZED,
            header: None,
            body: error.message.clone().into_bytes(),
        }
    }

    /// Sends a request with the headers that are kept, and once more with others if they are refused.
    async fn with_headers(&self, request: Request, wanted: &Wanted) -> Result<Response, String> {
        let mut refusals = Refusals::default();
        loop {
            let held = match self.http.credentials(wanted, refusals.last()).await {
                Ok(held) => held,
                Err(error) => return Ok(self.failed(error)),
            };
            let mut sent = request.clone();
            let headers = held.values.iter();
            sent.headers
                .extend(headers.map(|(name, value)| (name.clone().into(), value.clone())));
            let answer = self.http.send(sent).await.map_err(|why| held.hide(why))?;
            if answer.status == 200 {
                return Ok(answer);
            }
            let answer = without_secrets(answer, &held);
            if !matches!(answer.status, 401 | 403) {
                return Ok(answer);
            }
            if !refusals.asks_again(&held, self.http.now_ms()) {
                let why = format!("{} answered {}: {}", request.url, answer.status, said(&answer));
                return Ok(self.failed(credentials::refused(wanted, &why)));
            }
        }
    }
}

/// Returns an answer that does not repeat what was sent.
fn without_secrets(answer: Response, held: &Held) -> Response {
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    Response {
        body: held.hide(text).into_bytes(),
        ..answer
    }
}

impl<H: Http> Http for Authorized<'_, H> {
    async fn send(&self, request: Request) -> Result<Response, String> {
        match (&self.wanted, self.failure.get()) {
            (None, _) => self.http.send(request).await,
            (Some(_), Some(error)) => Ok(self.failed(error.clone())),
            (Some(wanted), None) => self.with_headers(request, wanted).await,
        }
    }

    async fn credentials(&self, wanted: &Wanted, refused: Option<u64>) -> Known<Held> {
        self.http.credentials(wanted, refused).await
    }

    async fn sleep(&self, ms: i64) {
        self.http.sleep(ms).await;
    }

    fn now_ms(&self) -> i64 {
        self.http.now_ms()
    }
}

#[cfg(test)]
mod tests;
