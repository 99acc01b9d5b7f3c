//! Who calls: the token that callers must have, and the sessions of different users.

use tonic::metadata::MetadataMap;
use tonic::service::Interceptor;
use tonic::{Request, Status};

use crate::proto as sc;

/// The token that every call must carry (`spark.connect.authenticate.token`), if there is one.
#[derive(Debug, Clone, Default)]
pub struct Token(Option<String>);

impl Token {
    /// Returns a check of this token; an empty one is none, as in Spark.
    pub fn new(token: Option<String>) -> Self {
        Self(token.filter(|t| !t.is_empty()))
    }

    /// Checks a call's metadata, as Spark's `PreSharedKeyAuthenticationInterceptor` does.
    fn check(&self, metadata: &MetadataMap) -> Result<(), Status> {
        let Some(token) = &self.0 else { return Ok(()) };
        let Some(given) = metadata.get("authorization") else {
            return Err(Status::unauthenticated("No authentication token provided"));
        };
        if is_equal(given.as_bytes(), format!("Bearer {token}").as_bytes()) {
            return Ok(());
        }
        Err(Status::unauthenticated("Invalid authentication token"))
    }
}

/// Compares in a time that does not depend on where the bytes differ.
fn is_equal(one: &[u8], other: &[u8]) -> bool {
    let differences = one.iter().zip(other).fold(0, |all, (a, b)| all | (a ^ b));
    one.len() == other.len() && differences == 0
}

impl Interceptor for Token {
    fn call(&mut self, request: Request<()>) -> Result<Request<()>, Status> {
        self.check(request.metadata()).map(|()| request)
    }
}

/// Returns the driver's name of a session: those of different users differ, whatever their ids are.
fn key(user: &str, session: &str) -> String {
    match user {
        "" => session.to_owned(),
        _ => format!("{}:{user}/{session}", user.len()),
    }
}

/// A request of a session.
pub trait OfSession {
    /// Puts the driver's name of the session in the place of the client's, which is returned.
    fn keyed(&mut self) -> String;
}

/// A response to a session.
pub trait ToSession {
    /// Puts the client's name of the session in the place of the driver's.
    fn addressed(&mut self, session: &str);
}

/// Implements [`OfSession`]: all requests have the same two fields.
macro_rules! requests {
    ($($request:ident)*) => {$(
        impl OfSession for sc::$request {
            fn keyed(&mut self) -> String {
                let user = self.user_context.as_ref().map_or("", |user| &user.user_id);
                let key = key(user, &self.session_id);
                std::mem::replace(&mut self.session_id, key)
            }
        }
    )*};
}
requests! {
    ExecutePlanRequest ReattachExecuteRequest AnalyzePlanRequest ConfigRequest InterruptRequest ReleaseExecuteRequest
    ReleaseSessionRequest FetchErrorDetailsRequest
}

/// Implements [`ToSession`]: all responses have the same two fields.
macro_rules! responses {
    ($($response:ident)*) => {$(
        impl ToSession for sc::$response {
            fn addressed(&mut self, session: &str) {
                session.clone_into(&mut self.session_id);
                session.clone_into(&mut self.server_side_session_id);
            }
        }
    )*};
}
responses! {
    ExecutePlanResponse AnalyzePlanResponse ConfigResponse InterruptResponse ReleaseExecuteResponse ReleaseSessionResponse
    FetchErrorDetailsResponse
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_its_users_own() {
        let request = |user: &str, session: &str| {
            let user_id = user.to_owned();
            let user_context = sc::UserContext {
                user_id,
                ..Default::default()
            };
            let mut request = sc::ConfigRequest {
                session_id: session.into(),
                user_context: Some(user_context),
                ..Default::default()
            };
            assert_eq!(request.keyed(), session);
            request.session_id
        };
        let names = [
            ("", "s"),
            ("ann", "s"),
            ("bob", "s"),
            ("ann/s", ""),
            ("a", "nn/s"),
            ("ann", "t"),
        ];
        let keys: std::collections::BTreeSet<String> = names.iter().map(|(user, id)| request(user, id)).collect();
        assert_eq!(keys.len(), names.len());
        assert_eq!(request("ann", "s"), request("ann", "s"));
    }

    #[test]
    fn a_call_without_the_token_is_refused_in_sparks_words() {
        let said = |token: Option<&str>, header: Option<&str>| {
            let mut metadata = MetadataMap::new();
            if let Some(header) = header {
                metadata.insert("authorization", header.parse().unwrap());
            }
            let checked = Token::new(token.map(str::to_owned)).check(&metadata);
            checked.err().map(|status| (status.code(), status.message().to_owned()))
        };
        let refused = |text: &str| Some((tonic::Code::Unauthenticated, text.to_owned()));
        assert_eq!(said(Some("secret"), Some("Bearer secret")), None);
        assert_eq!(said(Some("secret"), None), refused("No authentication token provided"));
        for wrong in ["Bearer secre", "Bearer secrets", "secret", "Bearer Secret", ""] {
            assert_eq!(
                said(Some("secret"), Some(wrong)),
                refused("Invalid authentication token")
            );
        }
        assert_eq!(said(None, None), None);
        assert_eq!(said(Some(""), None), None);
    }
}
