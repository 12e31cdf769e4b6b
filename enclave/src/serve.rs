//! Connections: every request within its limits, every response signed.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use permafrost_common::http_signature::{RequestContext, sign_response};
use permafrost_common::problem::{Problem, ProblemType};
use permafrost_common::transport::{Listener, Stream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower::ServiceExt;

use crate::enclave::Enclave;
use crate::oblivious::Inside;
use crate::routes::{Reply, router};

/// How much of a request's head hyper reads before it gives up; our own limit, which responds with a problem, is lower.
const HEAD_BUFFER: usize = 64 * 1024;

/// Answers requests until the process ends.
pub async fn serve(enclave: Arc<Enclave>, listener: Listener) -> Infallible {
    let limits = enclave.config.limits;
    let service = Service {
        router: router(&enclave),
        inside: Inside::new(&enclave),
        requests: Arc::new(Semaphore::new(limits.concurrent_requests)),
        enclave,
    };
    let connections = Arc::new(Semaphore::new(limits.connections));
    loop {
        let (stream, _) = listener.accept().await;
        // A connection beyond the limit is closed at once: it has not sent a request yet.
        if let Ok(permit) = Arc::clone(&connections).try_acquire_owned() {
            tokio::spawn(connection(service.clone(), stream, permit));
        }
    }
}

async fn connection(service: Service, stream: Stream, _permit: OwnedSemaphorePermit) {
    let timeout = Duration::from_millis(service.enclave.config.limits.request_timeout_ms);
    let respond = service_fn(|request| {
        let service = service.clone();
        async move { Ok::<_, Infallible>(service.respond(request).await) }
    });
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(timeout)
        .max_buf_size(HEAD_BUFFER)
        .serve_connection(TokioIo::new(stream), respond)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "a connection ended");
    }
}

#[derive(Clone)]
struct Service {
    enclave: Arc<Enclave>,
    router: Router,
    inside: Inside,
    requests: Arc<Semaphore>,
}

impl Service {
    async fn respond(&self, request: Request<Incoming>) -> http::Response<Full<Bytes>> {
        let (parts, body) = request.into_parts();
        let context = RequestContext::of(&parts);
        let timeout = Duration::from_millis(self.enclave.config.limits.request_timeout_ms);
        let request = Request::from_parts(parts, body);
        let reply = tokio::time::timeout(timeout, self.route(request))
            .await
            .unwrap_or_else(|_| {
                let detail = format!("no response within {} ms", timeout.as_millis());
                Err(Problem::new(ProblemType::RequestTimeout, detail).retry_after(1))
            })
            .unwrap_or_else(|problem| Reply::problem(&problem).into_response());
        let response = sign(&self.enclave, &context, reply).await;
        self.enclave.answered.fetch_add(1, Ordering::Relaxed);
        response.map(Full::new)
    }

    async fn route(&self, request: Request<Incoming>) -> Result<Response, Problem> {
        let limits = &self.enclave.config.limits;
        check_head(&request, limits.header_bytes)?;
        let _permit = self.requests.try_acquire().map_err(|_| {
            let detail = format!("{} requests are in progress", limits.concurrent_requests);
            Problem::new(ProblemType::Overloaded, detail).retry_after(1)
        })?;
        let (parts, body) = request.into_parts();
        let body = Limited::new(body, limits.body_bytes)
            .collect()
            .await
            .map_err(|error| match error.is::<LengthLimitError>() {
                true => Problem::new(
                    ProblemType::BodyTooLarge,
                    format!("accepted: at most {} bytes", limits.body_bytes),
                ),
                false => Problem::new(
                    ProblemType::InvalidRequest,
                    "the body did not arrive in full",
                ),
            })?
            .to_bytes();
        let mut request = Request::from_parts(parts, Body::from(body));
        request.extensions_mut().insert(self.inside.clone());
        match self.router.clone().oneshot(request).await {
            Ok(response) => Ok(response),
            Err(never) => match never {},
        }
    }
}

/// The response with its whole body and the boot's signature.
pub(crate) async fn sign(
    enclave: &Enclave,
    context: &RequestContext,
    response: Response,
) -> http::Response<Bytes> {
    let (mut parts, body) = response.into_parts();
    // A Reply makes every body whole, so collecting it neither waits nor fails.
    let body = match body.collect().await {
        Ok(body) => body.to_bytes(),
        Err(_) => Bytes::new(),
    };
    let boot = &enclave.boot;
    let created = enclave.attestor.clock.now().as_secs();
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
    http::Response::from_parts(parts, body)
}

/// Refuses a request whose head is longer than the limit, in bytes.
pub(crate) fn check_head<B>(request: &Request<B>, limit: usize) -> Result<(), Problem> {
    let fields: usize = request
        .headers()
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 4)
        .sum();
    let length = fields + request.uri().to_string().len() + request.method().as_str().len();
    if length <= limit {
        return Ok(());
    }
    Err(Problem::new(
        ProblemType::HeadersTooLarge,
        format!("{length} bytes; accepted: at most {limit}"),
    ))
}
