//! `clientDataJSON`: what the browser says of the page that asked (WebAuthn Level 3 section 5.8.1).

use std::{collections::BTreeMap, fmt};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{
    Deserialize, Deserializer,
    de::{Error as _, MapAccess, Visitor},
};
use serde_json::Value;

use super::{
    CHALLENGE_LEN, RelyingParty, WebauthnError,
    error::{json_detail, quoted},
};

/// The client data of one ceremony.
pub(super) struct ClientData {
    ceremony: String,
    challenge: String,
    origin: String,
    cross_origin: bool,
    top_origin: Option<String>,
}

impl ClientData {
    /// Parses one JSON object in UTF-8, without a byte order mark. No member may come twice; members that are not known are
    /// ignored, since browsers add some on purpose (section 5.8.1).
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, WebauthnError> {
        let refused = |error: serde_json::Error| WebauthnError::ClientData {
            detail: json_detail(&error),
        };
        let Members(members) = serde_json::from_slice(bytes).map_err(refused)?;
        // serde_json's own `Deserialize` for a struct would not see a member that is not known come twice.
        let known: Known = serde_json::from_value(Value::Object(members.into_iter().collect()))
            .map_err(refused)?;
        Ok(Self {
            ceremony: known.ceremony,
            challenge: known.challenge,
            origin: known.origin,
            cross_origin: known.cross_origin,
            top_origin: known.top_origin,
        })
    }

    /// Checks that it is of this ceremony, answers this challenge and comes from a page of the relying party that is not embedded.
    pub(super) fn check(
        &self,
        ceremony: &'static str,
        challenge: &[u8; CHALLENGE_LEN],
        relying_party: &RelyingParty,
    ) -> Result<(), WebauthnError> {
        if self.ceremony != ceremony {
            return Err(WebauthnError::Ceremony {
                found: quoted(&self.ceremony),
                accepted: ceremony,
            });
        }
        // Comparing the texts spares decoding: 32 bytes have one text.
        let expected = URL_SAFE_NO_PAD.encode(challenge);
        verify_slices_are_equal(self.challenge.as_bytes(), expected.as_bytes())
            .map_err(|_| WebauthnError::Challenge)?;
        relying_party.check_origin(&self.origin)?;
        if self.cross_origin {
            return Err(WebauthnError::CrossOrigin);
        }
        match &self.top_origin {
            None => Ok(()),
            Some(found) => Err(WebauthnError::TopOrigin {
                found: quoted(found),
            }),
        }
    }
}

#[derive(Deserialize)]
struct Known {
    #[serde(rename = "type")]
    ceremony: String,
    challenge: String,
    origin: String,
    #[serde(default, rename = "crossOrigin")]
    cross_origin: bool,
    #[serde(default, deserialize_with = "text", rename = "topOrigin")]
    top_origin: Option<String>,
}

/// A text, and not null: absent is absent.
fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    String::deserialize(deserializer).map(Some)
}

/// The members of an object, of which none comes twice.
struct Members(BTreeMap<String, Value>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Members, A::Error> {
        let mut members = BTreeMap::new();
        while let Some((name, value)) = access.next_entry::<String, Value>()? {
            if members.contains_key(&name) {
                return Err(A::Error::custom(format_args!(
                    "the member {} comes twice",
                    quoted(&name)
                )));
            }
            members.insert(name, value);
        }
        Ok(Members(members))
    }
}
