//! Key policies: kept, refused, and asked for every use of a key.

use super::*;

#[tokio::test]
async fn a_key_made_without_a_policy_leaves_everything_to_iam() {
    let kms = Kms::start().await;
    let key = kms.key();
    let response = kms.admin("GetKeyPolicy", json!({"KeyId": key})).unwrap();
    assert_eq!(response["PolicyName"], "default");
    let policy: Value = serde_json::from_str(response["Policy"].as_str().unwrap()).unwrap();
    assert_eq!(policy["Statement"][0]["Action"], "kms:*");
    assert_eq!(
        policy["Statement"][0]["Principal"]["AWS"],
        "arn:aws:iam::111122223333:root"
    );
    // IAM allows the administrator everything and the enclave nothing.
    kms.admin("DescribeKey", json!({"KeyId": key})).unwrap();
    let message = refused(
        kms.enclave("DescribeKey", json!({"KeyId": key})),
        "AccessDeniedException",
    );
    assert_eq!(
        message,
        format!(
            "User: {ENCLAVE_ARN} is not authorized to perform: kms:DescribeKey on resource: {key} because no \
             identity-based policy allows the kms:DescribeKey action"
        )
    );
}

#[tokio::test]
async fn a_key_policy_alone_allows_and_a_denial_wins() {
    let kms = Kms::start().await;
    let key = kms.key_for_enclave(json!({"Action": ["kms:Encrypt", "kms:DescribeKey"]}));
    let encrypt = json!({"KeyId": key, "Plaintext": "YQ=="});
    kms.enclave("Encrypt", encrypt.clone()).unwrap();
    let generate = json!({"KeyId": key, "KeySpec": "AES_256"});
    refused(
        kms.enclave("GenerateDataKey", generate),
        "AccessDeniedException",
    );

    let denied = policy(&[
        json!({"Action": "kms:Encrypt"}),
        json!({"Sid": "No", "Effect": "Deny", "Principal": "*", "Action": "kms:Encrypt"}),
    ]);
    let put = json!({"KeyId": key, "Policy": denied, "PolicyName": "default"});
    assert_eq!(kms.admin("PutKeyPolicy", put).unwrap(), Value::Null);
    for who in [ENCLAVE, ADMINISTRATOR] {
        let message = refused(
            kms.call(who, "Encrypt", encrypt.clone()),
            "AccessDeniedException",
        );
        assert!(
            message.ends_with("with an explicit deny in a resource-based policy"),
            "{message}"
        );
    }
}

#[tokio::test]
async fn a_policy_without_statements_allows_no_one() {
    let kms = Kms::start().await;
    let only_enclave = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": {"AWS": ENCLAVE_ARN},
            "Action": "kms:Decrypt",
            "Resource": "*",
        }],
    });
    let key = kms
        .emulator
        .create_key(Some(&only_enclave.to_string()))
        .await
        .unwrap();
    let message = refused(
        kms.admin(
            "Encrypt",
            json!({"KeyId": key.as_str(), "Plaintext": "YQ=="}),
        ),
        "AccessDeniedException",
    );
    assert!(
        message.ends_with("because no resource-based policy allows the kms:Encrypt action"),
        "{message}"
    );
}

#[tokio::test]
async fn the_encryption_context_decides() {
    let kms = Kms::start().await;
    let key = kms.key_for_enclave(json!({
        "Action": ["kms:Encrypt", "kms:GenerateDataKey", "kms:Decrypt"],
        "Condition": {
            "StringEquals": {"kms:EncryptionContext:deployment": "a"},
            "ForAllValues:StringEquals": {"kms:EncryptionContextKeys": ["deployment", "epoch"]},
        },
    }));
    let generate = |context: Value| {
        let input = json!({"KeyId": key, "KeySpec": "AES_256", "EncryptionContext": context});
        kms.enclave("GenerateDataKey", input)
    };
    let made = generate(json!({"deployment": "a", "epoch": "1"})).unwrap();
    for context in [
        Value::Null,
        json!({"deployment": "b", "epoch": "1"}),
        json!({"epoch": "1"}),
        json!({"deployment": "a", "other": "1"}),
    ] {
        refused(generate(context), "AccessDeniedException");
    }
    let input = json!({"CiphertextBlob": made["CiphertextBlob"]});
    // Refused before the blob is opened.
    refused(kms.enclave("Decrypt", input), "AccessDeniedException");
}

#[tokio::test]
async fn re_encryption_is_asked_of_both_keys() {
    let kms = Kms::start().await;
    let from = kms.key_for_enclave(json!({"Action": "kms:ReEncryptFrom"}));
    let to = kms.key_for_enclave(json!({"Action": "kms:ReEncryptTo"}));
    let blob = kms.encrypt(&from, b"plaintext");
    let re_encrypt = |blob: &str, to: &str| {
        let input = json!({"CiphertextBlob": blob, "DestinationKeyId": to});
        kms.enclave("ReEncrypt", input)
    };
    re_encrypt(&blob, &to).unwrap();
    let message = refused(re_encrypt(&blob, &from), "AccessDeniedException");
    assert!(message.contains("kms:ReEncryptTo"), "{message}");
    let message = refused(
        re_encrypt(&kms.encrypt(&to, b"p"), &to),
        "AccessDeniedException",
    );
    assert!(message.contains("kms:ReEncryptFrom"), "{message}");
}

#[tokio::test]
async fn a_policy_that_cannot_be_evaluated_is_refused() {
    let kms = Kms::start().await;
    let key = kms.key();
    let strange = policy(&[json!({
        "Action": "kms:Decrypt",
        "Condition": {"StringAlmostEquals": {"kms:CallerAccount": "111122223333"}},
    })]);
    for wrong in [
        "",
        "{}",
        "not JSON",
        &strange,
        &format!("{:33000}", policy(&[])),
    ] {
        let put = json!({"KeyId": key, "Policy": wrong});
        let message = refused(
            kms.admin("PutKeyPolicy", put),
            "MalformedPolicyDocumentException",
        );
        assert!(!message.is_empty());
        let make = json!({"Policy": wrong});
        refused(
            kms.admin("CreateKey", make),
            "MalformedPolicyDocumentException",
        );
    }
    let put = json!({"KeyId": key});
    refused(kms.admin("PutKeyPolicy", put), "ValidationException");
    let put = json!({"KeyId": key, "Policy": policy(&[]), "PolicyName": "other"});
    refused(kms.admin("PutKeyPolicy", put), "NotFoundException");
    let get = json!({"KeyId": key, "PolicyName": "other"});
    refused(kms.admin("GetKeyPolicy", get), "NotFoundException");
}

#[tokio::test]
async fn a_policy_that_locks_its_author_out_needs_the_bypass() {
    let kms = Kms::start().await;
    let key = kms.key();
    let locked = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": {"AWS": ENCLAVE_ARN},
            "Action": "kms:*",
            "Resource": "*",
        }],
    })
    .to_string();
    for (action, mut input) in [
        ("PutKeyPolicy", json!({"KeyId": key, "Policy": locked})),
        ("CreateKey", json!({"Policy": locked})),
    ] {
        let message = refused(
            kms.admin(action, input.clone()),
            "MalformedPolicyDocumentException",
        );
        assert!(
            message.contains("will not allow you to update the key policy"),
            "{message}"
        );
        input["BypassPolicyLockoutSafetyCheck"] = json!(true);
        kms.admin(action, input).unwrap();
    }
    refused(
        kms.admin("DescribeKey", json!({"KeyId": key})),
        "AccessDeniedException",
    );
}

#[tokio::test]
async fn what_needs_no_key_needs_iam() {
    let kms = Kms::start().await;
    for action in ["CreateKey", "ListKeys", "ListAliases"] {
        let message = refused(kms.enclave(action, json!({})), "AccessDeniedException");
        let words = format!("because no identity-based policy allows the kms:{action} action");
        assert!(message.ends_with(&words), "{message}");
    }
}

#[tokio::test]
async fn the_program_itself_makes_keys_and_policies() {
    let kms = Kms::start().await;
    let key = kms.emulator.create_key(None).await.unwrap();
    kms.admin("DescribeKey", json!({"KeyId": key.as_str()}))
        .unwrap();
    kms.emulator
        .put_policy(&key, &policy(&[everything()]))
        .await
        .unwrap();
    kms.enclave("DescribeKey", json!({"KeyId": key.as_str()}))
        .unwrap();
    let wrong = kms.emulator.put_policy(&key, "{}").await;
    assert!(matches!(wrong, Err(EmulatorError::Policy(_))), "{wrong:?}");
    let wrong = kms.emulator.create_key(Some("{}")).await;
    assert!(matches!(wrong, Err(EmulatorError::Policy(_))), "{wrong:?}");
    for other in [
        key.as_str().replace("us-east-1", "eu-west-1"),
        format!("arn:aws:kms:us-east-1:111122223333:key/{}", Uuid::new_v4()),
    ] {
        let put = kms
            .emulator
            .put_policy(&other.parse().unwrap(), &policy(&[]))
            .await;
        assert!(matches!(put, Err(EmulatorError::NoSuchKey(_))), "{put:?}");
    }
}
