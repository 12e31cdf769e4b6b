//! The operations that need no principal and no root secret: health and attestation.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use permafrost_common::api::{Attestation, Health};
use permafrost_common::problem::{Problem, ProblemType};

use super::{
    Access, BodySchema, Call, Cost, Handled, Handler, Operation, QueryParameter, Reply, Success,
};
use crate::enclave::Enclave;

/// The longest nonce that an attestation document carries, in bytes (AWS: `attestation_process.md`).
const NONCE_MAX: usize = 512;

pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation {
            id: "health",
            method: Method::GET,
            path: "/v1/health",
            summary: "Says whether the enclave is ready and, if not, why.",
            access: Access::Open,
            creates: false,
            query: &[],
            body: None,
            success: Success {
                status: 200,
                description: "The state of the enclave, ready or not.",
                content_type: "application/json",
                schema: Some(BodySchema::of::<Health>()),
            },
            problems: &[],
            cost: Cost::Cheap,
            handler: Handler::Of(health),
        },
        Operation {
            id: "attestation",
            method: Method::GET,
            path: "/v1/attestation",
            summary: "Returns the attestation document of this boot, or a fresh one with your nonce.",
            access: Access::Open,
            creates: false,
            query: &[QueryParameter {
                name: "nonce",
                description: "The nonce for a fresh document: 1 to 512 bytes, lower-case hex. Without it, the response has the document made at boot.",
            }],
            body: None,
            success: Success {
                status: 200,
                description: "The document. Its user_data binds the key that signs every response of this boot.",
                content_type: "application/json",
                schema: Some(BodySchema::of::<Attestation>()),
            },
            problems: &[ProblemType::AttestationUnavailable],
            cost: Cost::Cheap,
            handler: Handler::Of(attestation),
        },
    ]
}

fn health(enclave: Arc<Enclave>, _: Call) -> Handled {
    Box::pin(async move {
        let reason = enclave.custody().err().map(|problem| problem.detail);
        let health = Health {
            ready: reason.is_none(),
            reason,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            deployment: enclave.config.deployment.clone(),
            nsm: enclave.attestor.nsm.name().to_owned(),
        };
        Reply::json(200, &health)
    })
}

fn attestation(enclave: Arc<Enclave>, call: Call) -> Handled {
    Box::pin(async move {
        let document = match call.query("nonce") {
            None => enclave.boot.document.clone(),
            Some(text) => {
                let document = enclave.attestor.attest_in_turn(nonce(text)?).await;
                document.map_err(|error| {
                    Problem::new(ProblemType::AttestationUnavailable, error.to_string())
                })?
            }
        };
        let document = STANDARD.encode(document);
        Reply::json(200, &Attestation { document })
    })
}

fn nonce(text: &str) -> Result<Vec<u8>, Problem> {
    let lower = !text.bytes().any(|b| b.is_ascii_uppercase());
    hex::decode(text)
        .ok()
        .filter(|nonce| lower && (1..=NONCE_MAX).contains(&nonce.len()))
        .ok_or_else(|| {
            Problem::field(
                "query:nonce",
                format!("{} characters", text.len()),
                "2 to 1024 lower-case hex digits, an even number",
            )
        })
}
