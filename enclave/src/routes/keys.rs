//! The operations on keys.

mod filter;

use std::sync::Arc;

use http::Method;
use permafrost_common::api::{CreateKey, Key, KeyList, LabelKey, SignRequest, Signed};
use permafrost_common::problem::{Problem, ProblemType};

use super::{BodySchema, Call, Handled, Operation, Reply, Success};
use crate::custody::LISTING_MAX;
use crate::enclave::Enclave;
use crate::principal::OperationName;

pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation {
            creates: true,
            body: Some(BodySchema::of::<CreateKey>()),
            ..Operation::of_principals("create_key", "/v1/keys", OperationName::CreateKey, create)
        }
        .described(
            "Makes a key whose shares are dealt inside the enclave.",
            key(
                201,
                "The new key, or the one that the same request made before.",
            ),
        ),
        Operation {
            method: Method::GET,
            query: filter::PARAMETERS,
            ..Operation::of_principals("list_keys", "/v1/keys", OperationName::ListKeys, list)
        }
        .described(
            "Lists the keys that the principal may see and that match every filter. The store may leave keys out of a listing.",
            Success {
                schema: Some(BodySchema::of::<KeyList>()),
                ..key(200, "A listing of keys, in ascending order of id. It may have fewer than `limit`, even none, and still a `next`.")
            },
        ),
        Operation {
            method: Method::GET,
            ..Operation::of_principals("show_key", "/v1/keys/{id}", OperationName::ShowKey, show)
        }
        .described(
            "Shows a key without its shares.",
            key(200, "The key."),
        ),
        Operation {
            body: Some(BodySchema::of::<SignRequest>()),
            problems: &[
                ProblemType::KeyDeleted,
                ProblemType::KeyDisabled,
            ],
            ..Operation::of_principals("sign", "/v1/keys/{id}/sign", OperationName::Sign, sign)
        }
        .described(
            "Signs a message, a digest, a Nostr event or a Taproot key-path spend (BIP-340).",
            Success {
                schema: Some(BodySchema::of::<Signed>()),
                ..key(200, "The signature, which the enclave has verified.")
            },
        ),
        Operation {
            problems: &[
                ProblemType::KeyConflict,
                ProblemType::KeyDeleted,
                ProblemType::KeyDisabled,
                ProblemType::TooMany,
            ],
            ..Operation::of_principals(
                "rotate_key",
                "/v1/keys/{id}/rotate",
                OperationName::RotateKey,
                rotate,
            )
        }
        .described(
            "Refreshes every share. The public key stays the same; the old shares become useless.",
            key(200, "The key in its next generation."),
        ),
        Operation {
            body: Some(BodySchema::of::<LabelKey>()),
            problems: &[ProblemType::KeyConflict],
            ..Operation::of_principals(
                "label_key",
                "/v1/keys/{id}/label",
                OperationName::LabelKey,
                label,
            )
        }
        .described(
            "Gives a key another label, or none.",
            key(200, "The key."),
        ),
        Operation {
            problems: &[
                ProblemType::KeyConflict,
                ProblemType::KeyDeleted,
                ProblemType::TooMany,
            ],
            ..Operation::of_principals(
                "disable_key",
                "/v1/keys/{id}/disable",
                OperationName::DisableKey,
                disable,
            )
        }
        .described(
            "Disables a key permanently: it can no longer sign.",
            key(200, "The disabled key."),
        ),
        Operation {
            problems: &[ProblemType::KeyConflict, ProblemType::KeyEnabled],
            ..Operation::of_principals(
                "delete_key",
                "/v1/keys/{id}/delete",
                OperationName::DeleteKey,
                delete,
            )
        }
        .described(
            "Deletes the enclave's shares of a disabled key permanently. Everything else about the key stays, so that its id is never used again.",
            key(200, "The deleted key."),
        ),
    ]
}

fn key(status: u16, description: &'static str) -> Success {
    Success {
        status,
        description,
        content_type: "application/json",
        schema: Some(BodySchema::of::<Key>()),
    }
}

fn create(enclave: Arc<Enclave>, call: Call) -> Handled {
    Box::pin(async move {
        let now = enclave.attestor.clock.now().as_secs();
        let key = enclave
            .custody()?
            .create(call.caller()?, &call.idempotency_key, call.json()?, now)
            .await?;
        Reply::json(201, &key)
    })
}

fn list(enclave: Arc<Enclave>, call: Call) -> Handled {
    Box::pin(async move {
        let after = call.query("after").unwrap_or_default();
        if !after.is_empty() && !permafrost_common::store::is_id(after) {
            let came = format!("{} characters", after.len());
            return Err(Problem::field("query:after", came, "a key's id"));
        }
        let limit = limit(call.query("limit"))?;
        let filter = filter::of(&call)?;
        let page = enclave
            .custody()?
            .list(call.caller()?, &filter, after, limit)
            .await?;
        Reply::json(200, &page)
    })
}

fn show(enclave: Arc<Enclave>, call: Call) -> Handled {
    Box::pin(async move {
        let key = enclave.custody()?.show(call.caller()?, &call.id).await?;
        Reply::json(200, &key)
    })
}

fn sign(enclave: Arc<Enclave>, call: Call) -> Handled {
    Box::pin(async move {
        let signed = enclave
            .custody()?
            .sign(call.caller()?, &call.id, call.json()?)
            .await?;
        Reply::json(200, &signed)
    })
}

fn rotate(enclave: Arc<Enclave>, call: Call) -> Handled {
    Box::pin(async move {
        let key = enclave.custody()?.rotate(call.caller()?, &call.id).await?;
        Reply::json(200, &key)
    })
}

fn label(enclave: Arc<Enclave>, call: Call) -> Handled {
    Box::pin(async move {
        let key = enclave
            .custody()?
            .label(call.caller()?, &call.id, call.json()?)
            .await?;
        Reply::json(200, &key)
    })
}

fn disable(enclave: Arc<Enclave>, call: Call) -> Handled {
    Box::pin(async move {
        let key = enclave.custody()?.disable(call.caller()?, &call.id).await?;
        Reply::json(200, &key)
    })
}

fn delete(enclave: Arc<Enclave>, call: Call) -> Handled {
    Box::pin(async move {
        let key = enclave.custody()?.delete(call.caller()?, &call.id).await?;
        Reply::json(200, &key)
    })
}

fn limit(text: Option<&str>) -> Result<usize, Problem> {
    let Some(text) = text else {
        return Ok(LISTING_MAX);
    };
    text.parse()
        .ok()
        .filter(|limit| (1..=LISTING_MAX).contains(limit))
        .ok_or_else(|| Problem::field("query:limit", text, "1 to 100"))
}
