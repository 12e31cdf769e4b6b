//! A person's browser, without the page: an ephemeral key, a session, and requests to an enclave that it has verified.

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method};
use permafrost_client::{Enclave, Error, Principal, Response};
use permafrost_common::api::IDEMPOTENCY_HEADER;
use permafrost_common::api::people::{
    Challenge, DEVICE_HEADER, LinkOpened, LoggedIn, NewChallenge, NewSession, OfferPasskey,
    OpenLink, PASSKEY_HEADER, Passkey, Register, Registered, Scope,
};
use permafrost_common::http_signature::{Algorithm, SigningKey, fresh_nonce};
use permafrost_enclave::people::{approval_challenge, request_digest};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Authenticator;

/// What the browser says about the device.
const DEVICE: &str = "Chromium on Linux, 1920x1080, UTC";

/// A browser that has verified an enclave, with or without a session.
pub struct Browser {
    enclave: Enclave,
    principal: Principal,
    session: Option<String>,
    ahead_s: u64,
    /// What it says about the device.
    pub device: String,
    /// The scope that sessions are narrowed to.
    pub scope: Option<Scope>,
}

/// A request before a passkey approves it.
pub struct Wanted {
    method: Method,
    path: String,
    body: Vec<u8>,
}

impl Wanted {
    /// A `POST` with this body.
    pub fn post(path: &str, body: &impl Serialize) -> Self {
        Self {
            method: Method::POST,
            path: path.to_owned(),
            body: serde_json::to_vec(body).expect("JSON"),
        }
    }

    /// A `POST` without a body.
    pub fn empty(path: &str) -> Self {
        Self {
            method: Method::POST,
            path: path.to_owned(),
            body: Vec::new(),
        }
    }

    /// What a passkey must sign to approve this request, with this nonce, from this `keyid`.
    pub fn challenge(&self, purpose: &str, nonce: &str, keyid: &str) -> [u8; 32] {
        let (path, query) = self.path.split_once('?').unwrap_or((&self.path, ""));
        let digest = request_digest(self.method.as_str(), path, query, &self.body, keyid);
        let nonce = hex::decode(nonce).expect("hex");
        approval_challenge(purpose, &nonce, &digest)
    }
}

impl Browser {
    /// A browser that has just verified this enclave.
    pub fn new(enclave: Enclave) -> Self {
        Self {
            principal: stranger(&enclave),
            enclave,
            session: None,
            ahead_s: 0,
            device: DEVICE.to_owned(),
            scope: None,
        }
    }

    /// The `keyid` of its session.
    pub fn session(&self) -> &str {
        self.session.as_deref().expect("a session")
    }

    /// Dates its requests by an enclave's clock that is this far ahead.
    pub fn set_ahead(&mut self, seconds: u64) {
        self.ahead_s = seconds;
        self.principal = self.principal.clone().with_enclave_ahead(seconds);
    }

    /// A nonce for what a passkey is to approve.
    pub async fn nonce(&self, purpose: &str) -> Result<Challenge, Error> {
        let purpose = NewChallenge {
            purpose: purpose.to_owned(),
        };
        self.ask(&Wanted::post("/v1/challenges", &purpose), None)
            .await
    }

    /// Registers a user with this passkey, and opens the first session.
    pub async fn register(
        &mut self,
        authenticator: &mut Authenticator,
    ) -> Result<Registered, Error> {
        let (key, session) = self.new_session();
        let wanted = Wanted::post(
            "/v1/users",
            &Register {
                passkey_name: "laptop".to_owned(),
                session,
            },
        );
        let nonce = self.nonce("register").await?;
        let handle = nonce.user_handle.clone().expect("a user handle");
        let challenge = wanted.challenge("register", &nonce.nonce, "");
        let response = authenticator.register(&challenge, &hex::decode(handle).expect("hex"));
        let registered: Registered = self
            .ask(&wanted, Some(&with_nonce(&nonce.nonce, &response)))
            .await?;
        self.enter(&registered.session.id, key);
        Ok(registered)
    }

    /// Opens a session.
    pub async fn login(&mut self, authenticator: &Authenticator) -> Result<LoggedIn, Error> {
        let (key, session) = self.new_session();
        let wanted = Wanted::post("/v1/sessions", &session);
        let nonce = self.nonce("login").await?.nonce;
        let response = authenticator.assert(&wanted.challenge("login", &nonce, ""));
        let logged_in: LoggedIn = self
            .ask(&wanted, Some(&with_nonce(&nonce, &response)))
            .await?;
        self.enter(&logged_in.session.id, key);
        Ok(logged_in)
    }

    /// A key for a session, and the request for one.
    pub fn new_session(&self) -> (SigningKey, NewSession) {
        let key = SigningKey::generate(Algorithm::EcdsaP256).expect("a key");
        let session = NewSession {
            public_key: key.public_key().expect("a public key").to_string(),
            device: self.device.clone(),
            scope: self.scope.clone(),
        };
        (key, session)
    }

    /// From now on sends requests as this session.
    pub fn enter(&mut self, session: &str, key: SigningKey) {
        let principal = self.enclave.as_principal(session, key).expect("a keyid");
        self.principal = principal.with_enclave_ahead(self.ahead_s);
        self.session = Some(session.to_owned());
    }

    /// Sends a request that a passkey of the session's user approves.
    pub async fn approved<T: DeserializeOwned>(
        &self,
        purpose: &str,
        wanted: &Wanted,
        authenticator: &Authenticator,
    ) -> Result<T, Error> {
        let nonce = self.nonce(purpose).await?.nonce;
        let keyid = self.session.as_deref().unwrap_or_default();
        let response = authenticator.assert(&wanted.challenge(purpose, &nonce, keyid));
        self.ask(wanted, Some(&with_nonce(&nonce, &response))).await
    }

    /// Sends a request with a new passkey that was made for it, for the user of this handle.
    pub async fn with_new_passkey<T: DeserializeOwned>(
        &self,
        purpose: &str,
        wanted: &Wanted,
        authenticator: &mut Authenticator,
        user_handle: &[u8],
    ) -> Result<T, Error> {
        let nonce = self.nonce(purpose).await?.nonce;
        let challenge = wanted.challenge(purpose, &nonce, "");
        let response = authenticator.register(&challenge, user_handle);
        self.ask(wanted, Some(&with_nonce(&nonce, &response))).await
    }

    /// Offers a passkey by a link code, as another device does.
    pub async fn offer_passkey(
        &self,
        authenticator: &mut Authenticator,
        code: &str,
    ) -> Result<Passkey, Error> {
        let code = code.to_owned();
        let open = OpenLink { code: code.clone() };
        let open = Wanted::post("/v1/links/open", &open);
        let opened: LinkOpened = self.ask(&open, None).await?;
        let offer = OfferPasskey {
            code,
            passkey_name: "phone".to_owned(),
        };
        let offer = Wanted::post("/v1/links/passkey", &offer);
        let handle = hex::decode(opened.user_handle).expect("hex");
        self.with_new_passkey("offer_passkey", &offer, authenticator, &handle)
            .await
    }

    /// Sends a request, with a passkey's response or without.
    pub async fn ask<T: DeserializeOwned>(
        &self,
        wanted: &Wanted,
        passkey: Option<&str>,
    ) -> Result<T, Error> {
        self.send(wanted, passkey).await?.json()
    }

    /// A `GET` of the session.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Error> {
        let wanted = Wanted {
            method: Method::GET,
            path: path.to_owned(),
            body: Vec::new(),
        };
        self.ask(&wanted, None).await
    }

    async fn send(&self, wanted: &Wanted, passkey: Option<&str>) -> Result<Response, Error> {
        let mut headers = HeaderMap::new();
        if !wanted.body.is_empty() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        let device = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, self.device.as_bytes());
        let device = format!("sha-256={}", hex::encode(device));
        headers.insert(DEVICE_HEADER, device.parse().expect("a header"));
        // Only an operation that creates something reads it.
        let once = fresh_nonce().expect("random bytes");
        headers.insert(IDEMPOTENCY_HEADER, once.parse().expect("a header"));
        if let Some(passkey) = passkey {
            headers.insert(PASSKEY_HEADER, passkey.parse().expect("a header"));
        }
        let method = wanted.method.clone();
        self.principal
            .request(method, &wanted.path, wanted.body.clone(), headers)
            .await
    }
}

/// The header `Passkey-Response`.
pub fn with_nonce(nonce: &str, response: &str) -> String {
    format!(
        "{nonce}.{}",
        crate::authenticator::base64url(response.as_bytes())
    )
}

/// Without a session, requests are signed with an unknown key; operations that need no principal do not check the signature.
fn stranger(enclave: &Enclave) -> Principal {
    let key = SigningKey::generate(Algorithm::Ed25519).expect("a key");
    enclave.as_principal("stranger", key).expect("a keyid")
}
