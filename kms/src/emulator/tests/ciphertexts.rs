//! `Encrypt`, `Decrypt`, `ReEncrypt`, data keys and random bytes, without attestation.

use super::*;

fn context(deployment: &str) -> Value {
    json!({"deployment": deployment, "epoch": "1"})
}

#[tokio::test]
async fn what_is_encrypted_is_decrypted() {
    let kms = Kms::start().await;
    let key = kms.key();
    let input =
        json!({"KeyId": key, "Plaintext": "cGxhaW50ZXh0", "EncryptionContext": context("a")});
    let made = kms.admin("Encrypt", input).unwrap();
    assert_eq!(made["KeyId"], json!(key));
    assert_eq!(made["EncryptionAlgorithm"], "SYMMETRIC_DEFAULT");
    for key_id in [Value::Null, json!(key)] {
        let input = json!({
            "CiphertextBlob": made["CiphertextBlob"],
            "EncryptionContext": context("a"),
            "EncryptionAlgorithm": "SYMMETRIC_DEFAULT",
            "KeyId": key_id,
        });
        assert_eq!(
            kms.admin("Decrypt", input).unwrap(),
            json!({
                "EncryptionAlgorithm": "SYMMETRIC_DEFAULT",
                "KeyId": key,
                "Plaintext": "cGxhaW50ZXh0",
            })
        );
    }
}

#[tokio::test]
async fn a_wrong_context_does_not_decrypt() {
    let kms = Kms::start().await;
    let input = json!({"KeyId": kms.key(), "Plaintext": "YQ==", "EncryptionContext": context("a")});
    let blob = kms.admin("Encrypt", input).unwrap()["CiphertextBlob"].clone();
    for wrong in [
        Value::Null,
        json!({}),
        context("b"),
        json!({"deployment": "a"}),
    ] {
        let input = json!({"CiphertextBlob": blob, "EncryptionContext": wrong});
        let message = refused(kms.admin("Decrypt", input), "InvalidCiphertextException");
        assert_eq!(message, "");
    }
}

#[tokio::test]
async fn a_blob_of_another_key_is_refused_by_name() {
    let kms = Kms::start().await;
    let (first, second) = (kms.key(), kms.key());
    let blob = kms.encrypt(&first, b"plaintext");
    let input = json!({"CiphertextBlob": blob, "KeyId": second});
    refused(kms.admin("Decrypt", input), "IncorrectKeyException");
    let input = json!({"CiphertextBlob": blob, "SourceKeyId": second, "DestinationKeyId": second});
    refused(kms.admin("ReEncrypt", input), "IncorrectKeyException");
}

#[tokio::test]
async fn a_blob_of_another_kms_is_refused_without_a_word_about_its_key() {
    let (kms, other) = (Kms::start().await, Kms::start().await);
    let key = kms.key();
    let blob = other.encrypt(&other.key(), b"plaintext");
    let message = refused(
        kms.admin("Decrypt", json!({"CiphertextBlob": blob})),
        "AccessDeniedException",
    );
    assert!(
        message.contains("the resource associated with this ciphertext"),
        "{message}"
    );
    let input = json!({"CiphertextBlob": blob, "KeyId": key});
    refused(kms.admin("Decrypt", input), "IncorrectKeyException");
}

#[tokio::test]
async fn what_is_no_blob_is_refused() {
    let kms = Kms::start().await;
    let key = kms.key();
    for key_id in [Value::Null, json!(key)] {
        let input = json!({"CiphertextBlob": "bm90IGEgYmxvYg==", "KeyId": key_id});
        refused(kms.admin("Decrypt", input), "InvalidCiphertextException");
    }
    for blob in [Value::Null, json!(""), json!(STANDARD.encode([0; 6145]))] {
        let input = json!({"CiphertextBlob": blob});
        refused(kms.admin("Decrypt", input), "ValidationException");
    }
    for blob in [json!("!"), json!(7), json!(["YQ=="])] {
        let input = json!({"CiphertextBlob": blob});
        refused(kms.admin("Decrypt", input), "SerializationException");
    }
}

#[tokio::test]
async fn a_plaintext_has_limits() {
    let kms = Kms::start().await;
    let key = kms.key();
    let encrypt = |length: usize| {
        let plaintext = STANDARD.encode(vec![7; length]);
        kms.admin("Encrypt", json!({"KeyId": key, "Plaintext": plaintext}))
    };
    for length in [1, 4096] {
        let blob = encrypt(length).unwrap()["CiphertextBlob"].clone();
        let opened = kms
            .admin("Decrypt", json!({"CiphertextBlob": blob}))
            .unwrap();
        assert_eq!(opened["Plaintext"], json!(STANDARD.encode(vec![7; length])));
    }
    for length in [0, 4097] {
        refused(encrypt(length), "ValidationException");
    }
}

#[tokio::test]
async fn a_blob_is_encrypted_anew_under_another_key_and_context() {
    let kms = Kms::start().await;
    let (first, second) = (kms.key(), kms.key());
    let blob = kms.encrypt(&first, b"plaintext");
    let made = kms
        .admin(
            "ReEncrypt",
            json!({
                "CiphertextBlob": blob,
                "DestinationKeyId": second,
                "DestinationEncryptionContext": context("b"),
            }),
        )
        .unwrap();
    assert_eq!(made["SourceKeyId"], json!(first));
    assert_eq!(made["KeyId"], json!(second));
    let input =
        json!({"CiphertextBlob": made["CiphertextBlob"], "EncryptionContext": context("b")});
    let opened = kms.admin("Decrypt", input).unwrap();
    assert_eq!(opened["Plaintext"], json!(STANDARD.encode("plaintext")));
    assert_eq!(opened["KeyId"], json!(second));
    let wrong = json!({
        "CiphertextBlob": made["CiphertextBlob"],
        "SourceEncryptionContext": context("c"),
        "DestinationKeyId": first,
    });
    refused(kms.admin("ReEncrypt", wrong), "InvalidCiphertextException");
}

#[tokio::test]
async fn a_data_key_is_what_its_blob_decrypts_to() {
    let kms = Kms::start().await;
    let key = kms.key();
    for (size, length) in [
        (json!({"KeySpec": "AES_256"}), 32),
        (json!({"KeySpec": "AES_128"}), 16),
        (json!({"NumberOfBytes": 1}), 1),
        (json!({"NumberOfBytes": 1024}), 1024),
    ] {
        let mut input = size;
        input["KeyId"] = json!(key);
        input["EncryptionContext"] = context("a");
        let made = kms.admin("GenerateDataKey", input.clone()).unwrap();
        assert_eq!(made["KeyId"], json!(key));
        let plaintext = STANDARD
            .decode(made["Plaintext"].as_str().unwrap())
            .unwrap();
        assert_eq!(plaintext.len(), length);
        let opened = kms
            .admin(
                "Decrypt",
                json!({"CiphertextBlob": made["CiphertextBlob"], "EncryptionContext": context("a")}),
            )
            .unwrap();
        assert_eq!(opened["Plaintext"], made["Plaintext"]);

        let without = kms.admin("GenerateDataKeyWithoutPlaintext", input).unwrap();
        assert!(without.get("Plaintext").is_none());
        let opened = kms
            .admin(
                "Decrypt",
                json!({"CiphertextBlob": without["CiphertextBlob"], "EncryptionContext": context("a")}),
            )
            .unwrap();
        let plaintext = STANDARD
            .decode(opened["Plaintext"].as_str().unwrap())
            .unwrap();
        assert_eq!(plaintext.len(), length);
    }
}

#[tokio::test]
async fn two_data_keys_differ() {
    let kms = Kms::start().await;
    let input = json!({"KeyId": kms.key(), "KeySpec": "AES_256"});
    let first = kms.admin("GenerateDataKey", input.clone()).unwrap();
    let second = kms.admin("GenerateDataKey", input).unwrap();
    assert_ne!(first["Plaintext"], second["Plaintext"]);
    assert_ne!(first["CiphertextBlob"], second["CiphertextBlob"]);
}

#[tokio::test]
async fn a_data_key_has_one_size() {
    let kms = Kms::start().await;
    let key = kms.key();
    for size in [
        json!({}),
        json!({"KeySpec": "AES_256", "NumberOfBytes": 32}),
        json!({"KeySpec": "AES_512"}),
        json!({"NumberOfBytes": 0}),
        json!({"NumberOfBytes": 1025}),
        json!({"NumberOfBytes": -1}),
    ] {
        let mut input = size;
        input["KeyId"] = json!(key);
        refused(kms.admin("GenerateDataKey", input), "ValidationException");
    }
}

#[tokio::test]
async fn random_bytes_come_as_many_as_asked_for() {
    let kms = Kms::start().await;
    let made = kms
        .admin("GenerateRandom", json!({"NumberOfBytes": 64}))
        .unwrap();
    let bytes = STANDARD
        .decode(made["Plaintext"].as_str().unwrap())
        .unwrap();
    assert_eq!(bytes.len(), 64);
    assert_ne!(bytes, vec![0; 64]);
    for input in [
        json!({}),
        json!({"NumberOfBytes": 0}),
        json!({"NumberOfBytes": 1025}),
    ] {
        refused(kms.admin("GenerateRandom", input), "ValidationException");
    }
    let input = json!({"NumberOfBytes": 1, "CustomKeyStoreId": "cks-1"});
    refused(
        kms.admin("GenerateRandom", input),
        "UnsupportedOperationException",
    );
    let input = json!({"NumberOfBytes": 1});
    refused(
        kms.enclave("GenerateRandom", input),
        "AccessDeniedException",
    );
}

#[tokio::test]
async fn a_dry_run_says_whether_it_would_work_and_does_nothing() {
    let kms = Kms::start().await;
    let key = kms.key();
    let blob = kms.encrypt(&key, b"plaintext");
    for (action, mut input) in [
        ("Encrypt", json!({"KeyId": key, "Plaintext": "YQ=="})),
        ("Decrypt", json!({"CiphertextBlob": blob})),
        (
            "GenerateDataKey",
            json!({"KeyId": key, "KeySpec": "AES_256"}),
        ),
    ] {
        input["DryRun"] = json!(true);
        let response = kms.admin(action, input.clone());
        assert_eq!(response.as_ref().unwrap_err().status, 412);
        refused(response, "DryRunOperationException");
        refused(kms.enclave(action, input), "AccessDeniedException");
    }
}

#[tokio::test]
async fn what_is_not_there_is_refused_and_not_ignored() {
    let kms = Kms::start().await;
    let key = kms.key();
    let input = json!({"KeyId": key, "Plaintext": "YQ==", "GrantTokens": ["token"]});
    refused(kms.admin("Encrypt", input), "InvalidGrantTokenException");
    for (algorithm, error) in [
        ("RSAES_OAEP_SHA_256", "InvalidKeyUsageException"),
        ("ROT13", "ValidationException"),
    ] {
        let input = json!({"KeyId": key, "Plaintext": "YQ==", "EncryptionAlgorithm": algorithm});
        refused(kms.admin("Encrypt", input), error);
    }
    for action in ["CreateGrant", "ImportKeyMaterial", "Sign"] {
        let message = refused(
            kms.admin(action, json!({"KeyId": key})),
            "UnsupportedOperationException",
        );
        assert!(message.contains(action), "{message}");
    }
}
