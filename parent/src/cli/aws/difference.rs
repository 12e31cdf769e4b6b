//! The difference between two policies, for people to read.

use std::collections::BTreeMap;

use serde_json::Value;

/// What differs in the new policy, line by line; nothing if both mean the same.
///
/// The order of members does not matter, nor whether a single entry is in a list.
pub(crate) fn difference(old: &str, new: &str) -> Option<String> {
    let (old, new) = (canonical_text(old), canonical_text(new));
    if old == new {
        return None;
    }
    let (old, new): (Vec<_>, Vec<_>) = (old.lines().collect(), new.lines().collect());
    Some(changed_parts(&edits(&old, &new)).join("\n"))
}

/// One line: kept (` `), removed (`-`) or added (`+`).
type Edit<'a> = (char, &'a str);

/// The fewest removed and added lines that lead from one text to the other.
fn edits<'a>(old: &[&'a str], new: &[&'a str]) -> Vec<Edit<'a>> {
    let mut rows = vec![vec![0_usize; new.len() + 1]];
    // rows[i][j] is the longest common subsequence of the last i old and the last j new lines.
    for left in old.iter().rev() {
        let mut row = vec![0];
        let above = rows.last().cloned().unwrap_or_default();
        for (right, pair) in new.iter().rev().zip(above.windows(2)) {
            let (diagonal, up) = match pair {
                [diagonal, up] => (*diagonal, *up),
                _ => (0, 0),
            };
            let beside = row.last().copied().unwrap_or_default();
            row.push(if left == right {
                diagonal + 1
            } else {
                up.max(beside)
            });
        }
        rows.push(row);
    }
    let longest = |i: usize, j: usize| {
        let row = rows.get(i).map(Vec::as_slice).unwrap_or_default();
        row.get(j).copied().unwrap_or_default()
    };
    let (mut old, mut new) = (old, new);
    let mut edits = Vec::new();
    loop {
        match (old.split_first(), new.split_first()) {
            (None, None) => return edits,
            (Some((left, old_rest)), Some((right, new_rest))) if left == right => {
                edits.push((' ', *left));
                (old, new) = (old_rest, new_rest);
            }
            (Some((left, rest)), other)
                if other.is_none_or(|(_, new_rest)| {
                    longest(rest.len(), new.len()) >= longest(old.len(), new_rest.len())
                }) =>
            {
                edits.push(('-', *left));
                old = rest;
            }
            (_, Some((right, rest))) => {
                edits.push(('+', *right));
                new = rest;
            }
            (Some(_), None) => return edits,
        }
    }
}

/// The edits with a few kept lines around them; `...` stands for the rest.
fn changed_parts(edits: &[Edit<'_>]) -> Vec<String> {
    let near = |at: usize| {
        edits
            .iter()
            .skip(at.saturating_sub(CONTEXT))
            .take(CONTEXT + 1 + at.min(CONTEXT))
            .any(|(kind, _)| *kind != ' ')
    };
    let mut parts: Vec<String> = Vec::new();
    for (at, (kind, line)) in edits.iter().enumerate() {
        if near(at) {
            parts.push(format!("{kind} {line}"));
        } else if parts.last().is_none_or(|last| last != GAP) {
            parts.push(GAP.to_owned());
        }
    }
    parts
}

/// The policy indented, members sorted, single entries without a list; what is not JSON unchanged.
fn canonical_text(policy: &str) -> String {
    match serde_json::from_str(policy) {
        Ok(json) => serde_json::to_string_pretty(&canonical(json)).unwrap_or_default(),
        Err(_) => policy.to_owned(),
    }
}

fn canonical(json: Value) -> Value {
    match json {
        Value::Array(mut items) if items.len() == 1 => {
            items.pop().map(canonical).unwrap_or_default()
        }
        Value::Array(items) => items.into_iter().map(canonical).collect(),
        Value::Object(members) => {
            let members: BTreeMap<_, _> = members
                .into_iter()
                .map(|(name, value)| (name, canonical(value)))
                .collect();
            members.into_iter().collect()
        }
        other => other,
    }
}

/// How many kept lines are shown before and after an edit.
const CONTEXT: usize = 2;

const GAP: &str = "  ...";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_and_lists_of_one_make_no_difference() {
        let old = r#"{"Version": "2012-10-17", "Statement": [{"Action": "kms:Decrypt", "Resource": ["*"]}]}"#;
        let new = r#"{"Statement": {"Resource": "*", "Action": ["kms:Decrypt"]}, "Version": "2012-10-17"}"#;
        assert_eq!(difference(old, new), None);
    }

    #[test]
    fn changed_lines_are_shown_with_their_context() {
        let policy = |actions: &str| {
            format!(
                r#"{{"Statement": {{"Action": [{actions}], "Effect": "Allow", "Sid": "a", "Zone": "b"}}}}"#
            )
        };
        let old = policy(r#""a", "b", "c", "d""#);
        let new = policy(r#""a", "b", "x", "d", "y""#);
        assert_eq!(
            difference(&old, &new).unwrap(),
            [
                "  ...",
                "        \"a\",",
                "        \"b\",",
                "-       \"c\",",
                "-       \"d\"",
                "+       \"x\",",
                "+       \"d\",",
                "+       \"y\"",
                "      ],",
                "      \"Effect\": \"Allow\",",
                "  ...",
            ]
            .join("\n")
        );
    }

    #[test]
    fn every_old_line_is_kept_or_removed_and_every_new_line_is_kept_or_added() {
        let texts = [
            "", "a", "a b", "b a", "a b c d", "d c b a", "a c", "a a b b", "b b a a",
        ];
        for (old, new) in texts.iter().flat_map(|a| texts.iter().map(move |b| (a, b))) {
            let old: Vec<_> = old.split_whitespace().collect();
            let new: Vec<_> = new.split_whitespace().collect();
            let edits = edits(&old, &new);
            let without = |kind: char| -> Vec<_> {
                let kept = edits.iter().filter(|(found, _)| *found != kind);
                kept.map(|(_, line)| *line).collect()
            };
            assert_eq!(without('+'), old);
            assert_eq!(without('-'), new);
        }
    }
}
