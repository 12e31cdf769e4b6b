//! Which conditions bind the use of the key to measured enclaves.

use super::*;

const IMAGE: &str = "kms:RecipientAttestation:ImageSha384";

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
    let image = IMAGE;
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
fn lists_of_code_and_configuration_that_admit_old_code_with_a_new_configuration_are_found() {
    let (old, new) = ("10".repeat(48), "a0".repeat(48));
    let both = json!([old, new]);
    let halves = |pcr1: &Value, pcr2: &Value| {
        broken(RELEASE, |statement| {
            statement["Condition"][IGNORE_CASE] =
                json!({format!("{PCR}1"): pcr1, format!("{PCR}2"): pcr2});
        })
    };
    let mixed = halves(&both, &both);
    assert_eq!(names(&report(&mixed).findings), ["mixed-measurements"]);
    finds(&mixed, "mixed-measurements", Some("Allow release v1"));

    // One code with its configurations, or one configuration for several codes, is what the lists say.
    let same = json!([new, new.to_uppercase()]);
    for (pcr1, pcr2) in [(json!(old), both.clone()), (both.clone(), same)] {
        assert_eq!(report(&halves(&pcr1, &pcr2)).findings, [], "{pcr1} {pcr2}");
    }

    // PCR0 in the same statement, or in a denial to everyone, excludes the combinations.
    for image in [format!("{PCR}0"), IMAGE.to_owned()] {
        let mut fixed = mixed.clone();
        let statement = &mut fixed["Statement"][RELEASE];
        statement["Condition"][IGNORE_CASE][&image] = both.clone();
        assert_eq!(report(&fixed).findings, [], "{image}");
    }
    let deny = |pcr: u8, values: &Value| {
        let mut policy = mixed.clone();
        policy["Statement"].as_array_mut().unwrap().push(
            json!({"Effect": "Deny", "Principal": "*", "Action": "kms:*", "Resource": "*",
                "Condition": {"StringNotEqualsIgnoreCase": {format!("{PCR}{pcr}"): values}}}),
        );
        names(&report(&policy).findings)
    };
    assert_eq!(deny(0, &both), [""; 0]);
    assert_eq!(deny(1, &json!(new)), [""; 0]);
    assert_eq!(deny(1, &both), ["mixed-measurements"]);

    // Lists that only together fix both halves admit the same combinations.
    let split = broken(RELEASE, |statement| {
        statement["Condition"][IGNORE_CASE] = json!({format!("{PCR}1"): both});
        statement["Condition"]["StringEquals"] = json!({format!("{PCR}2"): both});
    });
    finds(&split, "mixed-measurements", Some("Allow release v1"));
}

#[test]
fn pcrs_of_debug_mode_are_found_wherever_they_are() {
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
