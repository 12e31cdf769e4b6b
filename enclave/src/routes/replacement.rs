//! The operations by which one key replaces another.

use std::sync::Arc;

use http::Method;
use permafrost_common::api::ReplaceKey;
use permafrost_common::api::replacement::{
    CosignReplacement, LinkReplacement, Replaced, Replacement,
};
use permafrost_common::api::split::Cosigned;
use permafrost_common::problem::ProblemType;

use super::{BodySchema, Call, Handled, Operation, Reply, Success};
use crate::enclave::Enclave;
use crate::principal::OperationName;

pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation {
            creates: true,
            body: Some(BodySchema::of::<ReplaceKey>()),
            problems: PROBLEMS,
            ..Operation::of_principals(
                "replace_key",
                "/v1/keys/{id}/replace",
                OperationName::ReplaceKey,
                replace,
            )
        }
        .described(
            "Makes a new key with the same participants and threshold, linked to the old one by a statement that the old one signs.",
            json(
                201,
                "The new key, or the one that the same request made before, and the statement.",
                BodySchema::of::<Replaced>(),
            ),
        ),
        Operation {
            body: Some(BodySchema::of::<CosignReplacement>()),
            problems: PROBLEMS,
            ..Operation::of_principals(
                "cosign_replacement",
                "/v1/keys/{id}/cosign-replacement",
                OperationName::ReplaceKey,
                cosign,
            )
        }
        .described(
            "Gives the enclave's parts of the statement's signature by a key with split custody, for which the other signers have committed.",
            json(
                200,
                "The enclave's parts of the signature.",
                BodySchema::of::<Cosigned>(),
            ),
        ),
        Operation {
            body: Some(BodySchema::of::<LinkReplacement>()),
            problems: PROBLEMS,
            ..Operation::of_principals(
                "link_replacement",
                "/v1/keys/{id}/replacement",
                OperationName::ReplaceKey,
                link,
            )
        }
        .described(
            "Replaces a key by one that was made before, with a statement that the old key has signed.",
            json(
                200,
                "The new key and the statement.",
                BodySchema::of::<Replaced>(),
            ),
        ),
        Operation {
            method: Method::GET,
            problems: &[ProblemType::ReplacementNotFound],
            ..Operation::of_principals(
                "show_replacement",
                "/v1/keys/{id}/replacement",
                OperationName::ShowKey,
                show,
            )
        }
        .described(
            "Shows the statement by which a key was replaced.",
            json(
                200,
                "The statement, which anyone can verify.",
                BodySchema::of::<Replacement>(),
            ),
        ),
    ]
}

const PROBLEMS: &[ProblemType] = &[
    ProblemType::KeyConflict,
    ProblemType::KeyDeleted,
    ProblemType::KeyDisabled,
    ProblemType::KeyReplaced,
];

fn json(status: u16, description: &'static str, schema: BodySchema) -> Success {
    Success {
        status,
        description,
        content_type: "application/json",
        schema: Some(schema),
    }
}

fn replace(enclave: Arc<Enclave>, call: Call) -> Handled {
    Box::pin(async move {
        let now = enclave.attestor.clock.now().as_secs();
        let (caller, request) = (call.caller()?, call.json()?);
        let replaced = enclave
            .custody()?
            .replace(caller, &call.id, &call.idempotency_key, request, now)
            .await?;
        Reply::json(201, &replaced)
    })
}

fn cosign(enclave: Arc<Enclave>, call: Call) -> Handled {
    Box::pin(async move {
        let (caller, request) = (call.caller()?, call.json()?);
        let custody = enclave.custody()?;
        let cosigned = custody.cosign_replacement(caller, &call.id, request);
        Reply::json(200, &cosigned.await?)
    })
}

fn link(enclave: Arc<Enclave>, call: Call) -> Handled {
    Box::pin(async move {
        let (caller, request) = (call.caller()?, call.json()?);
        let custody = enclave.custody()?;
        let replaced = custody.link_replacement(caller, &call.id, request);
        Reply::json(200, &replaced.await?)
    })
}

fn show(enclave: Arc<Enclave>, call: Call) -> Handled {
    Box::pin(async move {
        let custody = enclave.custody()?;
        let replacement = custody.show_replacement(call.caller()?, &call.id);
        Reply::json(200, &replacement.await?)
    })
}
