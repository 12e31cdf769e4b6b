//! The API: a table of operations, from which requests are dispatched and the API description is made.
//!
//! [`Dispatcher::dispatch`] takes a whole request and gives the signed response. A transport in front of it only carries.

mod admission;
mod attestation;
mod batch;
mod binding;
mod call;
mod ceremonies;
mod derived;
mod description;
mod dispatch;
mod import;
mod keys;
mod least_version;
mod oblivious;
mod openapi;
mod people;
mod problems;
mod reference;
mod replacement;
mod reply;
mod root;
mod slots;
mod store;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use http::Method;
use permafrost_common::problem::{Problem, ProblemType};

use crate::enclave::Enclave;
use crate::principal::OperationName;
pub use call::Call;
pub use dispatch::Dispatcher;
pub use openapi::{BodySchema, description as api_description};
use problems::{
    ALWAYS, OF_ANYONE, OF_BODIES, OF_CREATION, OF_ONE_KEY, OF_PASSKEYS, OF_PRINCIPALS, OF_RECORDS,
    OUTSIDE,
};
pub use reply::Reply;
pub use slots::Slot;

/// One method of one path: all that dispatch and the API description say about it.
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
    /// The query parameters in addition to those of every operation of its kind.
    pub query: &'static [QueryParameter],
    /// The body it takes.
    pub body: Option<BodySchema>,
    /// The response on success.
    pub success: Success,
    /// The problem types in addition to those of every operation of its kind.
    pub problems: &'static [ProblemType],
    /// What a request costs before anything is proved.
    pub cost: Cost,
    /// What carries it out.
    pub handler: Handler,
}

/// What a request costs the enclave before its sender has proved anything.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Cost {
    /// A lookup, a signature's verification.
    Cheap,
    /// Public-key operations, key derivations or reads of the store for anyone: such requests take turns.
    Costly,
}

/// What may request an operation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Access {
    /// Anyone; signatures are not checked.
    Open,
    /// Anyone with a passkey, whose response approves the request.
    Passkey,
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

/// What carries out an operation.
#[derive(Clone, Copy)]
pub enum Handler {
    /// A function.
    Of(fn(Arc<Enclave>, Call) -> Handled),
    /// The dispatcher itself, which opens the sealed request and dispatches it.
    Sealed,
}

/// The future that a handler gives.
pub type Handled = Pin<Box<dyn Future<Output = Result<Reply, Problem>> + Send>>;

/// All operations.
pub fn operations() -> Vec<Operation> {
    let mut operations = keys::operations();
    operations.extend(batch::operations());
    operations.extend(derived::operations());
    operations.extend(import::operations());
    operations.extend(replacement::operations());
    operations.extend(ceremonies::operations());
    operations.extend(people::operations());
    operations.extend(root::operations());
    operations.extend(store::operations());
    operations.extend(attestation::operations());
    operations.extend(oblivious::operations());
    operations.extend(description::operations());
    operations
}

impl Operation {
    /// A `POST` without a body, for principals whose policy names it. The caller sets what differs, then calls
    /// [`Operation::described`].
    fn of_principals(
        id: &'static str,
        path: &'static str,
        name: OperationName,
        handler: fn(Arc<Enclave>, Call) -> Handled,
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
            cost: Cost::Cheap,
            handler: Handler::Of(handler),
        }
    }

    /// Whether anyone may send it.
    pub fn is_open(&self) -> bool {
        matches!(self.access, Access::Open | Access::Passkey)
    }

    /// Whether it is about a user's own account: it stores the approval together with its change.
    fn is_of_accounts(&self) -> bool {
        matches!(self.access, Access::Principal(name) if name.is_of_people())
    }

    /// Whether it is about the one key that its path names.
    fn is_of_one_key(&self) -> bool {
        self.path.starts_with("/v1/keys/{id}")
    }

    /// Its query parameters: its own, and those of every operation of its kind.
    pub fn all_queries(&self) -> impl Iterator<Item = &'static QueryParameter> {
        let of_one_key = self.is_of_one_key().then_some(&least_version::PARAMETER);
        self.query.iter().chain(of_one_key)
    }

    /// The value of `{id}`, or nothing for a path without it, if this is the operation's path.
    fn matches<'p>(&self, path: &'p str) -> Option<&'p str> {
        let Some((before, after)) = self.path.split_once("{id}") else {
            return (path == self.path).then_some("");
        };
        let id = path.strip_prefix(before)?.strip_suffix(after)?;
        (!id.is_empty() && !id.contains('/')).then_some(id)
    }

    /// Whether it may need a passkey's response.
    pub fn takes_a_passkey(&self) -> bool {
        match self.access {
            Access::Open => false,
            Access::Passkey => true,
            Access::Principal(name) => name.needs_a_passkey(),
        }
    }

    /// Whether it needs `Content-Digest` and `Request-Nonce`: it changes something, and neither a principal's signature nor Oblivious HTTP
    /// binds its response to its request.
    pub fn needs_a_request_nonce(&self) -> bool {
        self.is_open() && self.method == Method::POST && self.accepts_sealed_requests()
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
            when(self.is_open(), OF_ANYONE),
            when(!self.is_open(), OF_PRINCIPALS),
            when(!self.is_open(), OF_RECORDS),
            when(self.is_of_people(), OF_RECORDS),
            when(self.takes_a_passkey(), OF_PASSKEYS),
            when(self.is_of_one_key(), OF_ONE_KEY),
            when(self.creates, OF_CREATION),
            when(self.body.is_some(), OF_BODIES),
            self.problems,
        ]
        .into_iter()
        .flatten()
        .copied()
    }
}
