//! The record of the root secret: what KMS needs to decrypt it, and what is sealed under it: the older epochs and the derivation root.
//!
//! Deterministic CBOR of `[2, deployment, purpose, epoch, key ARN, blob, secrets, documents]` (`docs/formats.md`). `secrets` is a
//! sealed record, under the root secret in the blob, of `[[[epoch, root secret], ...], derivation root]`, the epochs ascending: so one
//! KMS call opens everything, and a substituted blob does not open what is beside it. `documents` are attestation documents that say
//! where the blob's secret was generated ([`super::provenance`]).

use ciborium::Value;
use permafrost_common::kms::{KeyArn, PURPOSE};
use zeroize::{Zeroize, Zeroizing};

use super::provenance::DOCUMENTS_MAX;
use crate::kms::BLOB_MAX;
use crate::sealing::{
    self, DerivationRoot, Epoch, OpenError, Place, ROOT_SECRET_LEN, RootSecret, RootSecrets,
};

/// The kind of the record.
pub(super) const KIND: &str = "root-secret";

/// Which root secret a record is of. Each has an id of its own, and what is sealed in one record opens in no other.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RootName {
    /// The deployment's, in whose epochs all records are sealed.
    Deployment,
    /// That of the store's credentials at one parent: it seals nothing but these, so that losing it loses nothing else.
    StoreCredentials,
}

impl RootName {
    /// The id of the record.
    pub fn id(self) -> &'static str {
        match self {
            Self::Deployment => "newest",
            Self::StoreCredentials => "store-credentials",
        }
    }
}

/// The only format.
const FORMAT: u64 = 2;

/// A record of the root secret, parsed, its epochs not opened.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RootRecord {
    /// The deployment that it names.
    pub deployment: String,
    /// The purpose of the data key that it names.
    pub purpose: String,
    /// The newest epoch, whose data key `blob` is.
    pub epoch: Epoch,
    /// The KMS key.
    pub key: KeyArn,
    /// KMS's ciphertext of the data key.
    pub blob: Vec<u8>,
    /// Attestation documents about the blob: 1 to 8, each at most 16 KiB.
    pub documents: Vec<Vec<u8>>,
    /// The older epochs and the derivation root: a sealed record under the newest epoch's root secret.
    pub secrets: Vec<u8>,
}

/// KMS's ciphertext of a data key, and the documents that say where the key was generated.
#[derive(Clone, Debug)]
pub struct Proven {
    /// The ciphertext.
    pub blob: Vec<u8>,
    /// The documents.
    pub documents: Vec<Vec<u8>>,
}

/// Why bytes are not a record of the root secret, or not of this deployment.
#[derive(Debug, thiserror::Error)]
pub enum RootRecordError {
    /// Truncated, altered in form, or not such a record.
    #[error("{0}")]
    Form(&'static str),
    /// Another deployment's.
    #[error("it is of the deployment {found:?}, expected {expected:?}")]
    Deployment {
        /// What it names.
        found: String,
        /// The deployment of the measured configuration.
        expected: String,
    },
    /// For another purpose.
    #[error("its data key is for {found:?}, expected {PURPOSE:?}")]
    Purpose {
        /// What it names.
        found: String,
    },
    /// Made under another key.
    #[error(
        "its data key is of {found}, another {part} than the {expected} of the measured configuration"
    )]
    Key {
        /// The key that it names.
        found: KeyArn,
        /// The key of the measured configuration.
        expected: KeyArn,
        /// The first part that differs: partition, region, account or key.
        part: &'static str,
    },
    /// No document says that its data key was generated in an enclave of this deployment.
    #[error(
        "no attestation document of an accepted enclave says that its data key was generated there: {0}"
    )]
    Unproven(String),
    /// It is of an epoch that was retired.
    #[error("its newest epoch is {found}; the measured configuration accepts {oldest} and later")]
    Retired {
        /// Its epoch.
        found: Epoch,
        /// The oldest that is accepted.
        oldest: Epoch,
    },
    /// The root secret does not open what is sealed beside the blob: the blob or the place is another, or it was altered.
    #[error("its older epochs and derivation root do not open with its data key: {0}")]
    Secrets(#[from] OpenError),
    /// It has another derivation root than the measured configuration names, or than an earlier version had at this boot.
    #[error("its derivation root has the fingerprint {found}, expected {expected}")]
    DerivationRoot {
        /// The fingerprint of the root that it has.
        found: String,
        /// The fingerprint in the measured configuration, or of the root that this boot holds.
        expected: String,
    },
}

impl RootRecord {
    /// Seals the older epochs and the derivation root of `secrets` for this version of the record beside the blob of the newest.
    pub fn seal(
        secrets: &RootSecrets,
        (name, deployment): (RootName, &str),
        key: &KeyArn,
        proven: Proven,
        version: u64,
    ) -> Result<Self, sealing::SealError> {
        let plaintext = encode_secrets(secrets);
        let sealed = sealing::seal(secrets, &place(name, deployment, version), &plaintext)?;
        Ok(Self {
            deployment: deployment.to_owned(),
            purpose: PURPOSE.to_owned(),
            epoch: secrets.newest().0,
            key: key.clone(),
            blob: proven.blob,
            documents: proven.documents,
            secrets: sealed,
        })
    }

    /// Checks that it is this deployment's, under this key, and not retired. KMS checks the same when it decrypts.
    pub fn check(
        &self,
        deployment: &str,
        key: &KeyArn,
        oldest: Epoch,
    ) -> Result<(), RootRecordError> {
        if self.deployment != deployment {
            return Err(RootRecordError::Deployment {
                found: self.deployment.clone(),
                expected: deployment.to_owned(),
            });
        }
        if self.purpose != PURPOSE {
            let found = self.purpose.clone();
            return Err(RootRecordError::Purpose { found });
        }
        if let Some(part) = key.difference(&self.key) {
            return Err(RootRecordError::Key {
                found: self.key.clone(),
                expected: key.clone(),
                part,
            });
        }
        if self.epoch < oldest {
            let found = self.epoch;
            return Err(RootRecordError::Retired { found, oldest });
        }
        Ok(())
    }

    /// The derivation root and every epoch from `oldest` on, opened with the root secret of the newest.
    pub fn open(
        &self,
        name: RootName,
        newest: RootSecret,
        version: u64,
        oldest: Epoch,
    ) -> Result<RootSecrets, RootRecordError> {
        let place = place(name, &self.deployment, version);
        let plaintext = sealing::open_with((self.epoch, &newest), &place, &self.secrets)?;
        let (older, derivation) = decode_secrets(&plaintext)?;
        let mut secrets = RootSecrets::new(self.epoch, newest, derivation);
        for (epoch, secret) in older {
            if epoch >= self.epoch {
                return Err(RootRecordError::Form("an older epoch is not older"));
            }
            if epoch >= oldest {
                secrets.insert(epoch, secret);
            }
        }
        Ok(secrets)
    }

    /// The bytes to store.
    pub fn encode(&self) -> Vec<u8> {
        to_bytes(&Value::Array(vec![
            FORMAT.into(),
            self.deployment.as_str().into(),
            self.purpose.as_str().into(),
            self.epoch.into(),
            self.key.as_str().into(),
            Value::Bytes(self.blob.clone()),
            Value::Bytes(self.secrets.clone()),
            Value::Array(self.documents.iter().cloned().map(Value::Bytes).collect()),
        ]))
    }

    /// Parses stored bytes; accepts only what [`RootRecord::encode`] makes.
    pub fn decode(bytes: &[u8]) -> Result<Self, RootRecordError> {
        let form = RootRecordError::Form;
        let value: Value =
            ciborium::from_reader(bytes).map_err(|_| form("it is not a single CBOR item"))?;
        let parts = value.into_array().map_err(|_| form("it is not an array"))?;
        let [
            format,
            deployment,
            purpose,
            epoch,
            key,
            blob,
            secrets,
            documents,
        ]: [Value; 8] = parts
            .try_into()
            .map_err(|_| form("it is not an array of 8"))?;
        if format != Value::from(FORMAT) {
            return Err(form("it is not of format 2"));
        }
        let text = |value: Value| value.into_text().map_err(|_| form("a name is not text"));
        let record = Self {
            deployment: text(deployment)?,
            purpose: text(purpose)?,
            epoch: epoch_of(&epoch)?,
            key: text(key)?
                .parse()
                .map_err(|_| form("its key is not the ARN of a KMS key"))?,
            blob: blob
                .into_bytes()
                .ok()
                .filter(|blob| (1..=BLOB_MAX).contains(&blob.len()))
                .ok_or(form("its blob is not 1 to 6144 bytes"))?,
            secrets: secrets
                .into_bytes()
                .map_err(|_| form("its sealed secrets are not bytes"))?,
            documents: documents_of(documents)?,
        };
        if record.encode() != bytes {
            return Err(form("its encoding is not deterministic"));
        }
        Ok(record)
    }
}

fn documents_of(value: Value) -> Result<Vec<Vec<u8>>, RootRecordError> {
    let form = RootRecordError::Form;
    let documents = value
        .into_array()
        .map_err(|_| form("its documents are not an array"))?;
    if documents.len() > DOCUMENTS_MAX {
        return Err(form("it has more than 8 documents"));
    }
    documents
        .into_iter()
        .map(|document| {
            document
                .into_bytes()
                .map_err(|_| form("a document is not bytes"))
        })
        .collect()
}

fn place(name: RootName, deployment: &str, version: u64) -> Place<'_> {
    Place {
        deployment,
        kind: KIND,
        id: name.id(),
        version,
    }
}

fn encode_secrets(secrets: &RootSecrets) -> Zeroizing<Vec<u8>> {
    let older = secrets.older().map(|(epoch, secret)| {
        Value::Array(vec![epoch.into(), Value::Bytes(secret.expose().to_vec())])
    });
    let mut value = Value::Array(vec![
        Value::Array(older.collect()),
        Value::Bytes(secrets.derivation().expose().to_vec()),
    ]);
    let bytes = Zeroizing::new(to_bytes(&value));
    wipe(&mut value);
    bytes
}

type Older = Vec<(Epoch, RootSecret)>;

fn decode_secrets(plaintext: &[u8]) -> Result<(Older, DerivationRoot), RootRecordError> {
    let form = RootRecordError::Form;
    let mut value: Value =
        ciborium::from_reader(plaintext).map_err(|_| form("its sealed secrets are not CBOR"))?;
    let read = match value.as_array().map(Vec::as_slice) {
        Some([Value::Array(older), derivation]) => older
            .iter()
            .map(|entry| match entry.as_array().map(Vec::as_slice) {
                Some([epoch, secret]) => Ok((epoch_of(epoch)?, RootSecret::new(bytes_of(secret)?))),
                _ => Err(form("an older epoch is not [epoch, root secret]")),
            })
            .collect::<Result<Older, _>>()
            .and_then(|older| Ok((older, DerivationRoot::new(bytes_of(derivation)?)))),
        _ => Err(form(
            "its sealed secrets are not [older epochs, derivation root]",
        )),
    };
    wipe(&mut value);
    read
}

fn bytes_of(value: &Value) -> Result<Zeroizing<[u8; ROOT_SECRET_LEN]>, RootRecordError> {
    let bytes = value
        .as_bytes()
        .and_then(|bytes| bytes.as_slice().try_into().ok());
    bytes
        .map(Zeroizing::new)
        .ok_or(RootRecordError::Form("a sealed secret is not 32 bytes"))
}

fn epoch_of(value: &Value) -> Result<Epoch, RootRecordError> {
    value
        .as_integer()
        .and_then(|number| Epoch::try_from(number).ok())
        .filter(|epoch| *epoch >= 1)
        .ok_or(RootRecordError::Form(
            "an epoch is not a number of 1 or more",
        ))
}

fn wipe(value: &mut Value) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(wipe),
        Value::Bytes(bytes) => bytes.zeroize(),
        _ => {}
    }
}

fn to_bytes(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    // Writing to a Vec cannot fail.
    let _ = ciborium::into_writer(value, &mut bytes);
    bytes
}

#[cfg(test)]
mod tests;
