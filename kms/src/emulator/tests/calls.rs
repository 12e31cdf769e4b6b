//! What an emulator's own program sees and asks for.

use super::*;

#[tokio::test]
async fn every_call_is_recorded() {
    let kms = Kms::start().await;
    kms.key();
    kms.enclave("ListKeys", json!({})).unwrap_err();
    let mut unsigned = Signed::by(kms.emulator.identity(ENCLAVE).unwrap());
    unsigned.secret.push('x');
    let head = unsigned.request("Decrypt", b"{}").into_parts().0;
    kms.response(head, b"{}").unwrap_err();
    let call = |action: &str, caller: Option<&str>, error: Option<&str>| Call {
        action: action.to_owned(),
        caller: caller.map(str::to_owned),
        error: error.map(str::to_owned),
    };
    assert_eq!(
        kms.emulator.calls(),
        [
            call("CreateKey", Some(ADMIN_ARN), None),
            call("ListKeys", Some(ENCLAVE_ARN), Some("AccessDeniedException")),
            call("Decrypt", None, Some("InvalidSignatureException")),
        ]
    );
}

#[tokio::test]
async fn failures_come_as_often_as_asked_for() {
    let kms = Kms::start().await;
    for (failure, name, status) in [
        (Failure::Throttling, "ThrottlingException", 400),
        (Failure::Internal, "KMSInternalException", 500),
        (Failure::Unavailable, "ServiceUnavailableException", 503),
    ] {
        kms.emulator.fail_next(2, failure);
        for _ in 0..2 {
            let response = kms.admin("ListKeys", json!({}));
            assert_eq!(response.as_ref().unwrap_err().status, status);
            refused(response, name);
        }
        kms.admin("ListKeys", json!({})).unwrap();
    }
    kms.emulator.fail_next(9, Failure::Internal);
    kms.emulator.fail_next(0, Failure::Internal);
    kms.admin("ListKeys", json!({})).unwrap();
}

#[tokio::test]
async fn everything_is_there_after_a_restart() {
    let kms = Kms::start().await;
    let key = kms.key_for_enclave(everything());
    let blob = kms.encrypt(&key, b"plaintext");
    let alias = json!({"AliasName": "alias/permafrost", "TargetKeyId": key});
    kms.admin("CreateAlias", alias).unwrap();
    let disabled = kms.key();
    kms.admin("DisableKey", json!({"KeyId": disabled})).unwrap();
    let ca = kms.emulator.ca_pem().to_owned();
    let secret = |kms: &Kms| {
        kms.emulator
            .identity(ENCLAVE)
            .unwrap()
            .secret_access_key
            .clone()
    };
    let before = secret(&kms);

    let kms = kms.restart().await;
    assert_eq!(kms.emulator.ca_pem(), ca);
    assert_eq!(secret(&kms), before);
    let opened = kms
        .enclave("Decrypt", json!({"CiphertextBlob": blob}))
        .unwrap();
    assert_eq!(opened["Plaintext"], json!(STANDARD.encode("plaintext")));
    let described = kms
        .admin("DescribeKey", json!({"KeyId": "alias/permafrost"}))
        .unwrap();
    assert_eq!(described["KeyMetadata"]["Arn"], json!(key));
    let described = kms
        .admin("DescribeKey", json!({"KeyId": disabled}))
        .unwrap();
    assert_eq!(described["KeyMetadata"]["KeyState"], "Disabled");
}

#[tokio::test]
async fn a_change_that_the_disk_refuses_is_not_made() {
    let kms = Kms::start().await;
    let key = kms.key();
    let kept = kms.state.path().join(KEYS_FILE);
    let before = std::fs::read(&kept).unwrap();
    // A directory in the file's place cannot be replaced by a file.
    std::fs::remove_file(&kept).unwrap();
    std::fs::create_dir(&kept).unwrap();
    let response = kms.admin("DisableKey", json!({"KeyId": key}));
    assert_eq!(response.as_ref().unwrap_err().status, 500);
    refused(response, "KMSInternalException");
    std::fs::remove_dir(&kept).unwrap();
    std::fs::write(&kept, before).unwrap();
    let described = kms.admin("DescribeKey", json!({"KeyId": key})).unwrap();
    assert_eq!(described["KeyMetadata"]["KeyState"], "Enabled");
}

#[tokio::test]
async fn a_state_that_is_not_ours_is_refused_in_words() {
    let start = |state: &TempDir, change: fn(&mut EmulatorOptions)| {
        let mut options = EmulatorOptions::new(state.path());
        change(&mut options);
        Emulator::start(options)
    };
    let kms = Kms::start().await;
    kms.key();
    let in_use = start(&kms.state, |_| ()).await;
    assert!(matches!(in_use, Err(EmulatorError::InUse { .. })));
    let state = kms.state.clone();
    kms.emulator.stop().await;

    let other = start(&state, |options| options.region = "eu-west-1".into()).await;
    let text = other.unwrap_err().to_string();
    assert!(text.contains("region us-east-1"), "{text}");
    let path = state.path().join(KEYS_FILE);
    let good = std::fs::read_to_string(&path).unwrap();
    for (from, to) in [("\"version\": 1", "\"version\": 2"), ("{", "[")] {
        std::fs::write(&path, good.replacen(from, to, 1)).unwrap();
        let refused = start(&state, |_| ()).await;
        assert!(matches!(refused, Err(EmulatorError::Keys { .. })), "{from}");
    }
    std::fs::write(&path, good).unwrap();
    std::fs::remove_file(state.path().join(CA_KEY_FILE)).unwrap();
    let lost = start(&state, |_| ()).await;
    assert!(matches!(lost, Err(EmulatorError::KeyMissing { .. })));

    let fresh = TempDir::new().unwrap();
    for change in [
        (|options| options.listen = ([0, 0, 0, 0], 0).into()) as fn(&mut EmulatorOptions),
        |options| options.listen = ([127, 0, 0, 2], 0).into(),
    ] {
        let outside = start(&fresh, change).await;
        assert!(matches!(outside, Err(EmulatorError::NotLoopback(_))));
    }
    for change in [
        (|options| options.account = "1".into()) as fn(&mut EmulatorOptions),
        |options| options.region = "EU".into(),
    ] {
        let wrong = start(&fresh, change).await;
        assert!(matches!(wrong, Err(EmulatorError::Names { .. })));
    }
}
