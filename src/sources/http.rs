//! HTTP requests whose answers are read whole, as the hosts of sources and sinks send them: what differs between a page and a
//! native server stands in [`Http`], and everything else is written once.

use std::borrow::Cow;
use std::future::Future;

use arrow::buffer::Buffer;

use super::credentials::{self, Held, Wanted};
use crate::error::Result as Known;

/// What a request does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Asks for something that is there; the body is not sent.
    Get,
    /// Sends something.
    Post,
    /// Ends something; the body is not sent.
    Delete,
}

impl Method {
    /// Returns the word of HTTP.
    pub fn word(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Delete => "DELETE",
        }
    }
}

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// What it does.
    pub method: Method,
    /// Where to.
    pub url: String,
    /// Its headers, such as `Content-Type`; `Host` and `Content-Length` are the client's.
    pub headers: Vec<(Cow<'static, str>, String)>,
    /// The body.
    pub body: Buffer,
    /// The name of the answer's header that is wanted, in lower case; `None` if none is.
    pub wants: Option<&'static str>,
    /// Most bytes of the answer; a longer one is an error.
    pub max_bytes: usize,
    /// How long to wait for the whole answer, ms; a later one is an error.
    pub timeout_ms: i64,
}

/// What an HTTP server answers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// The value of the header that was wanted; `None` if the answer does not have it.
    pub header: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

impl Response {
    /// Returns whether another try may be answered: the server is busy, or has failed.
    pub fn is_away(&self) -> bool {
        matches!(self.status, 408 | 429 | 500..)
    }

    /// Returns what stands for an answer that names another address: requests with a token or a signature are not sent on.
    ///
    /// ```
    /// use rivulet::sources::http::Response;
    ///
    /// let answer = Response::redirect(307, Some("https://b.example/"));
    /// assert_eq!((answer.status, answer.is_away()), (307, false));
    /// assert!(answer.beginning().starts_with("a redirect to https://b.example/"));
    /// ```
    pub fn redirect(status: u16, location: Option<&str>) -> Self {
        let to = location.map_or_else(|| "another address".to_owned(), str::to_owned);
        let body = format!("a redirect to {to}, which is not followed: set that address in place of this one");
        Self {
            status,
            header: None,
            body: body.into_bytes(),
        }
    }

    /// Returns the beginning of the body, for messages.
    pub fn beginning(&self) -> String {
        String::from_utf8_lossy(&self.body[..self.body.len().min(200)]).into_owned()
    }
}

/// Sends HTTP requests.
pub trait Http {
    /// Sends a request and returns its whole answer, whatever its status.
    ///
    /// # Errors
    /// What is known of it, as the end of a sentence, if the server cannot be reached or its answer is too long.
    fn send(&self, request: Request) -> impl Future<Output = Result<Response, String>>;

    /// Returns what a function of the page's returns: what is kept of it, or others than those that were refused. A host without a page
    /// has none.
    ///
    /// # Errors
    /// `RIVULET_CREDENTIALS`, with the function's name and the option that names it.
    fn credentials(&self, wanted: &Wanted, refused: Option<u64>) -> impl Future<Output = Known<Held>> {
        let _ = refused;
        let error = credentials::no_page(wanted);
        async { Err(error) }
    }

    /// Waits.
    fn sleep(&self, ms: i64) -> impl Future<Output = ()>;

    /// Returns the time, ms since the epoch.
    fn now_ms(&self) -> i64;
}

#[cfg(test)]
pub mod scripted {
    //! A server that answers from a script: late, wrong, or not at all.

    use std::cell::RefCell;
    use std::collections::VecDeque;

    use super::*;

    /// Answers from a script, and notes what was asked.
    #[derive(Default)]
    pub struct Scripted {
        /// What is still to be answered.
        pub answers: RefCell<VecDeque<Result<Response, String>>>,
        /// What was asked.
        pub asked: RefCell<Vec<Request>>,
        /// How long was waited, ms.
        pub slept_ms: RefCell<i64>,
        /// What the page's function is still to return.
        pub held: RefCell<VecDeque<Known<Held>>>,
        /// What was refused when it was asked.
        pub refused: RefCell<Vec<Option<u64>>>,
    }

    /// Returns a server that gives these answers, one after the other.
    pub fn scripted(answers: impl IntoIterator<Item = Result<Response, String>>) -> Scripted {
        Scripted {
            answers: RefCell::new(answers.into_iter().collect()),
            ..Scripted::default()
        }
    }

    impl Http for Scripted {
        async fn send(&self, request: Request) -> Result<Response, String> {
            self.asked.borrow_mut().push(request);
            self.answers
                .borrow_mut()
                .pop_front()
                .unwrap_or_else(|| Err("the script is over".into()))
        }

        async fn credentials(&self, wanted: &Wanted, refused: Option<u64>) -> Known<Held> {
            self.refused.borrow_mut().push(refused);
            let next = self.held.borrow_mut().pop_front();
            next.unwrap_or_else(|| Err(credentials::no_page(wanted)))
        }

        async fn sleep(&self, ms: i64) {
            *self.slept_ms.borrow_mut() += ms;
        }

        fn now_ms(&self) -> i64 {
            *self.slept_ms.borrow()
        }
    }
}
