//! What a handler gives back.

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Method, StatusCode};
use permafrost_common::problem::{Problem, ProblemType};
use serde::Serialize;

/// A response before it is signed.
pub struct Reply {
    status: StatusCode,
    content_type: &'static str,
    retry_after: Option<u64>,
    allow: Option<HeaderValue>,
    body: Bytes,
}

impl Reply {
    /// A JSON response.
    pub fn json(status: u16, value: &impl Serialize) -> Result<Self, Problem> {
        let body = serde_json::to_vec(value)
            .map_err(|error| Problem::new(ProblemType::Internal, error.to_string()))?;
        Ok(Self::new(status, "application/json", body))
    }

    /// A response of any media type.
    pub fn new(status: u16, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        Self {
            status: StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            content_type,
            retry_after: None,
            allow: None,
            body: body.into(),
        }
    }

    /// A problem response (RFC 9457).
    pub fn problem(problem: &Problem) -> Self {
        let body = serde_json::to_vec(problem).unwrap_or_default();
        let mut reply = Self::new(problem.status, "application/problem+json", body);
        reply.retry_after = problem.retry_after;
        reply
    }

    /// The problem of a method that a path does not have, with those that it has (RFC 9110 section 15.5.6).
    pub(super) fn method_not_allowed(problem: &Problem, allowed: &str) -> Self {
        Self {
            allow: HeaderValue::from_str(allowed).ok(),
            ..Self::problem(problem)
        }
    }

    /// The HTTP response, unsigned. That to `HEAD` has no body, and the length of the one that `GET` would get (RFC 9110 section
    /// 8.6).
    pub(super) fn into_response(self, request: &Method) -> http::Response<Bytes> {
        let length = self.body.len();
        let mut response = http::Response::new(self.body);
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        if let Some(seconds) = self.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(methods) = self.allow {
            headers.insert(ALLOW, methods);
        }
        if *request == Method::HEAD {
            headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
            *response.body_mut() = Bytes::new();
        }
        response
    }
}
