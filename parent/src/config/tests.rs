//! The printed configuration, the document about it, and what is refused.

use super::*;

fn refusal(text: &str) -> String {
    Config::parse(text).unwrap_err().to_string()
}

#[test]
fn the_printed_configuration_is_the_default() {
    assert_eq!(Config::parse(TEMPLATE).unwrap(), Config::default());
    assert_eq!(Config::parse("").unwrap(), Config::default());
}

#[test]
fn the_documentation_shows_the_printed_configuration() {
    let page = include_str!("../../../docs/configuration-parent.md");
    assert!(page.contains(TEMPLATE.trim_end()));
}

#[test]
fn every_key_of_the_printed_configuration_has_a_comment() {
    let mut commented = false;
    for line in TEMPLATE.lines() {
        if line.contains(" = ") && !line.starts_with('#') {
            assert!(commented, "no comment above {line}");
        }
        commented = line.starts_with('#');
    }
}

#[test]
fn the_ranges_in_the_comments_are_the_ranges_that_are_enforced() {
    let mut table = String::new();
    let mut range: Option<(i64, i64)> = None;
    let mut checked = 0;
    for line in TEMPLATE.lines() {
        if line.starts_with('[') {
            table = line.to_owned();
        } else if let Some(comment) = line.strip_prefix('#') {
            range = range_of(comment).or(range);
        } else if let (Some((low, high)), Some((key, _))) = (range, line.split_once(" = ")) {
            for (value, accepted) in [
                (low, true),
                (high, true),
                (low - 1, false),
                (high + 1, false),
            ] {
                let text = format!("{table}\n{key} = {value}");
                assert_eq!(Config::parse(&text).is_ok(), accepted, "{text}");
            }
            checked += 1;
            range = None;
        }
    }
    assert_eq!(checked, 19);
}

/// `... 1 to 60000.` as numbers.
fn range_of(comment: &str) -> Option<(i64, i64)> {
    let (before, after) = comment.rsplit_once(" to ")?;
    let low = before.rsplit([' ', ':']).next()?.parse().ok()?;
    let high = after.split(['.', ' ']).next()?.parse().ok()?;
    Some((low, high))
}

#[test]
fn an_unknown_key_is_named_with_the_known_keys() {
    let text = refusal("[limits]\nbody_byte = 5\n");
    assert!(text.contains("body_byte"), "{text}");
    assert!(text.contains("`body_bytes`"), "{text}");
    assert!(text.contains("line 2"), "{text}");
}

#[test]
fn a_value_out_of_range_is_shown_with_its_line_and_the_range() {
    let text = refusal("[limits]\nbody_bytes = 5\n");
    assert!(text.contains("body_bytes = 5"), "{text}");
    assert!(text.contains("1024 to 1073741824"), "{text}");
}

#[test]
fn an_invalid_address_is_refused() {
    let text = refusal("[enclave]\naddress = \"tcp://host:1\"\n");
    assert!(text.contains("address ="), "{text}");
    assert!(text.contains("unix:"), "{text}");
}

#[test]
fn an_unknown_level_is_refused_with_the_known_levels() {
    let text = refusal("[log]\nlevel = \"loud\"\n");
    assert!(text.contains("loud") && text.contains("debug"), "{text}");
}
