//! The parent's own paths: `/healthz`, `/readyz` and `/metrics`, on the same listener as all others.

use std::time::Duration;

use http::header::{HOST, HeaderValue};
use http::{Method, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use permafrost_common::api::Health;
use permafrost_common::problem::{Problem, ProblemType};

use super::body::{RequestBody, ResponseBody};
use super::gateway::Gateway;
use super::response;
use super::upstream::UpstreamError;

/// How long the enclave may take to respond whether it is ready.
const READY_TIMEOUT: Duration = Duration::from_secs(2);

/// How many bytes of a health response are read at most.
const HEALTH_MAX: usize = 64 * 1024;

/// Responds to a request for one of the parent's own paths; `None` for every other path.
pub(super) async fn respond(
    gateway: &Gateway,
    request: &Request<Incoming>,
) -> Option<Response<ResponseBody>> {
    let path = request.uri().path();
    if !matches!(path, "/healthz" | "/readyz" | "/metrics") {
        return None;
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let problem = Problem::new(
            ProblemType::MethodNotAllowed,
            format!("{path} accepts only GET and HEAD"),
        );
        return Some(response::method_not_allowed(&problem, "GET, HEAD"));
    }
    Some(match path {
        "/healthz" => response::of(StatusCode::OK, "text/plain; charset=utf-8", "alive\n"),
        "/readyz" => readiness(gateway).await,
        _ => response::of(
            StatusCode::OK,
            "text/plain; version=0.0.4; charset=utf-8",
            gateway.metrics.render(),
        ),
    })
}

async fn readiness(gateway: &Gateway) -> Response<ResponseBody> {
    match ready(gateway).await {
        Ok(()) => response::of(StatusCode::OK, "text/plain; charset=utf-8", "ready\n"),
        Err(not_ready) => response::problem(&not_ready),
    }
}

/// Asks the enclave whether it is ready; at most [`READY_TIMEOUT`].
pub(super) async fn ready(gateway: &Gateway) -> Result<(), Problem> {
    let not_ready = match tokio::time::timeout(READY_TIMEOUT, ask(gateway)).await {
        Ok(Ok(health)) if health.ready => return Ok(()),
        Ok(Ok(health)) => Problem::new(
            ProblemType::NotReady,
            health
                .reason
                .unwrap_or_else(|| "the enclave gave no reason".to_owned()),
        ),
        Ok(Err(why)) => Problem::new(ProblemType::EnclaveUnreachable, why),
        Err(_) => {
            gateway.upstream.timed_out();
            Problem::new(
                ProblemType::EnclaveUnreachable,
                format!(
                    "the enclave did not report its health within {} ms",
                    READY_TIMEOUT.as_millis()
                ),
            )
        }
    };
    Err(not_ready.retry_after(1))
}

async fn ask(gateway: &Gateway) -> Result<Health, String> {
    // A kept connection may lead to a boot that has just ended; asking again is harmless.
    let response = match ask_once(gateway).await {
        Err(UpstreamError::Broken(_)) => ask_once(gateway).await,
        other => other,
    }
    .map_err(|error| error.to_string())?;
    let status = response.status();
    let body = Limited::new(response.into_body(), HEALTH_MAX)
        .collect()
        .await
        .map_err(|error| format!("the enclave's health response ended early: {error}"))?
        .to_bytes();
    serde_json::from_slice(&body).map_err(|_| {
        format!("the enclave responded to /v1/health with {status} and without its health")
    })
}

async fn ask_once(gateway: &Gateway) -> Result<Response<Incoming>, UpstreamError> {
    let mut request = Request::new(RequestBody::empty());
    *request.uri_mut() = Uri::from_static("/v1/health");
    request
        .headers_mut()
        .insert(HOST, HeaderValue::from_static("enclave"));
    gateway.upstream.send(request).await
}
