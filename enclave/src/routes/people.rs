//! The operations of people; docs/people.md gives their order.

use std::sync::{Arc, LazyLock};

use http::Method;
use permafrost_common::api::people::{
    ApprovePasskey, Challenge, Guardians, Link, LinkOpened, LoggedIn, NewChallenge, NewSession,
    OfferPasskey, OpenLink, Passkey, Recovery, RecoveryCodes, RecoveryOf, Register, Registered,
    RenamePasskey, Scope, StartRecovery, User,
};
use permafrost_common::problem::{Problem, ProblemType};

use super::{Access, BodySchema, Call, Cost, Handled, Operation, Reply, Success};
use crate::enclave::Enclave;
use crate::principal::OperationName;

/// The problems of all operations of people, in addition to those of all principals and of passkeys.
pub(super) static PROBLEMS: [ProblemType; 15] = [
    ProblemType::NotReady,
    ProblemType::RateLimited,
    ProblemType::NoPeople,
    ProblemType::UserConflict,
    ProblemType::UserNotFound,
    ProblemType::TooMany,
    ProblemType::PasskeyExists,
    ProblemType::PasskeyNotFound,
    ProblemType::LastPasskey,
    ProblemType::SessionNotFound,
    ProblemType::LinkInvalid,
    ProblemType::RecoveryImpossible,
    ProblemType::RecoveryNotFound,
    ProblemType::RecoveryNotReady,
    ProblemType::RecoveryCodeInvalid,
];

pub(super) fn operations() -> Vec<Operation> {
    let mut operations = open();
    operations.extend(of_accounts());
    operations.extend(of_passkeys());
    operations.extend(of_recovery());
    operations
}

/// The operations that need no session: a passkey's response or a code identifies the user.
fn open() -> Vec<Operation> {
    vec![
        anyone("create_challenge", "/v1/challenges", create_challenge)
            .takes::<NewChallenge>()
            .gives::<Challenge>(
                201,
                "Makes a nonce for a request that a passkey will approve.",
                "The nonce.",
            ),
        passkey("register", "/v1/users", register)
            .takes::<Register>()
            .gives::<Registered>(
                201,
                "Makes a user with a passkey, a key and a session.",
                "The user.",
            ),
        passkey("login", "/v1/sessions", login)
            .takes::<NewSession>()
            .gives::<LoggedIn>(
                201,
                "Opens a session of 15 minutes for the key that the request names.",
                "The session.",
            ),
        anyone("open_link", "/v1/links/open", open_link)
            .takes::<OpenLink>()
            .gives::<LinkOpened>(
                200,
                "Returns the user to whom a link code belongs.",
                "The user.",
            ),
        passkey("offer_passkey", "/v1/links/passkey", offer_passkey)
            .takes::<OfferPasskey>()
            .gives::<Passkey>(
                201,
                "Offers a passkey of another device by means of a link code.",
                "The passkey, pending approval.",
            ),
        passkey("start_recovery", "/v1/recoveries", start_recovery)
            .takes::<StartRecovery>()
            .gives::<Recovery>(
                201,
                "Begins a recovery with a new passkey.",
                "The recovery.",
            ),
        passkey(
            "complete_recovery",
            "/v1/recoveries/{id}/complete",
            complete_recovery,
        )
        .takes::<RecoveryOf>()
        .gives::<User>(
            200,
            "Completes a recovery after its delay: the new passkey is accepted.",
            "The user.",
        ),
    ]
}

fn of_accounts() -> Vec<Operation> {
    vec![
        Operation {
            method: Method::GET,
            ..user("/v1/user", OperationName::ShowUser, show_user)
        }
        .gives::<User>(
            200,
            "Shows the user: passkeys, sessions, recovery, activity.",
            "The user.",
        ),
        user("/v1/user/policy", OperationName::SetPolicy, set_policy)
            .takes::<Scope>()
            .gives::<User>(200, "Narrows what the user's sessions may do.", "The user."),
        user(
            "/v1/sessions/{id}/end",
            OperationName::EndSession,
            end_session,
        )
        .gives::<User>(
            200,
            "Ends this session, or another one of the user.",
            "The user.",
        ),
    ]
}

fn of_passkeys() -> Vec<Operation> {
    vec![
        user(
            "/v1/passkeys/{id}/name",
            OperationName::RenamePasskey,
            rename_passkey,
        )
        .takes::<RenamePasskey>()
        .gives::<User>(200, "Renames a passkey.", "The user."),
        user(
            "/v1/passkeys/{id}/approve",
            OperationName::ApprovePasskey,
            approve_passkey,
        )
        .takes::<ApprovePasskey>()
        .gives::<User>(
            200,
            "Approves a passkey that another device has offered.",
            "The user.",
        ),
        user(
            "/v1/passkeys/{id}/revoke",
            OperationName::RevokePasskey,
            revoke_passkey,
        )
        .gives::<User>(
            200,
            "Revokes a passkey, and ends the sessions that it opened.",
            "The user.",
        ),
        user("/v1/links", OperationName::CreateLink, create_link).gives::<Link>(
            201,
            "Makes a code with which another device can offer a passkey.",
            "The code.",
        ),
    ]
}

fn of_recovery() -> Vec<Operation> {
    vec![
        user(
            "/v1/recovery-codes",
            OperationName::CreateRecoveryCodes,
            create_recovery_codes,
        )
        .gives::<RecoveryCodes>(
            201,
            "Makes ten recovery codes, which replace the previous ones.",
            "The codes, shown only this once.",
        ),
        user("/v1/guardians", OperationName::SetGuardians, set_guardians)
            .takes::<Guardians>()
            .gives::<User>(
                200,
                "Names the users who may together approve a recovery.",
                "The user.",
            ),
        user(
            "/v1/recoveries/{id}/approve",
            OperationName::ApproveRecovery,
            approve_recovery,
        )
        .takes::<RecoveryOf>()
        .gives::<Recovery>(
            200,
            "Approves another user's recovery, as a guardian.",
            "The recovery.",
        ),
        user(
            "/v1/recoveries/{id}/cancel",
            OperationName::CancelRecovery,
            cancel_recovery,
        )
        .gives::<User>(200, "Cancels a recovery of the user.", "The user."),
    ]
}

/// A `POST` that anyone may send.
fn anyone(
    id: &'static str,
    path: &'static str,
    handler: fn(Arc<Enclave>, Call) -> Handled,
) -> Operation {
    Operation {
        id,
        access: Access::Open,
        // A nonce is made without any of what costs.
        cost: match id {
            "create_challenge" => Cost::Cheap,
            _ => Cost::Costly,
        },
        ..user(path, OperationName::ShowUser, handler)
    }
}

/// A `POST` that anyone with a passkey may send.
fn passkey(
    id: &'static str,
    path: &'static str,
    handler: fn(Arc<Enclave>, Call) -> Handled,
) -> Operation {
    Operation {
        access: Access::Passkey,
        ..anyone(id, path, handler)
    }
}

/// A `POST` that a session may send.
fn user(
    path: &'static str,
    name: OperationName,
    handler: fn(Arc<Enclave>, Call) -> Handled,
) -> Operation {
    Operation {
        problems: &PROBLEMS,
        ..Operation::of_principals(name.as_str(), path, name, handler)
    }
}

impl Operation {
    fn takes<T: utoipa::ToSchema + 'static>(self) -> Self {
        Self {
            body: Some(BodySchema::of::<T>()),
            ..self
        }
    }

    fn gives<T: utoipa::ToSchema + 'static>(
        self,
        status: u16,
        summary: &'static str,
        description: &'static str,
    ) -> Self {
        self.described(
            summary,
            Success {
                status,
                description,
                content_type: "application/json",
                schema: Some(BodySchema::of::<T>()),
            },
        )
    }
}

fn create_challenge(enclave: Arc<Enclave>, call: Call) -> Handled {
    Box::pin(async move {
        let people = enclave.people()?;
        let NewChallenge { purpose: named } = call.json()?;
        let purpose = purpose(&named).ok_or_else(|| {
            Problem::field(
                "/purpose",
                format!("{} bytes", named.len()),
                "the operationId of an operation that takes the header Passkey-Response",
            )
        })?;
        Reply::json(201, &people.challenge(purpose)?)
    })
}

/// The id of the operation of this name, if a passkey may be asked to approve it.
pub(super) fn purpose(name: &str) -> Option<&'static str> {
    static PURPOSES: LazyLock<Vec<&str>> = LazyLock::new(|| {
        let operations = super::operations().into_iter();
        let approved = operations.filter(Operation::takes_a_passkey);
        approved.map(|operation| operation.id).collect()
    });
    PURPOSES.iter().copied().find(|purpose| *purpose == name)
}

fn register(enclave: Arc<Enclave>, call: Call) -> Handled {
    Box::pin(async move {
        let people = enclave.people()?;
        let custody = enclave.custody()?;
        let registered = people.register(custody, call.json()?, &call.approval);
        Reply::json(201, &registered.await?)
    })
}

fn login(enclave: Arc<Enclave>, call: Call) -> Handled {
    Box::pin(async move {
        let people = enclave.people()?;
        let logged_in = people.login(call.json()?, &call.approval);
        Reply::json(201, &logged_in.await?)
    })
}

fn open_link(enclave: Arc<Enclave>, call: Call) -> Handled {
    Box::pin(async move {
        let people = enclave.people()?;
        Reply::json(200, &people.open_link(&call.json()?).await?)
    })
}

fn offer_passkey(enclave: Arc<Enclave>, call: Call) -> Handled {
    Box::pin(async move {
        let people = enclave.people()?;
        let request = call.json()?;
        let offered = people.offer_passkey(&request, &call.approval);
        Reply::json(201, &offered.await?)
    })
}

fn start_recovery(enclave: Arc<Enclave>, call: Call) -> Handled {
    Box::pin(async move {
        let people = enclave.people()?;
        let started = people.start_recovery(call.json()?, &call.approval);
        Reply::json(201, &started.await?)
    })
}

fn complete_recovery(enclave: Arc<Enclave>, call: Call) -> Handled {
    Box::pin(async move {
        let people = enclave.people()?;
        let request = call.json()?;
        let user = people.complete_recovery(&call.id, &request, &call.approval);
        Reply::json(200, &user.await?)
    })
}

fn show_user(enclave: Arc<Enclave>, call: Call) -> Handled {
    Box::pin(async move {
        let people = enclave.people()?;
        Reply::json(200, &people.show_user(call.person()?).await?)
    })
}

fn set_policy(enclave: Arc<Enclave>, call: Call) -> Handled {
    Box::pin(async move {
        let people = enclave.people()?;
        let user = people.set_policy(call.approved()?, call.json()?);
        Reply::json(200, &user.await?)
    })
}

fn end_session(enclave: Arc<Enclave>, call: Call) -> Handled {
    Box::pin(async move {
        let people = enclave.people()?;
        let user = people.end_session(call.person()?, &call.id);
        Reply::json(200, &user.await?)
    })
}

fn rename_passkey(enclave: Arc<Enclave>, call: Call) -> Handled {
    Box::pin(async move {
        let people = enclave.people()?;
        let RenamePasskey { name } = call.json()?;
        let user = people.rename_passkey(call.person()?, &call.id, &name);
        Reply::json(200, &user.await?)
    })
}

fn approve_passkey(enclave: Arc<Enclave>, call: Call) -> Handled {
    Box::pin(async move {
        let people = enclave.people()?;
        let (approved, request) = (call.approved()?, call.json()?);
        let user = people.approve_passkey(approved, &call.id, &request);
        Reply::json(200, &user.await?)
    })
}

fn revoke_passkey(enclave: Arc<Enclave>, call: Call) -> Handled {
    Box::pin(async move {
        let people = enclave.people()?;
        let user = people.revoke_passkey(call.approved()?, &call.id);
        Reply::json(200, &user.await?)
    })
}

fn create_link(enclave: Arc<Enclave>, call: Call) -> Handled {
    Box::pin(async move {
        let people = enclave.people()?;
        Reply::json(201, &people.create_link(call.person()?).await?)
    })
}

fn create_recovery_codes(enclave: Arc<Enclave>, call: Call) -> Handled {
    Box::pin(async move {
        let people = enclave.people()?;
        let codes = people.create_recovery_codes(call.approved()?);
        Reply::json(201, &codes.await?)
    })
}

fn set_guardians(enclave: Arc<Enclave>, call: Call) -> Handled {
    Box::pin(async move {
        let people = enclave.people()?;
        let (approved, request) = (call.approved()?, call.json()?);
        let user = people.set_guardians(approved, &request);
        Reply::json(200, &user.await?)
    })
}

fn approve_recovery(enclave: Arc<Enclave>, call: Call) -> Handled {
    Box::pin(async move {
        let people = enclave.people()?;
        let (approved, request) = (call.approved()?, call.json()?);
        let recovery = people.approve_recovery(approved, &call.id, &request);
        Reply::json(200, &recovery.await?)
    })
}

fn cancel_recovery(enclave: Arc<Enclave>, call: Call) -> Handled {
    Box::pin(async move {
        let people = enclave.people()?;
        let user = people.cancel_recovery(call.person()?, &call.id);
        Reply::json(200, &user.await?)
    })
}
