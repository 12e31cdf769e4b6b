//! The parent's egress proxy: carries the enclave's bytes to KMS, until it is told to lie.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use permafrost_common::egress::{CREDENTIALS_PATH, Credentials};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpStream, UnixListener};
use tokio::sync::watch;

use crate::background;

/// The parent's side of the egress protocol.
#[derive(Clone)]
pub struct LyingEgress(Arc<Mutex<Shown>>);

struct Shown {
    honest: SocketAddr,
    target: SocketAddr,
    routes: BTreeMap<String, SocketAddr>,
    cut: Option<Cut>,
    credentials: Credentials,
    connections: usize,
    ended: watch::Sender<()>,
}

/// Where a connection is cut, counted in bytes of TLS.
#[derive(Clone, Copy, Debug)]
pub enum Cut {
    /// Before the first byte.
    AtOnce,
    /// After this many bytes from KMS.
    AfterReceiving(usize),
    /// After this many bytes from the enclave.
    AfterSending(usize),
}

impl LyingEgress {
    /// Serves at a socket, and connects every request to KMS at this address, whatever host it names.
    pub fn serve(socket: &Path, kms: SocketAddr, credentials: Credentials) -> Self {
        let egress = Self(Arc::new(Mutex::new(Shown {
            honest: kms,
            target: kms,
            routes: BTreeMap::new(),
            cut: None,
            credentials,
            connections: 0,
            ended: watch::Sender::new(()),
        })));
        let socket = socket.to_owned();
        let listener =
            background::wait(async move { UnixListener::bind(socket).expect("a socket") });
        let serving = egress.clone();
        background::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let egress = serving.clone();
                tokio::spawn(async move {
                    let respond = service_fn(move |request| egress.clone().respond(request));
                    let served = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), respond)
                        .with_upgrades();
                    let _the_enclave_may_leave = served.await;
                });
            }
        });
        egress
    }

    /// Connects to another address than the requested one.
    pub fn redirect(&self, target: SocketAddr) {
        self.shown().target = target;
    }

    /// From now on, connects requests for this host to this address.
    pub fn route(&self, host: &str, address: SocketAddr) {
        self.shown().routes.insert(host.to_owned(), address);
    }

    /// Ends every connection that is carried now.
    pub async fn end_all(&self) {
        let ended = self.shown().ended.clone();
        ended.send_replace(());
        ended.closed().await;
    }

    /// Cuts every connection to KMS at this point.
    pub fn cut(&self, cut: Cut) {
        self.shown().cut = Some(cut);
    }

    /// Gives these as credentials.
    pub fn give_credentials(&self, credentials: Credentials) {
        self.shown().credentials = credentials;
    }

    /// Only carries bytes to KMS. Credentials stay as they were last given.
    pub fn be_honest(&self) {
        let mut shown = self.shown();
        shown.target = shown.honest;
        shown.cut = None;
    }

    /// How many connections to KMS the enclave has requested.
    pub fn connections(&self) -> usize {
        self.shown().connections
    }

    async fn respond(
        self,
        request: Request<Incoming>,
    ) -> Result<Response<Full<Bytes>>, std::convert::Infallible> {
        let mut response = Response::new(Full::default());
        if request.method() == Method::CONNECT {
            tokio::spawn(self.carry(request));
        } else if request.uri().path() == CREDENTIALS_PATH {
            let credentials = self.shown().credentials.clone();
            let text = serde_json::to_vec(&credentials).expect("JSON");
            *response.body_mut() = Full::from(text);
        } else {
            *response.status_mut() = StatusCode::NOT_FOUND;
        }
        Ok(response)
    }

    async fn carry(self, request: Request<Incoming>) {
        let (target, cut, mut ended) = {
            let mut shown = self.shown();
            shown.connections += 1;
            let route = shown.routes.get(request.uri().host().unwrap_or_default());
            let target = route.copied().unwrap_or(shown.target);
            (target, shown.cut, shown.ended.subscribe())
        };
        let Ok(enclave) = hyper::upgrade::on(request).await else {
            return;
        };
        let mut enclave = TokioIo::new(enclave);
        let Ok(mut kms) = TcpStream::connect(target).await else {
            return;
        };
        match cut {
            None => {
                tokio::select! {
                    _either_may_leave = copy_bidirectional(&mut enclave, &mut kms) => {}
                    _told = ended.changed() => {}
                }
            }
            Some(Cut::AtOnce) => {}
            Some(Cut::AfterReceiving(bytes)) => {
                let (mut from_enclave, mut to_enclave) = tokio::io::split(enclave);
                let (from_kms, mut to_kms) = kms.into_split();
                tokio::select! {
                    _ = tokio::io::copy(&mut from_enclave, &mut to_kms) => {}
                    _ = async {
                        let mut limited = from_kms.take(bytes as u64);
                        let _ = tokio::io::copy(&mut limited, &mut to_enclave).await;
                        let _ = to_enclave.flush().await;
                    } => {}
                }
            }
            Some(Cut::AfterSending(bytes)) => {
                let (from_enclave, mut to_enclave) = tokio::io::split(enclave);
                let (mut from_kms, mut to_kms) = kms.into_split();
                tokio::select! {
                    _ = async {
                        let mut limited = from_enclave.take(bytes as u64);
                        let _ = tokio::io::copy(&mut limited, &mut to_kms).await;
                    } => {}
                    _ = tokio::io::copy(&mut from_kms, &mut to_enclave) => {}
                }
            }
        }
    }

    fn shown(&self) -> std::sync::MutexGuard<'_, Shown> {
        self.0.lock().expect("no test panics with it")
    }
}
