//! tonic's side: calls to the driver's thread, and what comes back.
//!
//! Methods that Rivulet lacks (artifacts, cloning sessions) are answered with `UNIMPLEMENTED`, which Spark's clients
//! understand.

use std::pin::Pin;

use prost::Message;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio_stream::Stream;
use tonic::{Request, Response, Status, Streaming};

use super::host::{Host, Reply};
use super::identity::{OfSession, ToSession};
use super::status::status;
use crate::connect::protocol::{Method, RequestId};
use crate::proto as sc;
use crate::proto::spark_connect_service_server::SparkConnectService;

/// The gRPC service: every call goes to the driver's thread.
pub struct Service {
    /// The driver's thread.
    host: Host,
}

/// Most bytes of a message: it may hold a plan's local data.
pub const MAX_MESSAGE_BYTES: usize = 256 << 20;

impl Service {
    /// Returns a service over a driver's thread.
    pub fn new(host: Host) -> Self {
        Self { host }
    }

    /// Makes a call; returns the client's name of its session, and its replies.
    fn call<M: Message + OfSession>(&self, method: Method, request: Request<M>) -> Call {
        let mut message = request.into_inner();
        let session = message.keyed();
        let (replies, receiver) = unbounded_channel();
        let id = self.host.call(method, message.encode_to_vec(), replies);
        Call {
            host: self.host.clone(),
            id,
            session,
            replies: receiver,
            read: 0,
        }
    }

    /// Makes a call that has one response.
    async fn single<M: Message + OfSession, R: Message + ToSession + Default>(
        &self,
        method: Method,
        request: Request<M>,
    ) -> Result<Response<R>, Status> {
        let mut call = self.call(method, request);
        match call.replies.recv().await {
            Some(Ok(Some(bytes))) => decode(&bytes, &call.session).map(Response::new),
            Some(Ok(None)) => Err(Status::internal("the driver returned no answer")),
            Some(Err((error, id))) => Err(status(&error, id)),
            None => Err(stopped()),
        }
    }
}

/// Reads a response of the driver to a session of a client's.
fn decode<R: Message + ToSession + Default>(bytes: &[u8], session: &str) -> Result<R, Status> {
    let mut response = R::decode(bytes).map_err(|e| Status::internal(e.to_string()))?;
    response.addressed(session);
    Ok(response)
}

/// Returns the status of a call that has lost its driver: never an empty answer, which looks like no rows.
fn stopped() -> Status {
    Status::unavailable("the driver has stopped")
}

/// Responses of a call that has many.
type Responses = Pin<Box<dyn Stream<Item = Result<sc::ExecutePlanResponse, Status>> + Send>>;

/// A call that the driver answers.
struct Call {
    /// The driver's thread.
    host: Host,
    /// The call's number.
    id: RequestId,
    /// What the client calls its session.
    session: String,
    /// What the driver answers.
    replies: UnboundedReceiver<Reply>,
    /// Bytes of the response that the client was handed last.
    read: usize,
}

/// Returns the stream of a call's responses, which ends without an error only if the driver says so. To ask for the next response
/// means that the one before is read.
fn responses(call: Call) -> Response<Responses> {
    let stream = futures::stream::unfold(Some(call), |call| async {
        let mut call = call?;
        if call.read > 0 {
            call.host.taken(call.id, call.read);
        }
        match call.replies.recv().await {
            Some(Ok(Some(bytes))) => {
                call.read = bytes.len();
                Some((decode(&bytes, &call.session), Some(call)))
            }
            Some(Ok(None)) => None,
            Some(Err((error, id))) => Some((Err(status(&error, id)), None)),
            None => Some((Err(stopped()), None)),
        }
    });
    Response::new(Box::pin(stream))
}

#[tonic::async_trait]
impl SparkConnectService for Service {
    type ExecutePlanStream = Responses;
    type ReattachExecuteStream = Responses;

    async fn execute_plan(&self, request: Request<sc::ExecutePlanRequest>) -> Result<Response<Responses>, Status> {
        Ok(responses(self.call(Method::ExecutePlan, request)))
    }

    async fn reattach_execute(
        &self,
        request: Request<sc::ReattachExecuteRequest>,
    ) -> Result<Response<Responses>, Status> {
        Ok(responses(self.call(Method::ReattachExecute, request)))
    }

    async fn analyze_plan(
        &self,
        request: Request<sc::AnalyzePlanRequest>,
    ) -> Result<Response<sc::AnalyzePlanResponse>, Status> {
        self.single(Method::AnalyzePlan, request).await
    }

    async fn config(&self, request: Request<sc::ConfigRequest>) -> Result<Response<sc::ConfigResponse>, Status> {
        self.single(Method::Config, request).await
    }

    async fn interrupt(
        &self,
        request: Request<sc::InterruptRequest>,
    ) -> Result<Response<sc::InterruptResponse>, Status> {
        self.single(Method::Interrupt, request).await
    }

    async fn release_execute(
        &self,
        request: Request<sc::ReleaseExecuteRequest>,
    ) -> Result<Response<sc::ReleaseExecuteResponse>, Status> {
        self.single(Method::ReleaseExecute, request).await
    }

    async fn release_session(
        &self,
        request: Request<sc::ReleaseSessionRequest>,
    ) -> Result<Response<sc::ReleaseSessionResponse>, Status> {
        self.single(Method::ReleaseSession, request).await
    }

    async fn fetch_error_details(
        &self,
        request: Request<sc::FetchErrorDetailsRequest>,
    ) -> Result<Response<sc::FetchErrorDetailsResponse>, Status> {
        self.single(Method::FetchErrorDetails, request).await
    }

    async fn add_artifacts(
        &self,
        _: Request<Streaming<sc::AddArtifactsRequest>>,
    ) -> Result<Response<sc::AddArtifactsResponse>, Status> {
        Err(Status::unimplemented("Rivulet takes no artifacts"))
    }

    async fn artifact_status(
        &self,
        _: Request<sc::ArtifactStatusesRequest>,
    ) -> Result<Response<sc::ArtifactStatusesResponse>, Status> {
        Err(Status::unimplemented("Rivulet takes no artifacts"))
    }

    async fn clone_session(
        &self,
        _: Request<sc::CloneSessionRequest>,
    ) -> Result<Response<sc::CloneSessionResponse>, Status> {
        Err(Status::unimplemented("Rivulet does not clone sessions"))
    }

    async fn get_status(&self, _: Request<sc::GetStatusRequest>) -> Result<Response<sc::GetStatusResponse>, Status> {
        Err(Status::unimplemented("Rivulet does not report operation status"))
    }
}
