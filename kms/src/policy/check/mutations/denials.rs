//! What no one may do, and what denials cover.

use super::*;

#[test]
fn every_action_that_no_one_may_have_must_be_denied_to_everyone() {
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
fn a_denial_that_does_not_cover_everyone_every_request_and_this_key_counts_for_nothing() {
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
fn what_an_unconditional_denial_covers_is_not_a_finding() {
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
fn use_without_attestation_must_be_denied_to_everyone() {
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
fn what_cannot_be_done_with_a_symmetric_key_is_not_a_finding() {
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
