//! Requests that arrive sealed (Oblivious HTTP, RFC 9458), handled as if they had arrived in the clear.
//!
//! The limit on the head, the router and the response's signature are those of every request. The time limit and the slot among
//! concurrent requests are those of the outer request; the body cannot be longer than the outer one's.

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

/// Responds to requests that arrive sealed.
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

    /// Responds to the opened message: Binary HTTP (RFC 9292) in and out, the response with padding.
    ///
    /// The response is signed over the request in the message (`docs/signatures.md`). To a message that is not a request the response
    /// is an unsigned `oblivious-request-invalid`, which only the client can read.
    pub async fn respond(&self, message: &[u8]) -> Vec<u8> {
        let response = match decode_request(message) {
            Ok(request) => self.respond_to(request).await,
            Err(error) => {
                let problem = Problem::new(ProblemType::ObliviousRequestInvalid, error.to_string());
                Reply::problem(&problem).into_whole_response()
            }
        };
        let (parts, body) = response.into_parts();
        pad_response(encode_response(&parts, &body))
    }

    async fn respond_to(&self, request: Request<Vec<u8>>) -> Response<Bytes> {
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
