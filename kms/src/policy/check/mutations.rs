//! The generated policy has no finding; broken in one way, it has exactly the finding that names that way.

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

/// What `DescribeKey` says, and no grants.
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

/// The generated policy with one statement more, first or last.
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

/// The broken policy has this finding of that statement, and no other.
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
fn every_action_that_nobody_may_have_must_be_denied_to_everybody() {
    for (at, action, expected) in [
        (0, "kms:Encrypt", "encrypt-not-denied"),
        (1, "kms:ReEncrypt*", "re-encrypt-not-denied"),
        (2, "kms:CreateGrant", "grants-not-denied"),
        (3, "kms:ImportKeyMaterial", "import-not-denied"),
        (4, "kms:GenerateDataKeyPair*", "key-pairs-not-denied"),
        (
            5,
            "kms:GenerateDataKeyWithoutPlaintext",
            "data-key-without-plaintext-not-denied",
        ),
        (6, "kms:ReplicateKey", "replicas-not-denied"),
    ] {
        let without = broken(NEVER, |statement| {
            let removed = statement["Action"].as_array_mut().unwrap().remove(at);
            assert_eq!(removed, action);
        });
        finds(&without, expected, None);
    }
    for (present, missing) in [
        ("kms:ReEncryptFrom", "kms:ReEncryptTo"),
        ("kms:ReEncryptTo", "kms:ReEncryptFrom"),
    ] {
        let half = broken(NEVER, |statement| statement["Action"][1] = json!(present));
        finds(&half, "re-encrypt-not-denied", None);
        assert!(report(&half).findings[0].found.starts_with(missing));
    }
}

#[test]
fn an_action_that_is_allowed_and_no_longer_denied_is_found_at_the_statement_that_allows_it() {
    for (at, action, expected) in [
        (0, "kms:Encrypt", "encrypt-allowed"),
        (0, "kms:enc*", "encrypt-allowed"),
        (1, "kms:ReEncryptTo", "re-encrypt-allowed"),
        (1, "kms:ReEncrypt*", "re-encrypt-allowed"),
        (2, "kms:CreateGrant", "grants-allowed"),
        (3, "kms:ImportKeyMaterial", "import-allowed"),
        (
            4,
            "kms:GenerateDataKeyPairWithoutPlaintext",
            "key-pairs-allowed",
        ),
        (
            5,
            "kms:GenerateDataKeyWithoutPlaintext",
            "data-key-without-plaintext-allowed",
        ),
        (6, "kms:ReplicateKey", "replicas-allowed"),
    ] {
        let mut policy = broken(NEVER, |statement| {
            statement["Action"].as_array_mut().unwrap().remove(at);
        });
        let statements = policy["Statement"].as_array_mut().unwrap();
        statements.push(allow(json!({"AWS": ADMINISTRATOR}), action));
        finds(&policy, expected, Some("New"));
    }
}

#[test]
fn a_denial_that_is_not_for_everybody_always_or_this_key_denies_nothing() {
    let weaker: [(&str, Value); 5] = [
        ("Principal", role()),
        ("Principal", json!({"AWS": "111122223333"})),
        ("Condition", json!({"Bool": {"aws:SecureTransport": false}})),
        (
            "Condition",
            json!({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}),
        ),
        (
            "Resource",
            json!("arn:aws:kms:us-east-1:111122223333:key/another"),
        ),
    ];
    for (member, value) in weaker {
        let weak = broken(NEVER, |statement| statement[member] = value);
        let not_denied: Vec<_> = Never::ALL.map(|never| Rule::NotDenied(never).name()).into();
        assert_eq!(names(&report(&weak).findings), not_denied, "{member}");
    }
    let mut without = generated();
    without["Statement"].as_array_mut().unwrap().remove(NEVER);
    assert_eq!(names(&report(&without).findings).len(), Never::ALL.len());
}

#[test]
fn what_an_unconditional_denial_covers_is_no_finding() {
    for action in ["kms:Encrypt", "kms:ReEncrypt*", "kms:CreateGrant"] {
        for policy in with(&allow(role(), action)) {
            assert_eq!(report(&policy).findings, [], "{action}");
        }
    }
    let [mut policy, _] = with(&allow(role(), "kms:Decrypt"));
    let denial =
        json!({"Effect": "Deny", "Principal": role(), "Action": "kms:D*", "Resource": "*"});
    policy["Statement"]
        .as_array_mut()
        .unwrap()
        .push(denial.clone());
    assert_eq!(report(&policy).findings, []);
    let statements = policy["Statement"].as_array_mut().unwrap();
    statements.last_mut().unwrap()["Principal"] = json!({"AWS": ADMINISTRATOR});
    finds(&policy, "no-attestation", Some("New"));
}

#[test]
fn use_without_a_condition_on_attestation_is_found() {
    finds(
        &broken(RELEASE, |statement| {
            statement.as_object_mut().unwrap().remove("Condition");
        }),
        "no-attestation",
        Some("Allow release v1"),
    );
    finds(
        &broken(RELEASE, |statement| {
            statement["Condition"]
                .as_object_mut()
                .unwrap()
                .remove(IGNORE_CASE);
        }),
        "no-attestation",
        Some("Allow release v1"),
    );
    for action in [
        "kms:Decrypt",
        "kms:GenerateDataKey",
        "kms:De*",
        "kms:GenerateDataKey*",
    ] {
        for policy in with(&allow(role(), action)) {
            finds(&policy, "no-attestation", Some("New"));
        }
    }
    let widened = broken(ADMINISTRATION, |statement| {
        statement["Action"] = json!("kms:*")
    });
    finds(&widened, "no-attestation", Some("Allow administration"));
}

/// The generated policy, with another condition on attestation for the first release.
fn attested(operator: &str, key: &str, value: Value) -> Value {
    broken(RELEASE, |statement| {
        let conditions = statement["Condition"].as_object_mut().unwrap();
        conditions.remove(IGNORE_CASE);
        conditions.insert(operator.to_owned(), json!({key: value}));
    })
}

#[test]
fn a_condition_that_does_not_bind_is_found_by_what_is_wrong_with_it() {
    let good = "10".repeat(48);
    let pcr0 = format!("{PCR}0");
    let image = "kms:RecipientAttestation:ImageSha384";
    for (operator, key, value, expected) in [
        (
            "StringEqualsIfExists",
            pcr0.as_str(),
            json!(good),
            "attestation-optional",
        ),
        (
            "StringEqualsIgnoreCaseIfExists",
            image,
            json!(good),
            "attestation-optional",
        ),
        (
            "StringLikeIfExists",
            image,
            json!(good),
            "attestation-optional",
        ),
        ("Null", &pcr0, json!("true"), "attestation-optional"),
        (
            "Null",
            &pcr0,
            json!(["true", "false"]),
            "attestation-optional",
        ),
        ("Null", image, json!(true), "attestation-optional"),
        (
            "ForAllValues:StringEquals",
            &pcr0,
            json!(good),
            "attestation-optional",
        ),
        (
            "ForAllValues:StringLike",
            &pcr0,
            json!(good),
            "attestation-optional",
        ),
        (
            "ForAnyValue:StringEqualsIfExists",
            &pcr0,
            json!(good),
            "attestation-optional",
        ),
        ("StringNotEquals", &pcr0, json!(good), "attestation-negated"),
        (
            "StringNotEqualsIgnoreCase",
            image,
            json!(good),
            "attestation-negated",
        ),
        ("StringNotLike", &pcr0, json!("00*"), "attestation-negated"),
        (
            "ForAnyValue:StringNotEquals",
            &pcr0,
            json!(good),
            "attestation-negated",
        ),
        ("StringLike", &pcr0, json!("*"), "attestation-wildcard"),
        (
            "StringLike",
            image,
            json!([good, "10?"]),
            "attestation-wildcard",
        ),
        (
            "StringEquals",
            &pcr0,
            json!("${kms:RecipientAttestation:PCR0}"),
            "attestation-wildcard",
        ),
        ("Null", &pcr0, json!("false"), "any-enclave"),
        (
            IGNORE_CASE,
            &format!("{PCR}3"),
            json!(good),
            "unmeasured-pcr",
        ),
        (
            IGNORE_CASE,
            &format!("{PCR}8"),
            json!(good),
            "unmeasured-pcr",
        ),
        (
            IGNORE_CASE,
            &format!("{PCR}00"),
            json!(good),
            "unmeasured-pcr",
        ),
        (
            IGNORE_CASE,
            "kms:RecipientAttestation:NitroTPMPCR4",
            json!(good),
            "unmeasured-pcr",
        ),
        (
            IGNORE_CASE,
            &format!("{PCR}1"),
            json!(good),
            "partial-measurement",
        ),
        (
            IGNORE_CASE,
            &format!("{PCR}2"),
            json!(good),
            "partial-measurement",
        ),
        ("NumericEquals", &pcr0, json!(0), "no-attestation"),
        ("ArnLike", &pcr0, json!(good), "no-attestation"),
        (
            IGNORE_CASE,
            "kms:EncryptionContext:PCR0",
            json!(good),
            "no-attestation",
        ),
    ] {
        let policy = attested(operator, key, value.clone());
        let found = names(&report(&policy).findings);
        assert_eq!(found, [expected], "{operator} {key} {value}");
    }
}

#[test]
fn every_condition_that_binds_is_accepted() {
    let good = "10".repeat(48);
    let pcr0 = format!("{PCR}0");
    for (operator, key) in [
        ("StringEquals", pcr0.as_str()),
        (IGNORE_CASE, pcr0.as_str()),
        (IGNORE_CASE, "kms:recipientattestation:imagesha384"),
        ("StringLike", pcr0.as_str()),
        ("ForAnyValue:StringEquals", pcr0.as_str()),
    ] {
        for value in [json!(good), json!([good, "20".repeat(48)])] {
            assert_eq!(
                report(&attested(operator, key, value)).findings,
                [],
                "{operator}"
            );
        }
    }
    let halves = broken(RELEASE, |statement| {
        let pcrs = statement["Condition"][IGNORE_CASE].as_object_mut().unwrap();
        pcrs.remove(&pcr0).unwrap();
    });
    assert_eq!(report(&halves).findings, []);
}

#[test]
fn debug_pcrs_are_found_in_every_place() {
    for pcr in 0..3 {
        let debug = broken(RELEASE, |statement| {
            statement["Condition"][IGNORE_CASE][format!("{PCR}{pcr}")] = json!("0".repeat(96));
        });
        finds(&debug, "debug-pcr", Some("Allow release v1"));
        let also = broken(RELEASE, |statement| {
            let value = &mut statement["Condition"][IGNORE_CASE][format!("{PCR}{pcr}")];
            *value = json!([value.clone(), "0".repeat(96)]);
        });
        finds(&also, "debug-pcr", Some("Allow release v1"));
    }
}

#[test]
fn a_denial_to_other_enclaves_binds_every_statement() {
    let demand = |operator: &str, values: Value| {
        json!({"Effect": "Deny", "Principal": "*", "Action": "kms:*", "Resource": "*",
            "Condition": {operator: {format!("{PCR}0"): values}}})
    };
    let values = json!(["10".repeat(48), "20".repeat(48)]);
    for operator in [
        "StringNotEquals",
        "StringNotEqualsIgnoreCase",
        "StringNotEqualsIfExists",
    ] {
        let mut policy = broken(RELEASE, |statement| {
            statement.as_object_mut().unwrap().remove("Condition");
        });
        policy["Statement"][UNATTESTED] = demand(operator, values.clone());
        assert_eq!(report(&policy).findings, [], "{operator}");
        policy["Statement"][UNATTESTED] = demand(operator, json!(["0".repeat(96)]));
        finds(&policy, "debug-pcr", Some("Allow release v1"));
    }
    for (operator, values) in [
        ("StringNotLike", json!("10*")),
        ("ForAnyValue:StringNotEquals", values.clone()),
        ("StringEquals", values),
    ] {
        let mut policy = broken(RELEASE, |statement| {
            statement.as_object_mut().unwrap().remove("Condition");
        });
        policy["Statement"]
            .as_array_mut()
            .unwrap()
            .push(demand(operator, values));
        finds(&policy, "no-attestation", Some("Allow release v1"));
    }
}

#[test]
fn use_without_attestation_must_be_denied_to_everybody() {
    let mut without = generated();
    without["Statement"]
        .as_array_mut()
        .unwrap()
        .remove(UNATTESTED);
    finds(&without, "unattested-use-not-denied", None);
    for (member, value) in [
        ("Principal", role()),
        ("Action", json!("kms:Decrypt")),
        ("Action", json!("kms:GenerateDataKey")),
        (
            "Resource",
            json!("arn:aws:kms:us-east-1:111122223333:key/another"),
        ),
        ("Condition", json!({"Null": {format!("{PCR}0"): "false"}})),
        (
            "Condition",
            json!({"Null": {"kms:EncryptionContext:purpose": "true"}}),
        ),
        (
            "Condition",
            json!({"Null": {format!("{PCR}0"): "true"}, "Bool": {"aws:SecureTransport": "false"}}),
        ),
    ] {
        let weak = broken(UNATTESTED, |statement| statement[member] = value);
        finds(&weak, "unattested-use-not-denied", None);
    }
}

#[test]
fn everybody_and_whole_accounts_are_found() {
    for everybody in [json!("*"), json!({"AWS": "*"}), json!({"AWS": [ROLE, "*"]})] {
        let policy = broken(RELEASE, |statement| {
            statement["Principal"] = everybody.clone()
        });
        finds(&policy, "wildcard-principal", Some("Allow release v1"));
        let policy = broken(ADMINISTRATION, |statement| {
            statement["Principal"] = everybody
        });
        finds(&policy, "wildcard-principal", Some("Allow administration"));
    }
    for account in ["111122223333", "arn:aws:iam::111122223333:root"] {
        let account = json!({"AWS": account});
        let policy = broken(RELEASE, |statement| {
            statement["Principal"] = account.clone()
        });
        finds(&policy, "account-delegation", Some("Allow release v1"));
        let administration = broken(ADMINISTRATION, |statement| {
            statement["Principal"] = account.clone();
        });
        assert_eq!(report(&administration).findings, []);
        for policy in with(&allow(account.clone(), "kms:*")) {
            let found = names(&report(&policy).findings);
            assert_eq!(found, ["no-attestation", "account-delegation"]);
        }
    }
}

#[test]
fn what_is_said_by_exclusion_is_found() {
    for (member, negated, statement, expected) in [
        ("Action", "NotAction", ADMINISTRATION, "not-action"),
        ("Principal", "NotPrincipal", ADMINISTRATION, "not-principal"),
        ("Principal", "NotPrincipal", RELEASE, "not-principal"),
        ("Resource", "NotResource", RELEASE, "not-resource"),
        ("Principal", "NotPrincipal", NEVER, "not-principal"),
        ("Action", "NotAction", UNATTESTED, "not-action"),
        ("Resource", "NotResource", NEVER, "not-resource"),
    ] {
        let policy = broken(statement, |statement| {
            let value = statement.as_object_mut().unwrap().remove(member).unwrap();
            let value = if value == "*" && member == "Principal" {
                json!({"AWS": ADMINISTRATOR})
            } else {
                value
            };
            statement[negated] = value;
        });
        let found = names(&report(&policy).findings);
        assert!(found.contains(&expected.to_owned()), "{negated}: {found:?}");
    }
    // Everything but describing is allowed to administrators: also the use of the key.
    let policy = broken(ADMINISTRATION, |statement| {
        statement.as_object_mut().unwrap().remove("Action");
        statement["NotAction"] = json!("kms:DescribeKey");
    });
    let found = names(&report(&policy).findings);
    assert_eq!(found, ["not-action", "no-attestation"]);
}

#[test]
fn unknown_actions_and_conditions_are_reported_and_trusted_with_nothing() {
    for policy in with(&allow(role(), "kms:DecryptEverything")) {
        finds(&policy, "unknown-action", Some("New"));
    }
    let misspelt = broken(NEVER, |statement| {
        statement["Action"][0] = json!("kms:Encript")
    });
    finds(&misspelt, "encrypt-not-denied", None);
    assert!(names(&report(&misspelt).notices).contains(&"unknown-denial".to_owned()));
    let mut restricted = allow(role(), "kms:Decrypt");
    restricted["Condition"] = json!({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}});
    for policy in with(&restricted) {
        finds(&policy, "no-attestation", Some("New"));
        assert!(names(&report(&policy).notices).contains(&"unknown-condition".to_owned()));
    }
}

#[test]
fn a_pcr_that_no_enclave_can_have_is_noticed() {
    for value in ["", "10", &"g".repeat(96), &"1".repeat(95)] {
        let policy = broken(RELEASE, |statement| {
            statement["Condition"][IGNORE_CASE][format!("{PCR}0")] = json!(value);
        });
        let report = report(&policy);
        assert_eq!(report.findings, [], "{value}");
        assert!(names(&report.notices).contains(&"impossible-pcr".to_owned()));
    }
}

#[test]
fn who_may_change_the_policy_is_a_notice() {
    for policy in with(&allow(role(), "kms:Put*")) {
        let report = report(&policy);
        assert_eq!(report.findings, []);
        let changers: Vec<_> = report
            .notices
            .iter()
            .filter(|notice| notice.rule == Rule::PolicyChange)
            .collect();
        assert_eq!(changers.len(), 2);
        assert!(changers.iter().any(|notice| notice.found.contains(ROLE)));
    }
}

#[test]
fn what_cannot_be_done_with_a_symmetric_key_is_no_finding() {
    for action in [
        "kms:GetPublicKey",
        "kms:DescribeKey",
        "kms:GenerateRandom",
        "kms:Sign",
    ] {
        for policy in with(&allow(json!("*"), action)) {
            assert_eq!(report(&policy).findings, [], "{action}");
        }
    }
}

#[test]
fn a_key_whose_material_is_elsewhere_is_found() {
    let policy = WrittenPolicy::parse(&generated().to_string()).unwrap();
    let found = |member: &str, value: Value| {
        let mut metadata = good_key();
        metadata["KeyMetadata"][member] = value;
        names(&check(&policy, &key(&metadata)).findings)
    };
    for (member, value, expected) in [
        ("Origin", json!("EXTERNAL"), "imported-key-material"),
        ("Origin", json!("AWS_CLOUDHSM"), "custom-key-store"),
        ("Origin", json!("EXTERNAL_KEY_STORE"), "custom-key-store"),
        ("Origin", json!("SOMETHING_NEW"), "custom-key-store"),
        ("CustomKeyStoreId", json!("cks-1234"), "custom-key-store"),
        ("MultiRegion", json!(true), "multi-region-key"),
        ("KeySpec", json!("RSA_2048"), "key-kind"),
        ("KeyUsage", json!("SIGN_VERIFY"), "key-kind"),
    ] {
        assert_eq!(found(member, value), [expected], "{member}");
    }
    assert_eq!(found("KeyState", json!("PendingDeletion")), [""; 0]);
    let report = check(&policy, &Key::default());
    assert_eq!(report.findings, []);
    let notices = names(&report.notices);
    assert_eq!(
        notices,
        ["policy-change", "key-not-checked", "grants-not-checked"]
    );
    assert!(KeyMetadata::from_json("{}").is_err());
    assert!(KeyMetadata::from_json("[").is_err());
    assert_eq!(key(&good_key()["KeyMetadata"]), key(&good_key()));
}

#[test]
fn a_denial_by_the_keys_own_arn_counts_when_the_key_is_known() {
    let own = broken(NEVER, |statement| {
        statement["Resource"] = good_key()["KeyMetadata"]["Arn"].clone();
    });
    assert_eq!(report(&own).findings, []);
    let policy = WrittenPolicy::parse(&own.to_string()).unwrap();
    assert_eq!(
        check(&policy, &Key::default()).findings.len(),
        Never::ALL.len()
    );
}

#[test]
fn the_default_policy_of_aws_has_every_road() {
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

#[test]
fn a_grant_that_no_denial_stops_is_found() {
    let grants = |operations: &[&str]| {
        let text = json!({"Truncated": false, "Grants": [
            {"GrantId": "0c23", "GranteePrincipal": ROLE, "Operations": operations, "KeyId": "1234"}]});
        Grant::list_from_json(&text.to_string()).unwrap()
    };
    let found = |policy: &Value, operations: &[&str]| {
        let mut key = key(&good_key());
        key.grants = Some(grants(operations));
        let policy = WrittenPolicy::parse(&policy.to_string()).unwrap();
        check(&policy, &key).findings
    };
    for operation in ["Decrypt", "GenerateDataKey"] {
        let findings = found(&generated(), &["DescribeKey", operation]);
        assert_eq!(names(&findings), ["grant"], "{operation}");
        assert!(
            findings[0]
                .found
                .ends_with(&format!("{ROLE} may kms:{operation}"))
        );
    }
    let harmless = [
        "DescribeKey",
        "Encrypt",
        "ReEncryptFrom",
        "CreateGrant",
        "RetireGrant",
    ];
    assert_eq!(found(&generated(), &harmless), []);
    let mut bound = generated();
    bound["Statement"][UNATTESTED]["Condition"] =
        json!({"StringNotEqualsIgnoreCase": {format!("{PCR}0"): "10".repeat(48)}});
    assert_eq!(found(&bound, &["Decrypt", "GenerateDataKey"]), []);
    for text in [
        "{}",
        r#"{"Grants": [], "Truncated": true}"#,
        r#"{"Grants": [], "NextToken": "a"}"#,
    ] {
        assert!(Grant::list_from_json(text).is_err(), "{text}");
    }
}
