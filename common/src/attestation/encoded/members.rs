//! The members of a JSON object, and which of them contains the document.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::super::error::quoted;
use super::{EncodedError, text::contains_document};

/// The names by which a document is known, without case, `_` and `-`.
const KNOWN: [&str; 5] = [
    "attestation",
    "attestationdoc",
    "attestationdocument",
    "document",
    "doc",
];

/// The most names that an error lists.
const LISTED_MAX: usize = 8;

/// The members of an object, in their order, none twice.
pub(super) struct Members(Vec<(String, Value)>);

impl Members {
    pub(super) fn parse(text: &str) -> Result<Self, EncodedError> {
        let Self(members) =
            serde_json::from_str(text).map_err(|error| EncodedError::json(&error))?;
        let mut names = BTreeSet::new();
        for (name, _) in &members {
            if !names.insert(name) {
                return Err(EncodedError::MemberRepeated { name: quoted(name) });
            }
        }
        Ok(Self(members))
    }

    /// The name of the member that contains the document, if it can be only one.
    pub(super) fn document(&self) -> Result<&str, EncodedError> {
        let documents: Vec<_> = self
            .0
            .iter()
            .filter(|(_, value)| matches!(value, Value::Text(text) if contains_document(text)))
            .map(|(name, _)| name.as_str())
            .collect();
        // Without a document, a single member of a known name is what was meant: its own error says most.
        let known = self.names().filter(|name| is_known(name));
        let candidates: Vec<_> = match documents.as_slice() {
            [] => known.collect(),
            documents => documents.to_vec(),
        };
        match (candidates.as_slice(), documents.len()) {
            ([name], _) if is_known(name) => Ok(name),
            (names, 2..) => Err(EncodedError::SeveralDocuments {
                found: listed(names.iter().copied()),
            }),
            (names, documents) => Err(EncodedError::NoDocument {
                found: listed(self.names()),
                advice: match (names, documents) {
                    ([name], 1) => format!("; {} contains a document", quoted(name)),
                    _ => String::new(),
                },
            }),
        }
    }

    /// The text of a member.
    pub(super) fn text(&self, name: &str) -> Result<&str, EncodedError> {
        match self.0.iter().find(|(known, _)| known == name) {
            Some((_, Value::Text(text))) => Ok(text),
            Some((_, Value::Other(found))) => Err(EncodedError::MemberType {
                name: quoted(name),
                found,
            }),
            None => Err(EncodedError::MemberMissing {
                member: quoted(name),
                found: listed(self.names()),
            }),
        }
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }
}

fn is_known(name: &str) -> bool {
    let bare = name.replace(['_', '-'], "").to_ascii_lowercase();
    KNOWN.contains(&bare.as_str())
}

fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let mut names: Vec<_> = names.map(quoted).collect();
    match names.len() {
        0 => "(none)".to_owned(),
        count if count > LISTED_MAX => {
            names.truncate(LISTED_MAX);
            format!("{} and {} more", names.join(", "), count - LISTED_MAX)
        }
        _ => names.join(", "),
    }
}

/// A member's value: a string, or the type of anything else.
enum Value {
    Text(String),
    Other(&'static str),
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MembersVisitor;

        impl<'de> Visitor<'de> for MembersVisitor {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(MembersVisitor)
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ValueVisitor;

        impl<'de> Visitor<'de> for ValueVisitor {
            type Value = Value;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON value")
            }

            fn visit_str<E>(self, text: &str) -> Result<Value, E> {
                Ok(Value::Text(text.to_owned()))
            }

            fn visit_bool<E>(self, _: bool) -> Result<Value, E> {
                Ok(Value::Other("a boolean"))
            }

            fn visit_i64<E>(self, _: i64) -> Result<Value, E> {
                Ok(Value::Other("a number"))
            }

            fn visit_u64<E>(self, _: u64) -> Result<Value, E> {
                Ok(Value::Other("a number"))
            }

            fn visit_f64<E>(self, _: f64) -> Result<Value, E> {
                Ok(Value::Other("a number"))
            }

            fn visit_unit<E>(self) -> Result<Value, E> {
                Ok(Value::Other("null"))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Value, A::Error> {
                while array.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Value::Other("an array"))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Value, A::Error> {
                while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Value::Other("an object"))
            }
        }

        deserializer.deserialize_any(ValueVisitor)
    }
}
