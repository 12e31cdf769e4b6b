//! Certificates of ceremonies.

use permafrost_frost::{Confirmation, Outcome};
use wasm_bindgen::prelude::wasm_bindgen;

use crate::refusal::{Kind, Refusal, read};

/// Checks that every participant with a public key has signed the result of a ceremony; returns its digest, 32 bytes, which the enclave's
/// boot key signs, too.
#[wasm_bindgen(js_name = outcomeDigest)]
pub fn outcome_digest(outcome: &str, confirmations: &str) -> Result<Vec<u8>, Refusal> {
    let outcome: Outcome = read("outcome", outcome, Kind::Ceremony)?;
    let confirmations: Vec<Confirmation> = read("confirmations", confirmations, Kind::Ceremony)?;
    outcome.verify(&confirmations)?;
    Ok(outcome.digest().to_vec())
}
