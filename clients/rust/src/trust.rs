//! Which enclave a client is ready to trust.

use std::time::Duration;

use permafrost_common::{
    api::split::Certificate,
    attestation::{At, Document, Measurements, Policy, RootCertificate, VerifiedDocument},
    binding::Binding,
    http_signature::PublicKey,
};

use crate::{AttestationRefused, Error};

/// What an enclave must be for this client to talk to it.
///
/// The root certificate is AWS Nitro G1 unless [`Expectation::root_certificate`] says otherwise. For a development stack, give it the
/// `development-root.pem` from the state directory of its emulator. Documents are judged by this machine's clock.
///
/// ```
/// use permafrost_client::{Expectation, Measurements};
///
/// let release = Measurements::from_json(&format!(r#"{{"PCR1": "{}"}}"#, "a1".repeat(48)))?;
/// let expectation = Expectation::releases([release]).deployment("payments");
/// # Ok::<(), permafrost_common::attestation::MeasurementsError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Expectation {
    root: RootCertificate,
    policy: Policy,
    deployment: Option<String>,
    configuration: Option<[u8; 32]>,
}

impl Expectation {
    /// Accepts these releases: each PCR of at least one of them must have that very value. PCR1 is the code, PCR2
    /// the configuration, PCR0 both.
    pub fn releases(releases: impl IntoIterator<Item = Measurements>) -> Self {
        Self::new(Policy::releases(releases))
    }

    /// Accepts any code under the root certificate: for development, and to look at an enclave before trusting it.
    pub fn any_measurements() -> Self {
        Self::new(Policy::any_measurements())
    }

    /// Trusts this root certificate instead of AWS Nitro G1.
    #[must_use]
    pub fn root_certificate(mut self, root: RootCertificate) -> Self {
        self.root = root;
        self
    }

    /// Accepts enclaves in debug mode, whose memory the parent instance can read.
    #[must_use]
    pub fn allow_debug(mut self) -> Self {
        self.policy = self.policy.allow_debug();
        self
    }

    /// Refuses documents that were made longer ago than this. The nonce is always fresh, so this guards
    /// against a parent that holds the response back.
    #[must_use]
    pub fn max_age(mut self, max_age: Duration) -> Self {
        self.policy = self.policy.max_age(max_age);
        self
    }

    /// Requires this deployment, by its name in the measured configuration.
    #[must_use]
    pub fn deployment(mut self, name: impl Into<String>) -> Self {
        self.deployment = Some(name.into());
        self
    }

    /// Requires the measured configuration file with this SHA-256.
    #[must_use]
    pub fn configuration(mut self, sha256: [u8; 32]) -> Self {
        self.configuration = Some(sha256);
        self
    }

    /// Checks the certificate of a ceremony: that every participant has signed the outcome, and the enclave of a boot that this
    /// accepts, whenever that was. Its document is judged by the time that it states.
    ///
    /// # Errors
    /// [`Error::AttestationRefused`] and [`Error::Certificate`].
    pub fn check_certificate(&self, certificate: &Certificate) -> Result<VerifiedDocument, Error> {
        let document = certificate.document()?;
        let judged = self.judge_at(&document, At::Signed, &self.policy)?;
        certificate.verify(&judged.document)?;
        Ok(judged.document)
    }

    fn new(policy: Policy) -> Self {
        Self {
            root: RootCertificate::aws_nitro_g1(),
            policy,
            deployment: None,
            configuration: None,
        }
    }

    /// Judges a document that was requested with `nonce`.
    pub(crate) fn judge(
        &self,
        document: &[u8],
        nonce: &[u8],
    ) -> Result<Judged, AttestationRefused> {
        self.judge_at(document, At::Now, &self.policy.clone().nonce(nonce))
    }

    fn judge_at(
        &self,
        document: &[u8],
        at: At,
        policy: &Policy,
    ) -> Result<Judged, AttestationRefused> {
        let document = Document::parse(document)?.verify(&self.root, at)?;
        document.check(policy)?;
        let user_data = document.user_data().ok_or(AttestationRefused::NoUserData)?;
        let binding = Binding::from_user_data(user_data)?;
        if let Some(expected) = self
            .deployment
            .as_ref()
            .filter(|name| **name != binding.deployment)
        {
            return Err(AttestationRefused::Deployment {
                came: binding.deployment,
                expected: expected.clone(),
            });
        }
        if let Some(expected) = self
            .configuration
            .filter(|sha256| *sha256 != binding.configuration)
        {
            return Err(AttestationRefused::Configuration {
                came: hex::encode(binding.configuration),
                expected: hex::encode(expected),
            });
        }
        Ok(Judged {
            boot_key: PublicKey::ed25519(&binding.boot_key).map_err(AttestationRefused::BootKey)?,
            document,
            binding,
        })
    }
}

/// What an accepted document says.
pub(crate) struct Judged {
    pub(crate) document: VerifiedDocument,
    pub(crate) binding: Binding,
    pub(crate) boot_key: PublicKey,
}
