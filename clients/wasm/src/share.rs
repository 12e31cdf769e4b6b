//! A share that this side holds.

use permafrost_frost::HeldShare;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::refusal::{Refusal, write};

/// One participant's share of a key, with the key that signs the participant's messages. Wiped when freed.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Share(pub(crate) HeldShare);

#[wasm_bindgen]
impl Share {
    /// Reads the plain text of a share file (docs/split.md, Share files).
    pub fn parse(json: &str) -> Result<Share, Refusal> {
        Ok(Self(HeldShare::from_json(json)?))
    }

    /// The plain text of a share file: encrypt it before it is stored.
    #[wasm_bindgen(js_name = toJson)]
    pub fn to_json(&self) -> Result<String, Refusal> {
        Ok(self.0.to_json()?.to_string())
    }

    /// The id of the key, 22 bytes.
    #[wasm_bindgen(getter, js_name = keyId)]
    pub fn key_id(&self) -> String {
        self.0.key_id().to_string()
    }

    /// The generation of the key that the share is of.
    #[wasm_bindgen(getter)]
    pub fn generation(&self) -> u32 {
        self.0.generation()
    }

    /// The participant's name.
    #[wasm_bindgen(getter)]
    pub fn participant(&self) -> String {
        self.0.participant().to_owned()
    }

    /// The public key that verifies the participant's messages, 32 bytes.
    #[wasm_bindgen(getter, js_name = publicKey)]
    pub fn public_key(&self) -> String {
        self.0.public_key().to_string()
    }

    /// How many participants a signature takes.
    #[wasm_bindgen(getter)]
    pub fn threshold(&self) -> u16 {
        self.0.share().participants().threshold()
    }

    /// The names of all participants of the key.
    #[wasm_bindgen(getter)]
    pub fn participants(&self) -> Vec<String> {
        let members = self.0.share().participants().members().iter();
        members.map(|one| one.name.as_str().to_owned()).collect()
    }

    /// The key, 32 bytes.
    #[wasm_bindgen(getter, js_name = groupPublicKey)]
    pub fn group_public_key(&self) -> String {
        self.0.share().group_public_key().to_string()
    }

    /// The verifying shares of all participants, in their order: a JSON array of compressed points of 33 bytes.
    #[wasm_bindgen(js_name = verifyingShares)]
    pub fn verifying_shares(&self) -> Result<String, Refusal> {
        write(&self.0.share().verifying_shares()?)
    }
}
