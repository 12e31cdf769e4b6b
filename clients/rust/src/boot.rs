//! One verified boot of an enclave.

use std::time::Instant;

use aws_lc_rs::rand;
use permafrost_common::{
    attestation::VerifiedDocument,
    binding::Binding,
    http_signature::{AttestationDigest, KeyError, PublicKey, verify_response},
    oblivious::KeyConfiguration,
    problem::ProblemType,
};

use crate::{
    Client, Error, Expectation, NotAuthentic,
    connection::RawResponse,
    response::{Exchange, Response},
    trust::Judged,
};

/// How far a response to an unsigned request may lie behind the enclave's clock, in seconds.
const STALE_AFTER: u64 = 60;

/// One boot of an enclave, as its attestation document vouches for it.
#[derive(Clone, Debug)]
pub struct Boot {
    nonce: [u8; 32],
    document: Vec<u8>,
    verified: VerifiedDocument,
    binding: Binding,
    key: PublicKey,
    sealing_key: Option<KeyConfiguration>,
    attestation: AttestationDigest,
    created: u64,
    seen: Instant,
}

impl Boot {
    /// The nonce that this client chose for the document.
    pub fn nonce(&self) -> &[u8; 32] {
        &self.nonce
    }

    /// The document made for the nonce (COSE_Sign1, CBOR), to keep as evidence.
    pub fn document(&self) -> &[u8] {
        &self.document
    }

    /// What the document says: PCRs, time, module.
    pub fn verified(&self) -> &VerifiedDocument {
        &self.verified
    }

    /// What the document vouches for: the boot key, the deployment, the configuration and the keys of Oblivious HTTP.
    pub fn binding(&self) -> &Binding {
        &self.binding
    }

    /// The digest that every response of this boot carries: that of its own document, which was made without a nonce.
    pub fn attestation(&self) -> &AttestationDigest {
        &self.attestation
    }

    /// What requests to this boot are sealed to, if they are.
    pub(crate) fn sealing_key(&self) -> Option<&KeyConfiguration> {
        self.sealing_key.as_ref()
    }

    /// Verifies the boot that is named, or whichever responds.
    pub(crate) async fn verify(
        client: &Client,
        expectation: &Expectation,
        named: Option<&str>,
    ) -> Result<Self, Error> {
        let mut nonce = [0; 32];
        rand::fill(&mut nonce).map_err(|_| KeyError::Library("give random bytes"))?;
        let (document, exchange) = client.fetch_attestation(Some(&nonce), named).await?;
        let Judged {
            document: verified,
            binding,
            boot_key: key,
        } = expectation.judge(&document, &nonce)?;
        let RawResponse { parts, body } = &exchange.response;
        let response = verify_response(parts, body, &exchange.request, &key)?;
        let seen = Instant::now();
        Ok(Self {
            sealing_key: client.sealing_key(&binding, &response.attestation).await?,
            nonce,
            document,
            verified,
            binding,
            key,
            attestation: response.attestation,
            created: response.created,
            seen,
        })
    }

    /// The response of an exchange, if it is this boot's response to that request.
    pub(crate) fn authenticate(&self, exchange: Exchange) -> Result<Response, Refusal> {
        match self.check(&exchange) {
            Ok(created) => Ok(exchange.into_authentic(created)),
            Err(error) => Err(Refusal {
                error,
                exchange: Box::new(exchange),
            }),
        }
    }

    /// Whether this boot signed just now that it could not open the request of an exchange, because it was sealed
    /// to the boot before.
    pub(crate) fn could_not_open(&self, exchange: &Exchange) -> bool {
        let kind = exchange.problem().and_then(|problem| problem.kind());
        exchange.refused_unread
            && kind == Some(ProblemType::ObliviousKeyUnknown)
            && self.check_signature(exchange).is_ok()
    }

    fn check(&self, exchange: &Exchange) -> Result<u64, Error> {
        // Signed or not: whatever carried the request may have obtained this response for another request.
        if exchange.refused_unread {
            return Err(match exchange.problem() {
                Some(problem) => Error::Unauthenticated(Box::new(problem)),
                None => Error::ResponseNotAuthentic(NotAuthentic::NotSealed),
            });
        }
        self.check_signature(exchange)
    }

    fn check_signature(&self, exchange: &Exchange) -> Result<u64, Error> {
        if !exchange.is_signed()
            && let Some(problem) = exchange.problem()
        {
            return Err(Error::Unauthenticated(Box::new(problem)));
        }
        let RawResponse { parts, body } = &exchange.response;
        let response = verify_response(parts, body, &exchange.request, &self.key)?;
        if response.attestation != self.attestation {
            return Err(Error::ResponseNotAuthentic(NotAuthentic::Boot {
                came: response.attestation.to_string(),
                expected: self.attestation.to_string(),
            }));
        }
        // A signed request has a nonce, so there is no older response to it.
        if !exchange.request.is_signed() {
            self.check_freshness(response.created)?;
        }
        Ok(response.created)
    }

    /// The enclave's clock is known from the verification; this machine's monotonic clock says how much time has passed since.
    fn check_freshness(&self, created: u64) -> Result<(), Error> {
        let now = self.created.saturating_add(self.seen.elapsed().as_secs());
        let behind = now.saturating_sub(created);
        if behind > STALE_AFTER {
            return Err(Error::ResponseNotAuthentic(NotAuthentic::Stale { behind }));
        }
        Ok(())
    }
}

/// A response that is not this boot's; another boot may yet recognise it.
pub(crate) struct Refusal {
    pub(crate) error: Error,
    pub(crate) exchange: Box<Exchange>,
}
