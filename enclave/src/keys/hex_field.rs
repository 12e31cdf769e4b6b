//! Hex in the fields of a request.
//!
//! Only lower case is accepted, so that a value has one spelling and equal requests are equal bytes.

use super::InvalidField;

/// Exactly `N` bytes.
pub(super) fn fixed<const N: usize>(field: &str, text: &str) -> Result<[u8; N], InvalidField> {
    let accepted = || format!("{N} bytes as {} lower-case hex digits", 2 * N);
    check_digits(field, text, accepted)?;
    let mut bytes = [0; N];
    hex::decode_to_slice(text, &mut bytes)
        .map_err(|_| InvalidField::new(field, digits(text.len()), accepted()))?;
    Ok(bytes)
}

/// At most `max` bytes, possibly none.
pub(super) fn at_most(field: &str, text: &str, max: usize) -> Result<Vec<u8>, InvalidField> {
    let accepted = || format!("at most {max} bytes as lower-case hex digits, two for each byte");
    let refused = || InvalidField::new(field, digits(text.len()), accepted());
    if text.len() > 2 * max {
        return Err(refused());
    }
    check_digits(field, text, accepted)?;
    hex::decode(text).map_err(|_| refused())
}

fn check_digits(
    field: &str,
    text: &str,
    accepted: impl Fn() -> String,
) -> Result<(), InvalidField> {
    match text
        .char_indices()
        .find(|(_, c)| !matches!(c, '0'..='9' | 'a'..='f'))
    {
        None => Ok(()),
        Some((at, c)) => Err(InvalidField::new(
            field,
            format!("{c:?} at byte {at}"),
            accepted(),
        )),
    }
}

fn digits(count: usize) -> String {
    format!("{count} hex digits")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lower_case_hex_of_the_right_length_is_accepted() {
        assert_eq!(fixed("/x", "00ff"), Ok([0, 255]));
        assert_eq!(at_most("/x", "", 2), Ok(vec![]));
        assert_eq!(at_most("/x", "0aff", 2), Ok(vec![10, 255]));
    }

    #[test]
    fn everything_else_is_refused_with_what_came_and_what_is_accepted() {
        let said = |text| fixed::<2>("/x", text).unwrap_err().to_string();
        let accepted = "accepted: 2 bytes as 4 lower-case hex digits";
        assert_eq!(said("00FF"), format!("/x: 'F' at byte 2; {accepted}"));
        assert_eq!(said("0x00"), format!("/x: 'x' at byte 1; {accepted}"));
        assert_eq!(said("00f"), format!("/x: 3 hex digits; {accepted}"));
        assert_eq!(said("00ff00"), format!("/x: 6 hex digits; {accepted}"));
        assert_eq!(at_most("/x", "000000", 2).unwrap_err().came, "6 hex digits");
        assert_eq!(at_most("/x", "000", 2).unwrap_err().came, "3 hex digits");
        assert_eq!(at_most("/x", "0G", 2).unwrap_err().came, "'G' at byte 1");
    }
}
