//! Attestation documents in the forms in which services hand them out.
//!
//! | form | what is read |
//! |---|---|
//! | binary | anything that is not UTF-8: the document itself |
//! | hex | two digits a byte in either case, with or without `0x` in front |
//! | base64 | RFC 4648 section 4, with or without padding |
//! | base64url | RFC 4648 section 5, with or without padding |
//! | quoted string | a JSON string (RFC 8259) that contains hex, base64 or base64url |
//! | JSON object | an object with the document as such a string in one member |
//!
//! White space (space, tab, form feed and line ends) around text and inside hex and base64 is skipped. Base64 without a
//! character that tells the alphabets apart counts as base64. What text stands for is decided by the bytes that it
//! decodes to, which must begin as a `COSE_Sign1` does: an array of four (`84`, or `9f` for one of indefinite length),
//! with tag 18 (`d2`) or without, whose first element is a byte string.

mod error;
mod members;
mod text;

pub use error::EncodedError;

use std::fmt;

use super::{Document, Error, error::quoted};
use members::Members;
use text::decode;

/// The longest input that is read, in bytes: 64 KiB. That is room for the longest document in hex with line ends, or for
/// a JSON object that says more than the document.
pub const ENCODED_MAX: usize = 64 * 1024;

/// A document as it came from outside: its bytes, not parsed yet, and the form in which they came.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EncodedDocument {
    form: Form,
    bytes: Vec<u8>,
}

impl EncodedDocument {
    /// Reads a document in any form of [`Form`]: 1 to [`ENCODED_MAX`] bytes.
    ///
    /// `member` names the member of a JSON object that contains the document. Without it, the document is in a member
    /// called `attestation`, `attestation_doc`, `attestation_document`, `document` or `doc` (case, `_` and `-` make no
    /// difference), and no other member of the object may contain one.
    ///
    /// Only the form is judged here: [`EncodedDocument::parse`] says whether the bytes are a document.
    ///
    /// ```
    /// use permafrost_common::attestation::EncodedDocument;
    ///
    /// let document = include_bytes!("../example/document.cbor");
    /// let response = format!(r#"{{"attestation_doc": "{}"}}"#, hex::encode(document));
    /// let read = EncodedDocument::read(response.as_bytes(), None)?;
    /// assert_eq!(read.form().to_string(), r#"hex in the JSON member "attestation_doc""#);
    /// assert_eq!(read.bytes(), document);
    /// # Ok::<(), permafrost_common::attestation::EncodedError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`EncodedError`]: the input is too long, is in none of the forms, or can be read in more than one way.
    pub fn read(input: &[u8], member: Option<&str>) -> Result<Self, EncodedError> {
        if !(1..=ENCODED_MAX).contains(&input.len()) {
            return Err(EncodedError::InputSize { found: input.len() });
        }
        let text = str::from_utf8(input).ok().map(str::trim_ascii);
        if let Some(text) = text
            && text.starts_with('{')
        {
            return Self::in_object(&Members::parse(text)?, member);
        }
        if let Some(member) = member {
            return Err(EncodedError::NotAnObject {
                member: quoted(member),
            });
        }
        match text {
            None => Ok(Self {
                form: Form::Binary,
                bytes: input.to_vec(),
            }),
            Some("") => Err(EncodedError::Blank),
            Some(text) if text.starts_with('"') => Self::in_quotes(text),
            Some(text) => {
                let (encoding, bytes) =
                    decode(text).map_err(|reason| reason.at("the text".to_owned()))?;
                Ok(Self {
                    form: Form::Text(encoding),
                    bytes,
                })
            }
        }
    }

    /// The form in which the document came.
    pub fn form(&self) -> &Form {
        &self.form
    }

    /// The document itself, as [`Document::parse`] takes it.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Parses the document: [`Document::parse`].
    ///
    /// # Errors
    ///
    /// Those of [`Document::parse`].
    pub fn parse(&self) -> Result<Document, Error> {
        Document::parse(&self.bytes)
    }

    fn in_quotes(text: &str) -> Result<Self, EncodedError> {
        let content: String =
            serde_json::from_str(text).map_err(|error| EncodedError::json(&error))?;
        let (encoding, bytes) =
            decode(&content).map_err(|reason| reason.at("the quoted string".to_owned()))?;
        Ok(Self {
            form: Form::QuotedString(encoding),
            bytes,
        })
    }

    fn in_object(members: &Members, member: Option<&str>) -> Result<Self, EncodedError> {
        let name = match member {
            Some(name) => name,
            None => members.document()?,
        };
        let content = members.text(name)?;
        let (encoding, bytes) =
            decode(content).map_err(|reason| reason.at(format!("the member {}", quoted(name))))?;
        Ok(Self {
            form: Form::JsonMember {
                name: name.to_owned(),
                encoding,
            },
            bytes,
        })
    }
}

/// The form in which a document came. [`fmt::Display`] says it in words, such as `base64 in a quoted string`.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Form {
    /// The document itself.
    Binary,
    /// The whole input is text.
    Text(TextEncoding),
    /// A JSON string.
    QuotedString(TextEncoding),
    /// A member of a JSON object.
    JsonMember {
        /// The member's name, as it came.
        name: String,
        /// How the member's text stands for bytes.
        encoding: TextEncoding,
    },
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Binary => f.write_str("binary"),
            Self::Text(encoding) => encoding.fmt(f),
            Self::QuotedString(encoding) => write!(f, "{encoding} in a quoted string"),
            Self::JsonMember { name, encoding } => {
                write!(f, "{encoding} in the JSON member {}", quoted(name))
            }
        }
    }
}

/// How text stands for bytes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum TextEncoding {
    /// RFC 4648 section 4, with `+` and `/`.
    Base64,
    /// RFC 4648 section 5, with `-` and `_`.
    Base64Url,
    /// RFC 4648 section 8 in either case.
    Hex,
}

impl fmt::Display for TextEncoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Base64 => "base64",
            Self::Base64Url => "base64url",
            Self::Hex => "hex",
        })
    }
}

#[cfg(test)]
mod tests;
