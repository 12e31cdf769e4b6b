//! A path to an enclave that has not been verified yet.

use std::{fmt, sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Uri};
use permafrost_common::{
    api::{ATTESTATION_HEADER, Attestation},
    binding::Binding,
    http_signature::{AttestationDigest, RequestContext},
    oblivious::KeyConfiguration,
};

use crate::{
    Enclave, Endpoint, Error, Expectation,
    boot::Boot,
    connection::{Connections, Failure},
    response::Exchange,
    sealed,
};

/// The longest nonce that an attestation document holds, in bytes.
const NONCE_MAX: usize = 512;

/// A path to an enclave: connections, and no trust in what arrives over them. [`Client::verify`] is the next step.
///
/// Clones share their connections.
#[derive(Clone)]
pub struct Client {
    connections: Arc<Connections>,
    oblivious: bool,
}

impl Client {
    /// How long a request may take by default, from the connection to the last byte of the response.
    pub const TIME_LIMIT: Duration = Duration::from_secs(30);

    /// A path to `endpoint`, with [`Client::TIME_LIMIT`]. Connects when there is something to send.
    pub fn new(endpoint: Endpoint) -> Self {
        Self::with_time_limit(endpoint, Self::TIME_LIMIT)
    }

    /// A path to `endpoint`, where each request may take this long.
    pub fn with_time_limit(endpoint: Endpoint, time_limit: Duration) -> Self {
        Self {
            connections: Arc::new(Connections::new(endpoint, time_limit)),
            oblivious: false,
        }
    }

    /// The same path, on which only the enclave reads requests and responses: what is sent to a verified enclave is
    /// sealed to it by Oblivious HTTP (RFC 9458), and the parent learns sizes and times. The attestation document and
    /// the keys to seal to are fetched in the open; the document has to vouch for the keys.
    #[must_use]
    pub fn obliviously(self) -> Self {
        Self {
            oblivious: true,
            ..self
        }
    }

    /// Where the path leads.
    pub fn endpoint(&self) -> &Endpoint {
        &self.connections.endpoint
    }

    /// Fetches an attestation document (COSE_Sign1, CBOR) and checks nothing about it. Without a nonce (at most 512
    /// bytes) it is the boot's own document, whose digest every response carries.
    ///
    /// # Errors
    /// Those of the connection, [`Error::Unauthenticated`], and [`Error::UnexpectedResponse`].
    pub async fn attestation(&self, nonce: Option<&[u8]>) -> Result<Vec<u8>, Error> {
        Ok(self.fetch_attestation(nonce, None).await?.0)
    }

    /// Fetches a document made for a fresh nonce of 32 bytes, judges it, and checks with the boot key in it that the
    /// response came from that very boot.
    ///
    /// # Errors
    /// [`Error::AttestationRefused`], [`Error::ResponseNotAuthentic`], and those of [`Client::attestation`].
    pub async fn verify(&self, expectation: &Expectation) -> Result<Enclave, Error> {
        let boot = Boot::verify(self, expectation, None).await?;
        Ok(Enclave::new(self.clone(), expectation.clone(), boot))
    }

    /// Of the boot that is named, if there are several.
    pub(crate) async fn fetch_attestation(
        &self,
        nonce: Option<&[u8]>,
        named: Option<&str>,
    ) -> Result<(Vec<u8>, Exchange), Error> {
        let target = match nonce {
            Some(nonce) if nonce.len() > NONCE_MAX => {
                return Err(Error::InvalidArgument {
                    what: "nonce",
                    reason: format!("{} bytes; accepted: at most {NONCE_MAX}", nonce.len()),
                });
            }
            Some(nonce) => format!("/v1/attestation?nonce={}", hex::encode(nonce)),
            None => "/v1/attestation".to_owned(),
        };
        let mut request = request(Method::GET, &target, Bytes::new())?;
        if let Some(named) = named {
            name_boot(&mut request, named)?;
        }
        let sent = self.send(request).await;
        let exchange = sent.map_err(|failure| failure.error)?;
        let document = document_of(&exchange)?;
        Ok((document, exchange))
    }

    /// The key that requests to a boot are sealed to, if they are to be sealed.
    pub(crate) async fn sealing_key(
        &self,
        binding: &Binding,
        boot: &AttestationDigest,
    ) -> Result<Option<KeyConfiguration>, Error> {
        match self.oblivious {
            true => Ok(Some(sealed::key(self, binding, boot).await?)),
            false => Ok(None),
        }
    }

    pub(crate) async fn send(&self, request: Request<Bytes>) -> Result<Exchange, Failure> {
        let (parts, body) = request.into_parts();
        let context = RequestContext::of(&parts);
        let response = self
            .connections
            .send(Request::from_parts(parts, body))
            .await?;
        Ok(Exchange {
            request: context,
            response,
            refused_unread: false,
        })
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Client({})", self.endpoint())
    }
}

/// A request in origin form.
pub(crate) fn request(method: Method, target: &str, body: Bytes) -> Result<Request<Bytes>, Error> {
    let uri: Uri = target
        .parse()
        .ok()
        .filter(|_| target.starts_with('/') && !target.contains('#'))
        .ok_or_else(|| Error::InvalidArgument {
            what: "path",
            reason: format!(
                "{target:?}; accepted: / and what RFC 3986 allows in a path and a query"
            ),
        })?;
    let mut request = Request::new(body);
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    Ok(request)
}

/// Says which boot an unsigned request is for, so that the parent of several enclaves passes it to that one. Nothing depends on it.
pub(crate) fn name_boot(request: &mut Request<Bytes>, boot: &str) -> Result<(), Error> {
    let boot = HeaderValue::from_str(boot).map_err(|error| Error::InvalidArgument {
        what: "boot",
        reason: error.to_string(),
    })?;
    request.headers_mut().insert(ATTESTATION_HEADER, boot);
    Ok(())
}

fn document_of(exchange: &Exchange) -> Result<Vec<u8>, Error> {
    let status = exchange.response.parts.status;
    let unexpected = |reason: String| Error::UnexpectedResponse {
        status: status.as_u16(),
        reason,
    };
    if !status.is_success() {
        // Whether it is signed or not: there is no key yet to check the signature with.
        return Err(match exchange.problem() {
            Some(problem) => Error::Unauthenticated(Box::new(problem)),
            None => unexpected("it is neither a success nor a problem".to_owned()),
        });
    }
    let attestation: Attestation = serde_json::from_slice(&exchange.response.body)
        .map_err(|error| unexpected(error.to_string()))?;
    STANDARD
        .decode(attestation.document)
        .map_err(|error| unexpected(format!("document: {error}")))
}
