//! The signed payload: AWS's syntax rules for every field.

use std::collections::BTreeMap;

use ciborium::Value;

use super::{
    cbor,
    error::{Error, quoted},
};

/// The length of a PCR in bytes: that of SHA-384.
pub const PCR_LEN: usize = 48;

/// A PCR's value.
pub type Pcr = [u8; PCR_LEN];

/// The longest `cabundle` that is accepted, in certificates. AWS sends four.
pub const CABUNDLE_MAX: usize = 8;

const CERTIFICATE_MAX: usize = 1024;
const PUBLIC_KEY_MAX: usize = 1024;
const USER_DATA_MAX: usize = 512;
const NONCE_MAX: usize = 512;

const FIELDS: [&str; 9] = [
    "module_id",
    "digest",
    "timestamp",
    "pcrs",
    "certificate",
    "cabundle",
    "public_key",
    "user_data",
    "nonce",
];

/// The fields of a document, each with the type and length that AWS defines.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Payload {
    pub(super) module_id: String,
    pub(super) timestamp_ms: u64,
    pub(super) pcrs: BTreeMap<u8, Pcr>,
    pub(super) certificate: Vec<u8>,
    pub(super) cabundle: Vec<Vec<u8>>,
    pub(super) public_key: Option<Vec<u8>>,
    pub(super) user_data: Option<Vec<u8>>,
    pub(super) nonce: Option<Vec<u8>>,
}

impl Payload {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let mut fields = Fields::read(cbor::read(bytes, "payload")?)?;
        check_digest(fields.required("digest")?)?;
        Ok(Self {
            module_id: module_id(fields.required("module_id")?)?,
            timestamp_ms: timestamp(fields.required("timestamp")?)?,
            pcrs: pcrs(fields.required("pcrs")?)?,
            certificate: byte_string(
                fields.required("certificate")?,
                "certificate",
                1,
                CERTIFICATE_MAX,
            )?,
            cabundle: cabundle(fields.required("cabundle")?)?,
            public_key: fields.optional("public_key", 1, PUBLIC_KEY_MAX)?,
            user_data: fields.optional("user_data", 0, USER_DATA_MAX)?,
            nonce: fields.optional("nonce", 0, NONCE_MAX)?,
        })
    }
}

/// The payload's entries by name: all known, each once.
struct Fields(BTreeMap<&'static str, Value>);

impl Fields {
    fn read(payload: Value) -> Result<Self, Error> {
        let mut fields = BTreeMap::new();
        for (key, value) in map(payload, "the payload")? {
            let name = text(key, "a field's name")?;
            let Some(&field) = FIELDS.iter().find(|field| **field == name) else {
                return Err(Error::FieldUnknown {
                    field: quoted(&name),
                });
            };
            if fields.insert(field, value).is_some() {
                return Err(Error::FieldDuplicate {
                    field: field.to_owned(),
                });
            }
        }
        Ok(Self(fields))
    }

    /// AWS writes null for an absent optional field, so null and absent are the same.
    fn take(&mut self, field: &'static str) -> Option<Value> {
        self.0.remove(field).filter(|value| !value.is_null())
    }

    fn required(&mut self, field: &'static str) -> Result<Value, Error> {
        self.take(field).ok_or(Error::FieldMissing { field })
    }

    fn optional(
        &mut self,
        field: &'static str,
        min: usize,
        max: usize,
    ) -> Result<Option<Vec<u8>>, Error> {
        self.take(field)
            .map(|value| byte_string(value, field, min, max))
            .transpose()
    }
}

fn module_id(value: Value) -> Result<String, Error> {
    let id = text(value, "module_id")?;
    // AWS sets no upper bound; the bound on the document is one.
    check_length("module_id", "bytes", id.len(), 1, super::DOCUMENT_MAX)?;
    Ok(id)
}

fn check_digest(value: Value) -> Result<(), Error> {
    match text(value, "digest")?.as_str() {
        "SHA384" => Ok(()),
        other => Err(Error::Digest {
            found: quoted(other),
        }),
    }
}

fn timestamp(value: Value) -> Result<u64, Error> {
    let found = integer(value, "timestamp")?;
    u64::try_from(found)
        .ok()
        .filter(|ms| *ms > 0)
        .ok_or(Error::Timestamp { found })
}

/// AWS also allows PCRs of 32 and 64 bytes, for digests other than the one it allows: with SHA384 they have 48.
fn pcrs(value: Value) -> Result<BTreeMap<u8, Pcr>, Error> {
    let entries = map(value, "pcrs")?;
    check_length("pcrs", "entries", entries.len(), 1, 32)?;
    let mut pcrs = BTreeMap::new();
    for (key, value) in entries {
        let found = integer(key, "a PCR's index")?;
        let index = u8::try_from(found)
            .ok()
            .filter(|index| *index < 32)
            .ok_or(Error::PcrIndex { found })?;
        let field = format!("PCR{index}");
        let bytes = byte_string(value, &field, PCR_LEN, PCR_LEN)?;
        let mut pcr = [0; PCR_LEN];
        pcr.copy_from_slice(&bytes);
        if pcrs.insert(index, pcr).is_some() {
            return Err(Error::FieldDuplicate { field });
        }
    }
    Ok(pcrs)
}

fn cabundle(value: Value) -> Result<Vec<Vec<u8>>, Error> {
    let certificates = match value {
        Value::Array(certificates) => certificates,
        other => return Err(wrong_type("cabundle", &other, "an array")),
    };
    check_length("cabundle", "entries", certificates.len(), 1, CABUNDLE_MAX)?;
    certificates
        .into_iter()
        .enumerate()
        .map(|(index, der)| byte_string(der, &format!("cabundle[{index}]"), 1, CERTIFICATE_MAX))
        .collect()
}

fn map(value: Value, field: &str) -> Result<Vec<(Value, Value)>, Error> {
    value
        .into_map()
        .map_err(|other| wrong_type(field, &other, "a map"))
}

fn text(value: Value, field: &str) -> Result<String, Error> {
    value
        .into_text()
        .map_err(|other| wrong_type(field, &other, "a text string"))
}

fn integer(value: Value, field: &str) -> Result<i128, Error> {
    value
        .into_integer()
        .map(i128::from)
        .map_err(|other| wrong_type(field, &other, "an integer"))
}

fn byte_string(value: Value, field: &str, min: usize, max: usize) -> Result<Vec<u8>, Error> {
    let bytes = value
        .into_bytes()
        .map_err(|other| wrong_type(field, &other, "a byte string"))?;
    check_length(field, "bytes", bytes.len(), min, max)?;
    Ok(bytes)
}

fn check_length(
    field: &str,
    unit: &'static str,
    found: usize,
    min: usize,
    max: usize,
) -> Result<(), Error> {
    if (min..=max).contains(&found) {
        return Ok(());
    }
    Err(Error::FieldLength {
        field: field.to_owned(),
        unit,
        found,
        min,
        max,
    })
}

fn wrong_type(field: &str, found: &Value, expected: &'static str) -> Error {
    Error::FieldType {
        field: field.to_owned(),
        found: cbor::kind(found),
        expected,
    }
}

#[cfg(test)]
mod tests;
