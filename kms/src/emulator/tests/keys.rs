//! Keys: made, described, listed, disabled, deleted, and how requests name them.

use super::*;

#[tokio::test]
async fn a_key_is_described_as_it_was_made() {
    let kms = Kms::start().await;
    let made = kms
        .admin(
            "CreateKey",
            json!({
                "Description": "root secrets",
                "KeyUsage": "ENCRYPT_DECRYPT",
                "KeySpec": "SYMMETRIC_DEFAULT",
                "Origin": "AWS_KMS",
                "MultiRegion": false,
                "Tags": [{"TagKey": "deployment", "TagValue": "test"}],
            }),
        )
        .unwrap();
    let metadata = &made["KeyMetadata"];
    let arn = metadata["Arn"].as_str().unwrap();
    let parsed: KeyArn = arn.parse().unwrap();
    assert_eq!(metadata["KeyId"], parsed.key_id());
    for (member, value) in [
        ("AWSAccountId", json!("111122223333")),
        ("Description", json!("root secrets")),
        ("Enabled", json!(true)),
        ("EncryptionAlgorithms", json!(["SYMMETRIC_DEFAULT"])),
        ("KeyManager", json!("CUSTOMER")),
        ("KeySpec", json!("SYMMETRIC_DEFAULT")),
        ("KeyState", json!("Enabled")),
        ("KeyUsage", json!("ENCRYPT_DECRYPT")),
        ("MultiRegion", json!(false)),
        ("Origin", json!("AWS_KMS")),
    ] {
        assert_eq!(metadata[member], value, "{member}");
    }
    let created = metadata["CreationDate"].as_f64().unwrap();
    let now = clock::unix_ms(kms.now()) as f64 / 1000.0;
    assert!((now - created).abs() < 60.0, "{created}");
    let described = kms.admin("DescribeKey", json!({"KeyId": arn})).unwrap();
    assert_eq!(described, made);
    let tags = kms
        .admin("ListResourceTags", json!({"KeyId": arn}))
        .unwrap();
    assert_eq!(
        tags["Tags"],
        json!([{"TagKey": "deployment", "TagValue": "test"}])
    );
}

#[tokio::test]
async fn keys_of_other_kinds_are_refused() {
    let kms = Kms::start().await;
    for input in [
        json!({"KeyUsage": "SIGN_VERIFY"}),
        json!({"KeySpec": "RSA_2048"}),
        json!({"CustomerMasterKeySpec": "HMAC_256"}),
        json!({"Origin": "EXTERNAL"}),
        json!({"MultiRegion": true}),
        json!({"CustomKeyStoreId": "cks-1"}),
    ] {
        refused(
            kms.admin("CreateKey", input),
            "UnsupportedOperationException",
        );
    }
    for input in [
        json!({"Tags": [{"TagKey": "a", "TagValue": ""}, {"TagKey": "a", "TagValue": ""}]}),
        json!({"Tags": [{"TagKey": "aws:a", "TagValue": ""}]}),
        json!({"Tags": [{"TagKey": "", "TagValue": ""}]}),
    ] {
        refused(kms.admin("CreateKey", input), "TagException");
    }
    let input = json!({"Description": "d".repeat(8193)});
    refused(kms.admin("CreateKey", input), "ValidationException");
    assert_eq!(kms.admin("ListKeys", json!({})).unwrap()["Keys"], json!([]));
}

#[tokio::test]
async fn a_key_is_named_by_id_arn_alias_and_alias_arn() {
    let kms = Kms::start().await;
    let arn = kms.key();
    let id = arn.rsplit('/').next().unwrap();
    let alias = json!({"AliasName": "alias/permafrost", "TargetKeyId": id});
    kms.admin("CreateAlias", alias).unwrap();
    for name in [
        id,
        &arn,
        "alias/permafrost",
        "arn:aws:kms:us-east-1:111122223333:alias/permafrost",
    ] {
        let described = kms.admin("DescribeKey", json!({"KeyId": name})).unwrap();
        assert_eq!(described["KeyMetadata"]["Arn"], json!(arn), "{name}");
    }
}

#[tokio::test]
async fn what_names_no_key_is_refused_as_kms_does() {
    let kms = Kms::start().await;
    let arn = kms.key();
    let unknown = Uuid::new_v4().to_string();
    for (name, error, words) in [
        (unknown.as_str(), "NotFoundException", "does not exist"),
        (&arn[..arn.len() - 1], "NotFoundException", "Invalid keyId"),
        ("alias/none", "NotFoundException", "alias/none is not found"),
        ("nonsense", "NotFoundException", "Invalid keyId 'nonsense'"),
        (&arn.to_uppercase(), "NotFoundException", "Invalid keyId"),
        (
            &format!("key/{unknown}"),
            "NotFoundException",
            "Invalid keyId",
        ),
        (
            &arn.replace("us-east-1", "eu-west-1"),
            "NotFoundException",
            "Invalid arn eu-west-1",
        ),
        (
            &arn.replace("1111", "2222"),
            "AccessDeniedException",
            "on this resource because",
        ),
        (
            &arn.replace("kms", "s3"),
            "InvalidArnException",
            "Invalid arn",
        ),
        (
            &arn.replace("key/", "grant/"),
            "InvalidArnException",
            "Invalid arn",
        ),
        ("arn:aws:kms", "InvalidArnException", "Invalid arn"),
        ("", "ValidationException", "'keyId'"),
        (&"k".repeat(2049), "ValidationException", "'keyId'"),
    ] {
        let response = kms.admin("DescribeKey", json!({"KeyId": name}));
        let message = refused(response, error);
        assert!(message.contains(words), "{name}: {message}");
    }
    let message = refused(kms.admin("DescribeKey", json!({})), "ValidationException");
    assert!(message.contains("Value null at 'keyId'"), "{message}");
}

#[tokio::test]
async fn what_changes_a_key_takes_no_alias() {
    let kms = Kms::start().await;
    let arn = kms.key();
    let alias = json!({"AliasName": "alias/permafrost", "TargetKeyId": arn});
    kms.admin("CreateAlias", alias).unwrap();
    for action in [
        "GetKeyPolicy",
        "EnableKey",
        "DisableKey",
        "ScheduleKeyDeletion",
        "CancelKeyDeletion",
    ] {
        let response = kms.admin(action, json!({"KeyId": "alias/permafrost"}));
        refused(response, "NotFoundException");
        let alias_arn = "arn:aws:kms:us-east-1:111122223333:alias/permafrost";
        let response = kms.admin(action, json!({"KeyId": alias_arn}));
        refused(response, "InvalidArnException");
    }
}

#[tokio::test]
async fn lists_come_in_pages() {
    let kms = Kms::start().await;
    let mut made: Vec<String> = (0..5).map(|_| kms.key()).collect();
    made.sort();
    let mut listed = Vec::new();
    let mut marker = Value::Null;
    loop {
        let page = kms
            .admin("ListKeys", json!({"Limit": 2, "Marker": marker}))
            .unwrap();
        let keys = page["Keys"].as_array().unwrap();
        assert!((1..=2).contains(&keys.len()));
        listed.extend(
            keys.iter()
                .map(|key| key["KeyArn"].as_str().unwrap().to_owned()),
        );
        if page["Truncated"] == json!(false) {
            assert!(page.get("NextMarker").is_none());
            break;
        }
        marker = page["NextMarker"].clone();
    }
    assert_eq!(listed, made);
    refused(
        kms.admin("ListKeys", json!({"Marker": "x"})),
        "InvalidMarkerException",
    );
    refused(
        kms.admin("ListKeys", json!({"Limit": 0})),
        "ValidationException",
    );
    refused(
        kms.admin("ListKeys", json!({"Limit": 1001})),
        "ValidationException",
    );
}

#[tokio::test]
async fn a_disabled_key_does_nothing_until_it_is_enabled() {
    let kms = Kms::start().await;
    let key = kms.key();
    let blob = kms.encrypt(&key, b"plaintext");
    kms.admin("DisableKey", json!({"KeyId": key})).unwrap();
    let described = kms.admin("DescribeKey", json!({"KeyId": key})).unwrap();
    assert_eq!(described["KeyMetadata"]["KeyState"], "Disabled");
    assert_eq!(described["KeyMetadata"]["Enabled"], false);
    for (action, input) in uses(&key, &blob) {
        let message = refused(kms.admin(action, input), "DisabledException");
        assert_eq!(message, format!("{key} is disabled."));
    }
    kms.admin("EnableKey", json!({"KeyId": key})).unwrap();
    for (action, input) in uses(&key, &blob) {
        kms.admin(action, input).unwrap();
    }
}

#[tokio::test]
async fn a_key_pending_deletion_does_nothing_and_can_be_saved() {
    let kms = Kms::start().await;
    let key = kms.key();
    let blob = kms.encrypt(&key, b"plaintext");
    let input = json!({"KeyId": key, "PendingWindowInDays": 7});
    let response = kms.admin("ScheduleKeyDeletion", input.clone()).unwrap();
    assert_eq!(response["KeyId"], json!(key));
    assert_eq!(response["KeyState"], "PendingDeletion");
    assert_eq!(response["PendingWindowInDays"], 7);
    let deletion = response["DeletionDate"].as_f64().unwrap();
    let expected = clock::unix_ms(kms.now()) as f64 / 1000.0 + 7.0 * 86_400.0;
    assert!((deletion - expected).abs() < 60.0);
    let described = kms.admin("DescribeKey", json!({"KeyId": key})).unwrap();
    assert_eq!(described["KeyMetadata"]["KeyState"], "PendingDeletion");
    assert_eq!(
        described["KeyMetadata"]["DeletionDate"],
        response["DeletionDate"]
    );

    let alias = json!({"AliasName": "alias/late", "TargetKeyId": key});
    let changes = [
        ("EnableKey", json!({"KeyId": key})),
        ("DisableKey", json!({"KeyId": key})),
        ("ScheduleKeyDeletion", input),
        ("CreateAlias", alias),
    ];
    for (action, input) in uses(&key, &blob).into_iter().chain(changes) {
        let message = refused(kms.admin(action, input), "KMSInvalidStateException");
        assert_eq!(message, format!("{key} is pending deletion."), "{action}");
    }
    let saved = kms
        .admin("CancelKeyDeletion", json!({"KeyId": key}))
        .unwrap();
    assert_eq!(saved, json!({"KeyId": key}));
    let again = kms.admin("CancelKeyDeletion", json!({"KeyId": key}));
    refused(again, "KMSInvalidStateException");
    // Saved keys are disabled, as with AWS.
    let use_it = kms.admin("Decrypt", json!({"CiphertextBlob": blob}));
    refused(use_it, "DisabledException");
    kms.admin("EnableKey", json!({"KeyId": key})).unwrap();
    kms.admin("Decrypt", json!({"CiphertextBlob": blob}))
        .unwrap();
}

#[tokio::test]
async fn a_key_whose_time_is_over_is_gone_with_its_aliases() {
    let kms = Kms::start().await;
    let key = kms.key();
    let blob = kms.encrypt(&key, b"plaintext");
    let alias = json!({"AliasName": "alias/permafrost", "TargetKeyId": key});
    kms.admin("CreateAlias", alias).unwrap();
    let response = kms
        .admin("ScheduleKeyDeletion", json!({"KeyId": key}))
        .unwrap();
    assert_eq!(response["PendingWindowInDays"], 30);
    kms.move_clock(Duration::from_secs(30 * 86_400 - 60));
    kms.admin("DescribeKey", json!({"KeyId": key})).unwrap();
    kms.move_clock(Duration::from_secs(120));
    refused(
        kms.admin("DescribeKey", json!({"KeyId": key})),
        "NotFoundException",
    );
    refused(
        kms.admin("CancelKeyDeletion", json!({"KeyId": key})),
        "NotFoundException",
    );
    let response = kms.admin("Decrypt", json!({"CiphertextBlob": blob}));
    refused(response, "AccessDeniedException");
    assert_eq!(kms.admin("ListKeys", json!({})).unwrap()["Keys"], json!([]));
    assert_eq!(
        kms.admin("ListAliases", json!({})).unwrap()["Aliases"],
        json!([])
    );
    // The next change forgets the material.
    kms.key();
    let kept = std::fs::read_to_string(kms.state.path().join(KEYS_FILE)).unwrap();
    assert!(!kept.contains(key.rsplit('/').next().unwrap()));
}

#[tokio::test]
async fn the_days_before_deletion_have_limits() {
    let kms = Kms::start().await;
    let key = kms.key();
    for days in [-1, 0, 6, 31] {
        let input = json!({"KeyId": key, "PendingWindowInDays": days});
        refused(
            kms.admin("ScheduleKeyDeletion", input),
            "ValidationException",
        );
    }
}

/// Everything that uses a key's material, with its input.
fn uses(key: &str, blob: &str) -> Vec<(&'static str, Value)> {
    vec![
        ("Encrypt", json!({"KeyId": key, "Plaintext": "YQ=="})),
        ("Decrypt", json!({"CiphertextBlob": blob})),
        (
            "ReEncrypt",
            json!({"CiphertextBlob": blob, "DestinationKeyId": key}),
        ),
        (
            "GenerateDataKey",
            json!({"KeyId": key, "KeySpec": "AES_256"}),
        ),
        (
            "GenerateDataKeyWithoutPlaintext",
            json!({"KeyId": key, "NumberOfBytes": 64}),
        ),
    ]
}
