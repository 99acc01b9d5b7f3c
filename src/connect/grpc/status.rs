//! Errors as Spark's server puts them on the wire: a status, and details in its trailer.
//!
//! Clients take no more than 16 KB of trailers, and may refuse more than 8 KB: beyond that the error itself is lost. So
//! the sentence and the parameters are cut as Spark cuts them, and the sentence also by the bytes that it takes there.

use prost::Message;
use tonic::{Code, Status};

use crate::error::SparkError;

/// Most bytes of the parameters of an error in its status (`spark.connect.grpc.maxMetadataSize`): Spark's default.
const MAX_METADATA_BYTES: usize = 1024;

/// Most characters of the sentence in a status.
const MAX_SENTENCE: usize = 2048;

/// Limits the bytes of the sentence in HTTP's form, which takes three for each byte that is not a plain letter or digit.
const MAX_SENTENCE_BYTES: usize = 3000;

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
    /// The sentence, cut.
    #[prost(string, tag = "2")]
    message: String,
    /// One `google.rpc.ErrorInfo`.
    #[prost(message, repeated, tag = "3")]
    details: Vec<prost_types::Any>,
}

/// Returns an error as `ErrorUtils.buildStatusFromThrowable` sends it: what is too long for a trailer is left to
/// `FetchErrorDetails`, for which the id is.
pub(super) fn status(error: &SparkError, id: String) -> Status {
    let classes = serde_json::to_string(error.exception.classes()).unwrap_or_default();
    let mut metadata: std::collections::HashMap<String, String> =
        [("classes".to_owned(), classes), ("errorId".to_owned(), id)].into();
    if let Some(condition) = &error.condition {
        let parameters = serde_json::to_string(&error.parameters).unwrap_or_default();
        if parameters.len() <= MAX_METADATA_BYTES && condition.len() <= MAX_METADATA_BYTES {
            metadata.insert("errorClass".into(), condition.clone());
            metadata.insert("messageParameters".into(), parameters);
        }
    }
    if let Some(state) = &error.sql_state {
        metadata.insert("sqlState".into(), state.clone());
    }
    let info = ErrorInfo {
        reason: error.exception.classes()[0].to_owned(),
        domain: "org.apache.spark".into(),
        metadata,
    };
    let message = abbreviated(&error.full_message());
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

/// Returns a sentence that is short enough for a status; one that was cut ends with dots.
fn abbreviated(sentence: &str) -> String {
    let cost = |c: char| match c {
        'a'..='z' | 'A'..='Z' | '0'..='9' => 1,
        _ => 3 * c.len_utf8(),
    };
    let whole = sentence.chars().map(cost).try_fold((0, 0), |(count, bytes), cost| {
        let next = (count + 1, bytes + cost);
        (next.0 <= MAX_SENTENCE && next.1 <= MAX_SENTENCE_BYTES).then_some(next)
    });
    if whole.is_some() {
        return sentence.to_owned();
    }
    let (mut count, mut bytes) = (3, 9);
    let kept = sentence.chars().take_while(|c| {
        (count, bytes) = (count + 1, bytes + cost(*c));
        count <= MAX_SENTENCE && bytes <= MAX_SENTENCE_BYTES
    });
    kept.collect::<String>() + "..."
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_fits_the_trailers_that_clients_take() {
        let long = ["x", " ", "\u{e9}", "\u{1f980}", "\"", "a\u{1f980}"].map(|c| c.repeat(20_000));
        for text in long {
            let error = SparkError::new(
                crate::error::Exception::NumberFormat,
                "CAST_INVALID_INPUT",
                "22018",
                &*text,
            )
            .with("expression", &*text)
            .with("sourceType", "\"STRING\"");
            let status = status(&error, "1b2c3d4e-0000-4000-8000-000000000000".into());
            let mut headers = tonic::codegen::http::HeaderMap::new();
            status.add_header(&mut headers).unwrap();
            let bytes: usize = headers.iter().map(|(k, v)| k.as_str().len() + v.len() + 32).sum();
            assert!(bytes < 8 << 10, "{bytes} bytes");
            assert!(status.message().ends_with("..."));
            let details = RpcStatus::decode(status.details()).unwrap();
            assert_eq!(details.message, status.message());
            let info = ErrorInfo::decode(&*details.details[0].value).unwrap();
            assert!(info.metadata.contains_key("errorId") && !info.metadata.contains_key("messageParameters"));
        }
    }

    #[test]
    fn a_short_error_is_whole() {
        let error = SparkError::analysis(
            "UNRESOLVED_COLUMN.WITHOUT_SUGGESTION",
            "42703",
            "A column `x` cannot be resolved.",
        );
        let status = status(&error.with("objectName", "`x`"), "id".into());
        assert_eq!(
            status.message(),
            "[UNRESOLVED_COLUMN.WITHOUT_SUGGESTION] A column `x` cannot be resolved. SQLSTATE: 42703"
        );
        let details = RpcStatus::decode(status.details()).unwrap();
        let info = ErrorInfo::decode(&*details.details[0].value).unwrap();
        assert_eq!(info.metadata["messageParameters"], "{\"objectName\":\"`x`\"}");
    }
}
