//! The malicious parent and KMS: it impersonates KMS, or is in the middle. The enclave never serves with a root secret that it did
//! not get from the pinned key.
//!
//! Some tests show that TLS alone refuses. The tests with [`Presented::Stolen`] take TLS away, to show what else refuses.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

use std::sync::Mutex;

use permafrost_tests::{
    Cut, KmsRequest, KmsResponse, LyingKms, LyingParent, Presented, is_signed_by, message, new_key,
    refusal,
};
use serde_json::{Value, json};

/// A data key that the parent knows.
const KNOWN: [u8; 32] = [0x42; 32];

/// Connects a new boot of the enclave to the liar, and gives the reason why it is not ready.
fn refused_at_boot(parent: &mut LyingParent, liar: &LyingKms, text: &str) -> String {
    parent.egress.be_honest();
    parent.egress.redirect(liar.address());
    parent.enclave.restart_unready();
    let reason = parent.enclave.refuses_with(text);
    for part in ["kms:GenerateDataKey", parent.key_arn.as_str()] {
        assert!(reason.contains(part), "{reason}");
    }
    reason
}

/// With an honest egress proxy again the enclave becomes ready, and signs.
async fn heals(parent: &mut LyingParent) {
    parent.egress.be_honest();
    parent.enclave.restart();
    let alice = parent.principal("alice").await;
    let key = new_key(&alice).await;
    let signed = alice.sign(&key.id, &message()).await.unwrap();
    assert!(is_signed_by(&signed, &key.group_public_key));
}

#[tokio::test]
async fn a_kms_that_the_parent_impersonates_is_refused_by_its_certificate() {
    let mut parent = LyingParent::before_kms().await;
    let liar = parent.lying_kms(Presented::SelfMade, |request| {
        KmsResponse::with_known_key(request, &KNOWN)
    });
    let reason = refused_at_boot(&mut parent, &liar, "TLS with");
    assert!(reason.contains("certificate"), "{reason}");
    assert!(liar.requests().is_empty());
    assert!(parent.store.root_secret().is_empty());
    heals(&mut parent).await;
}

#[tokio::test]
async fn a_valid_certificate_of_another_host_is_refused() {
    let mut parent = LyingParent::before_kms().await;
    let liar = parent.lying_kms(Presented::OfAnotherHost, |request| {
        KmsResponse::with_known_key(request, &KNOWN)
    });
    let reason = refused_at_boot(&mut parent, &liar, "TLS with");
    assert!(reason.contains("not valid for name"), "{reason}");
    assert!(liar.requests().is_empty());
    heals(&mut parent).await;
}

#[tokio::test]
async fn an_expired_certificate_is_refused_by_attested_time() {
    let mut parent = LyingParent::before_kms().await;
    let liar = parent.lying_kms(Presented::Expired, |request| {
        KmsResponse::with_known_key(request, &KNOWN)
    });
    let reason = refused_at_boot(&mut parent, &liar, "TLS with");
    assert!(reason.contains("expired"), "{reason}");
    assert!(liar.requests().is_empty());
    heals(&mut parent).await;
}

#[tokio::test]
async fn a_stripped_recipient_is_refused() {
    let mut parent = LyingParent::before_kms().await;
    let liar = parent.lying_kms(Presented::Stolen, |request| {
        assert_eq!(
            request.body["Recipient"]["KeyEncryptionAlgorithm"],
            "RSAES_OAEP_SHA_256"
        );
        KmsResponse::with_known_key(request, &KNOWN)
            .and("CiphertextForRecipient", Value::Null)
            .and("Plaintext", json!("QkJC"))
    });
    refused_at_boot(&mut parent, &liar, "the Recipient was stripped or ignored");
    assert!(!liar.requests().is_empty());
    heals(&mut parent).await;
}

#[tokio::test]
async fn a_plaintext_beside_the_ciphertext_is_refused() {
    let mut parent = LyingParent::before_kms().await;
    let liar = parent.lying_kms(Presented::Stolen, |request| {
        KmsResponse::with_known_key(request, &KNOWN).and("Plaintext", json!("QkJC"))
    });
    refused_at_boot(&mut parent, &liar, "it carries a plaintext");
    heals(&mut parent).await;
}

#[tokio::test]
async fn a_response_of_another_key_account_or_region_is_refused_by_name() {
    let mut parent = LyingParent::before_kms().await;
    let arn = parent.key_arn.to_string();
    let (start, id) = arn.rsplit_once('/').unwrap();
    for (part, other) in [
        (
            "key",
            format!("{start}/00000000-0000-0000-0000-000000000000"),
        ),
        (
            "account",
            arn.replace(parent.key_arn.account(), "999999999999"),
        ),
        ("region", arn.replace("us-east-1", "eu-central-1")),
        ("form", format!("alias/{id}")),
    ] {
        let answered = other.clone();
        let liar = parent.lying_kms(Presented::Stolen, move |request| {
            KmsResponse::with_known_key(request, &KNOWN).and("KeyId", json!(answered))
        });
        let reason = refused_at_boot(&mut parent, &liar, &format!("another {part} than"));
        assert!(reason.contains(&other), "{reason}");
    }
    heals(&mut parent).await;
}

#[tokio::test]
async fn a_data_key_of_another_length_is_refused() {
    let mut parent = LyingParent::before_kms().await;
    for (length, text) in [(16, "16 bytes"), (64, "64 bytes")] {
        let liar = parent.lying_kms(Presented::Stolen, move |request| {
            KmsResponse::with_known_key(request, &vec![1; length])
        });
        refused_at_boot(&mut parent, &liar, text);
    }
    heals(&mut parent).await;
}

#[tokio::test]
async fn an_old_response_replayed_to_another_boot_is_refused() {
    let mut parent = LyingParent::before_kms().await;
    let first: Mutex<Option<String>> = Mutex::new(None);
    let liar = parent.lying_kms(Presented::Stolen, move |request| {
        let mut first = first.lock().unwrap();
        let replayed = first
            .get_or_insert_with(|| request.encrypted_to_the_enclave(&KNOWN))
            .clone();
        // The first boot refuses the response for its length, so that nothing is stored.
        let response = KmsResponse::with_known_key(request, &KNOWN);
        response
            .and("CiphertextForRecipient", json!(replayed))
            .and("CiphertextBlob", json!(""))
    });
    refused_at_boot(&mut parent, &liar, "CiphertextBlob");
    refused_at_boot(&mut parent, &liar, "CiphertextForRecipient is refused");
    heals(&mut parent).await;
}

#[tokio::test]
async fn a_response_replayed_for_the_next_epoch_is_refused() {
    let mut parent = LyingParent::before_kms().await;
    let liar = parent.lying_kms(Presented::Stolen, |request| {
        KmsResponse::with_known_key(request, &KNOWN)
    });
    parent.egress.be_honest();
    parent.egress.redirect(liar.address());
    // Without TLS this enclave has a root secret that the parent knows, since nothing else shows where it comes from.
    parent.enclave.restart();
    let alice = parent.principal("alice").await;
    let refused = alice.rotate_root(1).await.unwrap_err();
    assert!(
        refused.to_string().contains("old response was replayed"),
        "{refused}"
    );
    assert_eq!(alice.root().await.unwrap().epoch, 1);
}

#[tokio::test]
async fn a_data_key_that_the_parent_knows_does_not_open_what_was_sealed() {
    let mut parent = LyingParent::start().await;
    let alice = parent.principal("alice").await;
    let key = new_key(&alice).await;
    let liar = parent.lying_kms(Presented::Stolen, |request| {
        assert_eq!(request.action, "Decrypt");
        KmsResponse::with_known_key(request, &KNOWN)
    });
    parent.egress.redirect(liar.address());
    parent.enclave.restart_unready();
    parent
        .enclave
        .refuses_with("its older epochs and derivation root do not open with its data key");
    parent.egress.be_honest();
    parent.enclave.restart();
    let alice = parent.principal("alice").await;
    let signed = alice.sign(&key.id, &message()).await.unwrap();
    assert!(is_signed_by(&signed, &key.group_public_key));
}

#[tokio::test]
async fn malformed_responses_are_refused() {
    let mut parent = LyingParent::before_kms().await;
    type Response = fn(&KmsRequest) -> KmsResponse;
    let nonsense: [(Response, &str); 4] = [
        (|_| KmsResponse::ok(json!([])), "not a JSON object"),
        (|_| KmsResponse::ok(json!({})), "no KeyId"),
        (
            |request| {
                KmsResponse::with_known_key(request, &KNOWN)
                    .and("CiphertextForRecipient", json!("%"))
            },
            "CiphertextForRecipient is not base64",
        ),
        (
            |request| {
                KmsResponse::with_known_key(request, &KNOWN)
                    .and("CiphertextForRecipient", json!("x".repeat(100_000)))
            },
            "longer than 65536 bytes",
        ),
    ];
    for (response, text) in nonsense {
        let liar = parent.lying_kms(Presented::Stolen, response);
        refused_at_boot(&mut parent, &liar, text);
    }
    heals(&mut parent).await;
}

#[tokio::test]
async fn health_shows_no_text_of_kms() {
    let mut parent = LyingParent::before_kms().await;
    const ACCOUNT: &str = "999988887777";
    const MARKER: &str = "marker-of-kms";
    for (status, kind, why) in [
        (400, "AccessDeniedException", "KMS refuses access"),
        (400, MARKER, "KMS refuses access"),
        (503, MARKER, "KMS fails or is overloaded"),
        (200, MARKER, "the response of KMS is invalid"),
    ] {
        let liar = parent.lying_kms(Presented::Stolen, move |_| KmsResponse {
            status,
            body: json!({
                "__type": kind,
                "message": format!("{MARKER}: arn:aws:iam::{ACCOUNT}:role/x is not authorized"),
                "KeyId": format!("arn:aws:kms:eu-central-1:{ACCOUNT}:key/{MARKER}"),
            }),
        });
        let logged = refused_at_boot(&mut parent, &liar, "kms:GenerateDataKey");
        if status != 200 {
            assert!(
                logged.contains(MARKER) && logged.contains(ACCOUNT),
                "{logged}"
            );
        }
        let told = parent.enclave.waits_for().unwrap();
        assert_eq!(told, format!("the enclave has no root secret yet: {why}"));

        let alice = parent.principal("alice").await;
        let refused = alice.list_keys(None, None).await.unwrap_err();
        let problem = refused.problem().unwrap();
        assert_eq!(problem.detail, told, "{problem:?}");
        assert_eq!(refusal::<()>(Err(refused)), "not-ready");
    }
    heals(&mut parent).await;
}

#[tokio::test]
async fn the_error_of_aws_is_reported_with_the_call_and_the_key() {
    let mut parent = LyingParent::before_kms().await;
    let liar = parent.lying_kms(Presented::Stolen, |_| KmsResponse {
        status: 400,
        body: json!({"__type": "DisabledException", "message": "it is\u{7} disabled"}),
    });
    let reason = refused_at_boot(&mut parent, &liar, "DisabledException");
    assert!(reason.contains("it is\\u{7} disabled"), "{reason}");
    // A decision of KMS is not retried within the call.
    assert!(reason.contains("1 of 4 attempts"), "{reason}");
    heals(&mut parent).await;
}

#[tokio::test]
async fn false_credentials_are_refused_by_name() {
    let mut parent = LyingParent::before_kms().await;
    let right = parent.kms.credentials();
    let administrator = parent
        .kms
        .emulator()
        .identity("administrator")
        .unwrap()
        .clone();
    parent.egress.be_honest();
    let (id, secret) = (&right.access_key_id, &right.secret_access_key);
    for (id, secret, text) in [
        (
            "AKIA0000000000000000",
            secret.as_str(),
            "UnrecognizedClientException",
        ),
        (id, &"x".repeat(40), "InvalidSignatureException"),
        (
            &administrator.access_key_id,
            &administrator.secret_access_key,
            "AccessDeniedException",
        ),
        ("a b", secret, "access key's id is not"),
    ] {
        let mut credentials = right.clone();
        credentials.access_key_id = id.to_owned();
        credentials.secret_access_key = secret.to_owned();
        parent.egress.give_credentials(credentials);
        parent.enclave.restart_unready();
        parent.enclave.refuses_with(text);
    }
    parent.egress.give_credentials(right);
    heals(&mut parent).await;
}

#[tokio::test]
async fn a_connection_cut_at_any_stage_gives_no_root_secret_and_does_no_harm() {
    let mut parent = LyingParent::before_kms().await;
    let received = [0, 1, 5, 100, 500, 1_000, 2_000].map(Cut::AfterReceiving);
    let sent = [0, 1, 5, 100, 300, 1_000, 3_000, 6_000].map(Cut::AfterSending);
    let stages = [Cut::AtOnce].into_iter().chain(received).chain(sent);
    // A machine takes seconds to boot, and each stage is a boot. The last stage comes too late for QEMU's short documents.
    for cut in stages.step_by(if cfg!(feature = "booted") { 4 } else { 1 }) {
        parent.egress.cut(cut);
        parent.enclave.restart_unready();
        let reason = parent.enclave.refuses_with("kms:GenerateDataKey");
        let told = [
            "TLS with",
            "the connection to",
            "cut off",
            "no response within",
        ];
        assert!(
            told.iter().any(|words| reason.contains(words)),
            "{cut:?}: {reason}"
        );
        assert!(parent.store.root_secret().is_empty(), "{cut:?}");
    }
    heals(&mut parent).await;
}
