//! Everyone, whole accounts, exclusions, and what is unknown.

use super::*;

#[test]
fn allowances_to_everyone_and_to_whole_accounts_are_found() {
    for everyone in [json!("*"), json!({"AWS": "*"}), json!({"AWS": [ROLE, "*"]})] {
        let policy = broken(RELEASE, |statement| {
            statement["Principal"] = everyone.clone()
        });
        finds(&policy, "wildcard-principal", Some("Allow release v1"));
        let policy = broken(ADMINISTRATION, |statement| {
            statement["Principal"] = everyone
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
fn statements_by_exclusion_are_found() {
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
    // Administrators are allowed everything but describing, and so the use of the key.
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
