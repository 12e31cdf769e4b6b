//! An enclave that has been verified.

use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;
use http::{HeaderMap, Method, Request};
use permafrost_common::{
    api::{Health, is_name},
    http_signature::{SignError, SigningKey, bind_response, fresh_nonce},
    oblivious::KeyConfiguration,
    problem::ProblemType,
};
use tokio::sync::Mutex;

use crate::{
    Boot, Client, Endpoint, Error, Expectation, Principal, Response,
    boot::Refusal,
    client::{name_boot, request},
    connection::Failure,
    response::Exchange,
    sealed,
};

/// An enclave whose attestation document has been verified: each of its responses is checked before it is read.
///
/// Clones share the connections and the verified boot. When the enclave restarts, or another enclave of the deployment responds in its
/// place, the response names a boot that is not known. The client then verifies that boot's document by the same [`Expectation`], and
/// signs the request again for it, at most three times for one request.
#[derive(Clone, Debug)]
pub struct Enclave(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    client: Client,
    expectation: Expectation,
    boot: RwLock<Arc<Boot>>,
    /// Held while a new boot is verified, so that many concurrent requests fetch one document.
    renewal: Mutex<()>,
}

/// Whether the client repeats a request once if a kept connection breaks before the response, or the parent says that the enclave is gone.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Repeat {
    /// Carried out twice, it changes nothing more.
    Harmless,
    /// The caller has to decide.
    Never,
}

impl Enclave {
    pub(crate) fn new(client: Client, expectation: Expectation, boot: Boot) -> Self {
        Self(Arc::new(Shared {
            client,
            expectation,
            boot: RwLock::new(Arc::new(boot)),
            renewal: Mutex::new(()),
        }))
    }

    /// Where the enclave is.
    pub fn endpoint(&self) -> &Endpoint {
        self.0.client.endpoint()
    }

    /// The boot that was verified last.
    pub fn boot(&self) -> Arc<Boot> {
        // The lock is held only while a pointer is copied: nothing can be half changed.
        Arc::clone(&self.0.boot.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Verifies the enclave again, with a fresh nonce.
    ///
    /// # Errors
    /// Those of [`Client::verify`]; the boot that was verified before stays.
    pub async fn verify_again(&self) -> Result<Arc<Boot>, Error> {
        self.verify_at(None).await
    }

    /// Whether the enclave serves keys.
    ///
    /// # Errors
    /// Those of the connection, [`Error::ResponseNotAuthentic`], [`Error::Problem`].
    pub async fn health(&self) -> Result<Health, Error> {
        self.request(Method::GET, "/v1/health", Bytes::new(), HeaderMap::new())
            .await?
            .json()
    }

    /// Sends a request that needs no principal, and returns the enclave's response whatever its status. It is not signed.
    ///
    /// `path_and_query` begins with `/`. This method sets `Content-Digest` and a fresh `Request-Nonce`, which the response has to
    /// cover (`docs/signatures.md`): a response to another body, or to an earlier request, is refused.
    ///
    /// # Errors
    /// All but [`Error::Problem`], [`Error::ClockDiffers`] and [`Error::UnexpectedResponse`].
    pub async fn request(
        &self,
        method: Method,
        path_and_query: &str,
        body: impl Into<Bytes>,
        headers: HeaderMap,
    ) -> Result<Response, Error> {
        let body = body.into();
        let repeat = match method.is_safe() {
            true => Repeat::Harmless,
            false => Repeat::Never,
        };
        self.call(repeat, |boot| {
            let mut request = request(method.clone(), path_and_query, body.clone())?;
            *request.headers_mut() = headers.clone();
            name_boot(&mut request, &boot.attestation().to_string())?;
            let (mut parts, body) = request.into_parts();
            bind_response(&mut parts, &body, &fresh_nonce()?).map_err(SignError::from)?;
            Ok(Request::from_parts(parts, body))
        })
        .await
    }

    /// The enclave as used by the principal that has this `name` in the measured configuration, with its key.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] when no principal can have that name.
    pub fn as_principal(&self, name: &str, key: SigningKey) -> Result<Principal, Error> {
        if !is_name(name) {
            return Err(Error::InvalidArgument {
                what: "principal",
                reason: format!("{name:?}; accepted: 1 to 64 of A-Z a-z 0-9 - _ ."),
            });
        }
        Ok(Principal::new(self.clone(), name, key))
    }

    /// The key of a boot that its document vouches for, whatever is sealed to it.
    pub(crate) async fn key_to_seal_to(&self, boot: &Boot) -> Result<KeyConfiguration, Error> {
        match boot.sealing_key() {
            Some(key) => Ok(key.clone()),
            None => sealed::key(&self.0.client, boot.binding(), boot.attestation()).await,
        }
    }

    /// Sends what `make` makes for a boot, and returns the response once it proves to be that boot's.
    pub(crate) async fn call(
        &self,
        repeat: Repeat,
        make: impl Fn(&Boot) -> Result<Request<Bytes>, Error>,
    ) -> Result<Response, Error> {
        let mut boot = self.boot();
        let mut moves = 0;
        loop {
            let exchange = self.send(&boot, repeat, &make).await?;
            let Refusal { error, exchange } = match boot.authenticate(exchange) {
                Ok(response) => return Ok(response),
                Err(refusal) => refusal,
            };
            let known = boot.attestation().to_string();
            let named = exchange.named_boot().filter(|named| *named != known);
            let Some(named) = named.map(str::to_owned).filter(|_| moves < MOVES_MAX) else {
                return Err(error);
            };
            let Some(newer) = self.newer_than(&boot, &named).await? else {
                return Err(error);
            };
            if newer.attestation().to_string() != named {
                // Which boot that was, nobody can say any more. What changes nothing can still be asked of this one.
                if repeat == Repeat::Never {
                    return Err(error);
                }
            } else if !newer.could_not_open(&exchange) {
                let response = newer
                    .authenticate(*exchange)
                    .map_err(|refusal| refusal.error)?;
                let refused = response.problem().and_then(|problem| problem.kind());
                if refused != Some(ProblemType::WrongEnclave) {
                    return Ok(response);
                }
            }
            moves += 1;
            boot = newer;
        }
    }

    async fn send(
        &self,
        boot: &Boot,
        repeat: Repeat,
        make: &impl Fn(&Boot) -> Result<Request<Bytes>, Error>,
    ) -> Result<Exchange, Error> {
        let mut sent = self.send_once(boot, make).await;
        // Made again, because the nonce of the first may have been used.
        if repeat == Repeat::Harmless {
            sent = match sent {
                Ok(exchange) if exchange.says_unreachable() => self.send_once(boot, make).await,
                Err(first) if first.on_kept_connection => {
                    match self.send_once(boot, make).await {
                        // That nothing was sent is true of the second alone: the first may have been carried out.
                        Ok(second) if second.says_unreachable() => Err(first),
                        Err(second) if matches!(second.error, Error::Unreachable { .. }) => {
                            Err(first)
                        }
                        second => second,
                    }
                }
                sent => sent,
            };
        }
        sent.map_err(|failure| failure.error)
    }

    async fn send_once(
        &self,
        boot: &Boot,
        make: &impl Fn(&Boot) -> Result<Request<Bytes>, Error>,
    ) -> Result<Exchange, Failure> {
        let request = make(boot).map_err(Failure::fresh)?;
        match boot.sealing_key() {
            Some(key) => sealed::send(&self.0.client, key, boot.attestation(), request).await,
            None => self.0.client.send(request).await,
        }
    }

    /// A boot verified after `old`: the one that is named, unless it is gone again. None if there is no other boot.
    async fn newer_than(&self, old: &Boot, named: &str) -> Result<Option<Arc<Boot>>, Error> {
        let _held = self.0.renewal.lock().await;
        let mut boot = self.boot();
        if boot.attestation().to_string() != named {
            boot = self.verify_at(Some(named)).await?;
        }
        Ok((boot.attestation() != old.attestation()).then_some(boot))
    }

    async fn verify_at(&self, named: Option<&str>) -> Result<Arc<Boot>, Error> {
        let verified = Boot::verify(&self.0.client, &self.0.expectation, named).await?;
        let boot = Arc::new(verified);
        *self.0.boot.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&boot);
        Ok(boot)
    }
}

/// How many times one request is signed anew for another boot.
const MOVES_MAX: usize = 3;
