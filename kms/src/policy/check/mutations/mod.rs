//! The generated policy has no finding; broken in one respect, it has exactly the finding that names it.

mod attestation;
mod denials;
mod forms;
mod key;
mod soundness;

use serde_json::{Value, json};

use super::super::WrittenPolicy;
use super::super::generate::tests::{ADMINISTRATOR, ROLE, arguments};
use super::*;

/// The statements of the generated policy.
const RELEASE: usize = 0;
const ADMINISTRATION: usize = 2;
const NEVER: usize = 3;
const UNATTESTED: usize = 4;

const PCR: &str = "kms:RecipientAttestation:PCR";
const IGNORE_CASE: &str = "StringEqualsIgnoreCase";

fn generated() -> Value {
    serde_json::from_str(&arguments().policy().unwrap()).unwrap()
}

/// A key with this response of `DescribeKey`, and no grants.
fn key(metadata: &Value) -> Key {
    Key {
        metadata: Some(KeyMetadata::from_json(&metadata.to_string()).unwrap()),
        grants: Some(Vec::new()),
    }
}

fn good_key() -> Value {
    json!({"KeyMetadata": {
        "Arn": "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        "Origin": "AWS_KMS", "KeySpec": "SYMMETRIC_DEFAULT", "KeyUsage": "ENCRYPT_DECRYPT",
        "MultiRegion": false, "KeyState": "Enabled", "KeyManager": "CUSTOMER",
    }})
}

fn report(policy: &Value) -> Report {
    let policy = WrittenPolicy::parse(&policy.to_string()).unwrap();
    check(&policy, &key(&good_key()))
}

fn names(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(|finding| finding.rule.name()).collect()
}

/// The generated policy, with one statement broken.
fn broken(statement: usize, break_it: impl FnOnce(&mut Value)) -> Value {
    let mut policy = generated();
    break_it(&mut policy["Statement"][statement]);
    policy
}

/// The generated policy with one more statement, first or last.
fn with(statement: &Value) -> [Value; 2] {
    let mut last = generated();
    let mut first = generated();
    let statements = |policy: &mut Value| policy["Statement"].as_array_mut().unwrap().clone();
    last["Statement"] = json!([statements(&mut last), vec![statement.clone()]].concat());
    first["Statement"] = json!([vec![statement.clone()], statements(&mut first)].concat());
    [first, last]
}

fn allow(principal: Value, action: &str) -> Value {
    json!({"Sid": "New", "Effect": "Allow", "Principal": principal, "Action": action, "Resource": "*"})
}

fn role() -> Value {
    json!({"AWS": ROLE})
}

/// Asserts that the broken policy has this finding for that statement, and no other.
#[track_caller]
fn finds(policy: &Value, expected: &str, statement: Option<&str>) {
    let report = report(policy);
    assert_eq!(names(&report.findings), [expected], "{report:#?}");
    assert_eq!(report.findings[0].sid.as_deref(), statement);
    assert!(!report.findings[0].why.is_empty());
}

#[test]
fn the_generated_policy_has_no_finding() {
    let report = report(&generated());
    assert_eq!(report.findings, []);
    assert_eq!(names(&report.notices), ["policy-change"]);
    assert!(report.notices[0].found.contains(ADMINISTRATOR));
    assert_eq!(report.statements.len(), 5);
}

#[test]
fn the_default_policy_of_aws_has_every_bypass() {
    let default = json!({"Version": "2012-10-17", "Id": "key-default-1", "Statement": [{
        "Sid": "Enable IAM User Permissions", "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::111122223333:root"}, "Action": "kms:*", "Resource": "*"}]});
    let mut found = names(&report(&default).findings);
    found.sort();
    let mut expected: Vec<_> = Never::ALL.map(|never| Rule::Allowed(never).name()).into();
    expected.extend(
        [
            "no-attestation",
            "account-delegation",
            "unattested-use-not-denied",
        ]
        .map(str::to_owned),
    );
    expected.sort();
    assert_eq!(found, expected);
}
