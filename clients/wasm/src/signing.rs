//! One signature.

use permafrost_frost::sign::{self, By, Nonces, ToSign};
use permafrost_frost::{Hex, Share as Held};
use rand_core::OsRng;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::Share;
use crate::refusal::{Kind, Refusal, read, write};

/// This side's shares for one signature, then their nonces, which are used once. Wiped when freed.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Signing {
    shares: Vec<Held>,
    nonces: Option<Nonces>,
}

#[wasm_bindgen]
impl Signing {
    /// With one share.
    #[wasm_bindgen(constructor)]
    pub fn new(share: &Share) -> Self {
        Self {
            shares: vec![share.0.share().clone()],
            nonces: None,
        }
    }

    /// Adds another share of the same key.
    pub fn add(&mut self, share: &Share) {
        self.shares.push(share.0.share().clone());
    }

    /// Makes the nonces; returns their commitments, which are sent with what is to be signed.
    pub fn commit(&mut self) -> Result<String, Refusal> {
        let nonces = sign::commit(self.shares.clone(), &mut OsRng)?;
        let commitments = write(&nonces.commitments())?;
        self.nonces = Some(nonces);
        Ok(commitments)
    }

    /// Adds this side's signature shares to the parts of the response, and verifies the signature, which it returns: 64 bytes.
    ///
    /// `message` is what BIP-340 signs. With `taproot` the output key of BIP-341 signs, by the Merkle root of the scripts if there is one.
    pub fn complete(
        &mut self,
        message: &str,
        taproot: bool,
        merkle_root: Option<String>,
        parts: &str,
    ) -> Result<String, Refusal> {
        let parts: Vec<_> = read("parts", parts, Kind::Signature)?;
        let nonces = self.nonces.take();
        let nonces = nonces
            .ok_or_else(|| Refusal::argument("there are no nonces, or they have been used"))?;
        let what = ToSign {
            message: hex::decode(message)
                .map_err(|error| Refusal::argument(format!("message: {error}")))?,
            by: by(taproot, merkle_root)?,
        };
        Ok(nonces.complete(&what, &parts)?.to_string())
    }

    /// The key that verifies the signature, 32 bytes: the group public key, or the output key.
    #[wasm_bindgen(js_name = publicKey)]
    pub fn public_key(
        &self,
        taproot: bool,
        merkle_root: Option<String>,
    ) -> Result<String, Refusal> {
        let share = self.shares.first();
        let share = share.ok_or_else(|| Refusal::argument("there is no share"))?;
        Ok(by(taproot, merkle_root)?.public_key(share).to_string())
    }
}

fn by(taproot: bool, merkle_root: Option<String>) -> Result<By, Refusal> {
    if !taproot {
        return Ok(By::GroupKey);
    }
    let root: Option<Hex<32>> = merkle_root
        .map(|root| root.parse())
        .transpose()
        .map_err(|error| Refusal::argument(format!("merkle_root: {error}")))?;
    Ok(By::OutputKey(root.map(|root| root.0)))
}
