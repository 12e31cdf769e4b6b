//! Oblivious HTTP (RFC 9458): the keys to seal requests to, and the one path that takes sealed requests.

use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use http::request::Parts;
use http::{Method, Response};
use permafrost_common::http_signature::RequestContext;
use permafrost_common::oblivious::binary_http::{decode_request, encode_response};
use permafrost_common::oblivious::{
    KEYS_TYPE, REQUEST_TYPE, RESPONSE_TYPE, RequestNotOpened, pad_response,
};
use permafrost_common::problem::{Problem, ProblemType};

use super::dispatch::Layer;
use super::{
    Access, BodySchema, Call, Cost, Dispatcher, Handled, Handler, Operation, Reply, Success,
};
use crate::enclave::Enclave;
use crate::limits::check_head;

pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation {
            id: "oblivious-keys",
            method: Method::GET,
            path: "/v1/oblivious-keys",
            summary: "Returns the key configurations to which requests are sealed (RFC 9458 section 3.2).",
            access: Access::Open,
            creates: false,
            query: &[],
            body: None,
            success: Success {
                status: 200,
                description: "The list. Its SHA-256 is oblivious_keys in the user_data of the attestation document.",
                content_type: KEYS_TYPE,
                schema: None,
            },
            problems: &[],
            cost: Cost::Cheap,
            handler: Handler::Of(keys),
        },
        Operation {
            id: "oblivious",
            method: Method::POST,
            path: PATH,
            summary: "Opens a sealed request for any other path of /v1, or for /openapi.json, and seals its response (RFC 9458).",
            access: Access::Open,
            creates: false,
            query: &[],
            body: Some(BodySchema::bytes(REQUEST_TYPE)),
            success: Success {
                status: 200,
                description: "The sealed response, whatever its status.",
                content_type: RESPONSE_TYPE,
                schema: None,
            },
            problems: &[
                ProblemType::ObliviousKeyUnknown,
                ProblemType::ObliviousRequestInvalid,
            ],
            // The request inside has its own.
            cost: Cost::Cheap,
            handler: Handler::Sealed,
        },
    ]
}

impl Operation {
    /// Whether it may be requested by a sealed request: the API and its description for programs may, Oblivious HTTP itself may not.
    pub(super) fn accepts_sealed_requests(&self) -> bool {
        self.path != PATH && (self.path.starts_with("/v1/") || self.path == "/openapi.json")
    }
}

const PATH: &str = "/v1/oblivious";

fn keys(enclave: Arc<Enclave>, _: Call) -> Handled {
    Box::pin(async move {
        let list = enclave.boot.oblivious_key.key_configurations();
        Ok(Reply::new(200, KEYS_TYPE, list))
    })
}

impl Dispatcher {
    /// Opens a sealed request, responds to it as if it had come in the clear, and seals the response.
    ///
    /// The time limit and the place among the requests in progress are those of the outer request; the body cannot be longer than the
    /// outer one's.
    pub(super) async fn open(&self, call: &Call) -> Result<Reply, Problem> {
        let opened = self.enclave.boot.oblivious_key.open(&call.body);
        let (message, responder) = opened.map_err(|error| problem(&error))?;
        let response = self.respond_inside(&message).await;
        let sealed = responder
            .seal(&response)
            .map_err(|error| Problem::new(ProblemType::Internal, error.to_string()))?;
        Ok(Reply::new(200, RESPONSE_TYPE, sealed))
    }

    /// Responds to the opened message: Binary HTTP (RFC 9292) in and out, the response with padding.
    ///
    /// The response is signed over the request in the message (`docs/signatures.md`). To a message that is not a request the response
    /// is an unsigned `oblivious-request-invalid`, which only the client can read.
    async fn respond_inside(&self, message: &[u8]) -> Vec<u8> {
        let response = match decode_request(message) {
            Ok(request) => {
                let (parts, body) = request.into_parts();
                match check_head(&parts, self.enclave.config.limits.header_bytes) {
                    Ok(()) => self.inside(parts, body.into()).await,
                    Err(problem) => self.refuse(&RequestContext::of(&parts), &problem),
                }
            }
            Err(error) => {
                let problem = Problem::new(ProblemType::ObliviousRequestInvalid, error.to_string());
                Reply::problem(&problem).into_response(&Method::POST)
            }
        };
        let (parts, body) = response.into_parts();
        pad_response(encode_response(&parts, &body))
    }

    /// Boxed: the future of a request that dispatches another would have no end.
    fn inside(
        &self,
        parts: Parts,
        body: Bytes,
    ) -> Pin<Box<dyn Future<Output = Response<Bytes>> + Send + '_>> {
        Box::pin(self.respond(parts, body, Layer::Sealed))
    }
}

fn problem(error: &RequestNotOpened) -> Problem {
    let kind = match error {
        RequestNotOpened::TooShort { .. } => ProblemType::ObliviousRequestInvalid,
        RequestNotOpened::OtherKey { .. } | RequestNotOpened::Sealed => {
            ProblemType::ObliviousKeyUnknown
        }
    };
    Problem::new(kind, error.to_string())
}
