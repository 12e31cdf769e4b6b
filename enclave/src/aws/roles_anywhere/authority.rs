//! The certificate authority inside the enclave, and the identities that it issues.

use std::fmt;

use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;
use zeroize::Zeroizing;

use super::certificate::{SerialNumber, Subject, Validity, certificate};

/// How long an authority's certificate is valid: five years of 365 days. No AWS document bounds it.
const AUTHORITY_S: u64 = 5 * 365 * DAY_S;

/// How long before its end a certificate is renewed: a year.
const RENEWAL_S: u64 = 365 * DAY_S;

/// An identity signs one request; AWS refuses requests that are older than some minutes.
const IDENTITY_S: u64 = 60 * 60;

/// How far the clocks of AWS may be behind that of the NSM.
const SKEW_S: u64 = 5 * 60;

const DAY_S: u64 = 24 * 60 * 60;

/// A certificate authority for one deployment.
pub struct Authority {
    deployment: String,
    key: EcdsaKeyPair,
    certificate: Vec<u8>,
    validity: Validity,
}

/// A key with a certificate that the authority has issued.
pub struct Identity {
    key: EcdsaKeyPair,
    certificate: Vec<u8>,
    serial: SerialNumber,
}

/// Why there is no authority, or no identity.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum AuthorityError {
    /// The cryptographic library failed.
    #[error("the cryptographic library cannot make a key or a certificate")]
    Library,
    /// The certificate is not one of this authority's.
    #[error("the authority's {0}")]
    Form(&'static str),
    /// The certificate has ended, or begins later.
    #[error(
        "the authority's certificate is valid from {from} until {until}, and it is {now} (in seconds since 1970)"
    )]
    NotValid {
        /// Its first second.
        from: u64,
        /// Its last second.
        until: u64,
        /// The enclave's time.
        now: u64,
    },
}

impl Authority {
    /// A new authority for a deployment, whose certificate is valid from `now`, in seconds since 1970.
    ///
    /// # Errors
    /// [`AuthorityError::Library`].
    pub fn create(deployment: &str, now: u64) -> Result<Self, AuthorityError> {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING)?;
        Self::certified(deployment, key, now)
    }

    /// The same authority with a new certificate, so that whoever trusts one of the two trusts what this one issues.
    ///
    /// # Errors
    /// [`AuthorityError::Library`].
    pub fn renewed(&self, now: u64) -> Result<Self, AuthorityError> {
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &self.to_pkcs8()?);
        let key = key.map_err(|_| AuthorityError::Library)?;
        Self::certified(&self.deployment, key, now)
    }

    /// The authority of a key (PKCS#8, DER) and its certificate (DER), as [`Self::to_pkcs8`] and [`Self::certificate`] give them.
    ///
    /// # Errors
    /// [`AuthorityError::Form`] says which of the two is not of this deployment's authority.
    pub fn open(deployment: &str, pkcs8: &[u8], der: &[u8]) -> Result<Self, AuthorityError> {
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8)
            .map_err(|_| AuthorityError::Form("key is not one on P-256 in PKCS#8"))?;
        let Ok(([], read)) = X509Certificate::from_der(der) else {
            return Err(AuthorityError::Form("certificate is not one of X.509"));
        };
        let name = Subject::Authority.name(deployment);
        if read.subject().as_raw() != name || read.issuer().as_raw() != name {
            return Err(AuthorityError::Form("certificate is of another deployment"));
        }
        let public_key = &read.public_key().subject_public_key.data;
        if public_key.as_ref() != key.public_key().as_ref() {
            return Err(AuthorityError::Form("certificate is for another key"));
        }
        let second = |time: i64| {
            u64::try_from(time).map_err(|_| AuthorityError::Form("certificate is older than 1970"))
        };
        let validity = Validity {
            from: second(read.validity().not_before.timestamp())?,
            until: second(read.validity().not_after.timestamp())?,
        };
        Ok(Self {
            deployment: deployment.to_owned(),
            key,
            certificate: der.to_vec(),
            validity,
        })
    }

    /// A key with a certificate for an hour from `now`, in seconds since 1970.
    ///
    /// # Errors
    /// [`AuthorityError::NotValid`] and [`AuthorityError::Library`].
    pub fn issue(&self, now: u64) -> Result<Identity, AuthorityError> {
        let Validity { from, until } = self.validity;
        if !(from..=until).contains(&now) {
            return Err(AuthorityError::NotValid { from, until, now });
        }
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING)?;
        let serial = SerialNumber::random()?;
        let validity = Validity {
            from: now.saturating_sub(SKEW_S).max(from),
            until: now.saturating_add(IDENTITY_S).min(until),
        };
        let (subject, deployment) = (Subject::Enclave, &self.deployment);
        let certificate = certificate(subject, deployment, &key, &self.key, serial, validity)?;
        Ok(Identity {
            key,
            certificate,
            serial,
        })
    }

    /// The deployment that the certificate names.
    pub fn deployment(&self) -> &str {
        &self.deployment
    }

    /// The certificate, in DER.
    pub fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    /// Whether the last year of the certificate has begun: the time to renew it, and to upload what was renewed.
    pub fn is_to_be_renewed(&self, now: u64) -> bool {
        now.saturating_add(RENEWAL_S) > self.validity.until
    }

    /// When the certificate ends, in seconds since 1970.
    pub fn valid_until(&self) -> u64 {
        self.validity.until
    }

    /// The key as PKCS#8 (RFC 5958, DER).
    ///
    /// # Errors
    /// [`AuthorityError::Library`].
    pub fn to_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, AuthorityError> {
        let document = self.key.to_pkcs8v1()?;
        Ok(Zeroizing::new(document.as_ref().to_vec()))
    }

    fn certified(deployment: &str, key: EcdsaKeyPair, now: u64) -> Result<Self, AuthorityError> {
        let validity = Validity {
            from: now.saturating_sub(SKEW_S),
            until: now.saturating_add(AUTHORITY_S),
        };
        let (subject, serial) = (Subject::Authority, SerialNumber::random()?);
        let certificate = certificate(subject, deployment, &key, &key, serial, validity)?;
        Ok(Self {
            deployment: deployment.to_owned(),
            key,
            certificate,
            validity,
        })
    }
}

impl Identity {
    /// The certificate, in DER.
    pub fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    /// The certificate's serial number.
    pub fn serial_number(&self) -> SerialNumber {
        self.serial
    }

    /// Signs a message with ECDSA and SHA-256; gives the signature in DER.
    ///
    /// # Errors
    /// [`AuthorityError::Library`].
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, AuthorityError> {
        let signature = self.key.sign(&SystemRandom::new(), message)?;
        Ok(signature.as_ref().to_vec())
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority")
            .field("deployment", &self.deployment)
            .field("validity", &self.validity)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("serial", &self.serial)
            .finish_non_exhaustive()
    }
}

impl From<Unspecified> for AuthorityError {
    fn from(_: Unspecified) -> Self {
        Self::Library
    }
}
