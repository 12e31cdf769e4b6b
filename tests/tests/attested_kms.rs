//! What the development KMS accepts: the enclave program as built, with its configuration, in a genuine and fresh attestation
//! document - and nothing that differs in one of these.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

use permafrost_tests::{LyingParent, binaries, measurements};
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair, PKCS_ECDSA_P384_SHA384};

/// The error of the last call that KMS handled.
fn last_error(parent: &LyingParent) -> Option<String> {
    parent
        .kms
        .calls()
        .last()
        .and_then(|call| call.error.clone())
}

#[tokio::test]
async fn changed_code_is_refused_by_kms() {
    let mut parent = LyingParent::start().await;
    let other = binaries::another_enclave(parent.folder(), "changed");
    parent.enclave.run(&other);
    // With the record, the changed program would not even call KMS: no enclave that it accepts has vouched for the record.
    parent.store.put_back_root_secret(Vec::new());
    parent.enclave.restart_unready();
    let reason = parent.enclave.refuses_with("AccessDeniedException");
    assert!(reason.contains("kms:GenerateDataKey"), "{reason}");
    assert_eq!(
        last_error(&parent).as_deref(),
        Some("AccessDeniedException")
    );
}

#[tokio::test]
async fn a_changed_configuration_is_refused_by_kms() {
    let mut parent = LyingParent::start().await;
    let before = parent.configuration();
    let changed = format!("{before}\n# One comment more.\n");
    let pcr = |configuration: &str, index| *measurements(configuration).get(index).unwrap();
    assert_eq!(pcr(&before, 1), pcr(&changed, 1));
    assert_ne!(pcr(&before, 2), pcr(&changed, 2));
    parent.enclave.configure(&changed);
    parent.store.put_back_root_secret(Vec::new());
    parent.enclave.restart_unready();
    parent.enclave.refuses_with("AccessDeniedException");
    assert_eq!(
        last_error(&parent).as_deref(),
        Some("AccessDeniedException")
    );
}

#[tokio::test]
#[cfg_attr(feature = "booted", ignore = "QEMU has no debug mode")]
async fn a_debug_mode_document_is_refused_by_kms() {
    let parent = LyingParent::in_refused_debug_mode().await;
    let reason = parent.enclave.refuses_with("AccessDeniedException");
    assert!(reason.contains("kms:GenerateDataKey"), "{reason}");
    assert!(parent.store.root_secret().is_empty());
}

#[tokio::test]
async fn a_document_by_another_root_is_refused_by_kms() {
    let parent = LyingParent::before_kms().await;
    // From here on KMS trusts another root certificate than that of the running enclave's NSM.
    let root = parent.enclave.state().join("development-root.pem");
    std::fs::write(&root, another_root()).unwrap();
    parent.egress.be_honest();
    parent.enclave.refuses_with("ValidationException");
    assert!(parent.store.root_secret().is_empty());
}

/// A root certificate of no emulated NSM.
fn another_root() -> String {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap();
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.self_signed(&key).unwrap().pem()
}
