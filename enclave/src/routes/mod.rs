//! The HTTP API: a table of operations, from which both the router and the API description are made.

mod attestation;
mod call;
mod description;
mod keys;
mod oblivious;
mod openapi;
mod people;
mod reference;
mod root;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{RawPathParams, Request};
use axum::response::Response;
use axum::routing::{MethodFilter, MethodRouter, on};
use http::Method;
use permafrost_common::problem::{Problem, ProblemType};

use crate::auth::OperationName;
use crate::enclave::Enclave;
use crate::people::is_purpose;
pub use call::{Call, Reply};
pub use openapi::{BodySchema, description as api_description};

/// One method of one path: all that the router and the API description say about it.
pub struct Operation {
    /// The `operationId` of the API description.
    pub id: &'static str,
    /// The method.
    pub method: Method,
    /// The path, with at most the one parameter `{id}`.
    pub path: &'static str,
    /// What it does, in one line.
    pub summary: &'static str,
    /// What may send the request.
    pub access: Access,
    /// Whether it needs an `Idempotency-Key`.
    pub creates: bool,
    /// The query parameters.
    pub query: &'static [QueryParameter],
    /// The body it takes.
    pub body: Option<BodySchema>,
    /// The response on success.
    pub success: Success,
    /// The problem types in addition to those of every operation of its kind.
    pub problems: &'static [ProblemType],
    /// The function that carries it out.
    pub handler: Handler,
}

/// What may request an operation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Access {
    /// Anyone; signatures are not checked.
    Open,
    /// Principals whose policy names the operation.
    Principal(OperationName),
}

/// A query parameter.
pub struct QueryParameter {
    /// Its name.
    pub name: &'static str,
    /// What it means and what is accepted.
    pub description: &'static str,
}

/// The answer when all is well.
pub struct Success {
    /// The status.
    pub status: u16,
    /// What the body is.
    pub description: &'static str,
    /// The media type.
    pub content_type: &'static str,
    /// The schema of a JSON body.
    pub schema: Option<BodySchema>,
}

/// The function that carries out an operation.
pub type Handler = fn(Arc<Enclave>, Call) -> Handled;

/// The future that a handler gives.
pub type Handled = Pin<Box<dyn Future<Output = Result<Reply, Problem>> + Send>>;

/// The problems of any request.
pub const ALWAYS: &[ProblemType] = &[
    ProblemType::InvalidRequest,
    ProblemType::BodyTooLarge,
    ProblemType::HeadersTooLarge,
    ProblemType::RequestTimeout,
    ProblemType::Overloaded,
    ProblemType::Internal,
];

/// The problems of any request of a principal.
pub const OF_PRINCIPALS: &[ProblemType] = &[
    ProblemType::NotReady,
    ProblemType::SignatureMissing,
    ProblemType::SignatureInvalid,
    ProblemType::ContentDigestMismatch,
    ProblemType::UnknownPrincipal,
    ProblemType::RequestExpired,
    ProblemType::RequestReplayed,
    ProblemType::WrongEnclave,
    ProblemType::NotPermitted,
    ProblemType::RateLimited,
    ProblemType::SessionEnded,
    ProblemType::DeviceChanged,
    ProblemType::Overloaded,
];

/// The problems of any request that may need a passkey's response.
pub const OF_PASSKEYS: &[ProblemType] = &[
    ProblemType::NotReady,
    ProblemType::RateLimited,
    ProblemType::UserConflict,
    ProblemType::UserNotFound,
    ProblemType::PasskeyRequired,
    ProblemType::PasskeyMalformed,
    ProblemType::PasskeyCeremony,
    ProblemType::PasskeyChallenge,
    ProblemType::PasskeyOrigin,
    ProblemType::PasskeyRelyingParty,
    ProblemType::PasskeyUserVerification,
    ProblemType::PasskeyAlgorithm,
    ProblemType::PasskeyAttestation,
    ProblemType::PasskeyUnknown,
    ProblemType::PasskeySignature,
    ProblemType::PasskeyCounter,
    ProblemType::ChallengeInvalid,
    ProblemType::ChallengeExpired,
    ProblemType::ChallengeUsed,
];

/// The problems of any request that reads records.
pub const OF_RECORDS: &[ProblemType] = &[
    ProblemType::StoreUnavailable,
    ProblemType::RecordInvalid,
    ProblemType::RecordRolledBack,
    ProblemType::RecordLost,
];

/// The problems of any request about one key.
pub const OF_ONE_KEY: &[ProblemType] = &[ProblemType::KeyNotFound];

/// The problems of any request that creates something.
pub const OF_CREATION: &[ProblemType] = &[
    ProblemType::IdempotencyKeyMissing,
    ProblemType::IdempotencyKeyReused,
];

/// The problems of any request with a body.
pub const OF_BODIES: &[ProblemType] = &[ProblemType::UnsupportedMediaType];

/// The problems of paths and methods that are not in the table, and of the parent's proxy.
pub const OUTSIDE: &[ProblemType] = &[
    ProblemType::NotFound,
    ProblemType::MethodNotAllowed,
    ProblemType::EnclaveUnreachable,
];

/// All operations.
pub fn operations() -> Vec<Operation> {
    let mut operations = keys::operations();
    operations.extend(people::operations());
    operations.extend(root::operations());
    operations.extend(attestation::operations());
    operations.extend(oblivious::operations());
    operations.extend(description::operations());
    operations
}

/// The router of all operations. Its responses are those of [`Reply::into_response`], unsigned.
pub fn router(enclave: &Arc<Enclave>) -> Router {
    router_of(enclave, operations())
}

/// The router of the operations that accept sealed requests (Oblivious HTTP); other paths are not found.
pub fn router_inside(enclave: &Arc<Enclave>) -> Router {
    let mut operations = operations();
    operations.retain(oblivious::is_inside);
    router_of(enclave, operations)
}

fn router_of(enclave: &Arc<Enclave>, operations: Vec<Operation>) -> Router {
    let mut router = Router::new();
    for operation in operations {
        router = router.route(
            operation.path,
            method_router(operation, Arc::clone(enclave)),
        );
    }
    router
        .method_not_allowed_fallback(async |request: Request| {
            let (method, path) = (request.method(), request.uri().path());
            let detail = format!("{method} is not a method of {path}; see /openapi.json");
            Reply::problem(&Problem::new(ProblemType::MethodNotAllowed, detail)).into_response()
        })
        .fallback(async |request: Request| {
            let detail = format!("there is no {}; see /openapi.json", request.uri().path());
            Reply::problem(&Problem::new(ProblemType::NotFound, detail)).into_response()
        })
}

impl Operation {
    /// A `POST` without a body, for principals whose policy names it. The caller sets what differs, then calls
    /// [`Operation::described`].
    fn of_principals(
        id: &'static str,
        path: &'static str,
        name: OperationName,
        handler: Handler,
    ) -> Self {
        Self {
            id,
            method: Method::POST,
            path,
            summary: "",
            access: Access::Principal(name),
            creates: false,
            query: &[],
            body: None,
            success: Success {
                status: 200,
                description: "",
                content_type: "application/json",
                schema: None,
            },
            problems: &[],
            handler,
        }
    }

    /// Whether it may need a passkey's response.
    pub fn takes_a_passkey(&self) -> bool {
        match self.access {
            Access::Open => is_purpose(self.id),
            Access::Principal(name) => name.needs_a_passkey(),
        }
    }

    fn is_of_people(&self) -> bool {
        std::ptr::eq(self.problems, &people::PROBLEMS)
    }

    fn described(self, summary: &'static str, success: Success) -> Self {
        Self {
            summary,
            success,
            ..self
        }
    }

    /// Every problem type that this operation may respond with.
    pub fn all_problems(&self) -> impl Iterator<Item = ProblemType> {
        let when = |applies: bool, problems: &'static [ProblemType]| match applies {
            true => problems,
            false => &[],
        };
        [
            ALWAYS,
            when(self.access != Access::Open, OF_PRINCIPALS),
            when(self.access != Access::Open, OF_RECORDS),
            when(self.is_of_people(), OF_RECORDS),
            when(self.takes_a_passkey(), OF_PASSKEYS),
            when(self.path.starts_with("/v1/keys/{id}"), OF_ONE_KEY),
            when(self.creates, OF_CREATION),
            when(self.body.is_some(), OF_BODIES),
            self.problems,
        ]
        .into_iter()
        .flatten()
        .copied()
    }
}

fn method_router(operation: Operation, enclave: Arc<Enclave>) -> MethodRouter {
    let filter = match operation.method {
        Method::POST => MethodFilter::POST,
        _ => MethodFilter::GET,
    };
    let operation = Arc::new(operation);
    on(
        filter,
        move |parameters: RawPathParams, request: Request<Body>| {
            let id = parameters
                .iter()
                .find_map(|(name, value)| (name == "id").then(|| value.to_owned()));
            run(Arc::clone(&operation), Arc::clone(&enclave), id, request)
        },
    )
}

async fn run(
    operation: Arc<Operation>,
    enclave: Arc<Enclave>,
    id: Option<String>,
    request: Request<Body>,
) -> Response {
    let result = match Call::admit(&operation, &enclave, id, request).await {
        Ok(call) => (operation.handler)(enclave, call).await,
        Err(problem) => Err(problem),
    };
    let reply = result.unwrap_or_else(|problem| {
        debug_assert!(
            operation
                .all_problems()
                .any(|known| Some(known) == problem.kind()),
            "{} is not among the problems of {}",
            problem.type_uri,
            operation.id
        );
        Reply::problem(&problem)
    });
    reply.into_response()
}
