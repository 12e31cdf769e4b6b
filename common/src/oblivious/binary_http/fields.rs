//! Header fields and content, in both framings.

use http::header::{CONNECTION, CONTENT_LENGTH, TE, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::BinaryHttpError;
use super::reader::Reader;

/// The fields and the content of a message of known length (RFC 9292 section 3.1), to its end.
pub(super) fn known_length(
    mut reader: Reader<'_>,
) -> Result<(HeaderMap, Vec<u8>), BinaryHttpError> {
    let mut section = Reader::new(reader.section("the header section")?);
    let mut fields = HeaderMap::new();
    while !section.is_at_the_end() {
        let name = section.prefixed("a field's name")?;
        append(&mut fields, name, &mut section)?;
    }
    let content = reader.section("the content")?.to_vec();
    if !reader.section("the trailers")?.is_empty() {
        return Err(BinaryHttpError::Trailers);
    }
    finish(reader, fields, content)
}

/// The same of indeterminate length (RFC 9292 section 3.2).
pub(super) fn indeterminate_length(
    mut reader: Reader<'_>,
) -> Result<(HeaderMap, Vec<u8>), BinaryHttpError> {
    let mut fields = HeaderMap::new();
    // A section that is left out is empty; one that has begun must end.
    while !(fields.is_empty() && reader.is_at_the_end()) {
        let name = reader.prefixed("the header section")?;
        if name.is_empty() {
            break;
        }
        append(&mut fields, name, &mut reader)?;
    }
    let mut content = Vec::new();
    while !(content.is_empty() && reader.is_at_the_end()) {
        let chunk = reader.prefixed("the content")?;
        if chunk.is_empty() {
            break;
        }
        content.extend(chunk);
    }
    if !reader.section("the trailers")?.is_empty() {
        return Err(BinaryHttpError::Trailers);
    }
    finish(reader, fields, content)
}

fn append(
    fields: &mut HeaderMap,
    name: &[u8],
    values: &mut Reader<'_>,
) -> Result<(), BinaryHttpError> {
    let value = values.prefixed("a field's value")?;
    let malformed = || BinaryHttpError::Field(fields.len() + 1);
    let trimmed = value.trim_ascii().len() == value.len();
    let name = HeaderName::from_lowercase(name).map_err(|_| malformed())?;
    let value = HeaderValue::from_bytes(value)
        .ok()
        .filter(|_| trimmed)
        .ok_or_else(malformed)?;
    let number = fields.len() + 1;
    fields
        .try_append(name, value)
        .map_err(|_| BinaryHttpError::Field(number))?;
    Ok(())
}

/// Checks that apply to a whole message in either framing.
fn finish(
    reader: Reader<'_>,
    fields: HeaderMap,
    content: Vec<u8>,
) -> Result<(HeaderMap, Vec<u8>), BinaryHttpError> {
    reader.finish()?;
    let of_connections = [
        CONNECTION.as_str(),
        "keep-alive",
        "proxy-connection",
        TE.as_str(),
        TRANSFER_ENCODING.as_str(),
        UPGRADE.as_str(),
    ];
    for name in of_connections {
        if fields.contains_key(name) {
            return Err(BinaryHttpError::ConnectionField(name));
        }
    }
    let length = content.len().to_string();
    if fields
        .get_all(CONTENT_LENGTH)
        .iter()
        .any(|value| value.as_bytes() != length.as_bytes())
    {
        return Err(BinaryHttpError::ContentLength(content.len()));
    }
    Ok((fields, content))
}
