//! HTTP/1.1 over TLS, bounded: connections, handshakes, headers, bodies.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use super::error::KmsError;
use super::service::{Service, refusal};

/// The most connections at a time; others wait.
const CONNECTIONS_MAX: usize = 256;

/// The longest body, in bytes. The longest that KMS takes carries an attestation document or a policy.
const BODY_MAX: usize = 256 * 1024;

/// The longest head, in bytes.
const HEAD_MAX: usize = 64 * 1024;

const HANDSHAKE_TIME: Duration = Duration::from_secs(10);

/// For the head of a request, and between two of them.
const HEAD_TIME: Duration = Duration::from_secs(60);

const BODY_TIME: Duration = Duration::from_secs(30);

/// For requests under way when the server stops.
const GRACE: Duration = Duration::from_secs(2);

/// How long accepting pauses after an error such as too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What all connections share.
pub(super) struct Server {
    pub(super) service: Arc<Service>,
    pub(super) tls: TlsAcceptor,
    latency_ms: AtomicU64,
}

impl Server {
    pub(super) fn new(service: Arc<Service>, tls: Arc<rustls::ServerConfig>) -> Self {
        Self {
            service,
            tls: TlsAcceptor::from(tls),
            latency_ms: AtomicU64::new(0),
        }
    }

    /// Waits this long before each response.
    pub(super) fn set_latency(&self, latency: Duration) {
        let ms = u64::try_from(latency.as_millis()).unwrap_or(u64::MAX);
        self.latency_ms.store(ms, Ordering::Relaxed);
    }

    /// Serves until `stop` says so, then finishes what is under way within a grace of seconds.
    pub(super) async fn run(
        self: Arc<Self>,
        listener: TcpListener,
        mut stop: watch::Receiver<bool>,
    ) {
        let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let mut connections = JoinSet::new();
        loop {
            let accepted = async {
                let place = places.clone().acquire_owned().await;
                (listener.accept().await, place)
            };
            let (accepted, place) = tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => break,
                accepted = accepted => accepted,
            };
            match accepted {
                Ok((stream, peer)) => {
                    let serving = self.clone().serve(stream, peer, stop.clone());
                    connections.spawn(async move {
                        serving.await;
                        drop(place);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection was not accepted");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
            while connections.try_join_next().is_some() {}
        }
        drop(listener);
        let all_done = async { while connections.join_next().await.is_some() {} };
        if timeout(GRACE, all_done).await.is_err() {
            connections.shutdown().await;
        }
    }

    async fn serve(
        self: Arc<Self>,
        stream: TcpStream,
        peer: SocketAddr,
        mut stop: watch::Receiver<bool>,
    ) {
        let stream = match timeout(HANDSHAKE_TIME, self.tls.accept(stream)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => {
                tracing::debug!(%error, %peer, "no TLS");
                return;
            }
            Err(_) => {
                tracing::debug!(%peer, "a handshake took too long");
                return;
            }
        };
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIME)
            .max_header_size(HEAD_MAX);
        let service = service_fn(|request| {
            let server = self.clone();
            async move { Ok::<_, Infallible>(server.response(request).await.map(Full::new)) }
        });
        let connection = http.serve_connection(TokioIo::new(stream), service);
        let mut connection = std::pin::pin!(connection);
        let stopping = async {
            // An emulator that is gone has stopped too.
            let _gone = stop.wait_for(|stop| *stop).await;
        };
        let served = tokio::select! {
            served = connection.as_mut() => served,
            () = stopping => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = served {
            tracing::debug!(%error, %peer, "a connection broke");
        }
    }

    async fn response(self: Arc<Self>, request: Request<Incoming>) -> Response<Bytes> {
        let (head, body) = request.into_parts();
        let read = timeout(BODY_TIME, Limited::new(body, BODY_MAX).collect()).await;
        let body = match read {
            Ok(Ok(body)) => body.to_bytes(),
            Ok(Err(_)) => {
                return refusal(&KmsError::bare(
                    "RequestEntityTooLargeException",
                    StatusCode::PAYLOAD_TOO_LARGE,
                ));
            }
            Err(_) => {
                return refusal(&KmsError::bare(
                    "RequestTimeoutException",
                    StatusCode::REQUEST_TIMEOUT,
                ));
            }
        };
        let latency = Duration::from_millis(self.latency_ms.load(Ordering::Relaxed));
        if !latency.is_zero() {
            sleep(latency).await;
        }
        // It writes files and encrypts by RSA.
        tokio::task::spawn_blocking(move || self.service.respond(&head, &body))
            .await
            .unwrap_or_else(|_| refusal(&KmsError::internal("the response was lost")))
    }
}
