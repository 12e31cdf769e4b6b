//! What is accepted as a key policy, and what is refused.

use super::*;

/// A statement with one member replaced, added or (with no value) left out.
fn policy_with(member: &str, value: Option<&str>) -> String {
    let mut members = vec![
        ("Sid", r#""Use""#),
        ("Effect", r#""Allow""#),
        ("Principal", r#"{"AWS": "111122223333"}"#),
        ("Action", r#""kms:Decrypt""#),
        ("Resource", r#""*""#),
    ];
    members.retain(|(name, _)| *name != member);
    members.extend(value.map(|value| (member, value)));
    let members: Vec<_> = members
        .iter()
        .map(|(name, value)| format!("\"{name}\": {value}"))
        .collect();
    format!(
        r#"{{"Version": "2012-10-17", "Statement": {{{}}}}}"#,
        members.join(", ")
    )
}

#[test]
fn every_form_that_aws_accepts_is_accepted() {
    for (member, value) in [
        ("Effect", r#""Deny""#),
        ("Principal", r#""*""#),
        ("Principal", r#"{"AWS": "*"}"#),
        (
            "Principal",
            r#"{"AWS": ["111122223333", "arn:aws:iam::111122223333:user/a"], "Service": "ec2.amazonaws.com"}"#,
        ),
        ("Principal", r#"{"AWS": "AROA1234567890EXAMPLE"}"#),
        ("Action", r#"["kms:*", "kms:Decrypt"]"#),
        ("Resource", r#"["*"]"#),
        ("Sid", r#""with spaces, and ü""#),
        (
            "Condition",
            r#"{"Bool": {"aws:SecureTransport": true}, "NumericLessThan": {"a": [300, 1.5]}, "Null": {"b": "true"}}"#,
        ),
        ("Condition", "{}"),
    ] {
        WrittenPolicy::parse(&policy_with(member, Some(value)))
            .unwrap_or_else(|error| panic!("{member} {value}: {error}"));
    }
    for (present, absent) in [
        ("NotPrincipal", "\"Principal\""),
        ("NotAction", "\"Action\""),
        ("NotResource", "\"Resource\""),
    ] {
        let text = policy_with("Sid", None).replace(absent, &format!("\"{present}\""));
        WrittenPolicy::parse(&text).unwrap();
    }
    let old = policy_with("Sid", None).replace("2012-10-17\"", "2008-10-17\", \"Id\": \"id\"");
    assert!(!WrittenPolicy::parse(&old).unwrap().variables);
}

#[test]
fn an_invalid_statement_is_refused_with_its_place_and_what_is_accepted() {
    for (member, value, problem) in [
        ("Effect", Some(r#""allow""#), "Effect is \"allow\""),
        ("Effect", Some("true"), "Effect is a boolean"),
        ("Effect", None, "Effect is missing"),
        ("Principal", None, "Principal is missing"),
        ("Principal", Some("{}"), "Principal is an object"),
        (
            "Principal",
            Some(r#""111122223333""#),
            "Principal is \"111122223333\"",
        ),
        (
            "Principal",
            Some(r#"{"aws": "*"}"#),
            "the principal kind \"aws\"",
        ),
        (
            "Principal",
            Some(r#"{"AWS": []}"#),
            "Principal AWS is an empty list",
        ),
        (
            "Principal",
            Some(r#"{"AWS": [1]}"#),
            "Principal AWS is a number",
        ),
        (
            "Principal",
            Some(r#"{"AWS": "arn:aws:iam::111122223333:role/*"}"#),
            "role/*",
        ),
        (
            "NotPrincipal",
            Some(r#""*""#),
            "both Principal and NotPrincipal",
        ),
        ("Action", None, "Action is missing"),
        ("Action", Some("[]"), "Action is an empty list"),
        ("NotAction", Some(r#""kms:*""#), "both Action and NotAction"),
        ("Resource", None, "Resource is missing"),
        ("Resource", Some("null"), "Resource is null"),
        (
            "action",
            Some(r#""kms:*""#),
            "the member \"action\" is unknown",
        ),
        (
            "Conditions",
            Some("{}"),
            "the member \"Conditions\" is unknown",
        ),
        ("Condition", Some("[]"), "Condition is a list"),
        (
            "Condition",
            Some(r#"{"StringEquals": {}}"#),
            "StringEquals is empty",
        ),
        (
            "Condition",
            Some(r#"{"StringEquals": ["a"]}"#),
            "StringEquals is a list",
        ),
        (
            "Condition",
            Some(r#"{"StringEquals": {"a": []}}"#),
            "a is an empty list",
        ),
        (
            "Condition",
            Some(r#"{"StringEquals": {"a": {}}}"#),
            "a is an object",
        ),
        (
            "Condition",
            Some(r#"{"StringEquals": {"kms:a": "1", "KMS:A": "2"}}"#),
            "KMS:A twice",
        ),
    ] {
        let error = WrittenPolicy::parse(&policy_with(member, value))
            .unwrap_err()
            .to_string();
        assert!(error.starts_with("statement 1 (\"Use\"): "), "{error}");
        assert!(error.contains(problem), "{error}");
        assert!(error.contains("; accepted: "), "{error}");
    }
}

#[test]
fn an_invalid_policy_is_refused() {
    let statement = policy_with("Sid", None);
    for (text, problem) in [
        (String::new(), "not JSON"),
        ("[]".to_owned(), "it is a list"),
        (format!("{statement}{statement}"), "not JSON"),
        (
            statement.replace("2012", "2013"),
            "Version is \"2013-10-17\"",
        ),
        (
            statement.replace("\"Version\"", "\"version\""),
            "Version is missing",
        ),
        (
            statement.replace("\"Statement\"", "\"Statements\""),
            "Statement is missing",
        ),
        (
            statement.replace("\"Sta", "\"ID\": 1, \"Sta"),
            "the member \"ID\" is unknown",
        ),
        (
            statement.replace("\"Sta", "\"Version\": \"2012-10-17\", \"Sta"),
            "occurs twice",
        ),
        (
            r#"{"Version": "2012-10-17", "Statement": []}"#.to_owned(),
            "there is no statement",
        ),
        (
            r#"{"Version": "2012-10-17", "Statement": ["a"]}"#.to_owned(),
            "it is a string",
        ),
        (statement.replace("2012", "２０12"), "the character"),
        (format!("{statement}{}", " ".repeat(POLICY_MAX)), "bytes"),
    ] {
        let error = WrittenPolicy::parse(&text).unwrap_err().to_string();
        assert!(error.contains(problem), "{error}");
        assert!(error.contains("; accepted: "), "{error}");
    }
    let longest = format!("{statement}{}", " ".repeat(POLICY_MAX - statement.len()));
    WrittenPolicy::parse(&longest).unwrap();
}

#[test]
fn the_place_of_an_error_is_its_statement() {
    let one = policy_with("Sid", None);
    let (_, statement) = one.split_once("\"Statement\": ").unwrap();
    let statement = statement.strip_suffix('}').unwrap();
    let broken = statement.replace("Allow", "Permit");
    let text = format!(r#"{{"Version": "2012-10-17", "Statement": [{statement}, {broken}]}}"#);
    assert_eq!(
        WrittenPolicy::parse(&text).unwrap_err().place(),
        "statement 2"
    );
}
