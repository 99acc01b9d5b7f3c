//! tonic's side: calls to the driver's thread, errors as Spark's server puts them on the wire.
//!
//! Methods that Rivulet lacks (artifacts, cloning sessions) are answered with `UNIMPLEMENTED`, which Spark's clients
//! understand.

use std::pin::Pin;

use prost::Message;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio_stream::Stream;
use tonic::{Code, Request, Response, Status, Streaming};

use super::host::{Host, Reply};
use crate::connect::protocol::Method;
use crate::error::SparkError;
use crate::proto as sc;
use crate::proto::spark_connect_service_server::SparkConnectService;

/// `google.rpc.ErrorInfo`.
#[derive(Clone, PartialEq, Message)]
struct ErrorInfo {
    /// Spark's class of the exception.
    #[prost(string, tag = "1")]
    reason: String,
    /// Always `org.apache.spark`.
    #[prost(string, tag = "2")]
    domain: String,
    /// Classes, error id, condition, parameters and SQL state, as Spark's clients read them.
    #[prost(map = "string, string", tag = "3")]
    metadata: std::collections::HashMap<String, String>,
}

/// `google.rpc.Status`.
#[derive(Clone, PartialEq, Message)]
struct RpcStatus {
    /// The gRPC code.
    #[prost(int32, tag = "1")]
    code: i32,
    /// The sentence, at most 2048 characters.
    #[prost(string, tag = "2")]
    message: String,
    /// One `google.rpc.ErrorInfo`.
    #[prost(message, repeated, tag = "3")]
    details: Vec<prost_types::Any>,
}

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

    /// Makes a call, and returns its replies.
    fn call(&self, method: Method, message: &impl Message) -> UnboundedReceiver<Reply> {
        let (replies, receiver) = unbounded_channel();
        self.host.call(method, message.encode_to_vec(), replies);
        receiver
    }

    /// Makes a call that has one response.
    async fn single<R: Message + Default>(
        &self,
        method: Method,
        message: &impl Message,
    ) -> Result<Response<R>, Status> {
        match self.call(method, message).recv().await {
            Some(Ok(Some(bytes))) => decode(&bytes).map(Response::new),
            Some(Ok(None)) => Err(Status::internal("the driver has not answered")),
            Some(Err((error, id))) => Err(status(&error, id)),
            None => Err(stopped()),
        }
    }
}

/// Reads a response of the driver.
fn decode<R: Message + Default>(bytes: &[u8]) -> Result<R, Status> {
    R::decode(bytes).map_err(|e| Status::internal(e.to_string()))
}

/// Returns the status of a call that has lost its driver: never an empty answer, which looks like no rows.
fn stopped() -> Status {
    Status::unavailable("the driver has stopped")
}

/// Returns an error as `ErrorUtils.buildStatusFromThrowable` sends it.
fn status(error: &SparkError, id: String) -> Status {
    let classes = serde_json::to_string(error.exception.classes()).unwrap_or_default();
    let mut metadata: std::collections::HashMap<String, String> =
        [("classes".to_owned(), classes), ("errorId".to_owned(), id)].into();
    if let Some(condition) = &error.condition {
        metadata.insert("errorClass".into(), condition.clone());
        metadata.insert(
            "messageParameters".into(),
            serde_json::to_string(&error.parameters).unwrap_or_default(),
        );
    }
    if let Some(state) = &error.sql_state {
        metadata.insert("sqlState".into(), state.clone());
    }
    let info = ErrorInfo {
        reason: error.exception.classes()[0].to_owned(),
        domain: "org.apache.spark".into(),
        metadata,
    };
    let message: String = error.full_message().chars().take(2048).collect();
    let code = Code::Internal;
    let any = prost_types::Any {
        type_url: "type.googleapis.com/google.rpc.ErrorInfo".into(),
        value: info.encode_to_vec(),
    };
    let details = RpcStatus {
        code: code as i32,
        message: message.clone(),
        details: vec![any],
    };
    Status::with_details(code, message, details.encode_to_vec().into())
}

/// Responses of a call that has many.
type Responses = Pin<Box<dyn Stream<Item = Result<sc::ExecutePlanResponse, Status>> + Send>>;

/// Returns the stream of a call's responses, which ends well only where the driver says so.
fn responses(receiver: UnboundedReceiver<Reply>) -> Response<Responses> {
    let stream = futures::stream::unfold(Some(receiver), |receiver| async {
        let mut receiver = receiver?;
        match receiver.recv().await {
            Some(Ok(Some(bytes))) => Some((decode(&bytes), Some(receiver))),
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
        Ok(responses(self.call(Method::ExecutePlan, request.get_ref())))
    }

    async fn reattach_execute(
        &self,
        request: Request<sc::ReattachExecuteRequest>,
    ) -> Result<Response<Responses>, Status> {
        Ok(responses(self.call(Method::ReattachExecute, request.get_ref())))
    }

    async fn analyze_plan(
        &self,
        request: Request<sc::AnalyzePlanRequest>,
    ) -> Result<Response<sc::AnalyzePlanResponse>, Status> {
        self.single(Method::AnalyzePlan, request.get_ref()).await
    }

    async fn config(&self, request: Request<sc::ConfigRequest>) -> Result<Response<sc::ConfigResponse>, Status> {
        self.single(Method::Config, request.get_ref()).await
    }

    async fn interrupt(
        &self,
        request: Request<sc::InterruptRequest>,
    ) -> Result<Response<sc::InterruptResponse>, Status> {
        self.single(Method::Interrupt, request.get_ref()).await
    }

    async fn release_execute(
        &self,
        request: Request<sc::ReleaseExecuteRequest>,
    ) -> Result<Response<sc::ReleaseExecuteResponse>, Status> {
        self.single(Method::ReleaseExecute, request.get_ref()).await
    }

    async fn release_session(
        &self,
        request: Request<sc::ReleaseSessionRequest>,
    ) -> Result<Response<sc::ReleaseSessionResponse>, Status> {
        self.single(Method::ReleaseSession, request.get_ref()).await
    }

    async fn fetch_error_details(
        &self,
        request: Request<sc::FetchErrorDetailsRequest>,
    ) -> Result<Response<sc::FetchErrorDetailsResponse>, Status> {
        self.single(Method::FetchErrorDetails, request.get_ref()).await
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
