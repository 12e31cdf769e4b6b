//! Keys and aliases as they are kept.

use std::collections::BTreeMap;
use std::fmt;

use aws_lc_rs::rand;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::error::KmsError;

/// Everything that the state file holds.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Keyring {
    /// The form of the file.
    pub(super) version: u32,
    /// The region and the account that are part of every key's ARN.
    pub(super) region: String,
    pub(super) account: String,
    pub(super) keys: BTreeMap<Uuid, Key>,
    /// By name, `alias/` included.
    pub(super) aliases: BTreeMap<String, Alias>,
}

/// The one form of the state file there is.
pub(super) const VERSION: u32 = 1;

/// One KMS key: symmetric, for encryption, with material of KMS's own.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Key {
    pub(super) id: Uuid,
    pub(super) material: Material,
    pub(super) policy: String,
    pub(super) description: String,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) created_ms: u64,
    pub(super) state: KeyState,
}

/// Where a key is in its life (AWS KMS Developer Guide, "Key states of AWS KMS keys").
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum KeyState {
    Enabled,
    Disabled,
    /// Gone at this time, in milliseconds since 1970.
    PendingDeletion {
        at_ms: u64,
    },
}

/// A name of a key.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Alias {
    pub(super) target: Uuid,
    pub(super) created_ms: u64,
    pub(super) updated_ms: u64,
}

impl Keyring {
    pub(super) fn new(region: &str, account: &str) -> Self {
        Self {
            version: VERSION,
            region: region.to_owned(),
            account: account.to_owned(),
            keys: BTreeMap::new(),
            aliases: BTreeMap::new(),
        }
    }

    /// The ARN of a key, whether it exists or not.
    pub(super) fn key_arn(&self, id: impl fmt::Display) -> String {
        self.arn(format_args!("key/{id}"))
    }

    /// The ARN of an alias; `name` begins with `alias/`.
    pub(super) fn alias_arn(&self, name: &str) -> String {
        self.arn(format_args!("{name}"))
    }

    /// The key, unless its time is over.
    pub(super) fn key(&self, id: Uuid, now_ms: u64) -> Option<&Key> {
        self.keys.get(&id).filter(|key| key.exists(now_ms))
    }

    /// Forgets the keys whose time is over, and their aliases.
    pub(super) fn purge(&mut self, now_ms: u64) {
        let Self { keys, aliases, .. } = self;
        keys.retain(|_, key| key.exists(now_ms));
        aliases.retain(|_, alias| keys.contains_key(&alias.target));
    }

    fn arn(&self, resource: fmt::Arguments<'_>) -> String {
        format!("arn:aws:kms:{}:{}:{resource}", self.region, self.account)
    }
}

impl Key {
    fn exists(&self, now_ms: u64) -> bool {
        !matches!(self.state, KeyState::PendingDeletion { at_ms } if at_ms <= now_ms)
    }

    /// Whether it may encrypt and decrypt.
    pub(super) fn usable(&self, arn: &str) -> Result<(), KmsError> {
        match self.state {
            KeyState::Enabled => Ok(()),
            KeyState::Disabled => Err(KmsError::new(
                "DisabledException",
                format!("{arn} is disabled."),
            )),
            KeyState::PendingDeletion { .. } => self.not_pending(arn),
        }
    }

    /// Whether it may be changed at all.
    pub(super) fn not_pending(&self, arn: &str) -> Result<(), KmsError> {
        match self.state {
            KeyState::PendingDeletion { .. } => Err(KmsError::new(
                "KMSInvalidStateException",
                format!("{arn} is pending deletion."),
            )),
            _ => Ok(()),
        }
    }
}

/// A key's material: 32 bytes for AES-256. It leaves the program in the state file only.
#[derive(Clone)]
pub(super) struct Material(Zeroizing<[u8; 32]>);

impl Material {
    pub(super) fn generate() -> Result<Self, KmsError> {
        let mut bytes = Zeroizing::new([0; 32]);
        rand::fill(bytes.as_mut_slice())
            .map_err(|_| KmsError::internal("the system provides no randomness"))?;
        Ok(Self(bytes))
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.0.as_slice()
    }
}

impl fmt::Debug for Material {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Material(..)")
    }
}

impl Serialize for Material {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&Zeroizing::new(STANDARD.encode(self.bytes())))
    }
}

impl<'de> Deserialize<'de> for Material {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Zeroizing::new(String::deserialize(deserializer)?);
        let wrong = || de::Error::custom("key material is not 32 bytes in base64");
        let bytes = Zeroizing::new(STANDARD.decode(text.as_bytes()).map_err(|_| wrong())?);
        let mut material = Zeroizing::new([0; 32]);
        if bytes.len() != material.len() {
            return Err(wrong());
        }
        material.copy_from_slice(&bytes);
        Ok(Self(material))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn material_is_kept_and_not_printed() {
        let material = Material::generate().unwrap();
        let kept = serde_json::to_string(&material).unwrap();
        let read: Material = serde_json::from_str(&kept).unwrap();
        assert_eq!(read.bytes(), material.bytes());
        assert_eq!(format!("{material:?}"), "Material(..)");
        for wrong in ["\"\"", "\"AAAA\"", "\"!\"", "7"] {
            assert!(serde_json::from_str::<Material>(wrong).is_err(), "{wrong}");
        }
    }
}
