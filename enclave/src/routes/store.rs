//! The operations on the store, which are served before the enclave has what the store keeps.

use std::sync::Arc;

use http::Method;
use permafrost_common::api::{SealedCredentials, StoreKind, StoreState};
use permafrost_common::problem::{Problem, ProblemType};
use permafrost_common::store_credentials::CredentialsContext;

use super::{BodySchema, Call, Handled, Operation, Reply, Success};
use crate::enclave::Enclave;
use crate::principal::OperationName;

pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation {
            method: Method::GET,
            ..Operation::of_principals("show_store", "/v1/store", OperationName::ShowStore, show)
        }
        .described(
            "Shows which store has the records, and the access key that signs requests to it.",
            state(),
        ),
        Operation {
            body: Some(BodySchema::of::<SealedCredentials>()),
            problems: &[
                ProblemType::NoTable,
                ProblemType::NoAccessKeys,
                ProblemType::StoreCredentialsNotOpened,
                ProblemType::StoreCredentialsRefused,
            ],
            ..Operation::of_principals(
                "set_store_credentials",
                "/v1/store/credentials",
                OperationName::SetStoreCredentials,
                set_credentials,
            )
        }
        .described(
            "Takes the access key of the enclave's own store, sealed to this boot, and uses it if the table accepts it.",
            state(),
        ),
    ]
}

fn state() -> Success {
    Success {
        status: 200,
        description: "The store, without any secret.",
        content_type: "application/json",
        schema: Some(BodySchema::of::<StoreState>()),
    }
}

fn show(enclave: Arc<Enclave>, _: Call) -> Handled {
    Box::pin(async move {
        let state = match (&enclave.config.table, enclave.bootstrap()) {
            (_, Ok(bootstrap)) => bootstrap.state(),
            (Some(table), Err(_)) => table.state(),
            (None, Err(_)) => StoreState {
                store: StoreKind::Parent,
                lease_ms: 0,
                table_arn: None,
                access_key_id: None,
                credentials_version: None,
                credentials_expire_at: None,
                authority: None,
            },
        };
        Reply::json(200, &state)
    })
}

fn set_credentials(enclave: Arc<Enclave>, call: Call) -> Handled {
    Box::pin(async move {
        let sealed: SealedCredentials = call.json()?;
        let bootstrap = Arc::clone(enclave.bootstrap()?);
        let context = CredentialsContext {
            deployment: &enclave.config.deployment,
            boot: &enclave.boot.attestation,
            principal: &call.caller()?.name,
            access_key_id: &sealed.access_key_id,
        };
        let credentials = context.open(&enclave.boot.oblivious_key, &sealed);
        let credentials = credentials.map_err(|error| {
            Problem::new(ProblemType::StoreCredentialsNotOpened, error.to_string())
        })?;
        // Completes even if the request times out: what is kept is used.
        let replaced = tokio::spawn(async move { bootstrap.replace(credentials).await });
        let state = replaced
            .await
            .map_err(|error| Problem::new(ProblemType::Internal, error.to_string()))??;
        Reply::json(200, &state)
    })
}
