//! What happens to one request: the parent responds to it, refuses it, or passes it to the enclave unchanged.

use std::net::SocketAddr;
use std::sync::Arc;

use http::header::CONTENT_LENGTH;
use http::{Request, Response};
use http_body_util::Either;
use hyper::body::{Body, Incoming};
use metrics_exporter_prometheus::PrometheusHandle;
use permafrost_common::http_form;
use permafrost_common::problem::{Problem, ProblemType};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::body::{Intake, ObservedBody, RequestBody, ResponseBody};
use super::deadline::Deadline;
use super::enclaves::{Enclaves, Failed, Passed};
use super::exchange::Exchange;
use super::hop_by_hop::{header_bytes, remove_hop_by_hop};
use super::operations;
use super::response;

use crate::config::{Config, LimitsConfig};
use crate::page::{self, Page};

/// What all requests share.
pub(super) struct Gateway {
    pub(super) enclaves: Arc<Enclaves>,
    pub(super) limits: LimitsConfig,
    pub(super) metrics: PrometheusHandle,
    page: Option<Page>,
    places: Arc<Semaphore>,
}

impl Gateway {
    pub(super) fn new(config: &Config, page: Option<Page>, metrics: PrometheusHandle) -> Self {
        Self {
            enclaves: Arc::new(Enclaves::new(config)),
            limits: config.limits.clone(),
            metrics,
            page,
            places: Arc::new(Semaphore::new(config.limits.requests)),
        }
    }

    /// Responds to one request. Never fails: a failure becomes a problem document.
    pub(super) async fn respond(
        &self,
        request: Request<Incoming>,
        peer: SocketAddr,
        deadline: Deadline,
    ) -> Response<ObservedBody> {
        let intake = Intake::new(self.limits.body_bytes);
        let mut exchange = Exchange::begin(&request, peer, intake.clone(), deadline);
        let response = match http_form::check(&request) {
            Ok(()) => self.serve(request, intake, &mut exchange).await,
            Err(problem) => {
                // Dropped unread, it discards the rest of the refused body.
                drop(RequestBody::new(request.into_body(), intake));
                response::last(&problem)
            }
        };
        exchange.responded(response.status().as_u16());
        response.map(|body| ObservedBody::new(body, exchange))
    }

    async fn serve(
        &self,
        request: Request<Incoming>,
        intake: Arc<Intake>,
        exchange: &mut Exchange,
    ) -> Response<ResponseBody> {
        let own = match operations::respond(self, &request).await {
            Some(response) => Some(response),
            None => self.page_file(&request),
        };
        match own {
            Some(response) => response,
            None => self.pass_or_refuse(request, intake, exchange).await,
        }
    }

    /// Responds to a request for one of the page's files.
    fn page_file(&self, request: &Request<Incoming>) -> Option<Response<ResponseBody>> {
        Some(match page::respond(self.page.as_ref()?, request)? {
            Ok(response) => response.map(|content| Either::Right(content.into())),
            Err(problem) => response::method_not_allowed(&problem, "GET, HEAD"),
        })
    }

    async fn pass_or_refuse(
        &self,
        request: Request<Incoming>,
        intake: Arc<Intake>,
        exchange: &mut Exchange,
    ) -> Response<ResponseBody> {
        let checked = self.check(&request).and_then(|()| self.take_place());
        let (head, body) = request.into_parts();
        // Made before the request is checked: if dropped unread, it discards the rest of a refused body.
        let body = RequestBody::new(body, intake.clone());
        let passed = match checked {
            Ok(place) => {
                exchange.hold(place);
                self.pass(Request::from_parts(head, body), &intake).await
            }
            Err(problem) => Err(problem),
        };
        match passed {
            Ok(Passed {
                response,
                in_flight,
            }) => {
                exchange.at(in_flight);
                response.map(Either::Left)
            }
            Err(problem) => response::problem(&problem),
        }
    }

    fn check(&self, request: &Request<Incoming>) -> Result<(), Problem> {
        let header = header_bytes(request.headers());
        if header > self.limits.header_bytes {
            return Err(Problem::new(
                ProblemType::HeadersTooLarge,
                format!(
                    "the header fields have {header} bytes; accepted: at most {}",
                    self.limits.header_bytes
                ),
            ));
        }
        let announced = request.body().size_hint().lower();
        if announced > self.limits.body_bytes {
            return Err(
                self.body_too_large(&format!("{} is {announced} bytes", CONTENT_LENGTH.as_str()))
            );
        }
        Ok(())
    }

    fn take_place(&self) -> Result<OwnedSemaphorePermit, Problem> {
        self.places.clone().try_acquire_owned().map_err(|_| {
            Problem::new(
                ProblemType::Overloaded,
                format!(
                    "{} requests are in progress, as many as this gateway accepts",
                    self.limits.requests
                ),
            )
            .retry_after(1)
        })
    }

    async fn pass(
        &self,
        mut request: Request<RequestBody>,
        intake: &Intake,
    ) -> Result<Passed, Problem> {
        remove_hop_by_hop(request.headers_mut());
        let within = self.limits.response_timeout;
        match self.enclaves.send(request, within).await {
            Ok(mut passed) => {
                remove_hop_by_hop(passed.response.headers_mut());
                Ok(passed)
            }
            Err(_) if intake.is_too_large() => Err(self.body_too_large("the body is longer")),
            Err(_) if intake.is_broken() => Err(Problem::new(
                ProblemType::InvalidRequest,
                "the body ended early; accepted: a body as long as its framing says",
            )),
            Err(Failed::NoneServes) => Err(unreachable(NONE_SERVES)),
            Err(Failed::NotConnected) => Err(unreachable(NOTHING_SENT)),
            Err(Failed::Broken(enclave, error)) => {
                tracing::warn!(enclave = enclave.name(), %error, "the enclave did not respond");
                Err(unreachable(MAYBE_DONE))
            }
            Err(Failed::TimedOut(_)) if !intake.has_ended() => Err(Problem::new(
                ProblemType::RequestTimeout,
                format!("the body did not arrive within {} ms", within.as_millis()),
            )),
            Err(Failed::TimedOut(enclave)) => {
                if let Some(enclave) = enclave {
                    enclave.timed_out();
                }
                Err(unreachable(MAYBE_DONE))
            }
        }
    }

    fn body_too_large(&self, what: &str) -> Problem {
        Problem::new(
            ProblemType::BodyTooLarge,
            format!(
                "{what}; accepted: bodies of at most {} bytes",
                self.limits.body_bytes
            ),
        )
    }
}

const NOTHING_SENT: &str =
    "the parent instance has no connection to the enclave; no part of the request was sent";

const NONE_SERVES: &str = "every enclave is drained or removed; no part of the request was sent";

const MAYBE_DONE: &str = "the enclave did not respond in time; it may have carried out the request: repeat it with the \
                          same Idempotency-Key";

fn unreachable(detail: &str) -> Problem {
    Problem::new(ProblemType::EnclaveUnreachable, detail).retry_after(1)
}
