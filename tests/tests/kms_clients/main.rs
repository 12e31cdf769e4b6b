//! The development KMS and independent clients: the `aws` command line, boto3, `openssl cms`.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::unwrap_used)]

mod client;
mod killed;
mod openssl;

use std::path::PathBuf;

use permafrost_kms::emulator::{Emulator, EmulatorOptions, Failure};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::client::Client;

#[tokio::test(flavor = "multi_thread")]
async fn boto3_manages_keys() {
    let (kms, _state) = start(Vec::new()).await;
    let told = Client::of(&kms).run("boto3_keys.py", &[]).await;
    assert_eq!(
        errors(&kms),
        pairs(&[
            ("CreateAlias", "AlreadyExistsException"),
            ("DescribeKey", "NotFoundException"),
            ("DescribeKey", "AccessDeniedException"),
            ("PutKeyPolicy", "MalformedPolicyDocumentException"),
            ("PutKeyPolicy", "MalformedPolicyDocumentException"),
            ("Encrypt", "DisabledException"),
            ("Decrypt", "KMSInvalidStateException"),
        ])
    );
    // What boto3 made is what the emulator's own program finds.
    let told: Value = serde_json::from_str(&told).unwrap();
    let made = told["made"].as_str().unwrap().parse().unwrap();
    let denied = deny_everything();
    kms.put_policy(&made, &denied).await.unwrap();
    kms.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn boto3_encrypts_and_decrypts() {
    let (kms, _state) = start(Vec::new()).await;
    Client::of(&kms).run("boto3_ciphertexts.py", &[]).await;
    assert_eq!(
        errors(&kms),
        pairs(&[
            ("Decrypt", "InvalidCiphertextException"),
            ("Decrypt", "InvalidCiphertextException"),
            ("Decrypt", "InvalidCiphertextException"),
            ("Decrypt", "InvalidCiphertextException"),
            ("Decrypt", "InvalidCiphertextException"),
            ("Decrypt", "IncorrectKeyException"),
            ("ReEncrypt", "AccessDeniedException"),
            ("GenerateDataKey", "ValidationException"),
            ("GenerateDataKey", "AccessDeniedException"),
            ("GenerateDataKey", "AccessDeniedException"),
            ("GenerateDataKey", "AccessDeniedException"),
            ("DescribeKey", "NotFoundException"),
            ("DescribeKey", "NotFoundException"),
            ("DescribeKey", "AccessDeniedException"),
            ("DescribeKey", "InvalidArnException"),
            ("GenerateDataKey", "DryRunOperationException"),
            ("CreateGrant", "UnsupportedOperationException"),
        ])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn boto3_is_told_what_is_wrong_with_its_signature() {
    let (kms, _state) = start(Vec::new()).await;
    Client::of(&kms).run("boto3_signatures.py", &[]).await;
    assert_eq!(
        errors(&kms),
        pairs(&[
            ("ListKeys", "InvalidSignatureException"),
            ("ListKeys", "UnrecognizedClientException"),
            ("ListKeys", "UnrecognizedClientException"),
            ("ListKeys", "InvalidSignatureException"),
            ("ListKeys", "MissingAuthenticationTokenException"),
        ])
    );
    // One request was valid, and the one without trust in the authority never arrived.
    assert_eq!(kms.calls().len(), 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn boto3_retries_the_errors_that_aws_marks_as_retryable() {
    let (kms, _state) = start(Vec::new()).await;
    for (failure, name) in [
        (Failure::Throttling, "ThrottlingException"),
        (Failure::Internal, "KMSInternalException"),
        (Failure::Unavailable, "ServiceUnavailableException"),
    ] {
        let before = kms.calls().len();
        kms.fail_next(2, failure);
        let told = Client::of(&kms).run("boto3_retries.py", &[]).await;
        assert_eq!(told, "done\n");
        let answered: Vec<Option<String>> = kms.calls()[before..]
            .iter()
            .map(|call| call.error.clone())
            .collect();
        let failed = Some(name.to_owned());
        assert_eq!(answered, [failed.clone(), failed, None]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_aws_command_line_does_what_an_operator_does() {
    let (kms, _state) = start(Vec::new()).await;
    let told = Client::of(&kms).run("aws_cli.py", &[]).await;
    let told: Value = serde_json::from_str(&told).unwrap();
    let key = told["key"].as_str().unwrap().parse().unwrap();
    kms.put_policy(&key, &deny_everything()).await.unwrap();
    assert_eq!(
        errors(&kms),
        pairs(&[
            ("PutKeyPolicy", "MalformedPolicyDocumentException"),
            ("Decrypt", "InvalidCiphertextException"),
            ("Encrypt", "AccessDeniedException"),
            ("DescribeKey", "NotFoundException"),
            ("GenerateDataKey", "DisabledException"),
            ("GenerateDataKey", "KMSInvalidStateException"),
        ])
    );
}

pub(crate) async fn start(roots: Vec<PathBuf>) -> (Emulator, TempDir) {
    let state = TempDir::new().unwrap();
    let options = EmulatorOptions {
        roots,
        ..EmulatorOptions::new(state.path())
    };
    (Emulator::start(options).await.unwrap(), state)
}

/// The errors of the responses, in order.
fn errors(emulator: &Emulator) -> Vec<(String, String)> {
    emulator
        .calls()
        .into_iter()
        .filter_map(|call| Some((call.action, call.error?)))
        .collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected
        .iter()
        .map(|(action, error)| ((*action).to_owned(), (*error).to_owned()))
        .collect()
}

fn deny_everything() -> String {
    json!({
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "kms:*", "Resource": "*"}],
    })
    .to_string()
}
