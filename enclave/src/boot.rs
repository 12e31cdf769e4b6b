//! What one boot makes: the keys that sign its responses and open sealed requests, and the document that vouches for them.

use std::sync::Arc;

use permafrost_common::attestation::{self, At, Document, PCR_LEN};
use permafrost_common::binding::Binding;
use permafrost_common::http_signature::{Algorithm, AttestationDigest, KeyError, SigningKey};
use permafrost_common::oblivious::{CryptoError, GatewayKey};

use crate::attestor::Attestor;
use crate::clock::Clock;
use crate::config::{Config, ConfigError};
use crate::enclave::{Boot, Enclave};
use crate::hash::sha256;
use crate::nsm::{Nsm, NsmError};

/// Why the enclave does not boot.
#[derive(Debug, thiserror::Error)]
pub enum BootError {
    /// The measured configuration is invalid.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The NSM refused, or its response is not one to this request.
    #[error("the NSM does not attest this boot: {0}")]
    Nsm(#[from] NsmError),
    /// The NSM's document does not verify under the trust anchor that belongs to this NSM.
    #[error("the NSM's own document does not verify: {0}")]
    Attestation(#[from] attestation::Error),
    /// The enclave runs in debug mode, and its configuration does not allow that.
    #[error(
        "debug mode: PCR0 in the NSM's document is all zero; accepted: a measured enclave, or allow_debug_mode = true"
    )]
    DebugMode,
    /// The boot key could not be made.
    #[error("cannot make the boot key: {0}")]
    Key(#[from] KeyError),
    /// The key for Oblivious HTTP could not be made.
    #[error("cannot make the key for Oblivious HTTP: {0}")]
    ObliviousKey(#[from] CryptoError),
}

/// Reads the configuration, makes the boot's keys, and has the NSM vouch for all of them.
///
/// The boot ends here if it cannot be attested: the document does not verify under the NSM's own trust anchor, or it says debug
/// mode and the configuration does not allow that. The clock starts at the document's signed timestamp.
pub fn boot(configuration: &[u8], nsm: Nsm) -> Result<Enclave, BootError> {
    let config = Config::parse(configuration)?;
    let key = SigningKey::generate(Algorithm::Ed25519)?;
    let mut boot_key = [0; 32];
    for (to, from) in boot_key.iter_mut().zip(key.public_key()?.as_bytes()) {
        *to = *from;
    }
    let oblivious_key = GatewayKey::generate()?;
    let binding = Binding {
        boot_key,
        deployment: config.deployment.clone(),
        configuration: sha256(configuration),
        oblivious_keys: Some(sha256(&oblivious_key.key_configurations())),
    };
    let user_data = binding.to_user_data();
    let document = nsm.attest(Some(&user_data), None, None)?;
    let verified = Document::parse(&document)?.verify(nsm.trust_anchor(), At::Signed)?;
    if verified.is_debug() && !config.allow_debug_mode {
        return Err(BootError::DebugMode);
    }
    let clock = Arc::new(Clock::starting_at(verified.timestamp_ms()));
    let boot = Boot {
        key,
        oblivious_key,
        attestation: AttestationDigest::of(&document),
        document,
    };
    let pcr0 = verified.pcrs().get(&0).copied().unwrap_or([0; PCR_LEN]);
    let attestor = Attestor::new(nsm, clock, pcr0, user_data);
    Ok(Enclave::new(config, boot, attestor))
}

#[cfg(feature = "emulator")]
#[cfg(test)]
mod tests {
    use super::*;
    use crate::nsm::emulator::Emulator;

    const CONFIGURATION: &str = r#"
deployment = "test"
[kms]
key_arn = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
"#;

    fn in_debug_mode(configuration: &str) -> Result<Enclave, BootError> {
        let state = tempfile::tempdir().unwrap();
        let emulator = Emulator::start_in_debug_mode(state.path()).unwrap();
        boot(configuration.as_bytes(), Nsm::new(emulator))
    }

    #[test]
    fn debug_mode_ends_the_boot_unless_the_configuration_allows_it() {
        let refused = in_debug_mode(CONFIGURATION).err().unwrap();
        assert!(matches!(refused, BootError::DebugMode), "{refused}");
        let allowed = format!("allow_debug_mode = true\n{CONFIGURATION}");
        assert!(in_debug_mode(&allowed).is_ok());
    }
}
