//! The parent's own paths: `/healthz`, `/readyz` and `/metrics`, on the same listener as all others.

use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use permafrost_common::problem::{Problem, ProblemType};

use super::body::ResponseBody;
use super::enclaves::Mode;
use super::gateway::Gateway;
use super::response;

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
        Ok(each) => response::of(StatusCode::OK, "text/plain; charset=utf-8", each),
        Err(not_ready) => response::problem(&not_ready),
    }
}

/// Asks every enclave whether it is ready; at most two seconds. One that serves has to be: then a line for each.
pub(super) async fn ready(gateway: &Gateway) -> Result<String, Problem> {
    let asked = gateway.enclaves.ask().await;
    if let [(only, Err(not_ready))] = asked.as_slice()
        && only.mode() == Mode::Serving
    {
        return Err(not_ready.clone());
    }
    let ready = asked
        .iter()
        .any(|(enclave, health)| enclave.mode() == Mode::Serving && health.is_ok());
    let each = asked.iter().map(|(enclave, health)| {
        let mode = match enclave.mode() {
            Mode::Serving => "",
            Mode::Draining => " (draining)",
            Mode::Removed => " (removed)",
        };
        let health = match health {
            Ok(()) => "ready",
            Err(not_ready) => &not_ready.detail,
        };
        format!("{}{mode}: {health}", enclave.name())
    });
    let each: Vec<String> = each.collect();
    match ready {
        true => Ok(format!("ready\n{}\n", each.join("\n"))),
        false => Err(Problem::new(ProblemType::NotReady, each.join("; ")).retry_after(1)),
    }
}
