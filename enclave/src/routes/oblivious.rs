//! Oblivious HTTP (RFC 9458): the keys to seal requests to, and the one path that takes sealed requests.

use std::sync::Arc;

use http::Method;
use permafrost_common::oblivious::{KEYS_TYPE, REQUEST_TYPE, RESPONSE_TYPE, RequestNotOpened};
use permafrost_common::problem::{Problem, ProblemType};

use super::{Access, BodySchema, Call, Handled, Operation, Reply, Success};
use crate::enclave::Enclave;

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
            handler: keys,
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
            handler: oblivious,
        },
    ]
}

/// Whether an operation accepts sealed requests: the API and its description for programs do, Oblivious HTTP itself does not.
pub(super) fn is_inside(operation: &Operation) -> bool {
    let path = operation.path;
    path != PATH && (path.starts_with("/v1/") || path == "/openapi.json")
}

const PATH: &str = "/v1/oblivious";

fn keys(enclave: Arc<Enclave>, _: Call) -> Handled {
    Box::pin(async move {
        let list = enclave.boot.oblivious_key.key_configurations();
        Ok(Reply::new(200, KEYS_TYPE, list))
    })
}

fn oblivious(enclave: Arc<Enclave>, call: Call) -> Handled {
    Box::pin(async move {
        let internal = |detail: String| Problem::new(ProblemType::Internal, detail);
        let opened = enclave.boot.oblivious_key.open(call.body());
        let (request, responder) = opened.map_err(|error| problem(&error))?;
        let Some(inside) = &call.inside else {
            return Err(internal(
                "a sealed request cannot contain a sealed request".to_owned(),
            ));
        };
        let response = inside.respond(&request).await;
        let sealed = responder
            .seal(&response)
            .map_err(|error| internal(error.to_string()))?;
        Ok(Reply::new(200, RESPONSE_TYPE, sealed))
    })
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
