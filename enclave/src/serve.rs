//! HTTP connections: every request whole and within its limits, then dispatched.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONNECTION, HeaderValue};
use http::request::Parts;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use permafrost_common::http_form;
use permafrost_common::http_signature::RequestContext;
use permafrost_common::problem::{Problem, ProblemType};
use permafrost_common::transport::{Listener, Stream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::enclave::Enclave;
use crate::limits::{Limits, check_head};
use crate::routes::{Dispatcher, Slot};

/// How much of a request's head hyper reads before it gives up; our own limit, which responds with a problem, is lower.
const HEAD_BUFFER: usize = 64 * 1024;

/// Answers requests until the process ends.
pub async fn serve(enclave: Arc<Enclave>, listener: Listener) -> Infallible {
    let limits = enclave.config.limits;
    let service = Service {
        dispatcher: Arc::new(Dispatcher::new(enclave)),
        limits,
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
    let timeout = Duration::from_millis(service.limits.request_timeout_ms);
    let respond = service_fn(|request| {
        let service = service.clone();
        async move { Ok::<_, Infallible>(service.respond(request).await.map(Full::new)) }
    });
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(timeout)
        // A client may close its sending half after the request and still read the response.
        .half_close(true)
        .max_buf_size(HEAD_BUFFER)
        .serve_connection(TokioIo::new(stream), respond)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "a connection ended");
    }
}

#[derive(Clone)]
struct Service {
    dispatcher: Arc<Dispatcher>,
    limits: Limits,
}

impl Service {
    async fn respond(&self, request: Request<Incoming>) -> Response<Bytes> {
        let form = http_form::check(&request);
        let (parts, body) = request.into_parts();
        let context = RequestContext::of(&parts);
        if let Err(problem) = form {
            let mut response = self.dispatcher.refuse(&context, &problem);
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(CONNECTION, close);
            return response;
        }
        let timeout = Duration::from_millis(self.limits.request_timeout_ms);
        let respond = async {
            let (_slot, body) = match self.receive(&parts, body).await {
                Ok(received) => received,
                Err(problem) => return self.dispatcher.refuse(&context, &problem),
            };
            self.dispatcher.dispatch(parts, body).await
        };
        tokio::time::timeout(timeout, respond)
            .await
            .unwrap_or_else(|_| {
                let detail = format!("no response within {} ms", timeout.as_millis());
                let problem = Problem::new(ProblemType::RequestTimeout, detail).retry_after(1);
                self.dispatcher.refuse(&context, &problem)
            })
    }

    /// The whole body, and a place for the request that is held meanwhile.
    async fn receive(&self, head: &Parts, body: Incoming) -> Result<(Slot, Bytes), Problem> {
        check_head(head, self.limits.header_bytes)?;
        let slot = self.dispatcher.slot(head)?;
        let most = self.limits.body_bytes;
        let body = Limited::new(body, most)
            .collect()
            .await
            .map_err(|error| match error.is::<LengthLimitError>() {
                true => Problem::new(
                    ProblemType::BodyTooLarge,
                    format!("accepted: at most {most} bytes"),
                ),
                false => Problem::new(
                    ProblemType::InvalidRequest,
                    "the body did not arrive in full",
                ),
            })?;
        Ok((slot, body.to_bytes()))
    }
}
