//! `clientDataJSON`: what the browser says about the page that called it (WebAuthn Level 3 section 5.8.1).

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
    error::{cut, quoted},
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
    /// Parses one JSON object in UTF-8, without a byte order mark. No member may occur twice; unknown members are ignored, since
    /// browsers add some on purpose (section 5.8.1).
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, WebauthnError> {
        let refused = |error: serde_json::Error| WebauthnError::ClientData {
            detail: cut(&error.to_string()),
        };
        let Members(members) = serde_json::from_slice(bytes).map_err(refused)?;
        // serde_json's own `Deserialize` for a struct would not notice an unknown member that occurs twice.
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

    /// Checks that it is of this ceremony, has this challenge and comes from a page of the relying party that is not embedded.
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
        // Comparing the texts avoids decoding: 32 bytes have one text.
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

/// A text; null does not stand for an absent member.
fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    String::deserialize(deserializer).map(Some)
}

/// The members of an object, none of which occurs twice.
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
                    "the member {} occurs twice",
                    quoted(&name)
                )));
            }
            members.insert(name, value);
        }
        Ok(Members(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HONEST: &str = r#"{"type":"webauthn.get","challenge":"AA","origin":"https://a.example"}"#;

    fn rule(text: &[u8]) -> &'static str {
        match ClientData::parse(text) {
            Ok(_) => "accepted",
            Err(error) => error.rule(),
        }
    }

    #[test]
    fn unknown_members_are_ignored() {
        let text = HONEST.replace(
            '}',
            r#","tokenBinding":{"status":"supported"},"a":[1,null]}"#,
        );
        let data = ClientData::parse(text.as_bytes()).ok().unwrap();
        assert_eq!(data.ceremony, "webauthn.get");
        assert_eq!(data.origin, "https://a.example");
        assert!(!data.cross_origin && data.top_origin.is_none());
    }

    #[test]
    fn no_member_occurs_twice_whether_it_is_known_or_not() {
        for member in [
            r#""type":"webauthn.get""#,
            r#""challenge":"AA""#,
            r#""origin":"https://b.example""#,
            r#""crossOrigin":true,"crossOrigin":false"#,
            r#""new":1,"new":1"#,
            // The same name in another spelling.
            r#""\u0074ype":"webauthn.create""#,
        ] {
            let text = HONEST.replace('}', &format!(",{member}}}"));
            assert_eq!(rule(text.as_bytes()), "client-data", "{text}");
        }
    }

    #[test]
    fn type_challenge_and_origin_are_texts_and_required() {
        for (name, value) in [
            ("type", r#""webauthn.get""#),
            ("challenge", r#""AA""#),
            ("origin", r#""https://a.example""#),
        ] {
            let member = format!("\"{name}\":{value}");
            let renamed = HONEST.replace(name, "other");
            assert_eq!(rule(renamed.as_bytes()), "client-data", "no {name}");
            for other in ["null", "1", "[]", "{}", "true"] {
                let text = HONEST.replace(&member, &format!("\"{name}\":{other}"));
                assert_ne!(text, HONEST);
                assert_eq!(rule(text.as_bytes()), "client-data", "{text}");
            }
        }
    }

    #[test]
    fn cross_origin_is_a_boolean_and_top_origin_a_text() {
        for member in [
            r#""crossOrigin":null"#,
            r#""crossOrigin":"false""#,
            r#""crossOrigin":0"#,
            r#""topOrigin":null"#,
            r#""topOrigin":false"#,
        ] {
            let text = HONEST.replace('}', &format!(",{member}}}"));
            assert_eq!(rule(text.as_bytes()), "client-data", "{text}");
        }
    }

    #[test]
    fn what_is_not_one_json_object_in_utf8_is_refused() {
        assert_eq!(rule(HONEST.as_bytes()), "accepted");
        let mark = ["\u{feff}", HONEST].concat();
        let behind = [HONEST, "x"].concat();
        let twice = [HONEST, HONEST].concat();
        let array = format!("[{HONEST}]");
        let comment = HONEST.replace(',', ",/**/");
        for text in [
            &mark, &behind, &twice, &array, &comment, "", "null", "{}", "1",
        ] {
            assert_eq!(rule(text.as_bytes()), "client-data", "{text}");
        }
        let mut not_utf8 = HONEST.as_bytes().to_vec();
        let at = HONEST.find("a.example").unwrap();
        not_utf8[at] = 0xff;
        assert_eq!(rule(&not_utf8), "client-data");
        for length in 0..HONEST.len() {
            assert_eq!(rule(&HONEST.as_bytes()[..length]), "client-data");
        }
        assert_eq!(rule(&[b'['; 4096]), "client-data");
    }

    #[test]
    fn an_error_is_short_for_any_input() {
        let long = format!(r#"{{"type":"{}"}}"#, "x".repeat(4000));
        let WebauthnError::ClientData { detail } =
            ClientData::parse(long.as_bytes()).err().unwrap()
        else {
            panic!("not about the client data");
        };
        assert!(detail.len() <= 128 * 4);
    }
}
