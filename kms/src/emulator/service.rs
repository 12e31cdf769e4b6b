//! One request: its signer, what it asks for, and its response.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Method, Response, StatusCode};
use serde_json::Value;
use uuid::Uuid;

use super::actions;
use super::clock::{Clock, unix_ms};
use super::cms::ContentForm;
use super::error::KmsError;
use super::identity::{Identities, Identity};
use super::journal::{Call, Journal};
use super::signature;
use super::store::Store;

const TARGET: &str = "x-amz-target";
const TARGET_PREFIX: &str = "TrentService.";
const CONTENT_TYPE: &str = "application/x-amz-json-1.1";

/// Everything behind the wire.
pub(super) struct Service {
    pub(super) region: String,
    pub(super) identities: Identities,
    /// Attestation roots, PEM, read anew for each request that needs them.
    pub(super) roots: Vec<PathBuf>,
    pub(super) clock: Clock,
    pub(super) journal: Journal,
    store: Mutex<Store>,
    context_specific: AtomicBool,
}

/// A request whose signature was checked.
pub(super) struct Invocation<'a> {
    pub(super) service: &'a Service,
    pub(super) identity: &'a Identity,
    /// As `kms:Decrypt`.
    pub(super) action: String,
    pub(super) now: SystemTime,
}

impl Service {
    pub(super) fn new(
        region: String,
        identities: Identities,
        roots: Vec<PathBuf>,
        store: Store,
        clock: Clock,
    ) -> Self {
        Self {
            region,
            identities,
            roots,
            clock,
            journal: Journal::default(),
            store: Mutex::new(store),
            context_specific: AtomicBool::new(false),
        }
    }

    /// Responds to a request. Blocks while the state file is written.
    pub(super) fn respond(&self, head: &Parts, body: &[u8]) -> Response<Bytes> {
        let mut call = Call {
            action: String::new(),
            caller: None,
            error: None,
        };
        let outcome = self.perform(head, body, &mut call);
        call.error = outcome.as_ref().err().map(|error| error.name().to_owned());
        tracing::debug!(
            action = call.action,
            caller = call.caller,
            error = call.error,
            "responded"
        );
        self.journal.record(call);
        match outcome {
            Ok(body) => response(StatusCode::OK, &body),
            Err(error) => refusal(&error),
        }
    }

    /// The keys. Held while a request is worked on: one at a time.
    pub(super) fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn content_form(&self) -> ContentForm {
        match self.context_specific.load(Ordering::Relaxed) {
            true => ContentForm::ContextSpecific,
            false => ContentForm::OctetString,
        }
    }

    pub(super) fn set_content_form(&self, form: ContentForm) {
        self.context_specific
            .store(form == ContentForm::ContextSpecific, Ordering::Relaxed);
    }

    fn perform(&self, head: &Parts, body: &[u8], call: &mut Call) -> Result<Value, KmsError> {
        let (name, action) = target(head)?;
        call.action = name.to_owned();
        self.journal.failure()?;
        let now = (self.clock)();
        let identity = signature::verify(head, body, &self.identities, &self.region, now)?;
        call.caller = Some(identity.arn.clone());
        let invocation = Invocation {
            service: self,
            identity,
            action: format!("kms:{name}"),
            now,
        };
        action(&invocation, body)
    }
}

impl Invocation<'_> {
    pub(super) fn now_ms(&self) -> u64 {
        unix_ms(self.now)
    }
}

/// An error as an HTTP response.
pub(super) fn refusal(error: &KmsError) -> Response<Bytes> {
    response(error.status(), &error.body())
}

fn response(status: StatusCode, body: &Value) -> Response<Bytes> {
    let body = match body {
        Value::Null => Bytes::new(),
        body => Bytes::from(body.to_string()),
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert("content-type", HeaderValue::from_static(CONTENT_TYPE));
    if let Ok(id) = HeaderValue::from_str(&Uuid::new_v4().to_string()) {
        headers.insert("x-amzn-requestid", id);
    }
    response
}

fn target(head: &Parts) -> Result<(&'static str, actions::Action), KmsError> {
    let unknown = || KmsError::bare("UnknownOperationException", StatusCode::BAD_REQUEST);
    let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
    if head.method != Method::POST || head.uri.path() != "/" || head.uri.query().is_some() {
        return Err(unknown());
    }
    let media_type =
        header("content-type").map(|value| value.split(';').next().unwrap_or_default());
    if media_type.is_none_or(|media_type| media_type.trim() != CONTENT_TYPE) {
        return Err(unknown());
    }
    header(TARGET)
        .and_then(|target| target.strip_prefix(TARGET_PREFIX))
        .and_then(actions::find)
        .ok_or_else(unknown)
}
