//! What stands before a server of DynamoDB's protocol: TLS with a certificate for DynamoDB's name, and every fault that the server has
//! not.

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use crate::Authority;
use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Frame, Incoming};
use hyper::client::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::server::Server;

/// The name that the front's certificate is for.
pub const HOST: &str = "dynamodb.us-east-1.localhost";

/// What happens to one request.
#[derive(Clone, Debug)]
pub enum Act {
    /// It and its response are carried.
    Carry,
    /// The server never sees it, and this is the response.
    Refuse(u16, Value),
    /// The server never sees it, and the connection ends.
    LoseRequest,
    /// The server executes it, and the connection ends.
    LoseResponse,
    /// The server executes it, and this is the response.
    ReplaceResponse(u16, Vec<u8>),
    /// The server executes it; one bit of its response differs.
    Damage,
    /// The server executes it; its response ends in the middle.
    CutOff,
    /// The server executes it, and nothing more happens for a minute.
    Stall,
    /// Another writer's call is executed instead, and the connection ends.
    Rival(&'static str, Value),
    /// It is executed, then another writer's call, and the connection ends.
    ThenRival(&'static str, Value),
}

/// The running front.
#[derive(Clone)]
pub struct Front {
    server: &'static Server,
    address: SocketAddr,
    authority: String,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    once: VecDeque<Act>,
    at: Vec<(&'static str, Act)>,
    always: Option<Act>,
    denied: BTreeMap<String, &'static str>,
    seen: Vec<Seen>,
}

/// A request as it came out of TLS.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Its header fields.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Value,
}

impl Seen {
    /// The access key that signed it.
    pub fn access_key_id(&self) -> String {
        access_key_id(&self.headers)
    }

    /// The name of the call.
    pub fn call(&self) -> &str {
        let target = self.headers["x-amz-target"].to_str().unwrap();
        target.rsplit('.').next().unwrap()
    }
}

impl Front {
    /// Stands before a server, with a certificate authority of its own.
    pub async fn before(server: &'static Server) -> Self {
        let (authority, config) = certificates();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let front = Self {
            server,
            address: listener.local_addr().unwrap(),
            authority,
            state: Arc::default(),
        };
        let serving = front.clone();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (front, acceptor) = (serving.clone(), acceptor.clone());
                tokio::spawn(async move {
                    // A client that refuses the certificate leaves here.
                    let Ok(stream) = acceptor.accept(stream).await else {
                        return;
                    };
                    let service = service_fn(move |request| front.clone().respond(request));
                    let _ended = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        front
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The certificate, in PEM, that the front's leads to.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Does these with the next requests, one each.
    pub fn next(&self, acts: impl IntoIterator<Item = Act>) {
        self.state.lock().unwrap().once.extend(acts);
    }

    /// Does these with the next requests of one call, one each.
    pub fn at(&self, call: &'static str, acts: impl IntoIterator<Item = Act>) {
        let acts = acts.into_iter().map(|act| (call, act));
        self.state.lock().unwrap().at.extend(acts);
    }

    /// Carries everything again.
    pub fn be_honest(&self) {
        let mut state = self.state.lock().unwrap();
        (state.once, state.at, state.always) = Default::default();
    }

    /// Does this with every request after those.
    pub fn always(&self, act: Act) {
        self.state.lock().unwrap().always = Some(act);
    }

    /// Refuses every request of this access key with this error, as after it was deleted; of all others, with nothing.
    pub fn deny(&self, access_key_id: &str, kind: &'static str) {
        let mut state = self.state.lock().unwrap();
        state.denied.insert(access_key_id.to_owned(), kind);
    }

    /// Refuses no access key any more.
    pub fn deny_none(&self) {
        self.state.lock().unwrap().denied.clear();
    }

    /// What came since the last time.
    pub fn take_seen(&self) -> Vec<Seen> {
        std::mem::take(&mut self.state.lock().unwrap().seen)
    }

    async fn respond(self, request: Request<Incoming>) -> Result<Response<Cut>, Lost> {
        let headers = request.headers().clone();
        let text = request.into_body().collect().await.map_err(|_| Lost)?;
        let text = text.to_bytes();
        let act = {
            let mut state = self.state.lock().unwrap();
            state.seen.push(Seen {
                headers: headers.clone(),
                body: serde_json::from_slice(&text).unwrap(),
            });
            if let Some(kind) = state.denied.get(&access_key_id(&headers)) {
                return match refusal(400, kind) {
                    Act::Refuse(status, body) => Ok(response(status, body.to_string().into())),
                    _ => unreachable!("a refusal"),
                };
            }
            let target = headers["x-amz-target"].to_str().unwrap();
            let at = state.at.iter().position(|(call, _)| target.ends_with(call));
            let at = at.map(|place| state.at.remove(place).1);
            let always = state.always.clone();
            at.or_else(|| state.once.pop_front())
                .or(always)
                .unwrap_or(Act::Carry)
        };
        let carry = async || self.server.send(&headers, text.clone()).await;
        match act {
            Act::Carry => Ok(carry().await.map(Cut::whole)),
            Act::Refuse(status, body) => Ok(response(status, body.to_string().into())),
            Act::LoseRequest => Err(Lost),
            Act::LoseResponse => {
                carry().await;
                Err(Lost)
            }
            Act::ReplaceResponse(status, body) => {
                carry().await;
                Ok(response(status, body.into()))
            }
            Act::Damage => {
                let (parts, body) = carry().await.into_parts();
                assert!(parts.headers.contains_key("x-amz-crc32"), "{parts:?}");
                let mut body = body.to_vec();
                // A digit or a letter becomes another, so that the JSON may stay as good as it was.
                let middle = body.len() / 2;
                body[middle] ^= 1;
                Ok(Response::from_parts(parts, Cut::whole(body.into())))
            }
            Act::CutOff => {
                let (mut parts, body) = carry().await.into_parts();
                parts.headers.insert("content-length", body.len().into());
                let half = body.slice(..body.len() / 2);
                Ok(Response::from_parts(
                    parts,
                    Cut {
                        left: Some(half),
                        cut: true,
                    },
                ))
            }
            Act::Stall => {
                carry().await;
                tokio::time::sleep(Duration::from_secs(60)).await;
                Err(Lost)
            }
            Act::Rival(call, body) => {
                self.server.call(call, &body).await;
                Err(Lost)
            }
            Act::ThenRival(call, body) => {
                carry().await;
                self.server.call(call, &body).await;
                Err(Lost)
            }
        }
    }
}

/// The access key that signed a request (Signature Version 4).
fn access_key_id(headers: &HeaderMap) -> String {
    let authorization = headers["authorization"].to_str().unwrap();
    let credential = authorization.split("Credential=").nth(1).unwrap();
    credential.split('/').next().unwrap().to_owned()
}

/// AWS's form of a refusal.
pub fn refusal(status: u16, kind: &str) -> Act {
    let kind = format!("com.amazonaws.dynamodb.v20120810#{kind}");
    Act::Refuse(
        status,
        json!({"__type": kind, "message": "the front says so"}),
    )
}

fn response(status: u16, body: Bytes) -> Response<Cut> {
    let mut response = Response::new(Cut::whole(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    response
}

/// The connection ends without a response.
#[derive(Debug)]
struct Lost;

impl std::fmt::Display for Lost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("lost")
    }
}

impl std::error::Error for Lost {}

/// A body that may end in an error.
struct Cut {
    left: Option<Bytes>,
    cut: bool,
}

impl Cut {
    fn whole(body: Bytes) -> Self {
        Self {
            left: Some(body),
            cut: false,
        }
    }
}

impl Body for Cut {
    type Data = Bytes;
    type Error = Lost;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Lost>>> {
        Poll::Ready(match self.left.take() {
            Some(bytes) => Some(Ok(Frame::data(bytes))),
            None if self.cut => Some(Err(Lost)),
            None => None,
        })
    }
}

/// Sends a request to a server, and gives its whole response.
pub(super) async fn plain(
    server: SocketAddr,
    headers: &HeaderMap,
    body: Bytes,
) -> Result<Response<Bytes>, Infallible> {
    let stream = TcpStream::connect(server).await.unwrap();
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let mut request = Request::post("/").body(Full::new(body)).unwrap();
    *request.headers_mut() = headers.clone();
    let (mut parts, body) = sender.send_request(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    for name in ["connection", "transfer-encoding", "content-length"] {
        parts.headers.remove(name);
    }
    Ok(Response::from_parts(parts, body))
}

/// The authority's certificate in PEM, and the configuration of a server with one of its.
fn certificates() -> (String, ServerConfig) {
    let authority = Authority::new("the front's");
    let (server, key) = authority.server(HOST);
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![server.der().clone()], key)
        .unwrap();
    (authority.pem(), config)
}
