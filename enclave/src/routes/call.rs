//! What a handler gets, after the checks that all operations share, and what it gives back.

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::request::Parts;
use http::{HeaderValue, Request, StatusCode};
use permafrost_common::api::people::{DEVICE_HEADER, PASSKEY_HEADER};
use permafrost_common::api::{IDEMPOTENCY_HEADER, is_name};
use permafrost_common::http_signature::SignedRequest;
use permafrost_common::problem::{Problem, ProblemType};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Access, Operation};
use crate::auth::{Caller, Person};
use crate::enclave::Enclave;
use crate::oblivious::Inside;
use crate::people::{self, Approval};

/// A request that passed these checks.
pub struct Call {
    /// The principal that sent it; `None` if the operation needs none.
    pub caller: Option<Caller>,
    /// The value of `{id}` in the path; empty if the path has none.
    pub id: String,
    /// The `Idempotency-Key` of a creating request; empty elsewhere.
    pub idempotency_key: String,
    /// Responds to requests that arrive sealed; `None` inside such a request.
    pub inside: Option<Inside>,
    /// The request as a passkey approves it, and a passkey's response to it.
    pub approval: Approval,
    query: Vec<(String, String)>,
    body: Bytes,
}

impl Call {
    /// Checks the signature, the policy and the form of the request, in this order.
    pub(super) async fn admit(
        operation: &Operation,
        enclave: &Enclave,
        id: Option<String>,
        request: Request<Body>,
    ) -> Result<Self, Problem> {
        let (mut parts, body) = request.into_parts();
        // The body was collected under its limit before the request was routed.
        let body = axum::body::to_bytes(body, usize::MAX)
            .await
            .map_err(|error| Problem::new(ProblemType::Internal, error.to_string()))?;
        let mut keyid = String::new();
        let caller = match operation.access {
            Access::Open => None,
            Access::Principal(name) => {
                enclave.custody()?;
                let signed = SignedRequest::parse(&parts, &body)
                    .map_err(|error| Problem::new(error.problem_type(), error.to_string()))?;
                let caller = authenticate(enclave, &signed, &parts).await?;
                caller.policy.check_operation(name)?;
                keyid = signed.keyid().to_owned();
                Some(caller)
            }
        };
        check_body(operation, &parts, &body)?;
        let call = Self {
            caller,
            id: id.unwrap_or_default(),
            idempotency_key: match operation.creates {
                true => idempotency_key(&parts)?,
                false => String::new(),
            },
            query: query(operation, &parts)?,
            approval: approval(operation, &parts, &body, &keyid),
            inside: parts.extensions.remove(),
            body,
        };
        call.check_approval(operation, enclave).await?;
        Ok(call)
    }

    /// Checks that a passkey approves what a user does with keys and cannot undo. Operations on the account itself check their approval
    /// where they are carried out.
    async fn check_approval(
        &self,
        operation: &Operation,
        enclave: &Enclave,
    ) -> Result<(), Problem> {
        let (Access::Principal(name), Some(person)) = (
            operation.access,
            self.caller.as_ref().and_then(|caller| caller.person),
        ) else {
            return Ok(());
        };
        if name.is_of_people() || !name.needs_a_passkey() {
            return Ok(());
        }
        let (people, now) = enclave.people()?;
        people.approve(person, &self.approval, now).await
    }

    /// The user, for an operation of sessions only.
    pub fn person(&self) -> Result<Person, Problem> {
        let person = self.caller.as_ref().and_then(|caller| caller.person);
        person.ok_or_else(|| {
            let detail = "only a session may send this request";
            Problem::new(ProblemType::NotPermitted, detail)
        })
    }

    /// The principal, for an operation that needs one.
    pub fn caller(&self) -> Result<&Caller, Problem> {
        self.caller.as_ref().ok_or_else(|| {
            Problem::new(
                ProblemType::Internal,
                "an operation without a principal has no caller",
            )
        })
    }

    /// The body as it came.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The body as JSON; an error names the field by its JSON pointer (RFC 6901).
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        let mut json = serde_json::Deserializer::from_slice(&self.body);
        let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
            Problem::field(
                pointer(error.path()),
                error.inner().to_string(),
                "the schema in /openapi.json",
            )
        })?;
        json.end().map_err(|error| {
            Problem::field("", error.to_string(), "one JSON value and nothing after it")
        })?;
        Ok(value)
    }

    /// The value of a query parameter, if it was given.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

/// A response before it is signed.
pub struct Reply {
    status: StatusCode,
    content_type: &'static str,
    retry_after: Option<u64>,
    body: Bytes,
}

impl Reply {
    /// A JSON response.
    pub fn json(status: u16, value: &impl Serialize) -> Result<Self, Problem> {
        let body = serde_json::to_vec(value)
            .map_err(|error| Problem::new(ProblemType::Internal, error.to_string()))?;
        Ok(Self::new(status, "application/json", body))
    }

    /// A response of any media type.
    pub fn new(status: u16, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        Self {
            status: StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            content_type,
            retry_after: None,
            body: body.into(),
        }
    }

    /// A problem response (RFC 9457).
    pub fn problem(problem: &Problem) -> Self {
        let body = serde_json::to_vec(problem).unwrap_or_default();
        let mut reply = Self::new(problem.status, "application/problem+json", body);
        reply.retry_after = problem.retry_after;
        reply
    }

    /// The HTTP response, unsigned.
    pub fn into_response(self) -> Response {
        self.into_whole_response().map(Body::from)
    }

    /// The HTTP response, unsigned, with its whole body.
    pub fn into_whole_response(self) -> http::Response<Bytes> {
        let mut response = http::Response::new(self.body);
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        if let Some(seconds) = self.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// Services are named in the measured configuration, sessions in sealed records.
async fn authenticate(
    enclave: &Enclave,
    request: &SignedRequest,
    parts: &Parts,
) -> Result<Caller, Problem> {
    if !people::is_session(request.keyid()) {
        let now = enclave.attestor.clock.now();
        return enclave.authenticator.authenticate(request, now);
    }
    let (people, _) = enclave.people()?;
    let device = text(parts, DEVICE_HEADER);
    people
        .authenticate(request, device, &enclave.authenticator)
        .await
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
        if !operation.query.iter().any(|known| known.name == name) {
            let known: Vec<_> = operation.query.iter().map(|known| known.name).collect();
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

fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    path.iter()
        .filter_map(|segment| match segment {
            Segment::Seq { index } => Some(format!("/{index}")),
            Segment::Map { key } => Some(format!("/{}", key.replace('~', "~0").replace('/', "~1"))),
            Segment::Enum { .. } | Segment::Unknown => None,
        })
        .collect()
}
