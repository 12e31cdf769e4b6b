//! The operation that imports a key.

use std::sync::Arc;

use permafrost_common::api::{ImportKey, Key};
use permafrost_common::problem::ProblemType;

use super::{BodySchema, Call, Handled, Operation, Reply, Success};
use crate::custody::SealedToBoot;
use crate::enclave::Enclave;
use crate::principal::OperationName;

pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation {
            creates: true,
            body: Some(BodySchema::of::<ImportKey>()),
            problems: &[
                ProblemType::ImportNotOpened,
                ProblemType::ImportSecretInvalid,
                ProblemType::ImportPublicKeyMismatch,
                ProblemType::KeyAlreadyImported,
            ],
            ..Operation::of_principals(
                "import_key",
                "/v1/keys:import",
                OperationName::ImportKey,
                import,
            )
        }
        .described(
            "Imports a key: opens a secret that was sealed to this boot, deals its shares, and wipes it.",
            Success {
                status: 201,
                description: "The imported key, or the one that the same request imported before.",
                content_type: "application/json",
                schema: Some(BodySchema::of::<Key>()),
            },
        ),
    ]
}

fn import(enclave: Arc<Enclave>, call: Call) -> Handled {
    Box::pin(async move {
        let now = enclave.attestor.clock.now().as_secs();
        let boot = SealedToBoot {
            key: &enclave.boot.oblivious_key,
            attestation: &enclave.boot.attestation,
        };
        let (caller, request) = (call.caller()?, call.json()?);
        let key = enclave
            .custody()?
            .import(caller, &call.idempotency_key, request, boot, now)
            .await?;
        Reply::json(201, &key)
    })
}
