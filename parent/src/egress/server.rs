//! The egress proxy's HTTP/1.1 server: requests of the enclave and their responses.

use std::convert::Infallible;
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::{TokioIo, TokioTimer};
use permafrost_common::egress::CREDENTIALS_PATH;
use permafrost_common::transport::{Listener, Stream};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;

use super::allow_list::AllowList;
use super::config::AllowConfig;
use super::credentials::CredentialsCache;
use super::dial::{DialError, Resolve, dial};
use super::outcome::{Attempt, Outcome};
use super::relay::{Limits, relay};
use crate::metrics::Ongoing;

/// Connections of the enclave besides those that lead to hosts: for credentials, and for the response that there are too
/// many connections. Further ones wait to be accepted.
const SPARE: usize = 16;

/// How long a connection may take to send a request's header, including the idle time before it.
const HEADER_TIME: Duration = Duration::from_secs(75);

/// How many bytes of a request's header are read at most.
const HEADER_MAX: usize = 16 * 1024;

/// Decides about requests.
pub(super) struct Gate {
    pub(super) allow: AllowList,
    pub(super) resolver: Arc<dyn Resolve>,
    pub(super) connections: usize,
    pub(super) places: Arc<Semaphore>,
    pub(super) connect_timeout: Duration,
    pub(super) limits: Limits,
    pub(super) credentials: CredentialsCache,
}

/// Serves until `stop` is ready; then every connection ends.
pub(super) async fn serve(gate: Gate, listener: Listener, stop: impl Future<Output = ()>) {
    let accepted = Arc::new(Semaphore::new(gate.connections.saturating_add(SPARE)));
    let gate = Arc::new(gate);
    let mut connections = JoinSet::new();
    let mut stop = pin!(stop);
    loop {
        let next = async {
            // The semaphore is never closed.
            let place = Arc::clone(&accepted).acquire_owned().await.ok();
            (place, listener.accept().await.0)
        };
        tokio::select! {
            () = &mut stop => break,
            (place, stream) = next => {
                let connection = serve_connection(gate.clone(), stream);
                connections.spawn(async move {
                    connection.await;
                    drop(place);
                });
            }
            Some(_) = connections.join_next() => {}
        }
    }
    drop(listener);
    connections.shutdown().await;
}

/// A connection to a host that waits for the enclave's end.
struct Tunnel {
    enclave: OnUpgrade,
    host: TcpStream,
    attempt: Attempt,
    _place: OwnedSemaphorePermit,
}

/// Responds to requests until one opens a tunnel; then carries its bytes.
async fn serve_connection(gate: Arc<Gate>, stream: Stream) {
    let opened = Arc::new(Mutex::new(None));
    let service = {
        let (gate, opened) = (gate.clone(), opened.clone());
        service_fn(move |request| {
            let (gate, opened) = (gate.clone(), opened.clone());
            async move { Ok::<_, Infallible>(gate.respond(request, &opened).await) }
        })
    };
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIME)
        .max_buf_size(HEADER_MAX)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades()
        .await;
    let tunnel = take(&opened);
    if let (Ok(()), Some(tunnel)) = (served, tunnel) {
        tunnel.carry(gate.limits).await;
    }
}

fn take(opened: &Mutex<Option<Tunnel>>) -> Option<Tunnel> {
    opened.lock().unwrap_or_else(PoisonError::into_inner).take()
}

impl Tunnel {
    async fn carry(mut self, limits: Limits) {
        let _ongoing = Ongoing::egress();
        let Ok(enclave) = self.enclave.await else {
            return;
        };
        let carried = self.attempt.carried();
        let outcome = relay(TokioIo::new(enclave), self.host, limits, &carried).await;
        self.attempt.ended(outcome);
    }
}

impl Gate {
    async fn respond(
        &self,
        request: Request<Incoming>,
        opened: &Mutex<Option<Tunnel>>,
    ) -> Response<Full<Bytes>> {
        if request.method() == Method::CONNECT {
            return match self.open(request).await {
                Ok(tunnel) => {
                    *opened.lock().unwrap_or_else(PoisonError::into_inner) = Some(tunnel);
                    Response::new(Full::default())
                }
                Err(refused) => refused.into_response(),
            };
        }
        if request.uri() != CREDENTIALS_PATH {
            let accepted =
                format!("not found; accepted: CONNECT HOST:PORT and GET {CREDENTIALS_PATH}");
            return text(StatusCode::NOT_FOUND, accepted);
        }
        if request.method() != Method::GET {
            let mut response = text(
                StatusCode::METHOD_NOT_ALLOWED,
                format!("{CREDENTIALS_PATH} accepts only GET"),
            );
            response
                .headers_mut()
                .insert(ALLOW, HeaderValue::from_static("GET"));
            return response;
        }
        self.respond_with_credentials().await
    }

    async fn open(&self, mut request: Request<Incoming>) -> Result<Tunnel, Refused> {
        let asked = request.uri().to_string();
        let mut attempt = Attempt::new(asked.clone());
        let opening = async {
            let entry = self.allow.find(&asked).map_err(|error| Refused {
                status: StatusCode::FORBIDDEN,
                outcome: Outcome::NotAllowed,
                why: error.to_string(),
            })?;
            attempt.listed(entry.host.as_str());
            let place = self.place()?;
            let host = self.dial(entry).await?;
            Ok((host, place))
        };
        match opening.await {
            Ok((host, place)) => Ok(Tunnel {
                enclave: hyper::upgrade::on(&mut request),
                host,
                attempt,
                _place: place,
            }),
            Err(refused) => {
                let refused: Refused = refused;
                attempt.refused(refused.outcome, &refused.why);
                Err(refused)
            }
        }
    }

    fn place(&self) -> Result<OwnedSemaphorePermit, Refused> {
        self.places
            .clone()
            .try_acquire_owned()
            .map_err(|_| Refused {
                status: StatusCode::SERVICE_UNAVAILABLE,
                outcome: Outcome::TooMany,
                why: format!(
                    "there are already {} connections, the parent's limit (egress.connections)",
                    self.connections
                ),
            })
    }

    async fn dial(&self, entry: &AllowConfig) -> Result<TcpStream, Refused> {
        let host = dial(&*self.resolver, entry, self.connect_timeout).await?;
        if let Err(error) = host.set_nodelay(true) {
            tracing::debug!(target: "egress", %error, "TCP_NODELAY could not be set");
        }
        Ok(host)
    }

    async fn respond_with_credentials(&self) -> Response<Full<Bytes>> {
        match self.credentials.json().await {
            Ok(json) => {
                let mut response = Response::new(Full::new(json));
                let headers = response.headers_mut();
                headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
                response
            }
            Err(none) => text(StatusCode::SERVICE_UNAVAILABLE, none.to_string()),
        }
    }
}

/// Why there is no connection, as the response tells the enclave.
struct Refused {
    status: StatusCode,
    outcome: Outcome,
    why: String,
}

impl Refused {
    fn into_response(self) -> Response<Full<Bytes>> {
        text(self.status, self.why)
    }
}

impl From<DialError> for Refused {
    fn from(error: DialError) -> Self {
        let (status, outcome) = match error {
            DialError::Refused { .. } => (StatusCode::FORBIDDEN, Outcome::AddressRefused),
            DialError::Unreachable { .. } => (StatusCode::BAD_GATEWAY, Outcome::Unreachable),
            DialError::TimedOut { .. } => (StatusCode::GATEWAY_TIMEOUT, Outcome::ConnectTimeout),
        };
        Self {
            status,
            outcome,
            why: error.to_string(),
        }
    }
}

fn text(status: StatusCode, line: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(line)));
    *response.status_mut() = status;
    response.headers_mut().insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    response
}
