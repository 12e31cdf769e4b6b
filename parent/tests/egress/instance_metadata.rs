//! An instance metadata service on loopback, of version 2 by default (Amazon EC2 user guide, "Use the Instance Metadata
//! Service to access instance metadata").

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

const ROLES: &str = "/latest/meta-data/iam/security-credentials/";
const ROLE: &str = "permafrost-parent";
const CONTAINER: &str = "/container/credentials";
const TOKEN: &str = "metadata-session-token";

/// What the service does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Behaviour {
    /// Whether the service issues and requires session tokens, as version 2 does.
    pub(crate) tokens: bool,
    /// Whether the instance has a role.
    pub(crate) role: bool,
    /// How long each set of credentials is valid.
    pub(crate) lifetime: Duration,
    /// How long a response takes.
    pub(crate) delay: Duration,
    /// Whether the credentials are cut off in the middle.
    pub(crate) cut: bool,
    /// Whether the credentials come with a status of failure.
    pub(crate) contradictory: bool,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            tokens: true,
            role: true,
            lifetime: Duration::from_secs(6 * 3600),
            delay: Duration::ZERO,
            cut: false,
            contradictory: false,
        }
    }
}

pub(crate) struct InstanceMetadata {
    address: std::net::SocketAddr,
    state: Arc<Mutex<State>>,
    serving: Option<JoinHandle<()>>,
}

struct State {
    behaviour: Behaviour,
    /// Every request: method and path.
    asked: Vec<String>,
    given: usize,
}

impl InstanceMetadata {
    pub(crate) async fn start(behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut service = Self {
            address: listener.local_addr().unwrap(),
            state: Arc::new(Mutex::new(State {
                behaviour,
                asked: Vec::new(),
                given: 0,
            })),
            serving: None,
        };
        service.serve(listener);
        service
    }

    /// For `AWS_EC2_METADATA_SERVICE_ENDPOINT`.
    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn now(&self, behaviour: Behaviour) {
        self.state.lock().unwrap().behaviour = behaviour;
    }

    /// Stops the service, so that connections to it are refused.
    pub(crate) async fn stop(&mut self) {
        let serving = self.serving.take().unwrap();
        serving.abort();
        let _aborted = serving.await;
    }

    pub(crate) async fn start_again(&mut self) {
        let listener = TcpListener::bind(self.address).await.unwrap();
        self.serve(listener);
    }

    /// For `AWS_CONTAINER_CREDENTIALS_FULL_URI`: the service is also a container's endpoint.
    pub(crate) fn container_endpoint(&self) -> String {
        format!("http://{}{CONTAINER}", self.address)
    }

    /// How often this request has been received.
    pub(crate) fn asked(&self, request: &str) -> usize {
        let state = self.state.lock().unwrap();
        state.asked.iter().filter(|asked| *asked == request).count()
    }

    /// How often credentials were requested.
    pub(crate) fn credentials_asked(&self) -> usize {
        self.asked(&format!("GET {ROLES}{ROLE}"))
    }

    /// How many session tokens were requested.
    pub(crate) fn tokens_asked(&self) -> usize {
        self.asked("PUT /latest/api/token")
    }

    fn serve(&mut self, listener: TcpListener) {
        let state = self.state.clone();
        self.serving = Some(tokio::spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let state = state.clone();
                let service = service_fn(move |request| {
                    let state = state.clone();
                    async move { Ok::<_, Infallible>(respond(request, &state).await) }
                });
                connections.spawn(
                    hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service),
                );
            }
        }));
    }
}

impl Drop for InstanceMetadata {
    fn drop(&mut self) {
        if let Some(serving) = &self.serving {
            serving.abort();
        }
    }
}

async fn respond(request: Request<Incoming>, state: &Mutex<State>) -> Response<Full<Bytes>> {
    let path = request.uri().path().to_owned();
    let behaviour = {
        let mut state = state.lock().unwrap();
        state.asked.push(format!("{} {path}", request.method()));
        state.behaviour
    };
    tokio::time::sleep(behaviour.delay).await;
    if request.method() == Method::PUT {
        return give_token(&request, behaviour);
    }
    if path == CONTAINER {
        return give_credentials(state);
    }
    let token = request.headers().get("x-aws-ec2-metadata-token");
    if behaviour.tokens && token.is_none_or(|token| token != TOKEN) {
        return status(StatusCode::UNAUTHORIZED);
    }
    if path == ROLES && behaviour.role {
        return text(ROLE.to_owned());
    }
    if path == format!("{ROLES}{ROLE}") {
        return give_credentials(state);
    }
    status(StatusCode::NOT_FOUND)
}

fn give_credentials(state: &Mutex<State>) -> Response<Full<Bytes>> {
    let mut state = state.lock().unwrap();
    state.given += 1;
    let mut given = credentials(state.given, state.behaviour.lifetime);
    if state.behaviour.cut {
        given.truncate(given.rfind(',').unwrap());
    }
    let mut response = text(given);
    if state.behaviour.contradictory {
        *response.status_mut() = StatusCode::BAD_REQUEST;
    }
    response
}

fn give_token(request: &Request<Incoming>, behaviour: Behaviour) -> Response<Full<Bytes>> {
    let ttl = request
        .headers()
        .get("x-aws-ec2-metadata-token-ttl-seconds");
    match ttl {
        Some(ttl) if behaviour.tokens && request.uri().path() == "/latest/api/token" => {
            let mut response = text(TOKEN.to_owned());
            response
                .headers_mut()
                .insert("x-aws-ec2-metadata-token-ttl-seconds", ttl.clone());
            response
        }
        _ => status(StatusCode::NOT_FOUND),
    }
}

/// The set of credentials with this number.
fn credentials(number: usize, lifetime: Duration) -> String {
    let ends = OffsetDateTime::from(SystemTime::now() + lifetime)
        .replace_nanosecond(0)
        .unwrap()
        .format(&Rfc3339)
        .unwrap();
    serde_json::json!({
        "Code": "Success",
        "Type": "AWS-HMAC",
        "LastUpdated": "2026-01-01T00:00:00Z",
        "AccessKeyId": format!("ASIAMETADATA{number:08}"),
        "SecretAccessKey": format!("metadata-secret-{number}"),
        "Token": format!("metadata-security-token-{number}"),
        "Expiration": ends,
    })
    .to_string()
}

fn text(text: String) -> Response<Full<Bytes>> {
    Response::new(Full::new(Bytes::from(text)))
}

fn status(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}
