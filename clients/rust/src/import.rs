//! The import of a key whose secret exists already.

use std::fmt;

use permafrost_common::{
    api::{ImportKey, Key},
    import::{ImportContext, SECRET_LEN},
    problem::ProblemType,
};
use permafrost_frost::{Hex, ParticipantKey};
use zeroize::Zeroizing;

use crate::{Error, IdempotencyKey, Principal};

/// A secret key of secp256k1 to import. Wiped when dropped.
pub struct ImportSecret {
    secret: Zeroizing<[u8; SECRET_LEN]>,
    public_key: Hex<32>,
}

impl ImportSecret {
    /// The secret of these 32 bytes, big-endian.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`]: zero, or not below the order of the group.
    pub fn from_bytes(secret: Zeroizing<[u8; SECRET_LEN]>) -> Result<Self, Error> {
        let key = ParticipantKey::from_bytes(&secret).map_err(|error| Error::InvalidArgument {
            what: "secret",
            reason: format!("not a secret key of secp256k1; {error}"),
        })?;
        Ok(Self {
            public_key: key.public_key(),
            secret,
        })
    }

    /// Its BIP-340 public key: 32 bytes, x-only.
    pub fn public_key(&self) -> Hex<32> {
        self.public_key
    }
}

impl fmt::Debug for ImportSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ImportSecret({})", self.public_key)
    }
}

impl Principal {
    /// Imports a key: seals its secret to the verified boot, which deals the shares (`docs/import.md`). Repeated with the same idempotency
    /// key, it returns the same key.
    ///
    /// # Errors
    /// Also [`Error::AttestationRefused`] if the document does not vouch for the key that the parent gives to seal to: nothing was sealed.
    pub async fn import_key(
        &self,
        threshold: u16,
        participants: &[String],
        secret: &ImportSecret,
        idempotency_key: &IdempotencyKey,
    ) -> Result<Key, Error> {
        self.seal_and_send(ProblemType::ImportNotOpened, async |boot, key| {
            let context = ImportContext {
                deployment: &boot.binding().deployment,
                boot: boot.attestation(),
                principal: self.name(),
                idempotency_key: idempotency_key.as_str(),
                public_key: &secret.public_key,
                threshold,
                participants,
            };
            let sealed = context.seal(&key, &secret.secret)?;
            let request = ImportKey {
                threshold,
                participants: participants.to_vec(),
                public_key: secret.public_key,
                sealed,
            };
            self.create(PATH, &request, idempotency_key).await
        })
        .await
    }
}

const PATH: &str = "/v1/keys:import";
