//! The operation that makes many keys.

use std::sync::Arc;

use permafrost_common::api::batch::{CreateKeys, CreatedKeys};

use super::{BodySchema, Call, Handled, Operation, Reply, Success};
use crate::enclave::Enclave;
use crate::principal::OperationName;

pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation {
            creates: true,
            body: Some(BodySchema::of::<CreateKeys>()),
            ..Operation::of_principals(
                "create_keys",
                "/v1/keys:batch",
                OperationName::CreateKey,
                create,
            )
        }
        .described(
            "Makes 1 to 100 keys whose shares are dealt inside the enclave. Repeated, it makes those that are missing.",
            Success {
                status: 201,
                description: "The new keys, or those that the same request made before, always in the same order.",
                content_type: "application/json",
                schema: Some(BodySchema::of::<CreatedKeys>()),
            },
        ),
    ]
}

fn create(enclave: Arc<Enclave>, call: Call) -> Handled {
    Box::pin(async move {
        let now = enclave.attestor.clock.now().as_secs();
        let keys = enclave
            .custody()?
            .create_batch(call.caller()?, &call.idempotency_key, call.json()?, now)
            .await?;
        Reply::json(201, &keys)
    })
}
