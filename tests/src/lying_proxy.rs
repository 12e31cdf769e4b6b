//! The parent's side of the HTTP API, honest until told to lie.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HOST, HeaderValue};
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use permafrost_common::problem::{Problem, ProblemType};
use tokio::net::{TcpListener, UnixStream};

use crate::background;

/// A proxy that records every exchange, and changes what it is told to change.
#[derive(Clone)]
pub struct LyingProxy {
    enclave: PathBuf,
    endpoint: String,
    state: Arc<Mutex<State>>,
}

/// A request with its whole body.
pub type WholeRequest = Request<Bytes>;

/// A response with its whole body.
pub type WholeResponse = Response<Bytes>;

/// The slug of the problem in a response, after checking that the status is the problem's.
pub fn problem_of(response: &WholeResponse) -> &'static str {
    let problem: Problem = serde_json::from_slice(response.body()).expect("a problem");
    assert_eq!(problem.status, response.status().as_u16());
    problem.kind().map(ProblemType::slug).expect("a known type")
}

type RequestLie = Box<dyn FnMut(WholeRequest) -> WholeRequest + Send>;

type ResponseLie = Box<dyn FnMut(&WholeRequest, WholeResponse) -> WholeResponse + Send>;

struct State {
    on_request: RequestLie,
    on_response: ResponseLie,
    seen: Vec<(WholeRequest, WholeResponse)>,
}

impl LyingProxy {
    /// Serves on a free port of the loopback interface for as long as the test program runs.
    pub fn serve(enclave: &Path) -> Self {
        let listener =
            background::wait(async { TcpListener::bind("127.0.0.1:0").await.expect("a port") });
        let proxy = Self {
            enclave: enclave.to_owned(),
            endpoint: format!("http://{}", listener.local_addr().expect("an address")),
            state: Arc::new(Mutex::new(State {
                on_request: Box::new(|request| request),
                on_response: Box::new(|_, response| response),
                seen: Vec::new(),
            })),
        };
        let serving = proxy.clone();
        background::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.expect("a connection");
                let proxy = serving.clone();
                tokio::spawn(async move {
                    let response = service_fn(|request| {
                        let proxy = proxy.clone();
                        async move { proxy.forward(request).await }
                    });
                    // A client that refuses a response closes its connection.
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), response)
                        .await;
                });
            }
        });
        proxy
    }

    /// Where clients connect.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// From now on, every request is changed before the enclave gets it.
    pub fn change_requests(
        &self,
        change: impl FnMut(WholeRequest) -> WholeRequest + Send + 'static,
    ) {
        self.state.lock().unwrap().on_request = Box::new(change);
    }

    /// From now on, every response is changed before the client gets it.
    pub fn change_responses(
        &self,
        change: impl FnMut(&WholeRequest, WholeResponse) -> WholeResponse + Send + 'static,
    ) {
        self.state.lock().unwrap().on_response = Box::new(change);
    }

    /// From now on, nothing is changed.
    pub fn be_honest(&self) {
        self.change_requests(|request| request);
        self.change_responses(|_, response| response);
    }

    /// Every request as the client sent it, and its response as the enclave gave it, since the last call.
    pub fn take_seen(&self) -> Vec<(WholeRequest, WholeResponse)> {
        std::mem::take(&mut self.state.lock().unwrap().seen)
    }

    /// Sends a request of the parent's own, or one that it has seen, to the enclave.
    pub async fn send(&self, request: WholeRequest) -> WholeResponse {
        self.try_send(request).await.expect("the enclave responds")
    }

    async fn try_send(&self, mut request: WholeRequest) -> Result<WholeResponse, io::Error> {
        request.headers_mut().remove(CONTENT_LENGTH);
        let host = HeaderValue::from_static("enclave");
        request.headers_mut().entry(HOST).or_insert(host);
        let stream = UnixStream::connect(&self.enclave).await?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(io::Error::other)?;
        let connection = tokio::spawn(connection);
        let response = sender
            .send_request(request.map(Full::new))
            .await
            .map_err(io::Error::other)?;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
        connection.abort();
        Ok(Response::from_parts(parts, body))
    }

    async fn forward(
        &self,
        request: Request<Incoming>,
    ) -> Result<Response<Full<Bytes>>, io::Error> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
        let request = Request::from_parts(parts, body);
        let changed = (self.state.lock().unwrap().on_request)(request.clone());
        // An enclave that is killed meanwhile closes the client's connection, as a parent would.
        let response = self.try_send(changed).await?;
        let mut state = self.state.lock().unwrap();
        state.seen.push((request.clone(), response.clone()));
        let mut changed = (state.on_response)(&request, response);
        // hyper sets the length of the request that it sends; the original may declare another.
        changed.headers_mut().remove(CONTENT_LENGTH);
        Ok(changed.map(Full::new))
    }
}
