//! A person's browser, without the page: an ephemeral key, a session, and requests to an enclave that it has verified.

use std::fs;
use std::time::{Duration, Instant};

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method};
use permafrost_client::{Enclave, Error, Principal, Response};
use permafrost_common::api::IDEMPOTENCY_HEADER;
use permafrost_common::api::people::{
    Challenge, DEVICE_HEADER, LinkOpened, LoggedIn, NewChallenge, NewSession, OfferPasskey,
    OpenLink, PASSKEY_HEADER, Passkey, Recovery, Register, Registered, Scope, StartRecovery, User,
};
use permafrost_common::http_signature::{Algorithm, SigningKey, fresh_nonce};
use permafrost_enclave::people::{approval_challenge, request_digest};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Authenticator, EnclaveProcess, refusal};

/// What the browser says about the device.
const DEVICE: &str = "Chromium on Linux, 1920x1080, UTC";

/// A browser that has verified an enclave, with or without a session.
pub struct Browser {
    enclave: Enclave,
    session: Option<(String, Principal)>,
    /// The session's key, PKCS #8.
    key: Vec<u8>,
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

    /// Any method with any body.
    pub fn raw(method: Method, path: &str, body: Vec<u8>) -> Self {
        let path = path.to_owned();
        Self { method, path, body }
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
            enclave,
            session: None,
            key: Vec::new(),
            ahead_s: 0,
            device: DEVICE.to_owned(),
            scope: None,
        }
    }

    /// The same browser, with the same session, at another enclave of the deployment.
    pub fn at(&self, enclave: Enclave) -> Self {
        let mut there = Self::new(enclave);
        there.ahead_s = self.ahead_s;
        there.enter(
            self.session(),
            SigningKey::from_pkcs8(&self.key).expect("a key"),
        );
        there
    }

    /// The `keyid` of its session.
    pub fn session(&self) -> &str {
        let (keyid, _) = self.session.as_ref().expect("a session");
        keyid
    }

    /// Dates its requests by an enclave's clock that is this far ahead.
    pub fn set_ahead(&mut self, seconds: u64) {
        self.ahead_s = seconds;
        if let Some((_, principal)) = &mut self.session {
            *principal = principal.clone().with_enclave_ahead(seconds);
        }
    }

    /// Moves the clock of the enclave's emulated NSM ahead of the true time, and waits until the enclave has compared its clock with it.
    pub async fn advance(&mut self, enclave: &EnclaveProcess, seconds: u64) {
        let file = enclave.state().join("clock-ahead");
        fs::write(file, seconds.to_string()).expect("a file");
        self.set_ahead(seconds);
        let started = Instant::now();
        // A request dated by the new clock is from the future by the old one.
        while let Err(refused) = self.get::<User>("/v1/user").await
            && refusal::<User>(Err(refused)) == "request-expired"
        {
            assert!(started.elapsed() < Duration::from_secs(30));
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// A nonce for what a passkey is to approve.
    pub async fn nonce(&self, purpose: &str) -> Result<Challenge, Error> {
        let purpose = NewChallenge {
            purpose: purpose.to_owned(),
        };
        self.ask_without_session(&Wanted::post("/v1/challenges", &purpose), None)
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
            .ask_without_session(&wanted, Some(&with_nonce(&nonce.nonce, &response)))
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
            .ask_without_session(&wanted, Some(&with_nonce(&nonce, &response)))
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
        self.key = key.to_pkcs8().expect("PKCS #8").to_vec();
        let principal = self.enclave.as_principal(session, key).expect("a keyid");
        let principal = principal.with_enclave_ahead(self.ahead_s);
        self.session = Some((session.to_owned(), principal));
    }

    /// Sends a request that a passkey of the session's user approves.
    pub async fn approved<T: DeserializeOwned>(
        &self,
        purpose: &str,
        wanted: &Wanted,
        authenticator: &Authenticator,
    ) -> Result<T, Error> {
        let nonce = self.nonce(purpose).await?.nonce;
        let challenge = wanted.challenge(purpose, &nonce, self.session());
        let response = authenticator.assert(&challenge);
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
        let passkey = with_nonce(&nonce, &response);
        self.ask_without_session(wanted, Some(&passkey)).await
    }

    /// Begins a recovery of the user with a new passkey, and refuses a response about another one.
    pub async fn start_recovery(
        &self,
        authenticator: &mut Authenticator,
        user: &str,
        code: Option<&str>,
    ) -> Result<Recovery, Error> {
        let start = StartRecovery {
            user: user.to_owned(),
            code: code.map(str::to_owned),
            passkey_name: "new phone".to_owned(),
        };
        let start = Wanted::post("/v1/recoveries", &start);
        let handle = hex::decode(user).expect("hex");
        let recovery: Recovery = self
            .with_new_passkey("start_recovery", &start, authenticator, &handle)
            .await?;
        check_passkey(authenticator, &recovery.public_key_digest)?;
        Ok(recovery)
    }

    /// Offers a passkey by a link code, as another device does, and refuses a response about another passkey.
    pub async fn offer_passkey(
        &self,
        authenticator: &mut Authenticator,
        code: &str,
    ) -> Result<Passkey, Error> {
        let code = code.to_owned();
        let open = OpenLink { code: code.clone() };
        let open = Wanted::post("/v1/links/open", &open);
        let opened: LinkOpened = self.ask_without_session(&open, None).await?;
        let offer = OfferPasskey {
            code,
            passkey_name: "phone".to_owned(),
        };
        let offer = Wanted::post("/v1/links/passkey", &offer);
        let handle = hex::decode(opened.user_handle).expect("hex");
        let offered: Passkey = self
            .with_new_passkey("offer_passkey", &offer, authenticator, &handle)
            .await?;
        check_passkey(authenticator, &offered.public_key_digest)?;
        Ok(offered)
    }

    /// Sends a request of the session, with a passkey's response or without.
    pub async fn ask<T: DeserializeOwned>(
        &self,
        wanted: &Wanted,
        passkey: Option<&str>,
    ) -> Result<T, Error> {
        self.send(wanted, passkey).await?.json()
    }

    /// The same, whatever the response.
    pub async fn send(&self, wanted: &Wanted, passkey: Option<&str>) -> Result<Response, Error> {
        let headers = self.headers(wanted, passkey);
        let method = wanted.method.clone();
        let (_, principal) = self.session.as_ref().expect("a session");
        principal
            .request(method, &wanted.path, wanted.body.clone(), headers)
            .await
    }

    /// Sends a request that needs no session, with a passkey's response or without.
    pub async fn ask_without_session<T: DeserializeOwned>(
        &self,
        wanted: &Wanted,
        passkey: Option<&str>,
    ) -> Result<T, Error> {
        let headers = self.headers(wanted, passkey);
        let method = wanted.method.clone();
        let response = self
            .enclave
            .request(method, &wanted.path, wanted.body.clone(), headers);
        response.await?.json()
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

    fn headers(&self, wanted: &Wanted, passkey: Option<&str>) -> HeaderMap {
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
        headers
    }
}

/// Refuses a response about another passkey than the one that was made: people compare its digest.
fn check_passkey(made: &Authenticator, digest: &str) -> Result<(), Error> {
    let expected = made.public_key_digest();
    if digest == expected {
        return Ok(());
    }
    Err(Error::UnexpectedResponse {
        status: 201,
        reason: format!(
            "public_key_digest is {digest}; accepted: {expected}, the passkey made here"
        ),
    })
}

/// The header `Passkey-Response`.
pub fn with_nonce(nonce: &str, response: &str) -> String {
    format!(
        "{nonce}.{}",
        crate::authenticator::base64url(response.as_bytes())
    )
}
