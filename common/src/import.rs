//! The import of a key: an existing secret, sealed by a client so that one boot of one enclave opens it, for one request.
//!
//! A client seals with [`ImportContext::seal`] to the key that the attestation document binds; the enclave opens with
//! [`ImportContext::open`]. Both state the same context, or nothing opens: everything that the request means is in it. `docs/import.md`
//! has the bytes.

use permafrost_frost::Hex;
use zeroize::Zeroizing;

use crate::api::SealedSecret;
use crate::http_signature::AttestationDigest;
use crate::oblivious::{CryptoError, GatewayKey, KeyConfiguration, info};

/// The length of a secret, in bytes: a scalar of secp256k1, big-endian.
pub const SECRET_LEN: usize = 32;

/// What a sealed secret is for.
#[derive(Clone, Copy, Debug)]
pub struct ImportContext<'a> {
    /// The deployment's name.
    pub deployment: &'a str,
    /// The boot, by the digest of its attestation document.
    pub boot: &'a AttestationDigest,
    /// The principal that imports: what will own the key.
    pub principal: &'a str,
    /// The `Idempotency-Key` of the request.
    pub idempotency_key: &'a str,
    /// The BIP-340 public key of the secret.
    pub public_key: &'a Hex<32>,
    /// How many participants a signature will take.
    pub threshold: u16,
    /// The participants, in the order of the request.
    pub participants: &'a [String],
}

/// A sealed secret does not open: it was sealed to another key, or for another context, or it was altered. These cannot be distinguished.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "the sealed secret does not open; accepted: one that was sealed to the key of this boot, for exactly this deployment, principal, \
     Idempotency-Key, public key, threshold and participants"
)]
pub struct ImportNotOpened;

impl ImportContext<'_> {
    /// Seals a secret to the key of the boot.
    ///
    /// # Errors
    /// [`CryptoError`], also if the key is of small order.
    pub fn seal(
        &self,
        key: &KeyConfiguration,
        secret: &[u8; SECRET_LEN],
    ) -> Result<SealedSecret, CryptoError> {
        let (enc, sealed) = key.seal_message(&self.info(), secret)?;
        let ciphertext = sealed.try_into();
        Ok(SealedSecret {
            enc: Hex(enc),
            ciphertext: Hex(ciphertext.map_err(|_| CryptoError("cannot seal the secret"))?),
        })
    }

    /// Opens a secret that was sealed for this context.
    ///
    /// # Errors
    /// [`ImportNotOpened`].
    pub fn open(
        &self,
        key: &GatewayKey,
        sealed: &SealedSecret,
    ) -> Result<Zeroizing<[u8; SECRET_LEN]>, ImportNotOpened> {
        let opened = key.open_message(&self.info(), &sealed.enc.0, &sealed.ciphertext.0);
        let opened = Zeroizing::new(opened.ok_or(ImportNotOpened)?);
        let secret = opened.as_slice().try_into();
        secret.map(Zeroizing::new).map_err(|_| ImportNotOpened)
    }

    /// `info` of the HPKE context: the label, and each value with its length before it.
    pub fn info(&self) -> Vec<u8> {
        let threshold = self.threshold.to_be_bytes();
        let values = [
            self.deployment.as_bytes(),
            self.boot.as_bytes(),
            self.principal.as_bytes(),
            self.idempotency_key.as_bytes(),
            &self.public_key.0,
            &threshold,
        ];
        let participants = self.participants.iter().map(String::as_bytes);
        info(LABEL, values.into_iter().chain(participants))
    }
}

/// Begins no `info` of Oblivious HTTP (RFC 9458 section 4.3), whose messages are sealed to the same key.
const LABEL: &[u8] = b"permafrost import v1\x00";

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: [u8; SECRET_LEN] = [7; SECRET_LEN];

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn keys() -> (GatewayKey, KeyConfiguration) {
        let key = GatewayKey::generate().unwrap();
        let public = KeyConfiguration::first_usable(&key.key_configurations()).unwrap();
        (key, public)
    }

    #[test]
    fn a_sealed_secret_opens_for_its_context_alone() {
        let (key, public) = keys();
        let (boot, other_boot) = (AttestationDigest::of(b"a"), AttestationDigest::of(b"b"));
        let (abc, acb, ab) = (
            names(&["a", "b", "c"]),
            names(&["a", "c", "b"]),
            names(&["a", "b"]),
        );
        let joined = names(&["ab", "c"]);
        let context = ImportContext {
            deployment: "test",
            boot: &boot,
            principal: "alice",
            idempotency_key: "one",
            public_key: &Hex([1; 32]),
            threshold: 2,
            participants: &abc,
        };
        let sealed = context.seal(&public, &SECRET).unwrap();
        assert_eq!(*context.open(&key, &sealed).unwrap(), SECRET);
        let other_key = Hex([2; 32]);
        for other in [
            ImportContext {
                deployment: "testa",
                principal: "lice",
                ..context
            },
            ImportContext {
                deployment: "other",
                ..context
            },
            ImportContext {
                boot: &other_boot,
                ..context
            },
            ImportContext {
                principal: "bob",
                ..context
            },
            ImportContext {
                idempotency_key: "two",
                ..context
            },
            ImportContext {
                public_key: &other_key,
                ..context
            },
            ImportContext {
                threshold: 3,
                ..context
            },
            ImportContext {
                participants: &acb,
                ..context
            },
            ImportContext {
                participants: &ab,
                ..context
            },
            ImportContext {
                participants: &joined,
                ..context
            },
        ] {
            assert_eq!(other.open(&key, &sealed), Err(ImportNotOpened), "{other:?}");
        }
        assert_eq!(context.open(&keys().0, &sealed), Err(ImportNotOpened));
    }

    #[test]
    fn a_sealed_secret_altered_anywhere_does_not_open() {
        let (key, public) = keys();
        let boot = AttestationDigest::of(b"a");
        let participants = names(&["a", "b"]);
        let context = ImportContext {
            deployment: "test",
            boot: &boot,
            principal: "alice",
            idempotency_key: "one",
            public_key: &Hex([1; 32]),
            threshold: 2,
            participants: &participants,
        };
        let sealed = context.seal(&public, &SECRET).unwrap();
        for at in 0..SECRET_LEN + 16 {
            let mut altered = sealed.clone();
            altered.ciphertext.0[at] ^= 1;
            assert_eq!(context.open(&key, &altered), Err(ImportNotOpened));
        }
        for at in 0..32 {
            let mut altered = sealed.clone();
            altered.enc.0[at] ^= 1;
            // X25519 ignores the highest bit, but the key schedule has all of `enc`.
            assert_eq!(context.open(&key, &altered), Err(ImportNotOpened));
        }
    }

    #[test]
    fn a_message_of_oblivious_http_is_not_a_sealed_secret() {
        let (key, public) = keys();
        let (request, _) = public.encapsulate(&SECRET).unwrap();
        let sealed = SealedSecret {
            enc: Hex(request[7..39].try_into().unwrap()),
            ciphertext: Hex(request[39..].try_into().unwrap()),
        };
        let boot = AttestationDigest::of(b"a");
        let context = ImportContext {
            deployment: "test",
            boot: &boot,
            principal: "alice",
            idempotency_key: "one",
            public_key: &Hex([1; 32]),
            threshold: 2,
            participants: &[],
        };
        assert!(key.open(&request).is_ok());
        assert_eq!(context.open(&key, &sealed), Err(ImportNotOpened));
    }
}
