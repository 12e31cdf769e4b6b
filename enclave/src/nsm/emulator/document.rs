//! Attestation documents, byte for byte as current firmware lays them out.

use std::time::SystemTime;

use ciborium::Value;
use permafrost_common::attestation::sig_structure;

use super::{EmulatorError, bank::Bank, path::Path};

/// The protected header: `{1: -35}`, ES384.
const PROTECTED: [u8; 4] = [0xa1, 0x01, 0x38, 0x22];

const MAP_OF_INDEFINITE_LENGTH: u8 = 0xbf;
const BREAK: u8 = 0xff;

/// What the caller wants in the document.
#[derive(Default)]
pub(super) struct Asked {
    pub(super) user_data: Option<Vec<u8>>,
    pub(super) nonce: Option<Vec<u8>>,
    pub(super) public_key: Option<Vec<u8>>,
}

/// A document: untagged `COSE_Sign1` over the payload, signed by the leaf of `path`.
pub(super) fn sign(
    path: &Path,
    bank: &Bank,
    module_id: &str,
    now: SystemTime,
    asked: &Asked,
) -> Result<Vec<u8>, EmulatorError> {
    let payload = payload(path, bank, module_id, now, asked);
    let signature = path.sign(&sig_structure(&PROTECTED, &payload))?;
    let mut document = Vec::with_capacity(payload.len() + 128);
    write(
        &mut document,
        &Value::Array(vec![
            Value::Bytes(PROTECTED.to_vec()),
            Value::Map(Vec::new()),
            Value::Bytes(payload),
            Value::Bytes(signature),
        ]),
    );
    Ok(document)
}

/// The payload: a map of indefinite length, its fields in the firmware's order, null for absent values.
fn payload(path: &Path, bank: &Bank, module_id: &str, now: SystemTime, asked: &Asked) -> Vec<u8> {
    let since_1970 = now.duration_since(SystemTime::UNIX_EPOCH);
    let timestamp_ms = u64::try_from(since_1970.unwrap_or_default().as_millis());
    let pcrs = bank
        .locked()
        .map(|(index, value)| (index.into(), Value::Bytes(value.to_vec())));
    let cabundle = path.cabundle.iter().cloned().map(Value::Bytes);
    let optional = |bytes: &Option<Vec<u8>>| bytes.clone().map_or(Value::Null, Value::Bytes);
    let fields: [(&str, Value); 9] = [
        ("module_id", module_id.into()),
        ("digest", "SHA384".into()),
        ("timestamp", timestamp_ms.unwrap_or(u64::MAX).into()),
        ("pcrs", Value::Map(pcrs.collect())),
        ("certificate", Value::Bytes(path.certificate.clone())),
        ("cabundle", Value::Array(cabundle.collect())),
        ("public_key", optional(&asked.public_key)),
        ("user_data", optional(&asked.user_data)),
        ("nonce", optional(&asked.nonce)),
    ];
    let mut payload = vec![MAP_OF_INDEFINITE_LENGTH];
    for (name, value) in fields {
        write(&mut payload, &name.into());
        write(&mut payload, &value);
    }
    payload.push(BREAK);
    payload
}

fn write(to: &mut Vec<u8>, value: &Value) {
    // Writing to a Vec cannot fail.
    let _ = ciborium::into_writer(value, to);
}
