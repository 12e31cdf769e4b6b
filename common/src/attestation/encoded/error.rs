//! Every reason why an input is not read as a document.

use super::ENCODED_MAX;

/// Why an input is not read as a document: what came, and what would have been accepted.
///
/// [`EncodedError::rule`] is for programs, [`std::fmt::Display`] for people. Text from the input is quoted, escaped and
/// cut.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodedError {
    /// The input is empty or longer than [`ENCODED_MAX`]; nothing was read.
    #[error("the input has {found} bytes, accepted: 1 to {ENCODED_MAX}")]
    InputSize {
        /// Its length in bytes.
        found: usize,
    },
    /// The input is white space.
    #[error("the input is nothing but white space, accepted: {FORMS}")]
    Blank,
    /// Text does not stand for the first bytes of a document.
    #[error("{place} is {found}, accepted: {FORMS}")]
    Encoding {
        /// The text: all of the input, the quoted string, or a member.
        place: String,
        /// What it is instead.
        found: String,
    },
    /// Text stands for a document in two ways.
    #[error("{place} is a document both as hex and as base64, accepted: only one of them")]
    TwoReadings {
        /// The text: all of the input, the quoted string, or a member.
        place: String,
    },
    /// The input begins as a JSON string or object does, and is not one.
    #[error("the input is not well-formed JSON: {detail}")]
    Json {
        /// What the parser says, with line and column.
        detail: String,
    },
    /// A JSON object has two members of one name.
    #[error("the member {name} comes twice, accepted: once")]
    MemberRepeated {
        /// Its name, quoted.
        name: String,
    },
    /// The caller names a member, and the input is not a JSON object.
    #[error("the input is not a JSON object, accepted: an object with the member {member}")]
    NotAnObject {
        /// The name that the caller gives, quoted.
        member: String,
    },
    /// The JSON object lacks the member that the caller names.
    #[error("there is no member {member}, accepted: one of {found}")]
    MemberMissing {
        /// The name that the caller gives, quoted.
        member: String,
        /// The names of the members that are there, quoted.
        found: String,
    },
    /// The document's member is not a string.
    #[error("the member {name} is {found}, accepted: a string")]
    MemberType {
        /// Its name, quoted.
        name: String,
        /// Its JSON type.
        found: &'static str,
    },
    /// No member has a name by which a document is known, or several have and none of them contains a document.
    #[error(
        "the object has the members {found}, accepted: a document in {NAMES}, or a member that you name{advice}"
    )]
    NoDocument {
        /// The names of the members that are there, quoted.
        found: String,
        /// The member that contains a document under another name, if there is one.
        advice: String,
    },
    /// Several members contain a document.
    #[error(
        "the members {found} each contain a document, accepted: one, or a member that you name"
    )]
    SeveralDocuments {
        /// Their names, quoted.
        found: String,
    },
}

impl EncodedError {
    /// The rule that was broken, as a short name that does not change between releases: `input-size`, `encoding`, `json`,
    /// `member` or `ambiguous`.
    pub fn rule(&self) -> &'static str {
        match self {
            Self::InputSize { .. } | Self::Blank => "input-size",
            Self::Encoding { .. } => "encoding",
            Self::Json { .. } | Self::MemberRepeated { .. } => "json",
            Self::NotAnObject { .. }
            | Self::MemberMissing { .. }
            | Self::MemberType { .. }
            | Self::NoDocument { .. } => "member",
            Self::TwoReadings { .. } | Self::SeveralDocuments { .. } => "ambiguous",
        }
    }

    pub(super) fn json(error: &serde_json::Error) -> Self {
        Self::Json {
            detail: error.to_string(),
        }
    }
}

const FORMS: &str = "a document in binary, hex, base64 or base64url, as a quoted string, or in a member of a JSON object";

/// Kept beside `members::KNOWN`, whose spellings these are.
const NAMES: &str = "attestation, attestation_doc, attestation_document, document or doc";
