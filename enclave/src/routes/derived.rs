//! The operations on derived keys that are not those of every key.

use std::sync::Arc;

use http::Method;
use permafrost_common::api::derived::{DeriveKeys, DerivedKeys, Wallet};

use super::{BodySchema, Call, Handled, Operation, Reply, Success};
use crate::enclave::Enclave;
use crate::principal::OperationName;

pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation {
            body: Some(BodySchema::of::<DeriveKeys>()),
            ..Operation::of_principals(
                "derive_keys",
                "/v1/keys:derive",
                OperationName::DeriveKeys,
                derive,
            )
        }
        .described(
            "Shows the keys of paths, derived from the deployment's derivation root. Nothing is stored.",
            Success {
                status: 200,
                description: "The keys, in the order of the paths.",
                content_type: "application/json",
                schema: Some(BodySchema::of::<DerivedKeys>()),
            },
        ),
        Operation {
            method: Method::GET,
            ..Operation::of_principals(
                "show_wallet",
                "/v1/keys/{id}/wallet",
                OperationName::ShowKey,
                wallet,
            )
        }
        .described(
            "Shows what a watch-only wallet takes to find the addresses of a derived key (BIP-86).",
            Success {
                status: 200,
                description: "The extended public key, and the descriptors of its addresses.",
                content_type: "application/json",
                schema: Some(BodySchema::of::<Wallet>()),
            },
        ),
    ]
}

fn derive(enclave: Arc<Enclave>, call: Call) -> Handled {
    Box::pin(async move {
        let derivation = enclave.custody()?.derivation();
        let keys = derivation.derive(call.caller()?, call.json()?).await?;
        Reply::json(200, &keys)
    })
}

fn wallet(enclave: Arc<Enclave>, call: Call) -> Handled {
    Box::pin(async move {
        let derivation = enclave.custody()?.derivation();
        let wallet = derivation.wallet(call.caller()?, &call.id).await?;
        Reply::json(200, &wallet)
    })
}
