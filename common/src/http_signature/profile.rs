//! Reading and writing the fields of the profile, in the same way for requests and responses.

use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderName, HeaderValue};
use sfv::{BareItem, Dictionary, InnerList, ListEntry, Parameters, Parser};

use super::{KeyError, LABEL, SIGNATURE, SIGNATURE_INPUT, SIGNATURE_LEN, base::SignatureBase};
use crate::api::ATTESTATION_HEADER;

/// The rule of the profile that a message breaks.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ProfileError {
    /// A required field is missing.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// A field occurs more than once.
    #[error("{field} occurs {count} times; accepted: once")]
    Repeated {
        /// The field's name.
        field: &'static str,
        /// How often it occurs.
        count: usize,
    },
    /// A field is too long.
    #[error("{field} has {came} bytes; accepted: at most {max}")]
    TooLong {
        /// The field's name.
        field: &'static str,
        /// The length that came, in bytes.
        came: usize,
        /// The longest that is accepted, in bytes.
        max: usize,
    },
    /// A field is not visible ASCII with spaces only inside.
    #[error("{0} has characters other than visible ASCII, or spaces at its ends")]
    NotText(&'static str),
    /// A field is not a dictionary with the one member `permafrost` of the right type.
    #[error("{field}: {reason}; accepted: {accepted}")]
    Malformed {
        /// The field's name.
        field: &'static str,
        /// What is wrong with it.
        reason: String,
        /// The form that is accepted.
        accepted: &'static str,
    },
    /// The signature does not cover exactly the required components.
    #[error("signature-input covers {came}; accepted for this message: {expected}")]
    Components {
        /// What it covers.
        came: String,
        /// What it must cover.
        expected: String,
    },
    /// The signature does not have exactly the required parameters.
    #[error("signature-input has the parameters {came:?}; accepted, in this order: {expected:?}")]
    Parameters {
        /// The names that came.
        came: String,
        /// The names that must come.
        expected: String,
    },
    /// A parameter is malformed.
    #[error("signature-input: {parameter} is malformed; accepted: {accepted}")]
    Parameter {
        /// The parameter's name.
        parameter: &'static str,
        /// The form that is accepted.
        accepted: &'static str,
    },
    /// `X-Enclave-Attestation` is malformed.
    #[error("x-enclave-attestation: {0}")]
    Attestation(#[from] super::AttestationDigestError),
    /// The request target ends in a bare `?`.
    #[error("the request target {0:?} has an empty query; accepted: no ? without a query")]
    EmptyQuery(String),
}

impl ProfileError {
    /// The field that breaks the rule, in lower case; `None` if it is the request target.
    pub fn field(&self) -> Option<&'static str> {
        match self {
            Self::Missing(field)
            | Self::Repeated { field, .. }
            | Self::TooLong { field, .. }
            | Self::NotText(field)
            | Self::Malformed { field, .. } => Some(field),
            Self::Components { .. } | Self::Parameters { .. } | Self::Parameter { .. } => {
                Some(SIGNATURE_INPUT)
            }
            Self::Attestation(_) => Some(ATTESTATION_HEADER),
            Self::EmptyQuery(_) => None,
        }
    }
}

/// Why a message was not signed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SignError {
    /// The message would not be accepted.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// The key failed to sign.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// The longest `Signature-Input`, in bytes; ours have at most 420.
const SIGNATURE_INPUT_MAX: usize = 512;
/// The longest `Signature`, in bytes; ours have 101.
const SIGNATURE_MAX: usize = 128;
/// The longest of the other fields, in bytes.
pub(super) const FIELD_MAX: usize = 256;

/// A field that may be absent, and is one line of text otherwise.
pub(super) fn optional<'h>(
    headers: &'h HeaderMap,
    field: &'static str,
    max: usize,
) -> Result<Option<&'h str>, ProfileError> {
    let mut values = headers.get_all(field).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    let more = values.count();
    if more > 0 {
        return Err(ProfileError::Repeated {
            field,
            count: more + 1,
        });
    }
    if value.len() > max {
        return Err(ProfileError::TooLong {
            field,
            came: value.len(),
            max,
        });
    }
    value
        .to_str()
        .ok()
        .filter(|text| text.trim_ascii() == *text && !text.contains('\t'))
        .map(Some)
        .ok_or(ProfileError::NotText(field))
}

/// A required field.
pub(super) fn required<'h>(
    headers: &'h HeaderMap,
    field: &'static str,
    max: usize,
) -> Result<&'h str, ProfileError> {
    optional(headers, field, max)?.ok_or(ProfileError::Missing(field))
}

/// Sets a field to one value.
pub(super) fn set(
    headers: &mut HeaderMap,
    field: &'static str,
    value: &str,
) -> Result<(), ProfileError> {
    let value = HeaderValue::from_str(value).map_err(|_| ProfileError::NotText(field))?;
    headers.insert(HeaderName::from_static(field), value);
    Ok(())
}

/// The two fields of a signature, as they came.
pub(super) struct SignatureFields<'h> {
    input: &'h str,
    signature: &'h str,
}

impl<'h> SignatureFields<'h> {
    pub(super) fn of(headers: &'h HeaderMap) -> Result<Self, ProfileError> {
        Ok(Self {
            input: required(headers, SIGNATURE_INPUT, SIGNATURE_INPUT_MAX)?,
            signature: required(headers, SIGNATURE, SIGNATURE_MAX)?,
        })
    }

    /// The signature's bytes.
    pub(super) fn signature(&self) -> Result<[u8; SIGNATURE_LEN], ProfileError> {
        let mut bytes = [0; SIGNATURE_LEN];
        signature_item(self.signature)
            .and_then(|item| item.strip_prefix(':')?.strip_suffix(':'))
            .and_then(|base64| STANDARD.decode_slice(base64, &mut bytes).ok())
            .filter(|length| *length == SIGNATURE_LEN)
            .map(|_| bytes)
            .ok_or_else(|| ProfileError::Malformed {
                field: SIGNATURE,
                reason: format!("came {:?}", self.signature),
                accepted: "permafrost=:, 64 bytes in base64 (88 characters), :",
            })
    }

    /// The parameters, after checking that they and the covered components are the expected ones.
    ///
    /// The caller still has to check the parameters' values and [`SignatureFields::base`].
    pub(super) fn parameters(
        &self,
        covered: &SignatureBase,
        expected: &[&str],
    ) -> Result<Parameters, ProfileError> {
        let list = member(self.input)?;
        let components = covered.components();
        let came = components_of(&list);
        if came != components {
            return Err(ProfileError::Components {
                came,
                expected: components,
            });
        }
        if !list
            .params
            .keys()
            .map(|key| key.as_str())
            .eq(expected.iter().copied())
        {
            return Err(ProfileError::Parameters {
                came: names(list.params.keys().map(|key| key.as_str())),
                expected: names(expected.iter().copied()),
            });
        }
        Ok(list.params)
    }

    /// The signature base, if `parameters` (serialised, with the leading `;`) make up the very text that came.
    pub(super) fn base(
        &self,
        covered: SignatureBase,
        parameters: &str,
    ) -> Result<String, ProfileError> {
        let signature_params = self
            .input
            .strip_prefix(LABEL)
            .and_then(|rest| rest.strip_prefix('='))
            .filter(|came| came.strip_suffix(parameters) == Some(covered.components().as_str()))
            .ok_or_else(|| malformed("not in the canonical form".to_owned()))?;
        Ok(covered.finish(signature_params))
    }
}

/// The value of `created`: seconds since 1970, at most 15 digits (an RFC 9651 integer).
pub(super) fn created(parameters: &Parameters) -> Result<u64, ProfileError> {
    parameters
        .get("created")
        .and_then(BareItem::as_integer)
        .and_then(|integer| u64::try_from(i64::from(integer)).ok())
        .ok_or(CREATED_FORM)
}

/// Whether `created` can be written.
pub(super) fn check_created(created: u64) -> Result<(), ProfileError> {
    if created < 1_000_000_000_000_000 {
        Ok(())
    } else {
        Err(CREATED_FORM)
    }
}

const CREATED_FORM: ProfileError = ProfileError::Parameter {
    parameter: "created",
    accepted: "an integer of at most 15 digits, seconds since 1970",
};

/// The value of `"signature";key="permafrost"` in a `Signature` field that has the profile's form
/// (as far as its ends tell): `:BASE64:`.
pub(super) fn signature_item(field: &str) -> Option<&str> {
    field
        .strip_prefix(LABEL)?
        .strip_prefix('=')
        .filter(|item| item.starts_with(':'))
}

/// Writes `Signature-Input` and `Signature`; `parameters` are serialised, with the leading `;`.
pub(super) fn write(
    headers: &mut HeaderMap,
    covered: SignatureBase,
    parameters: &str,
    sign: impl FnOnce(&[u8]) -> Result<[u8; SIGNATURE_LEN], KeyError>,
) -> Result<(), SignError> {
    let signature_params = covered.components() + parameters;
    let signature = sign(covered.finish(&signature_params).as_bytes())?;
    set(
        headers,
        SIGNATURE_INPUT,
        &format!("{LABEL}={signature_params}"),
    )?;
    set(
        headers,
        SIGNATURE,
        &format!("{LABEL}=:{}:", STANDARD.encode(signature)),
    )?;
    Ok(())
}

/// The one member of `Signature-Input`.
fn member(input: &str) -> Result<InnerList, ProfileError> {
    let mut dictionary = Parser::new(input)
        .parse::<Dictionary>()
        .map_err(|error| malformed(format!("not a dictionary: {error}")))?;
    if dictionary.len() != 1 {
        return Err(malformed(format!(
            "{} members instead of one",
            dictionary.len()
        )));
    }
    match dictionary.shift_remove(LABEL) {
        Some(ListEntry::InnerList(list)) => Ok(list),
        Some(ListEntry::Item(_)) => Err(malformed("the member is not an inner list".to_owned())),
        None => Err(malformed("its member has another label".to_owned())),
    }
}

fn malformed(reason: String) -> ProfileError {
    ProfileError::Malformed {
        field: SIGNATURE_INPUT,
        reason,
        accepted: "permafrost=(COMPONENTS);PARAMETERS as RFC 9651 section 4.1 writes it",
    }
}

/// The components as they are serialised; values other than strings, which none of ours has, show as `?`.
fn components_of(list: &InnerList) -> String {
    let mut text = String::with_capacity(256);
    for item in &list.items {
        text.push(if text.is_empty() { '(' } else { ' ' });
        push_value(&mut text, &item.bare_item);
        for (key, value) in &item.params {
            text.push(';');
            text.push_str(key.as_str());
            if *value != BareItem::Boolean(true) {
                text.push('=');
                push_value(&mut text, value);
            }
        }
    }
    if text.is_empty() {
        text.push('(');
    }
    text.push(')');
    text
}

fn push_value(text: &mut String, value: &BareItem) {
    match value.as_string() {
        Some(string) => {
            text.push('"');
            text.push_str(string.as_str());
            text.push('"');
        }
        None => text.push('?'),
    }
}

fn names<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.collect::<Vec<_>>().join(" ")
}
