//! A fake enclave and its lying parent, made of the very functions that sign and check in the real ones.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode, request, response::Parts};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use permafrost_client::{Client, Enclave, Endpoint, Expectation, Principal};
use permafrost_common::{
    api::{
        Attestation, Custody, Health, Key, KeyList, KeyStatus, Signed, TaprootOutput,
        replacement::{Replaced, Replacement},
    },
    binding::Binding,
    http_signature::{
        Algorithm, AttestationDigest, PublicKey, RequestContext, SignedRequest, SigningKey,
        sign_response,
    },
    problem::{Problem, ProblemType},
};
use permafrost_frost::Hex;
use serde::Serialize;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, UnixListener},
    sync::watch,
};

use crate::documents::Nsm;

/// What the parent does to a response before it forwards it.
type Lie = Box<dyn FnMut(&Method, &str, &mut Parts, &mut Vec<u8>) + Send>;

/// A running fake; it ends with the test.
#[derive(Clone)]
pub(crate) struct FakeEnclave {
    state: Arc<Mutex<State>>,
    endpoint: Endpoint,
    hang_up: Arc<watch::Sender<u64>>,
    _folder: Arc<tempfile::TempDir>,
}

pub(crate) struct State {
    pub(crate) nsm: Nsm,
    pub(crate) boot: SigningKey,
    pub(crate) binding: Binding,
    attestation: AttestationDigest,
    /// What responses about keys name instead of the boot.
    pub(crate) named_elsewhere: Option<AttestationDigest>,
    principal: PublicKey,
    nonces: HashSet<String>,
    /// How far the enclave's clock is from the machine's, in seconds.
    pub(crate) clock_offset: i64,
    /// Every request that arrived.
    pub(crate) arrived: Vec<String>,
    /// Every signed request that was carried out.
    pub(crate) carried_out: Vec<Carried>,
    /// The problem that is returned instead of a success.
    pub(crate) problem: Option<ProblemType>,
    pub(crate) lie: Option<Lie>,
    /// How often a connection is closed instead of sending the response.
    pub(crate) swallow: u32,
    pub(crate) delay: Duration,
}

#[derive(Clone, Debug)]
pub(crate) struct Carried {
    pub(crate) method: Method,
    pub(crate) target: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

pub(crate) const PCR0: [u8; 48] = [0xaa; 48];

impl FakeEnclave {
    pub(crate) async fn start() -> (Self, SigningKey) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("enclave");
        let listener = UnixListener::bind(&path).unwrap();
        let endpoint = format!("unix:{}", path.display()).parse().unwrap();
        let (fake, key) = Self::new(folder, endpoint);
        let accepting = fake.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                accepting.serve(stream);
            }
        });
        (fake, key)
    }

    pub(crate) async fn start_on_tcp() -> (Self, SigningKey) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap())
            .parse()
            .unwrap();
        let (fake, key) = Self::new(tempfile::tempdir().unwrap(), endpoint);
        let accepting = fake.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                accepting.serve(stream);
            }
        });
        (fake, key)
    }

    /// The fake, verified, and a principal that it knows.
    pub(crate) async fn start_verified() -> (Self, Enclave, Principal) {
        let (fake, key) = Self::start().await;
        let enclave = fake.client().verify(&fake.expectation()).await.unwrap();
        let principal = enclave.as_principal("alice", key).unwrap();
        fake.state().arrived.clear();
        (fake, enclave, principal)
    }

    fn new(folder: tempfile::TempDir, endpoint: Endpoint) -> (Self, SigningKey) {
        let principal = SigningKey::generate(Algorithm::EcdsaP256).unwrap();
        let mut state = State {
            nsm: Nsm::new(PCR0),
            boot: SigningKey::generate(Algorithm::Ed25519).unwrap(),
            binding: Binding {
                boot_key: [0; 32],
                deployment: "test".to_owned(),
                configuration: [7; 32],
                oblivious_keys: None,
            },
            attestation: AttestationDigest::of(b""),
            named_elsewhere: None,
            principal: principal.public_key().unwrap(),
            nonces: HashSet::new(),
            clock_offset: 0,
            arrived: Vec::new(),
            carried_out: Vec::new(),
            problem: None,
            lie: None,
            swallow: 0,
            delay: Duration::ZERO,
        };
        state.restart();
        let fake = Self {
            state: Arc::new(Mutex::new(state)),
            endpoint,
            hang_up: Arc::new(watch::channel(0).0),
            _folder: Arc::new(folder),
        };
        (fake, principal)
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(crate) fn client(&self) -> Client {
        Client::with_time_limit(self.endpoint.clone(), Duration::from_secs(5))
    }

    pub(crate) fn expectation(&self) -> Expectation {
        Expectation::any_measurements().root_certificate(self.state().nsm.root())
    }

    pub(crate) fn lie(
        &self,
        lie: impl FnMut(&Method, &str, &mut Parts, &mut Vec<u8>) + Send + 'static,
    ) {
        self.state().lie = Some(Box::new(lie));
    }

    /// Closes every connection there is.
    pub(crate) async fn hang_up(&self) {
        self.hang_up.send_modify(|count| *count += 1);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }

    fn serve(&self, stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) {
        let fake = self.clone();
        let mut hung_up = self.hang_up.subscribe();
        tokio::spawn(async move {
            let response = service_fn(|request| fake.response(request));
            let served = http1::Builder::new().serve_connection(TokioIo::new(stream), response);
            tokio::select! {
                _ = served => {}
                _ = hung_up.changed() => {}
            }
        });
    }

    async fn response(
        &self,
        request: Request<Incoming>,
    ) -> Result<Response<Full<Bytes>>, Swallowed> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.map_err(|_| Swallowed)?.to_bytes();
        let (response, delay) = {
            let mut state = self.state();
            let response = state.response(&parts, &body);
            if state.swallow > 0 {
                state.swallow -= 1;
                return Err(Swallowed);
            }
            (response, state.delay)
        };
        tokio::time::sleep(delay).await;
        Ok(response)
    }
}

/// Makes a response the parent's own, which says that there is no connection to the enclave.
pub(crate) fn say_unreachable(head: &mut Parts, body: &mut Vec<u8>) {
    let gone = Problem::new(ProblemType::EnclaveUnreachable, "said by the parent");
    *body = json(&gone);
    head.status = StatusCode::SERVICE_UNAVAILABLE;
    let headers = &mut head.headers;
    headers.insert("content-type", "application/problem+json".parse().unwrap());
    headers.remove("signature");
    headers.remove("signature-input");
}

/// Makes hyper close the connection without a response.
#[derive(Debug, thiserror::Error)]
#[error("swallowed")]
struct Swallowed;

impl State {
    /// Boots again: another key, another document, no memory of nonces.
    pub(crate) fn restart(&mut self) {
        self.boot = SigningKey::generate(Algorithm::Ed25519).unwrap();
        self.binding.boot_key = self
            .boot
            .public_key()
            .unwrap()
            .as_bytes()
            .try_into()
            .unwrap();
        self.attestation = AttestationDigest::of(&self.nsm.attest(&self.binding, None));
        self.nonces.clear();
    }

    pub(crate) fn now(&self) -> u64 {
        let now = std::time::SystemTime::now()
            .duration_since(std::time::SystemTime::UNIX_EPOCH)
            .unwrap();
        now.as_secs().strict_add_signed(self.clock_offset)
    }

    fn response(&mut self, parts: &request::Parts, body: &Bytes) -> Response<Full<Bytes>> {
        let target = parts.uri.to_string();
        self.arrived.push(format!("{} {target}", parts.method));
        let (status, content_type, mut response) = match self.route(parts, body) {
            Ok((status, response)) => (status.as_u16(), "application/json", response),
            Err(kind) => (
                kind.status(),
                "application/problem+json",
                json(&Problem::new(kind, "said by the fake")),
            ),
        };
        let mut head = Response::builder()
            .status(status)
            .header("content-type", content_type)
            .body(())
            .unwrap()
            .into_parts()
            .0;
        let context = RequestContext::of(parts);
        let attestation = match self.named_elsewhere {
            Some(other) if target.starts_with("/v1/keys") => other,
            _ => self.attestation,
        };
        sign_response(
            &mut head,
            &response,
            &context,
            &attestation,
            &self.boot,
            self.now(),
        )
        .unwrap();
        if let Some(lie) = &mut self.lie {
            lie(&parts.method, &target, &mut head, &mut response);
        }
        Response::from_parts(head, Full::new(response.into()))
    }

    fn route(
        &mut self,
        parts: &request::Parts,
        body: &Bytes,
    ) -> Result<(StatusCode, Vec<u8>), ProblemType> {
        match parts.uri.path() {
            "/v1/health" => Ok((StatusCode::OK, json(&health()))),
            "/v1/attestation" => {
                let nonce = parts
                    .uri
                    .query()
                    .and_then(|query| query.strip_prefix("nonce="));
                let nonce = nonce.map(|hex| hex::decode(hex).unwrap());
                let document = STANDARD.encode(self.nsm.attest(&self.binding, nonce.as_deref()));
                Ok((StatusCode::OK, json(&Attestation { document })))
            }
            path => {
                self.admit(parts, body)?;
                self.carried_out.push(Carried {
                    method: parts.method.clone(),
                    target: parts.uri.to_string(),
                    headers: parts.headers.clone(),
                    body: body.clone(),
                });
                if let Some(problem) = self.problem {
                    return Err(problem);
                }
                Ok(success(&parts.method, path))
            }
        }
    }

    fn admit(&mut self, parts: &request::Parts, body: &[u8]) -> Result<(), ProblemType> {
        let request = SignedRequest::parse(parts, body).map_err(|error| error.problem_type())?;
        assert_eq!(request.keyid(), "alice");
        request
            .verify(&self.principal)
            .map_err(|error| error.problem_type())?;
        if *request.attestation() != self.attestation {
            return Err(ProblemType::WrongEnclave);
        }
        if request.created().abs_diff(self.now()) > 60 {
            return Err(ProblemType::RequestExpired);
        }
        if !self.nonces.insert(request.nonce().to_owned()) {
            return Err(ProblemType::RequestReplayed);
        }
        Ok(())
    }
}

fn success(method: &Method, path: &str) -> (StatusCode, Vec<u8>) {
    match path {
        "/v1/keys" if *method == Method::GET => (StatusCode::OK, json(&KeyList::default())),
        "/v1/keys" => (StatusCode::CREATED, json(&key())),
        path if path.ends_with("/sign") => (StatusCode::OK, json(&signed())),
        path if path.ends_with("/replace") => (StatusCode::CREATED, json(&replaced())),
        path if path.ends_with("/replacement") && *method == Method::POST => {
            (StatusCode::OK, json(&replaced()))
        }
        path if path.ends_with("/replacement") => (StatusCode::OK, json(&replaced().replacement)),
        _ => (StatusCode::OK, json(&key())),
    }
}

fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap()
}

pub(crate) fn health() -> Health {
    Health {
        ready: true,
        reason: None,
        version: "0".to_owned(),
        deployment: "test".to_owned(),
        nsm: "emulator".to_owned(),
    }
}

pub(crate) fn key() -> Key {
    Key {
        id: "ab".repeat(22),
        owner: "alice".to_owned(),
        label: None,
        custody: Custody::Enclave,
        status: KeyStatus::Enabled,
        threshold: 2,
        participants: Vec::new(),
        group_public_key: "00".repeat(32),
        generation: 1,
        record_version: 1,
        created_at: Some(0),
        path: None,
        imported: false,
        replaces: None,
        replaced_by: None,
        taproot: TaprootOutput {
            output_key: "00".repeat(32),
            address: "bc1p".to_owned(),
        },
        npub: "npub1".to_owned(),
    }
}

pub(crate) fn replaced() -> Replaced {
    Replaced {
        key: key(),
        replacement: Replacement {
            version: 1,
            old_key_id: Hex([1; 22]),
            old_public_key: Hex([2; 32]),
            new_key_id: Hex([3; 22]),
            new_public_key: Hex([4; 32]),
            deployment: "test".to_owned(),
            created_at: 0,
            signature: Hex([5; 64]),
        },
        record_version: 1,
    }
}

pub(crate) fn signed() -> Signed {
    Signed {
        key_id: "ab".repeat(22),
        generation: 1,
        record_version: 1,
        public_key: "00".repeat(32),
        signature: "00".repeat(64),
        event: None,
        taproot: None,
    }
}
