//! Nostr events (NIP-01) and public keys (NIP-19).
//!
//! The enclave computes the id itself, so that it signs what the event says.

use bech32::{Bech32, Hrp};
use permafrost_common::api::{NostrEvent, UnsignedEvent};
use permafrost_common::nostr::{self, serialise};
use sha2::{Digest, Sha256};

use super::{InvalidField, KeyError, bip340::PublicKey, hex_field};

/// The longest serialised event, in bytes.
pub const EVENT_MAX: usize = 64 * 1024;

/// The most tags of an event.
pub const TAGS_MAX: usize = 2000;

/// The latest `created_at`: the greatest integer that every JSON reader reads exactly (RFC 8259 section 6).
pub const CREATED_AT_MAX: u64 = (1 << 53) - 1;

/// A Nostr event to sign, checked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Event {
    created_at: u64,
    kind: u16,
    tags: Vec<Vec<String>>,
    content: String,
    claimed_pubkey: Option<[u8; 32]>,
    claimed_id: Option<[u8; 32]>,
}

impl Event {
    /// Checks the `event` of a sign request; pointers in errors start with `/event`.
    ///
    /// # Errors
    ///
    /// The first field that is not accepted: `pubkey` or `id` not 64 lower-case hex digits; `created_at` above 2^53 - 1;
    /// more than 2000 tags; a tag without a text; a control character below U+0020 other than
    /// `\b \t \n \f \r` in a tag or in `content`; more than 65536 bytes when serialised.
    pub fn parse(event: UnsignedEvent) -> Result<Self, InvalidField> {
        let claim = |field, text: &Option<String>| match text {
            Some(text) => hex_field::fixed(field, text).map(Some),
            None => Ok(None),
        };
        let claimed_pubkey = claim("/event/pubkey", &event.pubkey)?;
        let claimed_id = claim("/event/id", &event.id)?;
        if event.created_at > CREATED_AT_MAX {
            return Err(InvalidField::new(
                "/event/created_at",
                event.created_at.to_string(),
                format!("0 to {CREATED_AT_MAX}"),
            ));
        }
        check_tags(&event.tags)?;
        check_text("/event/content", &event.content)?;
        let event = Self {
            created_at: event.created_at,
            kind: event.kind,
            tags: event.tags,
            content: event.content,
            claimed_pubkey,
            claimed_id,
        };
        // Every public key has the same length.
        let length = event.serialise(&[0; 32]).len();
        if length > EVENT_MAX {
            return Err(InvalidField::new(
                "/event",
                format!("{length} bytes when serialised"),
                format!("at most {EVENT_MAX} bytes when serialised by NIP-01"),
            ));
        }
        Ok(event)
    }

    /// The kind number.
    pub fn kind(&self) -> u16 {
        self.kind
    }

    /// The id of the event by this author: SHA-256 of its serialisation, 32 bytes.
    ///
    /// # Errors
    ///
    /// `/event/pubkey` where the event names another author, `/event/id` where it names another id.
    pub fn id(&self, author: &PublicKey) -> Result<[u8; 32], InvalidField> {
        check_claim(
            "/event/pubkey",
            self.claimed_pubkey,
            author.as_bytes(),
            "the public key of the signing key",
        )?;
        let id = Sha256::digest(self.serialise(author.as_bytes())).into();
        check_claim("/event/id", self.claimed_id, &id, "the id of the event")?;
        Ok(id)
    }

    /// The event as relays accept it.
    pub(super) fn signed(
        &self,
        author: &PublicKey,
        id: &[u8; 32],
        signature: &[u8; 64],
    ) -> NostrEvent {
        NostrEvent {
            id: hex::encode(id),
            pubkey: hex::encode(author.as_bytes()),
            created_at: self.created_at,
            kind: self.kind,
            tags: self.tags.clone(),
            content: self.content.clone(),
            sig: hex::encode(signature),
        }
    }

    fn serialise(&self, author: &[u8; 32]) -> String {
        serialise(
            author,
            self.created_at,
            self.kind,
            &self.tags,
            &self.content,
        )
    }
}

/// A public key as Nostr writes it (NIP-19): `npub1...`, bech32.
///
/// # Errors
///
/// [`KeyError::Bech32`], which 32 bytes never cause.
pub fn npub(public_key: &PublicKey) -> Result<String, KeyError> {
    Hrp::parse("npub")
        .ok()
        .and_then(|hrp| bech32::encode::<Bech32>(hrp, public_key.as_bytes()).ok())
        .ok_or(KeyError::Bech32)
}

fn check_tags(tags: &[Vec<String>]) -> Result<(), InvalidField> {
    if tags.len() > TAGS_MAX {
        return Err(InvalidField::new(
            "/event/tags",
            format!("{} tags", tags.len()),
            format!("at most {TAGS_MAX} tags"),
        ));
    }
    for (index, tag) in tags.iter().enumerate() {
        if tag.is_empty() {
            return Err(InvalidField::new(
                format!("/event/tags/{index}"),
                "an empty tag",
                "a tag with at least one text",
            ));
        }
        for (position, text) in tag.iter().enumerate() {
            check_text(&format!("/event/tags/{index}/{position}"), text)?;
        }
    }
    Ok(())
}

fn check_text(field: &str, text: &str) -> Result<(), InvalidField> {
    match text
        .char_indices()
        .find(|(_, c)| *c < ' ' && nostr::escape(*c).is_none())
    {
        None => Ok(()),
        Some((at, c)) => Err(InvalidField::new(
            field,
            format!("U+{:04X} at byte {at}", u32::from(c)),
            "text whose only characters below U+0020 are \\b \\t \\n \\f \\r (implementations disagree on the id of others)",
        )),
    }
}

fn check_claim(
    field: &str,
    claimed: Option<[u8; 32]>,
    actual: &[u8; 32],
    what: &str,
) -> Result<(), InvalidField> {
    match claimed {
        Some(claimed) if claimed != *actual => Err(InvalidField::new(
            field,
            hex::encode(claimed),
            format!("{}, {what}, or none", hex::encode(actual)),
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 3 times the generator of secp256k1 (BIP-340, vector 0).
    const AUTHOR: &str = "f9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9";

    fn author() -> PublicKey {
        PublicKey::from_bytes(hex_field::fixed("", AUTHOR).unwrap()).unwrap()
    }

    fn unsigned(created_at: u64, kind: u16, tags: &[&[&str]], content: &str) -> UnsignedEvent {
        UnsignedEvent {
            pubkey: None,
            id: None,
            created_at,
            kind,
            tags: tags
                .iter()
                .map(|tag| tag.iter().map(|text| (*text).to_owned()).collect())
                .collect(),
            content: content.to_owned(),
        }
    }

    fn refused(event: UnsignedEvent) -> InvalidField {
        Event::parse(event).unwrap_err()
    }

    /// Two other programs computed the expected ids: one that escapes as NIP-01 says, and Python's `json`.
    #[test]
    fn ids_are_those_that_other_programs_compute() {
        let cases = [
            (
                unsigned(0, 0, &[], ""),
                "e37d3d8a5cd27629fd198d21819aedd901a0a84297c9d9259543e162891c72aa",
            ),
            (
                unsigned(1_700_000_000, 1, &[], "hello"),
                "a9d53fee641fe563de947fa330a3b4902e52e249894660aaa521cd039e896128",
            ),
            (
                unsigned(
                    1_700_000_001,
                    1,
                    &[
                        &[
                            "e",
                            "5c83da77af1dec6d7289834998ad7aafbd9e2191396d75ec3cc27f5a77226f36",
                            "wss://nostr.example.com",
                        ],
                        &["alt", ""],
                    ],
                    "line\nquote \" backslash \\ return \r tab \t back \u{8} feed \u{c} end",
                ),
                "7c630e6903dc7ed4a86f919d80471703905b460db185532beb129f551aec970e",
            ),
            (
                unsigned(
                    CREATED_AT_MAX,
                    65535,
                    &[&["t", "\n\"\\\r\t\u{8}\u{c}"], &["x"]],
                    "\u{7f}/\u{2028}\u{2029} é 漢字 🧊 \u{feff}</script>",
                ),
                "3358dc14c21387744b652c7aa7b0e59d45913274b256af9f04721e90fa5b2f6a",
            ),
        ];
        for (event, id) in cases {
            let event = Event::parse(event).unwrap();
            assert_eq!(hex::encode(event.id(&author()).unwrap()), id);
        }
    }

    #[test]
    fn a_claimed_author_or_id_must_be_the_right_one() {
        let id = "a9d53fee641fe563de947fa330a3b4902e52e249894660aaa521cd039e896128";
        let claiming = |pubkey: &str, id: &str| {
            Event::parse(UnsignedEvent {
                pubkey: Some(pubkey.to_owned()),
                id: Some(id.to_owned()),
                ..unsigned(1_700_000_000, 1, &[], "hello")
            })
        };
        assert!(claiming(AUTHOR, id).unwrap().id(&author()).is_ok());
        let other = "ab".repeat(32);
        let error = claiming(&other, id).unwrap().id(&author()).unwrap_err();
        assert_eq!(
            (error.field.as_str(), error.came),
            ("/event/pubkey", other.clone())
        );
        assert!(error.accepted.starts_with(AUTHOR));
        let error = claiming(AUTHOR, &other).unwrap().id(&author()).unwrap_err();
        assert_eq!(error.field, "/event/id");
        assert!(error.accepted.starts_with(id));
        assert_eq!(claiming("ab", id).unwrap_err().field, "/event/pubkey");
        assert_eq!(claiming(AUTHOR, "AB").unwrap_err().field, "/event/id");
    }

    #[test]
    fn control_characters_on_whose_id_implementations_disagree_are_refused_with_their_place() {
        for c in ('\u{0}'..' ').filter(|c| !"\u{8}\t\n\u{c}\r".contains(*c)) {
            let error = refused(unsigned(
                0,
                1,
                &[&["a"], &["b", "c", &format!("ok{c}")]],
                "",
            ));
            assert_eq!(error.field, "/event/tags/1/2");
            assert_eq!(error.came, format!("U+{:04X} at byte 2", u32::from(c)));
            assert_eq!(
                refused(unsigned(0, 1, &[], &c.to_string())).field,
                "/event/content"
            );
        }
    }

    #[test]
    fn limits_are_inclusive() {
        let tags = |count| UnsignedEvent {
            tags: vec![vec![String::new()]; count],
            ..unsigned(0, 1, &[], "")
        };
        assert!(Event::parse(tags(TAGS_MAX)).is_ok());
        assert_eq!(refused(tags(TAGS_MAX + 1)).came, "2001 tags");
        assert_eq!(
            refused(unsigned(0, 1, &[&["a"], &[]], "")).field,
            "/event/tags/1"
        );
        assert_eq!(
            refused(unsigned(CREATED_AT_MAX + 1, 1, &[], "")).to_string(),
            "/event/created_at: 9007199254740992; accepted: 0 to 9007199254740991"
        );
        // 80 bytes without content; a newline takes two.
        let content = |length: usize| unsigned(0, 0, &[], &"\n".repeat(length / 2));
        assert!(Event::parse(content(EVENT_MAX - 80)).is_ok());
        assert_eq!(
            refused(content(EVENT_MAX - 78)).came,
            "65538 bytes when serialised"
        );
    }

    #[test]
    fn a_public_key_is_written_as_nip_19_has_it() {
        // The example of NIP-19.
        let hex = "7e7e9c42a91bfef19fa929e5fda1b72e0ebc1a4c1141673e2794234d86addf4e";
        let key = PublicKey::from_bytes(hex_field::fixed("", hex).unwrap()).unwrap();
        assert_eq!(
            npub(&key).unwrap(),
            "npub10elfcs4fr0l0r8af98jlmgdh9c8tcxjvz9qkw038js35mp4dma8qzvjptg"
        );
    }
}
