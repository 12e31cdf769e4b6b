//! What it takes for an enclave to be trusted.

use permafrost_client::{AttestationRefused, Error, Expectation, Measurements, NotAuthentic};
use permafrost_common::{
    attestation,
    http_signature::{Algorithm, AttestationDigest, SigningKey},
    problem::{Problem, ProblemType},
};

use crate::{
    documents::Nsm,
    fake_enclave::{FakeEnclave, PCR0},
};

async fn refused(fake: &FakeEnclave, expectation: Expectation) -> Error {
    fake.client().verify(&expectation).await.unwrap_err()
}

fn rule(error: &Error) -> &'static str {
    match error {
        Error::AttestationRefused(AttestationRefused::Document(error)) => error.rule(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_enclave_with_a_good_document_is_trusted() {
    let (fake, _) = FakeEnclave::start().await;
    let release = Measurements::from_pcrs([(0, PCR0), (1, [1; 48])]).unwrap();
    let expectation = Expectation::releases([release])
        .root_certificate(fake.state().nsm.root())
        .deployment("test")
        .configuration([7; 32])
        .max_age(std::time::Duration::from_secs(60));
    let boot = fake.client().verify(&expectation).await.unwrap().boot();

    assert_eq!(*boot.binding(), fake.state().binding);
    assert_eq!(boot.verified().nonce(), Some(&boot.nonce()[..]));
    assert_eq!(boot.verified().pcrs()[&0], PCR0);
    assert_eq!(
        attestation::Document::parse(boot.document())
            .unwrap()
            .digest(),
        boot.verified().digest()
    );
}

#[tokio::test]
async fn each_verification_uses_its_own_nonce() {
    let (fake, _) = FakeEnclave::start().await;
    let enclave = fake.client().verify(&fake.expectation()).await.unwrap();
    let first = enclave.boot();
    let second = enclave.verify_again().await.unwrap();
    assert_ne!(first.nonce(), second.nonce());
    assert_eq!(first.attestation(), second.attestation());
}

#[tokio::test]
async fn a_document_that_breaks_the_expectation_is_refused() {
    let (fake, _) = FakeEnclave::start().await;
    let root = fake.state().nsm.root();
    let other = Measurements::from_pcrs([(0, [0xbb; 48])]).unwrap();

    let error = refused(&fake, Expectation::any_measurements()).await;
    assert_eq!(rule(&error), "root");
    let error = refused(
        &fake,
        Expectation::any_measurements().root_certificate(Nsm::new(PCR0).root()),
    )
    .await;
    assert_eq!(rule(&error), "root");
    let error = refused(
        &fake,
        Expectation::releases([other]).root_certificate(root.clone()),
    )
    .await;
    assert_eq!(rule(&error), "measurements");
    let error = refused(
        &fake,
        Expectation::releases([]).root_certificate(root.clone()),
    )
    .await;
    assert_eq!(rule(&error), "measurements");
    assert_eq!(error.slug(), "attestation-refused");

    let expected = || Expectation::any_measurements().root_certificate(root.clone());
    assert!(matches!(
        refused(&fake, expected().deployment("other")).await,
        Error::AttestationRefused(AttestationRefused::Deployment { .. })
    ));
    assert!(matches!(
        refused(&fake, expected().configuration([8; 32])).await,
        Error::AttestationRefused(AttestationRefused::Configuration { .. })
    ));
}

#[tokio::test]
async fn an_enclave_that_binds_no_keys_to_seal_to_is_refused_by_a_client_that_seals() {
    let (fake, _) = FakeEnclave::start().await;
    let sealing = fake.client().obliviously();
    let error = sealing.verify(&fake.expectation()).await.unwrap_err();
    assert!(
        matches!(
            error,
            Error::AttestationRefused(AttestationRefused::NoObliviousKeys)
        ),
        "{error}"
    );
}

#[tokio::test]
async fn debug_mode_is_refused_unless_asked_for() {
    let (fake, _) = FakeEnclave::start().await;
    fake.state().nsm.set_pcr0([0; 48]);
    let error = refused(&fake, fake.expectation()).await;
    assert_eq!(rule(&error), "debug-mode");
    let allowed = fake.expectation().allow_debug();
    assert!(fake.client().verify(&allowed).await.is_ok());
}

#[tokio::test]
async fn an_old_document_shown_again_is_refused() {
    let (fake, _) = FakeEnclave::start().await;
    let mut kept: Option<Vec<u8>> = None;
    fake.lie(move |_, _, _, body| match &kept {
        Some(old) => old.clone_into(body),
        None => kept = Some(body.clone()),
    });
    assert!(fake.client().verify(&fake.expectation()).await.is_ok());
    let error = refused(&fake, fake.expectation()).await;
    assert_eq!(rule(&error), "nonce");
}

#[tokio::test]
async fn a_good_document_in_a_response_that_its_boot_key_did_not_sign_is_refused() {
    let (fake, _) = FakeEnclave::start().await;
    // A parent with its own key, which forwards the real document.
    fake.state().boot = SigningKey::generate(Algorithm::Ed25519).unwrap();
    let error = refused(&fake, fake.expectation()).await;
    assert!(
        matches!(
            error,
            Error::ResponseNotAuthentic(NotAuthentic::Response(_))
        ),
        "{error}"
    );

    fake.state().restart();
    fake.lie(|_, _, head, _| {
        let other = AttestationDigest::of(b"other").to_string();
        head.headers
            .insert("x-enclave-attestation", other.parse().unwrap());
    });
    let error = refused(&fake, fake.expectation()).await;
    assert_eq!(error.slug(), "response-not-authentic");
}

#[tokio::test]
async fn a_binding_of_another_form_is_refused() {
    let (fake, _) = FakeEnclave::start().await;
    // The identity: anyone can sign for it.
    fake.state().binding.boot_key = [0; 32];
    fake.state().binding.boot_key[0] = 1;
    assert!(matches!(
        refused(&fake, fake.expectation()).await,
        Error::AttestationRefused(AttestationRefused::BootKey(_))
    ));
    fake.state().binding.deployment = String::new();
    assert!(matches!(
        refused(&fake, fake.expectation()).await,
        Error::AttestationRefused(AttestationRefused::Binding(_))
    ));
}

#[tokio::test]
async fn what_is_not_a_document_is_reported_as_such() {
    let (fake, _) = FakeEnclave::start().await;
    fake.lie(|_, _, _, body| *body = b"{}".to_vec());
    let error = refused(&fake, fake.expectation()).await;
    assert_eq!(error.slug(), "unexpected-response");
    fake.lie(|_, _, _, body| *body = br#"{"document": "AAAA"}"#.to_vec());
    let error = refused(&fake, fake.expectation()).await;
    assert_eq!(error.slug(), "attestation-refused");
    fake.lie(|_, _, head, body| {
        let problem = Problem::new(ProblemType::EnclaveUnreachable, "no");
        *body = serde_json::to_vec(&problem).unwrap();
        head.status = http::StatusCode::SERVICE_UNAVAILABLE;
        head.headers
            .insert("content-type", "application/problem+json".parse().unwrap());
    });
    match refused(&fake, fake.expectation()).await {
        Error::Unauthenticated(problem) => {
            assert_eq!(problem.kind(), Some(ProblemType::EnclaveUnreachable));
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_document_can_be_fetched_without_being_trusted() {
    let (fake, _) = FakeEnclave::start().await;
    let client = fake.client();
    assert!(attestation::Document::parse(&client.attestation(None).await.unwrap()).is_ok());
    assert!(attestation::Document::parse(&client.attestation(Some(b"x")).await.unwrap()).is_ok());
    let error = client.attestation(Some(&[0; 513])).await.unwrap_err();
    assert_eq!(error.slug(), "invalid-argument");
    assert_eq!(
        fake.state().arrived,
        ["GET /v1/attestation", "GET /v1/attestation?nonce=78"]
    );
}
