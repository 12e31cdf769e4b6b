//! The vendors of authenticators whose statements are trusted.

use std::collections::BTreeSet;
use std::time::Duration;

use rustls::pki_types::{CertificateDer, SignatureVerificationAlgorithm, TrustAnchor, UnixTime};
use webpki::aws_lc_rs::{
    ECDSA_P256_SHA256, ECDSA_P256_SHA384, ECDSA_P384_SHA256, ECDSA_P384_SHA384, ED25519,
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512,
};
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};

use super::certificate;
use crate::webauthn::error::cut;
use crate::webauthn::{Algorithm, WebauthnError};

/// Which vendors' attestation certificates are trusted, and for which models: what the measured configuration requires of every
/// new passkey.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AttestationRoots {
    anchors: Vec<TrustAnchor<'static>>,
    models: Option<BTreeSet<[u8; 16]>>,
}

/// What a `packed` statement with certificates says.
pub(super) struct Certified<'a> {
    /// How the attestation key signs, by its number in the COSE registry.
    pub(super) algorithm: i128,
    pub(super) signature: &'a [u8],
    /// The attestation certificate, in DER.
    pub(super) first: CertificateDer<'a>,
    /// Those above it: with it at most [`CERTIFICATES_MAX`](crate::webauthn::CERTIFICATES_MAX).
    pub(super) others: Vec<CertificateDer<'a>>,
}

impl AttestationRoots {
    /// Trusts certificates under these root certificates, for every model or only for these, by their AAGUIDs.
    ///
    /// A root certificate is a trust anchor: neither its validity nor its own signature is checked (RFC 5280 section 6.1.1 d).
    ///
    /// # Errors
    /// The index of the first root certificate, from 0, that is not an X.509 certificate, and why.
    pub fn new(
        roots: &[CertificateDer<'_>],
        models: Option<BTreeSet<[u8; 16]>>,
    ) -> Result<Self, (usize, String)> {
        let anchors = roots.iter().enumerate().map(|(index, root)| {
            anchor_from_trusted_cert(root)
                .map(|anchor| anchor.to_owned())
                .map_err(|error| (index, cut(&error.to_string())))
        });
        Ok(Self {
            anchors: anchors.collect::<Result<_, _>>()?,
            models,
        })
    }

    /// Checks that one of the root certificates vouches, through the certificates, for a passkey that an authenticator of this model made
    /// (WebAuthn Level 3 section 8.2 and section 7.1 steps 22 and 23); `now` since 1970.
    pub(super) fn check(
        &self,
        statement: &Certified<'_>,
        message: &[u8],
        model: &[u8; 16],
        now: Duration,
    ) -> Result<(), WebauthnError> {
        if self
            .models
            .as_ref()
            .is_some_and(|these| !these.contains(model))
        {
            return Err(WebauthnError::AttestationModel {
                found: hex::encode(model),
            });
        }
        let path = |error: webpki::Error| WebauthnError::AttestationPath {
            detail: cut(&error.to_string()),
        };
        let leaf = EndEntityCert::try_from(&statement.first).map_err(path)?;
        leaf.verify_for_usage(
            ISSUERS_SIGN_BY,
            &self.anchors,
            &statement.others,
            UnixTime::since_unix_epoch(now),
            KeyUsage::required_if_present(ANY_EXTENDED_KEY_USAGE),
            None,
            None,
        )
        .map_err(path)?;
        certificate::check(&statement.first, model)?;
        let (algorithm, verifier) = algorithm(statement.algorithm)?;
        leaf.verify_signature(verifier, message, statement.signature)
            .map_err(|_| WebauthnError::AttestationSignature {
                algorithm,
                signer: "the attestation certificate's key",
            })
    }
}

/// How an attestation key may sign: as a passkey may.
fn algorithm(
    cose: i128,
) -> Result<(Algorithm, &'static dyn SignatureVerificationAlgorithm), WebauthnError> {
    let named = Algorithm::ALL
        .into_iter()
        .find(|name| i128::from(name.cose()) == cose);
    let name = named.ok_or_else(|| WebauthnError::AttestationAlgorithm {
        found: cose.to_string(),
        accepted: "-7 (ES256), -8 (EdDSA) or -257 (RS256)".to_owned(),
    })?;
    Ok((
        name,
        match name {
            Algorithm::Es256 => ECDSA_P256_SHA256,
            Algorithm::EdDsa => ED25519,
            Algorithm::Rs256 => RSA_PKCS1_2048_8192_SHA256,
        },
    ))
}

/// How the certificates may be signed.
const ISSUERS_SIGN_BY: &[&dyn SignatureVerificationAlgorithm] = &[
    ECDSA_P256_SHA256,
    ECDSA_P256_SHA384,
    ECDSA_P384_SHA256,
    ECDSA_P384_SHA384,
    ED25519,
    RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384,
    RSA_PKCS1_2048_8192_SHA512,
];

/// anyExtendedKeyUsage, 2.5.29.37.0 (RFC 5280 section 4.2.1.12): there is no key purpose for attestation, so a certificate that is
/// limited to a purpose is not valid for it.
const ANY_EXTENDED_KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x25, 0x00];
