//! A share that this side holds, and how it is written.

use std::fmt;

use frost_secp256k1_tr::keys::{KeyPackage, PublicKeyPackage};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use crate::{Hex, ParticipantKey, Participants, Share};

/// One participant's share of a key, with the key that signs the participant's messages.
#[derive(Clone)]
pub struct HeldShare {
    key_id: Hex<22>,
    generation: u32,
    key: ParticipantKey,
    share: Share,
}

/// A text is not a [`HeldShare`]. Shows nothing of the text.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not a share: {0}")]
pub struct HeldShareError(&'static str);

/// The JSON of a share. Secret; wiped when dropped.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Written {
    version: u8,
    key_id: Hex<22>,
    generation: u32,
    participant: String,
    threshold: u16,
    participants: Vec<String>,
    group_public_key: Hex<32>,
    participant_key: Hex<32>,
    key_package: String,
    public_key_package: String,
}

const VERSION: u8 = 1;

impl HeldShare {
    /// A share of this generation of the key, and the key of its participant.
    pub fn new(key_id: Hex<22>, generation: u32, key: ParticipantKey, share: Share) -> Self {
        Self {
            key_id,
            generation,
            key,
            share,
        }
    }

    /// The id of the key.
    pub fn key_id(&self) -> Hex<22> {
        self.key_id
    }

    /// The generation of the key that the share is of.
    pub fn generation(&self) -> u32 {
        self.generation
    }

    /// The participant's name.
    pub fn participant(&self) -> &str {
        self.share.name()
    }

    /// The public key that verifies the participant's messages.
    pub fn public_key(&self) -> Hex<32> {
        self.key.public_key()
    }

    /// The share.
    pub fn share(&self) -> &Share {
        &self.share
    }

    /// The share as JSON, in plain text: encrypt it before it is stored. docs/split.md has its members.
    ///
    /// # Errors
    /// The FROST library cannot serialise a package, which no consistent share gives.
    pub fn to_json(&self) -> Result<Zeroizing<String>, HeldShareError> {
        let failed = |_| HeldShareError("a package cannot be serialised");
        let secret = Zeroizing::new(self.share.package().serialize().map_err(failed)?);
        let members = self.share.participants().members().iter();
        let written = Written {
            version: VERSION,
            key_id: self.key_id,
            generation: self.generation,
            participant: self.share.name().to_owned(),
            threshold: self.share.participants().threshold(),
            participants: members.map(|one| one.name.as_str().to_owned()).collect(),
            group_public_key: self.share.group_public_key(),
            participant_key: Hex(*self.key.to_bytes()),
            key_package: hex::encode(&*secret),
            public_key_package: hex::encode(self.share.public().serialize().map_err(failed)?),
        };
        let json = serde_json::to_string_pretty(&written);
        Ok(Zeroizing::new(json.map_err(|_| {
            HeldShareError("it cannot be written as JSON")
        })?))
    }

    /// Reads what [`HeldShare::to_json`] has written, and checks that everything in it belongs together.
    ///
    /// # Errors
    /// [`HeldShareError`] says which rule the text breaks.
    pub fn from_json(text: &str) -> Result<Self, HeldShareError> {
        let written: Written = serde_json::from_str(text)
            .map_err(|_| HeldShareError("not the JSON of a share, or one with other members"))?;
        if written.version != VERSION {
            return Err(HeldShareError("its version is not 1"));
        }
        let participants = Participants::new(written.threshold, &written.participants)
            .map_err(|_| HeldShareError("its participants or its threshold are not accepted"))?;
        let secret = decoded(&written.key_package)?;
        let package = KeyPackage::deserialize(&secret)
            .map_err(|_| HeldShareError("key_package is not a key package"))?;
        let public = PublicKeyPackage::deserialize(&decoded(&written.public_key_package)?)
            .map_err(|_| HeldShareError("public_key_package is not a public key package"))?;
        let share =
            Share::new(participants, &written.participant, package, public).map_err(|_| {
                HeldShareError("its packages are not those of the participant and the key")
            })?;
        if share.group_public_key() != written.group_public_key {
            return Err(HeldShareError(
                "group_public_key is not that of its packages",
            ));
        }
        let key = ParticipantKey::from_bytes(&written.participant_key.0)
            .map_err(|_| HeldShareError("participant_key is not a signing key"))?;
        Ok(Self::new(written.key_id, written.generation, key, share))
    }

    /// The participant's name, the key that signs its messages, and the share.
    pub fn into_parts(self) -> (String, ParticipantKey, Share) {
        (self.share.name().to_owned(), self.key, self.share)
    }
}

impl fmt::Debug for HeldShare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HeldShare")
            .field("key_id", &self.key_id)
            .field("generation", &self.generation)
            .field("participant", &self.share.name())
            .finish_non_exhaustive()
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        self.participant_key.0.zeroize();
        self.key_package.zeroize();
    }
}

fn decoded(text: &str) -> Result<Zeroizing<Vec<u8>>, HeldShareError> {
    hex::decode(text)
        .map(Zeroizing::new)
        .map_err(|_| HeldShareError("a package is not hex"))
}
