//! Requests that come sealed (Oblivious HTTP, RFC 9458): answered inside as if they had come in the open.
//!
//! The limits on the head, the router and the answer's signature are those of every request. The time limit and the
//! place among concurrent requests are those of the request that carried it; the body cannot be longer than that one's.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use http::{Request, Response};
use permafrost_common::http_signature::RequestContext;
use permafrost_common::oblivious::binary_http::{decode_request, encode_response};
use permafrost_common::oblivious::pad_response;
use permafrost_common::problem::{Problem, ProblemType};
use tower::ServiceExt;

use crate::enclave::Enclave;
use crate::routes::{Reply, router_inside};
use crate::serve::{check_head, sign};

/// What answers requests that come sealed.
#[derive(Clone)]
pub struct Inside {
    enclave: Arc<Enclave>,
    router: Router,
}

impl Inside {
    /// For the requests of one boot.
    pub fn new(enclave: &Arc<Enclave>) -> Self {
        Self {
            router: router_inside(enclave),
            enclave: Arc::clone(enclave),
        }
    }

    /// Answers a message that was sealed: Binary HTTP (RFC 9292) in and out, out with padding.
    ///
    /// The answer is signed over the request in the message (`docs/signatures.md`). What is not a request has no
    /// signed answer: an `oblivious-request-invalid` tells why, and only the client can read it.
    pub async fn response(&self, message: &[u8]) -> Vec<u8> {
        let response = match decode_request(message) {
            Ok(request) => self.response_request(request).await,
            Err(error) => {
                let problem = Problem::new(ProblemType::ObliviousRequestInvalid, error.to_string());
                Reply::problem(&problem).into_whole_response()
            }
        };
        let (parts, body) = response.into_parts();
        pad_response(encode_response(&parts, &body))
    }

    async fn response_request(&self, request: Request<Vec<u8>>) -> Response<Bytes> {
        let (parts, body) = request.into_parts();
        let context = RequestContext::of(&parts);
        let request = Request::from_parts(parts, Body::from(body));
        let response = match check_head(&request, self.enclave.config.limits.header_bytes) {
            Ok(()) => match self.router.clone().oneshot(request).await {
                Ok(response) => response,
                Err(never) => match never {},
            },
            Err(problem) => Reply::problem(&problem).into_response(),
        };
        sign(&self.enclave, &context, response).await
    }
}
