//! A server of the parent's that impersonates KMS: TLS with any certificate that the parent can get, and any response.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use permafrost_common::attestation::{At, Document, RootCertificate};
use permafrost_kms::emulator::{CA_KEY_FILE, ContentForm, Recipient};
use rcgen::{CertificateParams, DnType, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::background;

/// Which certificate is presented.
#[derive(Clone, Copy, Debug)]
pub enum Presented {
    /// One that the parent made itself, for KMS's name.
    SelfMade,
    /// A valid one, by the pinned authority, for another host.
    OfAnotherHost,
    /// One by the pinned authority, for KMS's name, that ended yesterday.
    Expired,
    /// KMS's own, to show what holds even without the protection of TLS.
    Stolen,
}

/// A request that the enclave sent.
#[derive(Clone, Debug)]
pub struct KmsRequest {
    /// `GenerateDataKey` or `Decrypt`.
    pub action: String,
    /// The JSON.
    pub body: Value,
    root: PathBuf,
}

/// A response to it.
#[derive(Clone, Debug)]
pub struct KmsResponse {
    /// The status.
    pub status: u16,
    /// The JSON.
    pub body: Value,
}

/// A running server.
#[derive(Clone)]
pub struct LyingKms {
    address: SocketAddr,
    root: PathBuf,
    requests: Arc<Mutex<Vec<KmsRequest>>>,
}

impl LyingKms {
    /// Starts a server that impersonates the KMS of this name, whose authority keeps its key in `state`, for enclaves whose documents
    /// lead to the root certificate at `root`.
    pub fn start(
        state: &Path,
        root: &Path,
        host: &str,
        presented: Presented,
        response: impl Fn(&KmsRequest) -> KmsResponse + Send + Sync + 'static,
    ) -> Self {
        let config = Arc::new(server_config(state, host, presented));
        let listener =
            background::wait(async { TcpListener::bind("127.0.0.1:0").await.expect("a port") });
        let kms = Self {
            address: listener.local_addr().expect("an address"),
            root: root.to_owned(),
            requests: Arc::default(),
        };
        let serving = kms.clone();
        let response = Arc::new(response);
        background::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (kms, response) = (serving.clone(), Arc::clone(&response));
                let acceptor = TlsAcceptor::from(Arc::clone(&config));
                tokio::spawn(async move {
                    // A client that refuses the certificate leaves here.
                    let Ok(stream) = acceptor.accept(stream).await else {
                        return;
                    };
                    let service = service_fn(move |request| {
                        let (kms, response) = (kms.clone(), Arc::clone(&response));
                        async move { kms.respond(request, response.as_ref()).await }
                    });
                    let _the_enclave_may_leave = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        kms
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What the enclave has sent.
    pub fn requests(&self) -> Vec<KmsRequest> {
        self.requests.lock().expect("no panic").clone()
    }

    async fn respond(
        &self,
        request: Request<Incoming>,
        response: &(dyn Fn(&KmsRequest) -> KmsResponse + Send + Sync),
    ) -> Result<Response<Full<Bytes>>, hyper::Error> {
        let target = request.headers()["x-amz-target"]
            .to_str()
            .unwrap_or_default();
        let action = target.rsplit('.').next().unwrap_or_default().to_owned();
        let body = request.into_body().collect().await?.to_bytes();
        let body = serde_json::from_slice(&body).unwrap_or_default();
        let root = self.root.clone();
        let request = KmsRequest { action, body, root };
        let KmsResponse { status, body } = response(&request);
        self.requests.lock().expect("no panic").push(request);
        let mut response = Response::new(Full::from(body.to_string()));
        *response.status_mut() = status.try_into().expect("a status");
        Ok(response)
    }
}

impl KmsRequest {
    /// A data key encrypted to the enclave that sent the request, as anyone can make who has seen its attestation document.
    pub fn encrypted_to_the_enclave(&self, data_key: &[u8]) -> String {
        let text = self.body["Recipient"]["AttestationDocument"].as_str();
        let document = STANDARD.decode(text.expect("a document")).expect("base64");
        let root = fs::read_to_string(&self.root).expect("the development root");
        let root = RootCertificate::from_pem(&root).expect("a root");
        let verified = Document::parse(&document)
            .and_then(|document| document.verify(&root, At::Signed))
            .expect("a document");
        let public_key = verified.public_key().expect("a key");
        let recipient = Recipient::new(public_key).expect("an RSA key");
        let envelope = recipient.envelope(data_key, ContentForm::OctetString);
        STANDARD.encode(envelope.expect("randomness"))
    }
}

impl KmsResponse {
    /// Status 200.
    pub fn ok(body: Value) -> Self {
        Self { status: 200, body }
    }

    /// A response to `GenerateDataKey` or `Decrypt` with a data key that the parent knows.
    pub fn with_known_key(request: &KmsRequest, data_key: &[u8]) -> Self {
        Self::ok(json!({
            "KeyId": request.body["KeyId"],
            "CiphertextBlob": STANDARD.encode([7; 180]),
            "CiphertextForRecipient": request.encrypted_to_the_enclave(data_key),
        }))
    }

    /// The same response with this member set, or removed if the value is null.
    #[must_use]
    pub fn and(mut self, name: &str, value: Value) -> Self {
        let fields = self.body.as_object_mut().expect("an object");
        match value {
            Value::Null => fields.remove(name),
            value => fields.insert(name.to_owned(), value),
        };
        self
    }
}

fn server_config(state: &Path, host: &str, presented: Presented) -> ServerConfig {
    let pinned = fs::read_to_string(state.join(CA_KEY_FILE)).expect("the authority's key");
    let authority_key = match presented {
        Presented::SelfMade => KeyPair::generate(),
        _ => KeyPair::from_pem(&pinned),
    }
    .expect("a key");
    let name = match presented {
        Presented::OfAnotherHost => "kms.eu-central-1.localhost",
        _ => host,
    };
    let mut params = CertificateParams::new(vec![name.to_owned()]).expect("a name");
    let now = OffsetDateTime::now_utc();
    params.not_before = now - Duration::days(10);
    params.not_after = match presented {
        Presented::Expired => now - Duration::days(1),
        _ => now + Duration::days(1),
    };
    let key = KeyPair::generate().expect("a key");
    let issuer = Issuer::new(authority_params(), authority_key);
    let certificate = params.signed_by(&key, &issuer).expect("a certificate");
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .expect("a certificate with its key")
}

/// The name of the development KMS's authority, whose certificate the enclave has pinned.
fn authority_params() -> CertificateParams {
    let mut params = CertificateParams::default();
    let name = &mut params.distinguished_name;
    name.push(DnType::CommonName, "Permafrost development KMS");
    name.push(DnType::OrganizationName, "For development only");
    params
}
