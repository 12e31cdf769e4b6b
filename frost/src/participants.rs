//! The participants of a key: their names, and how many of them a signature needs.

use std::collections::HashMap;

use crate::InvalidField;
use frost_secp256k1_tr::Identifier;

/// The most participants a key can have.
pub const PARTICIPANTS_MAX: usize = 32;

const NAME_MAX: usize = 64;
const NAME_ACCEPTED: &str = "1 to 64 of A-Z a-z 0-9 - _ .";

/// A threshold and named participants, checked.
///
/// 2 <= threshold <= participants <= 32; all names and all identifiers differ. The order is the caller's: the
/// first `threshold` participants sign.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Participants {
    threshold: u16,
    members: Vec<Participant>,
}

/// One of the [`Participants`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Participant {
    /// The name from the request that made the key.
    pub name: ParticipantName,
    /// The identifier that the name derives to.
    pub identifier: Identifier,
}

impl Participants {
    /// Checks a threshold and names.
    ///
    /// # Errors
    ///
    /// The first rule that is broken, with a pointer into the request's body: the number of participants, each name
    /// (its form, then whether it came before), the threshold.
    pub fn new(threshold: u16, names: &[impl AsRef<str>]) -> Result<Self, InvalidField> {
        if !(2..=PARTICIPANTS_MAX).contains(&names.len()) {
            return Err(InvalidField::new(
                "/participants",
                format!("{} participants", names.len()),
                format!("2 to {PARTICIPANTS_MAX} participants"),
            ));
        }
        let mut members = Vec::with_capacity(names.len());
        let mut seen = HashMap::with_capacity(names.len());
        for (index, name) in names.iter().enumerate() {
            let field = format!("/participants/{index}");
            let member = Participant::new(&field, name.as_ref())?;
            if let Some(first) = seen.insert(member.identifier, index) {
                return Err(InvalidField::new(
                    field,
                    format!(
                        "{:?}, the identifier of /participants/{first}",
                        name.as_ref()
                    ),
                    "names that all differ",
                ));
            }
            members.push(member);
        }
        if !(2..=members.len()).contains(&usize::from(threshold)) {
            return Err(InvalidField::new(
                "/threshold",
                threshold.to_string(),
                format!("2 to {}, the number of participants", members.len()),
            ));
        }
        Ok(Self { threshold, members })
    }

    /// How many participants a signature needs.
    pub fn threshold(&self) -> u16 {
        self.threshold
    }

    /// The participants, in the order in which they were named.
    pub fn members(&self) -> &[Participant] {
        &self.members
    }

    /// Participants with the identifiers of a published vector instead of those of their names. Only for tests.
    pub fn with_identifiers(threshold: u16, identifiers: &[Identifier]) -> Self {
        let member = |(index, identifier): (usize, &Identifier)| Participant {
            name: ParticipantName(format!("vector-{index}")),
            identifier: *identifier,
        };
        Self {
            threshold,
            members: identifiers.iter().enumerate().map(member).collect(),
        }
    }

    /// The participants' identifiers, in the same order.
    pub fn identifiers(&self) -> Vec<Identifier> {
        self.members.iter().map(|m| m.identifier).collect()
    }
}

impl Participant {
    fn new(field: &str, name: &str) -> Result<Self, InvalidField> {
        let name = ParticipantName::parse(name)
            .ok_or_else(|| InvalidField::new(field, described(name), NAME_ACCEPTED))?;
        let identifier = name.identifier().ok_or_else(|| {
            InvalidField::new(field, "a name that derives to zero", "another name")
        })?;
        Ok(Self { name, identifier })
    }
}

/// Whether a text may name a principal or a participant: 1 to 64 of `A-Z a-z 0-9 - _ .`.
pub fn is_name(text: &str) -> bool {
    (1..=NAME_MAX).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
}

/// A participant's name: 1 to 64 of `A-Z a-z 0-9 - _ .`.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ParticipantName(String);

impl ParticipantName {
    /// The name, if the text is one.
    pub fn parse(text: &str) -> Option<Self> {
        is_name(text).then(|| Self(text.to_owned()))
    }

    /// The text of the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The FROST identifier of the name, a scalar other than zero.
    ///
    /// It is `hash_to_field` (RFC 9380 section 5.2) to the scalar field of secp256k1, with `expand_message_xmd`
    /// over SHA-256, L = 48, of the bytes of the name with the domain separation tag
    /// `FROST-secp256k1-SHA256-TR-v1id`: `Identifier::derive` of the `frost` crates. None where that is zero,
    /// which no known name gives.
    fn identifier(&self) -> Option<Identifier> {
        Identifier::derive(self.0.as_bytes()).ok()
    }
}

fn described(name: &str) -> String {
    match name.len() {
        0..=NAME_MAX => format!("{name:?}"),
        length => format!("a name of {length} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(threshold: u16, names: &[&str]) -> InvalidField {
        Participants::new(threshold, names).unwrap_err()
    }

    #[test]
    fn two_to_thirty_two_differing_names_and_a_threshold_among_them_are_accepted() {
        let names: Vec<String> = (0..32).map(|i| format!("Node_{i}.eu-west")).collect();
        for n in 2..=32 {
            for t in [2, n as u16] {
                let participants = Participants::new(t, &names[..n]).unwrap();
                assert_eq!(participants.threshold(), t);
                assert_eq!(participants.members().len(), n);
            }
        }
        assert!(Participants::new(2, &["a", &"b".repeat(64)]).is_ok());
    }

    #[test]
    fn a_refusal_points_at_the_field_and_says_what_came_and_what_is_accepted() {
        assert_eq!(
            refused(4, &["a", "b", "c"]).to_string(),
            "/threshold: 4; accepted: 2 to 3, the number of participants"
        );
        assert_eq!(refused(1, &["a", "b"]).field, "/threshold");
        assert_eq!(refused(0, &["a", "b"]).field, "/threshold");
        assert_eq!(
            refused(2, &["a"]).to_string(),
            "/participants: 1 participants; accepted: 2 to 32 participants"
        );
        let names: Vec<String> = (0..33).map(|i| i.to_string()).collect();
        assert_eq!(
            Participants::new(2, &names).unwrap_err().came,
            "33 participants"
        );
        assert_eq!(
            refused(2, &["a", "b", "a"]).to_string(),
            "/participants/2: \"a\", the identifier of /participants/0; accepted: names that all differ"
        );
    }

    #[test]
    fn other_characters_and_lengths_are_refused_in_a_name() {
        for name in ["", "a b", "a/b", "ä", "a\n", "a\u{0}"] {
            let error = refused(2, &["a", name]);
            assert_eq!(
                (error.field.as_str(), error.came),
                ("/participants/1", format!("{name:?}"))
            );
        }
        assert_eq!(
            refused(2, &["a", &"b".repeat(65)]).came,
            "a name of 65 bytes"
        );
    }

    #[test]
    fn an_identifier_is_the_hash_that_the_documentation_gives() {
        use k256::{
            Scalar,
            elliptic_curve::hash2curve::{ExpandMsgXmd, hash_to_field},
        };

        let mut scalar = [Scalar::ZERO];
        hash_to_field::<ExpandMsgXmd<sha2::Sha256>, Scalar>(
            &[b"alice"],
            &[b"FROST-secp256k1-SHA256-TR-v1id"],
            &mut scalar,
        )
        .unwrap();
        let participants = Participants::new(2, &["alice", "bob"]).unwrap();
        assert_eq!(
            participants.members()[0].identifier.serialize(),
            scalar[0].to_bytes().to_vec()
        );
    }
}
