//! The one place where a request is admitted.
//!
//! First everything comes in that the decision depends on: the whole request, and what the store has of its sender. Then one time is
//! read, and nothing waits any more: signature, time, nonce, rate, policy, form and the approval of a passkey are judged by that
//! time. So a store that stalls makes no request younger, and no other request is judged in between.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use permafrost_common::api::people::{DEVICE_HEADER, PASSKEY_HEADER};
use permafrost_common::api::{IDEMPOTENCY_HEADER, is_name};
use permafrost_common::http_signature::SignedRequest;
use permafrost_common::problem::{Problem, ProblemType};

use super::{Access, Call, Operation, binding, least_version};
use crate::auth::Charge;
use crate::enclave::Enclave;
use crate::people::{self, Approval, NamedSession, People};
use crate::principal::{Caller, OperationName};

/// Admits a request for this operation, or gives the problem to respond with.
pub(super) async fn admit(
    operation: &Operation,
    enclave: &Enclave,
    id: &str,
    parts: &Parts,
    body: Bytes,
) -> Result<Call, Problem> {
    let sender = Sender::read(operation, enclave, parts, &body).await?;
    let now = enclave.attestor.clock.now();
    let caller = match &sender {
        Sender::Anyone => None,
        Sender::Service(name, request) => {
            let caller = enclave.authenticator.authenticate(request, now)?;
            Some(permitted(caller, *name)?)
        }
        Sender::Session(name, request, people, session) => {
            let charge = match name.ends_access() {
                true => Charge::Reserve,
                false => Charge::Rate,
            };
            let request = (request, text(parts, DEVICE_HEADER));
            let by = (&enclave.authenticator, charge);
            let caller = people.judge_session(session, request, by, now)?;
            Some(permitted(caller, *name)?)
        }
    };
    binding::check(operation, parts, &body)?;
    check_body(operation, parts, &body)?;
    let idempotency_key = match operation.creates {
        true => idempotency_key(parts)?,
        false => String::new(),
    };
    let query = query(operation, parts)?;
    let least_version = least_version::of(operation, id, &query)?;
    let caller = caller.map(|caller| Caller {
        least_version,
        ..caller
    });
    let approval = approval(operation, parts, &body, sender.keyid());
    let approved = match &sender {
        Sender::Session(name, _, people, session) if name.needs_a_passkey() => {
            Some(people.judge_approval(session, &approval, now)?)
        }
        _ => None,
    };
    Ok(Call {
        caller,
        id: id.to_owned(),
        idempotency_key,
        approval,
        approved,
        query,
        body,
    })
}

/// Who seems to have sent a request for which operation: read, not judged.
enum Sender<'a> {
    Anyone,
    /// A service of the measured configuration.
    Service(OperationName, SignedRequest),
    /// A session, with what the store gave of its user.
    Session(OperationName, SignedRequest, &'a People, NamedSession),
}

impl<'a> Sender<'a> {
    async fn read(
        operation: &Operation,
        enclave: &'a Enclave,
        parts: &Parts,
        body: &[u8],
    ) -> Result<Self, Problem> {
        let Access::Principal(name) = operation.access else {
            return Ok(Self::Anyone);
        };
        if !name.is_of_the_store() {
            enclave.custody()?;
        }
        let request = SignedRequest::parse(parts, body)
            .map_err(|error| Problem::new(error.problem_type(), error.to_string()))?;
        // A request for another boot does not reach the store.
        enclave.authenticator.check_boot(&request)?;
        if !people::is_session(request.keyid()) {
            return Ok(Self::Service(name, request));
        }
        let people = enclave.people()?;
        let session = people.named_session(request.keyid()).await?;
        Ok(Self::Session(name, request, people, session))
    }

    fn keyid(&self) -> &str {
        match self {
            Self::Anyone => "",
            Self::Service(_, request) | Self::Session(_, request, ..) => request.keyid(),
        }
    }
}

fn permitted(caller: Caller, operation: OperationName) -> Result<Caller, Problem> {
    caller.policy.check_operation(operation)?;
    Ok(caller)
}

fn approval(operation: &Operation, parts: &Parts, body: &[u8], keyid: &str) -> Approval {
    let uri = &parts.uri;
    let query = uri.query().unwrap_or_default();
    Approval {
        purpose: operation.id,
        request: people::request_digest(parts.method.as_str(), uri.path(), query, body, keyid),
        header: text(parts, PASSKEY_HEADER).map(str::to_owned),
    }
}

/// A header field that occurs once, in visible ASCII.
fn text<'a>(parts: &'a Parts, name: &str) -> Option<&'a str> {
    let mut values = parts.headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

fn check_body(operation: &Operation, parts: &Parts, body: &Bytes) -> Result<(), Problem> {
    let Some(accepted) = operation.body else {
        if body.is_empty() {
            return Ok(());
        }
        let detail = format!("{} bytes", body.len());
        return Err(Problem::field("", detail, "an empty body"));
    };
    let content_type = parts
        .headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case(accepted.media_type) {
        return Ok(());
    }
    Err(Problem::new(
        ProblemType::UnsupportedMediaType,
        format!(
            "Content-Type is {content_type:?}; accepted: {}",
            accepted.media_type
        ),
    ))
}

fn idempotency_key(parts: &Parts) -> Result<String, Problem> {
    const ACCEPTED: &str = "one value, 1 to 64 of A-Z a-z 0-9 - _ .";
    let mut values = parts.headers.get_all(IDEMPOTENCY_HEADER).iter();
    let Some(value) = values.next() else {
        let detail = format!("the header Idempotency-Key is missing; accepted: {ACCEPTED}");
        return Err(Problem::new(ProblemType::IdempotencyKeyMissing, detail));
    };
    value
        .to_str()
        .ok()
        .filter(|text| values.next().is_none() && is_name(text))
        .map(str::to_owned)
        .ok_or_else(|| {
            let came = format!("{} bytes, or given twice", value.len());
            Problem::field("header:idempotency-key", came, ACCEPTED)
        })
}

fn query(operation: &Operation, parts: &Parts) -> Result<Vec<(String, String)>, Problem> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    let query = parts.uri.query().unwrap_or_default();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let refuse = |detail: &str, accepted: &str| {
            Err(Problem::field(format!("query:{name}"), detail, accepted))
        };
        if !operation.all_queries().any(|known| known.name == name) {
            let known: Vec<_> = operation.all_queries().map(|known| known.name).collect();
            return refuse(
                "unknown parameter",
                &format!("only these: [{}]", known.join(", ")),
            );
        }
        if pairs.iter().any(|(before, _)| before == name) {
            return refuse("given twice", "each parameter once");
        }
        // Every value that any operation accepts consists of these, so nothing needs decoding.
        if !value
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
        {
            return refuse("other characters", "A-Z a-z 0-9 - _ .");
        }
        pairs.push((name.to_owned(), value.to_owned()));
    }
    Ok(pairs)
}
