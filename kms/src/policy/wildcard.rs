//! The wildcards of IAM policies: `*` matches any characters or none; `?` matches any one character.

/// Whether `text` matches `pattern`, case-sensitively.
///
/// Takes at most `pattern × text` steps, whatever the pattern.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let (mut pattern, mut text) = (pattern.chars(), text.chars());
    // Where to resume when the last `*` has to match one more character.
    let mut retry = None;
    loop {
        let mut ahead = pattern.clone();
        match (ahead.next(), text.clone().next()) {
            (Some('*'), _) => {
                pattern = ahead;
                retry = Some((pattern.clone(), text.clone()));
            }
            (Some(expected), Some(found)) if expected == '?' || expected == found => {
                pattern = ahead;
                text.next();
            }
            (None, None) => return true,
            _ => {
                let Some((after_star, mut from)) = retry.take() else {
                    return false;
                };
                if from.next().is_none() {
                    return false;
                }
                (pattern, text) = (after_star.clone(), from.clone());
                retry = Some((after_star, from));
            }
        }
    }
}

/// Whether some text matches both patterns.
///
/// Takes `one × other` steps.
pub(crate) fn overlap(one: &str, other: &str) -> bool {
    let (one, other): (Vec<_>, Vec<_>) = (one.chars().collect(), other.chars().collect());
    // Whether what is left of both overlaps, for each rest of `other`; first for the empty rest of `one`.
    let mut rests: Vec<bool> = (0..=other.len())
        .map(|at| other.iter().skip(at).all(|c| *c == '*'))
        .collect();
    for a in one.iter().rev() {
        let mut row = vec![*a == '*' && rests.last() == Some(&true)];
        for (b, pair) in other.iter().zip(rests.windows(2)).rev() {
            let [skipped_one, skipped_both] = pair else {
                continue;
            };
            let skipped_other = row.last() == Some(&true);
            row.push(match (a, b) {
                ('*', _) | (_, '*') => *skipped_one || skipped_other,
                _ => (a == b || *a == '?' || *b == '?') && *skipped_both,
            });
        }
        row.reverse();
        rests = row;
    }
    rests.first() == Some(&true)
}

/// Whether an ARN matches an ARN pattern: each of the six parts between colons is compared separately, and the last may
/// contain colons (IAM User Guide, "ARN condition operators").
pub(super) fn matches_arn(pattern: &str, arn: &str) -> bool {
    let (pattern, arn): (Vec<_>, Vec<_>) = (
        pattern.splitn(ARN_PARTS, ':').collect(),
        arn.splitn(ARN_PARTS, ':').collect(),
    );
    pattern.len() == ARN_PARTS
        && arn.len() == ARN_PARTS
        && pattern
            .iter()
            .zip(&arn)
            .all(|(pattern, part)| matches(pattern, part))
}

/// Whether a pattern has the six parts of an ARN.
pub(super) fn is_arn_pattern(text: &str) -> bool {
    text.splitn(ARN_PARTS, ':').count() == ARN_PARTS
}

/// Whether the text contains a wildcard.
pub(crate) fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?'])
}

const ARN_PARTS: usize = 6;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn stars_and_question_marks_match_as_iam_says() {
        for (pattern, text) in [
            ("", ""),
            ("*", ""),
            ("*", "anything at all"),
            ("a*", "a"),
            ("a*c", "abbbc"),
            ("a*c", "abcbc"),
            ("*a*b*", "xxaxxbxx"),
            ("a?c", "abc"),
            ("?", "ü"),
            ("**", "a"),
            ("a*", "a*"),
        ] {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [
            ("", "a"),
            ("a", ""),
            ("?", ""),
            ("a?", "a"),
            ("a*c", "abcd"),
            ("A", "a"),
            ("*a", "ab"),
            ("a*b*c", "acb"),
        ] {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn a_pattern_of_many_stars_is_decided_in_bounded_time() {
        assert!(!matches(&"*a".repeat(1000), &"a".repeat(999)));
    }

    #[test]
    fn patterns_overlap_if_one_text_matches_both() {
        for (one, other) in [
            ("", ""),
            ("*", ""),
            ("a*", "*b"),
            ("table/a*/backup/*", "table/*/backup/1"),
            ("a?", "?b"),
            ("a*c", "a?c"),
        ] {
            assert!(overlap(one, other) && overlap(other, one), "{one} {other}");
        }
        for (one, other) in [
            ("a", ""),
            ("a*", "b*"),
            ("a?", "a"),
            ("a*b", "a*c"),
            ("ab", "a?c"),
        ] {
            assert!(
                !overlap(one, other) && !overlap(other, one),
                "{one} {other}"
            );
        }
    }

    /// The definition as a recursion, slow and plainly right.
    fn by_definition(pattern: &[char], text: &[char]) -> bool {
        match (pattern.split_first(), text.split_first()) {
            (None, None) => true,
            (Some(('*', after)), None) => by_definition(after, text),
            (Some(('*', after)), Some((_, rest))) => {
                by_definition(after, text) || by_definition(pattern, rest)
            }
            (Some((p, after)), Some((t, rest))) => {
                (*p == '?' || p == t) && by_definition(after, rest)
            }
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn any_pattern_matches_by_its_definition(pattern in "[ab*?]{0,8}", text in "[ab]{0,8}") {
            let expected = by_definition(
                &pattern.chars().collect::<Vec<_>>(),
                &text.chars().collect::<Vec<_>>(),
            );
            prop_assert_eq!(matches(&pattern, &text), expected);
            prop_assert_eq!(overlap(&pattern, &text), expected);
        }

        #[test]
        fn two_patterns_that_match_a_text_overlap(
            one in "[ab*?]{0,6}", other in "[ab*?]{0,6}", text in "[ab]{0,6}",
        ) {
            if matches(&one, &text) && matches(&other, &text) {
                prop_assert!(overlap(&one, &other));
            }
        }
    }
}
