//! What is found in the key itself: its material, its grants.

use super::*;

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
