//! From a whole request to a signed response, whatever carried it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use http::request::Parts;
use http::{Method, Response};
use permafrost_common::http_signature::{RequestContext, sign_response};
use permafrost_common::problem::{Problem, ProblemType};
use tokio::sync::Semaphore;

use super::admission::admit;
use super::slots::{Slot, Slots};
use super::{Cost, Handler, Operation, Reply, operations};
use crate::enclave::Enclave;

/// The table of operations of one boot, and what carries them out.
pub struct Dispatcher {
    pub(super) enclave: Arc<Enclave>,
    operations: Vec<Operation>,
    slots: Slots,
    /// Costly requests of strangers take turns, so that those of principals get the processors and the store, too.
    strangers: Semaphore,
}

/// How a request came.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Layer {
    /// As it stands.
    Clear,
    /// Sealed inside another one (Oblivious HTTP).
    Sealed,
}

impl Dispatcher {
    /// For the requests of one boot.
    pub fn new(enclave: Arc<Enclave>) -> Self {
        let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            operations: operations(),
            slots: Slots::new(enclave.config.limits.concurrent_requests),
            strangers: Semaphore::new(processors),
            enclave,
        }
    }

    /// A place among the requests in progress, for a request of which only the head has come.
    ///
    /// # Errors
    /// `overloaded`: there is none for requests of its kind.
    pub fn slot(&self, head: &Parts) -> Result<Slot, Problem> {
        let is_open = self
            .find(&head.method, head.uri.path(), Layer::Clear)
            .map_or(true, |(operation, _)| operation.is_open());
        self.slots.take(is_open)
    }

    /// Responds to a request. Never fails: a failure becomes a problem document.
    pub async fn dispatch(&self, parts: Parts, body: Bytes) -> Response<Bytes> {
        self.enclave.answered.fetch_add(1, Ordering::Relaxed);
        self.respond(parts, body, Layer::Clear).await
    }

    /// The signed problem for a request that did not become whole.
    pub fn refuse(&self, context: &RequestContext, problem: &Problem) -> Response<Bytes> {
        self.enclave.answered.fetch_add(1, Ordering::Relaxed);
        self.sign(context, Reply::problem(problem).into_response(&Method::GET))
    }

    pub(super) async fn respond(&self, parts: Parts, body: Bytes, layer: Layer) -> Response<Bytes> {
        let context = RequestContext::of(&parts);
        let reply = match self.find(&parts.method, parts.uri.path(), layer) {
            Ok((operation, id)) => self.run(operation, id, &parts, body).await,
            Err(reply) => reply,
        };
        self.sign(&context, reply.into_response(&parts.method))
    }

    async fn run(&self, operation: &Operation, id: &str, parts: &Parts, body: Bytes) -> Reply {
        let _turn = match operation.cost {
            Cost::Costly => self.strangers.acquire().await.ok(),
            Cost::Cheap => None,
        };
        let result = self.carry_out(operation, id, parts, body).await;
        result.unwrap_or_else(|problem| {
            debug_assert!(
                operation
                    .all_problems()
                    .any(|known| Some(known) == problem.kind()),
                "{} is not among the problems of {}",
                problem.type_uri,
                operation.id
            );
            Reply::problem(&problem)
        })
    }

    async fn carry_out(
        &self,
        operation: &Operation,
        id: &str,
        parts: &Parts,
        body: Bytes,
    ) -> Result<Reply, Problem> {
        let call = admit(operation, &self.enclave, id, parts, body).await?;
        if let Some(approved) = &call.approved
            && !operation.is_of_accounts()
        {
            let people = self.enclave.people()?;
            people.note_approval(approved, operation.id).await?;
        }
        match operation.handler {
            Handler::Of(handler) => handler(Arc::clone(&self.enclave), call).await,
            Handler::Sealed => self.open(&call).await,
        }
    }

    /// The operation of this method and path, and the value of `{id}`.
    fn find<'a, 'p>(
        &'a self,
        method: &Method,
        path: &'p str,
        layer: Layer,
    ) -> Result<(&'a Operation, &'p str), Reply> {
        let method = match *method {
            Method::HEAD => &Method::GET,
            _ => method,
        };
        let mut allowed = Vec::new();
        for operation in &self.operations {
            if layer == Layer::Sealed && !operation.accepts_sealed_requests() {
                continue;
            }
            let Some(id) = operation.matches(path) else {
                continue;
            };
            if operation.method == *method {
                return Ok((operation, id));
            }
            allowed.push(operation.method.as_str());
        }
        if allowed.is_empty() {
            let detail = format!("there is no {path}; see /openapi.json");
            let problem = Problem::new(ProblemType::NotFound, detail);
            return Err(Reply::problem(&problem));
        }
        let detail = format!("{method} is not a method of {path}; see /openapi.json");
        let problem = Problem::new(ProblemType::MethodNotAllowed, detail);
        let allowed = allowed.join(", ").replace("GET", "GET, HEAD");
        Err(Reply::method_not_allowed(&problem, &allowed))
    }

    fn sign(&self, context: &RequestContext, response: Response<Bytes>) -> Response<Bytes> {
        let (mut parts, body) = response.into_parts();
        let boot = &self.enclave.boot;
        let created = self.enclave.attestor.clock.now().as_secs();
        if let Err(error) = sign_response(
            &mut parts,
            &body,
            context,
            &boot.attestation,
            &boot.key,
            created,
        ) {
            // A client refuses an unsigned response, so nothing is lost but the response.
            tracing::error!(%error, "cannot sign a response; it leaves unsigned");
        }
        Response::from_parts(parts, body)
    }
}
