//! HTTP requests whose answers are read whole.

use std::pin::pin;

use futures::future::{Either, select};
use gloo_timers::future::TimeoutFuture;
use js_sys::{Reflect, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    AbortController, Headers, ReadableStreamDefaultReader, RequestCache, RequestInit, RequestRedirect,
    Response as Answered, ResponseType,
};

use super::credentials::Credentials;
use super::host::thrown;
use super::page::scope;
use super::timer::now_ms;
use crate::error::Result as Known;
use crate::sources::credentials::{Held, Wanted};
use crate::sources::http::{Http, Method, Request, Response};

/// Sends requests by the browser's `fetch`, with credentials of the page's where they are wanted.
pub struct Fetch<'a>(pub &'a Credentials);

impl Http for Fetch<'_> {
    async fn send(&self, request: Request) -> Result<Response, String> {
        let abort = AbortController::new().map_err(|e| thrown(&e))?;
        let late = TimeoutFuture::new(u32::try_from(request.timeout_ms).unwrap_or(u32::MAX));
        let answered = match select(pin!(sent(&request, &abort)), late).await {
            Either::Left((answered, _)) => answered,
            Either::Right(_) => Err(format!("it does not answer within {} ms", request.timeout_ms)),
        };
        if answered.is_err() {
            abort.abort();
        }
        answered
    }

    async fn credentials(&self, wanted: &Wanted, refused: Option<u64>) -> Known<Held> {
        self.0.of(wanted, refused).await
    }

    async fn sleep(&self, ms: i64) {
        TimeoutFuture::new(u32::try_from(ms).unwrap_or(0)).await;
    }

    fn now_ms(&self) -> i64 {
        now_ms()
    }
}

/// Sends a request and reads its answer.
async fn sent(request: &Request, abort: &AbortController) -> Result<Response, String> {
    let js = |error: JsValue| thrown(&error);
    let init = RequestInit::new();
    let headers = Headers::new().map_err(js)?;
    for (name, value) in &request.headers {
        headers.append(name, value).map_err(js)?;
    }
    init.set_method(request.method.word());
    init.set_headers(&headers);
    if request.method == Method::Post {
        init.set_body(&Uint8Array::from(request.body.as_slice()));
    }
    init.set_signal(Some(&abort.signal()));
    init.set_cache(RequestCache::NoStore);
    init.set_redirect(RequestRedirect::Manual);
    let answered = JsFuture::from(scope().fetch_with_str_and_init(&request.url, &init));
    let answered: Answered = answered.await.map_err(js)?.dyn_into().map_err(js)?;
    if answered.type_() == ResponseType::Opaqueredirect {
        // The browser does not say where to.
        return Ok(Response::redirect(307, None));
    }
    let header = match request.wants {
        Some(name) => answered.headers().get(name).map_err(js)?,
        None => None,
    };
    let mut body = Vec::new();
    if let Some(stream) = answered.body() {
        let reader: ReadableStreamDefaultReader = stream.get_reader().dyn_into().map_err(|o| js(o.into()))?;
        loop {
            let piece = JsFuture::from(reader.read()).await.map_err(js)?;
            if Reflect::get(&piece, &"done".into()).map_err(js)?.is_truthy() {
                break;
            }
            let bytes = Uint8Array::new(&Reflect::get(&piece, &"value".into()).map_err(js)?);
            let length = bytes.length() as usize;
            if body.len() + length > request.max_bytes {
                return Err(format!("its answer is longer than {} bytes", request.max_bytes));
            }
            let from = body.len();
            body.resize(from + length, 0);
            bytes.copy_to(&mut body[from..]);
        }
    }
    Ok(Response {
        status: answered.status(),
        header,
        body,
    })
}
