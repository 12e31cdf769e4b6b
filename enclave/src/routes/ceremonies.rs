//! The operations of keys with split custody.

use std::sync::Arc;

use http::Method;
use permafrost_common::api::Signed;
use permafrost_common::api::split::{
    AggregateRequest, Ceremony, CeremonyMessages, Certificate, CosignRequest, Cosigned,
    StartKeyGeneration, StartReshare, WrappedShares,
};
use permafrost_common::problem::ProblemType;

use super::{BodySchema, Call, Handled, Operation, Reply, Success};
use crate::custody::BootIdentity;
use crate::enclave::Enclave;
use crate::principal::OperationName;

pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation {
            creates: true,
            body: Some(BodySchema::of::<StartKeyGeneration>()),
            problems: &[
                ProblemType::KeyConflict,
                ProblemType::KeyCustody,
                ProblemType::TooMany,
            ],
            ..Operation::of_principals(
                "start_key_generation",
                "/v1/ceremonies",
                OperationName::CreateKey,
                start_generation,
            )
        }
        .described(
            "Begins a ceremony that makes a key whose shares are held apart (distributed key generation).",
            ceremony(201, "The ceremony, or the one that the same request began before."),
        ),
        Operation {
            problems: &[
                ProblemType::KeyConflict,
                ProblemType::KeyDeleted,
                ProblemType::KeyDisabled,
                ProblemType::TooMany,
            ],
            ..Operation::of_principals(
                "start_refresh",
                "/v1/keys/{id}/refresh",
                OperationName::RotateKey,
                start_refresh,
            )
        }
        .described(
            "Begins a ceremony that gives every participant of a key a new share; the public key stays the same.",
            ceremony(200, "The ceremony, or the one that is under way."),
        ),
        Operation {
            body: Some(BodySchema::of::<StartReshare>()),
            problems: &[
                ProblemType::KeyConflict,
                ProblemType::KeyDeleted,
                ProblemType::KeyDisabled,
                ProblemType::TooMany,
            ],
            ..Operation::of_principals(
                "start_reshare",
                "/v1/keys/{id}/reshare",
                OperationName::RotateKey,
                start_reshare,
            )
        }
        .described(
            "Begins a ceremony that gives shares of a key to other participants, with another threshold; the public key stays the same.",
            ceremony(200, "The ceremony, or the one that is under way."),
        ),
        Operation {
            body: Some(BodySchema::of::<CeremonyMessages>()),
            problems: &[
                ProblemType::CeremonyNotFound,
                ProblemType::CeremonyFailed,
                ProblemType::CeremonyMessageRefused,
                ProblemType::IdempotencyKeyReused,
                ProblemType::KeyNotFound,
                ProblemType::KeyConflict,
                ProblemType::KeyCustody,
                ProblemType::KeyDeleted,
                ProblemType::KeyDisabled,
            ],
            ..Operation::of_principals(
                "advance_ceremony",
                "/v1/ceremonies/{id}",
                OperationName::TakePart,
                advance,
            )
        }
        .described(
            "Sends messages of participants; the last confirmation makes the key, or puts the new shares in the place of the old.",
            ceremony(200, "The ceremony with all messages so far."),
        ),
        Operation {
            method: Method::GET,
            problems: &[ProblemType::CeremonyNotFound],
            ..Operation::of_principals(
                "show_ceremony",
                "/v1/ceremonies/{id}",
                OperationName::TakePart,
                show,
            )
        }
        .described(
            "Shows a ceremony to whoever knows its id.",
            ceremony(200, "The ceremony with all messages so far."),
        ),
        Operation {
            problems: &[ProblemType::CeremonyNotFound],
            ..Operation::of_principals(
                "abort_ceremony",
                "/v1/ceremonies/{id}/abort",
                OperationName::TakePart,
                abort,
            )
        }
        .described(
            "Ends a ceremony of this principal; nothing of it is kept but what it has already made.",
            ceremony(200, "The ceremony as it was."),
        ),
        Operation {
            method: Method::GET,
            problems: &[ProblemType::KeyDeleted],
            ..Operation::of_principals(
                "show_certificate",
                "/v1/keys/{id}/certificate",
                OperationName::ShowKey,
                certificate,
            )
        }
        .described(
            "Shows the certificate of the ceremony that a key's shares come from: every participant has signed it.",
            Success {
                schema: Some(BodySchema::of::<Certificate>()),
                ..ceremony(200, "The certificate.")
            },
        ),
        Operation {
            method: Method::GET,
            problems: &[ProblemType::KeyDeleted],
            ..Operation::of_principals(
                "show_wrapped_shares",
                "/v1/keys/{id}/wrapped-shares",
                OperationName::ShowKey,
                wrapped_shares,
            )
        }
        .described(
            "Shows the shares that their holders have encrypted and sent with the ceremony that made them.",
            Success {
                schema: Some(BodySchema::of::<WrappedShares>()),
                ..ceremony(200, "The wrapped shares: ciphertext that the enclave cannot open.")
            },
        ),
        Operation {
            body: Some(BodySchema::of::<CosignRequest>()),
            problems: &[
                ProblemType::KeyDeleted,
                ProblemType::KeyDisabled,
            ],
            ..Operation::of_principals(
                "cosign",
                "/v1/keys/{id}/cosign",
                OperationName::Sign,
                cosign,
            )
        }
        .described(
            "Gives the enclave's parts of a signature by a key with split custody, for which the other signers have committed.",
            Success {
                schema: Some(BodySchema::of::<Cosigned>()),
                ..ceremony(200, "The enclave's parts of the signature.")
            },
        ),
        Operation {
            body: Some(BodySchema::of::<AggregateRequest>()),
            problems: &[
                ProblemType::KeyDeleted,
                ProblemType::KeyDisabled,
            ],
            ..Operation::of_principals(
                "aggregate",
                "/v1/keys/{id}/aggregate",
                OperationName::Sign,
                aggregate,
            )
        }
        .described(
            "Puts the parts of all signers together: the second of two requests, for a service that has to see the signature.",
            Success {
                schema: Some(BodySchema::of::<Signed>()),
                ..ceremony(200, "The signature, verified.")
            },
        ),
    ]
}

fn ceremony(status: u16, description: &'static str) -> Success {
    Success {
        status,
        description,
        content_type: "application/json",
        schema: Some(BodySchema::of::<Ceremony>()),
    }
}

fn identity(enclave: &Enclave) -> BootIdentity<'_> {
    let boot = &enclave.boot;
    BootIdentity {
        key: &boot.key,
        document: &boot.document,
        attestation: boot.attestation,
    }
}

fn start_generation(enclave: Arc<Enclave>, call: Call) -> Handled {
    Box::pin(async move {
        let now = enclave.attestor.clock.now().as_secs();
        let (caller, request) = (call.caller()?, call.json()?);
        let ceremony = enclave
            .custody()?
            .start_generation(
                caller,
                &call.idempotency_key,
                request,
                now,
                identity(&enclave),
            )
            .await?;
        Reply::json(201, &ceremony)
    })
}

fn start_refresh(enclave: Arc<Enclave>, call: Call) -> Handled {
    Box::pin(async move {
        let now = enclave.attestor.clock.now().as_secs();
        let ceremony = enclave
            .custody()?
            .start_refresh(call.caller()?, &call.id, now, identity(&enclave))
            .await?;
        Reply::json(200, &ceremony)
    })
}

fn start_reshare(enclave: Arc<Enclave>, call: Call) -> Handled {
    Box::pin(async move {
        let now = enclave.attestor.clock.now().as_secs();
        let (caller, request) = (call.caller()?, call.json()?);
        let ceremony = enclave
            .custody()?
            .start_reshare(caller, &call.id, request, now, identity(&enclave))
            .await?;
        Reply::json(200, &ceremony)
    })
}

fn advance(enclave: Arc<Enclave>, call: Call) -> Handled {
    Box::pin(async move {
        let now = enclave.attestor.clock.now().as_secs();
        let sent: CeremonyMessages = call.json()?;
        let ceremony = enclave
            .custody()?
            .advance(call.caller()?, &call.id, sent, now, identity(&enclave))
            .await?;
        Reply::json(200, &ceremony)
    })
}

fn show(enclave: Arc<Enclave>, call: Call) -> Handled {
    Box::pin(async move {
        let now = enclave.attestor.clock.now().as_secs();
        let custody = enclave.custody()?;
        let ceremony = custody.show_ceremony(&call.id, now);
        Reply::json(200, &ceremony.await?)
    })
}

fn abort(enclave: Arc<Enclave>, call: Call) -> Handled {
    Box::pin(async move {
        let now = enclave.attestor.clock.now().as_secs();
        let custody = enclave.custody()?;
        let ceremony = custody.abort_ceremony(call.caller()?, &call.id, now);
        Reply::json(200, &ceremony.await?)
    })
}

fn certificate(enclave: Arc<Enclave>, call: Call) -> Handled {
    Box::pin(async move {
        let custody = enclave.custody()?;
        let certificate = custody.certificate(call.caller()?, &call.id);
        Reply::json(200, &certificate.await?)
    })
}

fn wrapped_shares(enclave: Arc<Enclave>, call: Call) -> Handled {
    Box::pin(async move {
        let custody = enclave.custody()?;
        let shares = custody.wrapped_shares(call.caller()?, &call.id);
        Reply::json(200, &shares.await?)
    })
}

fn aggregate(enclave: Arc<Enclave>, call: Call) -> Handled {
    Box::pin(async move {
        let (caller, request) = (call.caller()?, call.json()?);
        let signed = enclave.custody()?.aggregate(caller, &call.id, request);
        Reply::json(200, &signed.await?)
    })
}

fn cosign(enclave: Arc<Enclave>, call: Call) -> Handled {
    Box::pin(async move {
        let (caller, request) = (call.caller()?, call.json()?);
        let cosigned = enclave.custody()?.cosign(caller, &call.id, request);
        Reply::json(200, &cosigned.await?)
    })
}
