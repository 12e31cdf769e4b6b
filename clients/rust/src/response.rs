//! Responses, before and after they are checked.

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header::CONTENT_TYPE};
use permafrost_common::{
    api::ATTESTATION_HEADER,
    http_signature::{RequestContext, SIGNATURE},
    problem::{Problem, ProblemType},
};
use serde::de::DeserializeOwned;

use crate::{Error, clock, connection::RawResponse};

/// A response that the verified boot signed, to the very request that was sent.
#[derive(Clone, Debug)]
pub struct Response {
    /// Its status: errors are responses, too.
    pub status: StatusCode,
    /// Its header fields. Only those that the signature covers are authentic: `content-type`, `content-digest`
    /// and `x-enclave-attestation`.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
    /// When it was signed, by the enclave's clock: seconds since 1970.
    pub created: u64,
}

impl Response {
    /// The body as JSON.
    ///
    /// # Errors
    /// [`Error::Problem`] or [`Error::ClockDiffers`] if the status is not 2xx, [`Error::UnexpectedResponse`] if
    /// the body is not of that form.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        if !self.status.is_success() {
            return Err(self.refusal());
        }
        serde_json::from_slice(&self.body).map_err(|error| self.unexpected(error))
    }

    /// The problem that the response is, if it is one.
    pub fn problem(&self) -> Option<Problem> {
        problem(self.status, &self.headers, &self.body)
    }

    fn refusal(&self) -> Error {
        let Some(problem) = self.problem() else {
            return self.unexpected("it is neither a success nor a problem");
        };
        match problem.kind() {
            Some(ProblemType::RequestExpired) => Error::ClockDiffers {
                problem: Box::new(problem),
                enclave: self.created,
                client: clock::now(),
            },
            _ => Error::Problem(Box::new(problem)),
        }
    }

    fn unexpected(&self, reason: impl ToString) -> Error {
        Error::UnexpectedResponse {
            status: self.status.as_u16(),
            reason: reason.to_string(),
        }
    }
}

/// A response that has not been checked yet, with the request that its signature must be bound to.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) request: RequestContext,
    pub(crate) response: RawResponse,
    /// Whether the request was sealed and the response was not: it is not a response to that request.
    pub(crate) refused_unread: bool,
}

impl Exchange {
    /// The problem that the response claims to be, if any.
    pub(crate) fn problem(&self) -> Option<Problem> {
        let RawResponse { parts, body } = &self.response;
        problem(parts.status, &parts.headers, body)
    }

    /// Whether the response claims to be signed.
    pub(crate) fn is_signed(&self) -> bool {
        self.response.parts.headers.contains_key(SIGNATURE)
    }

    /// Whether the parent claims that the request may not have reached an enclave, or its response not the parent.
    pub(crate) fn says_unreachable(&self) -> bool {
        let kind = self.problem().and_then(|problem| problem.kind());
        !self.is_signed() && kind == Some(ProblemType::EnclaveUnreachable)
    }

    /// The boot that the response names, if any: a hint until its signature is checked.
    pub(crate) fn named_boot(&self) -> Option<&str> {
        self.response
            .parts
            .headers
            .get(ATTESTATION_HEADER)?
            .to_str()
            .ok()
    }

    /// The response, once its signature has been checked.
    pub(crate) fn into_authentic(self, created: u64) -> Response {
        let RawResponse { parts, body } = self.response;
        Response {
            status: parts.status,
            headers: parts.headers,
            body,
            created,
        }
    }
}

/// Reads an RFC 9457 problem whose status is that of the response.
fn problem(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Option<Problem> {
    let content_type = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let media_type = content_type.split(';').next()?.trim();
    if !media_type.eq_ignore_ascii_case("application/problem+json") {
        return None;
    }
    serde_json::from_slice::<Problem>(body)
        .ok()
        .filter(|problem| problem.status == status.as_u16() && !status.is_success())
}
