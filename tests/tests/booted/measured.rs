//! What the documents of a booted image say, and who is held to it.

use std::fs;
use std::path::Path;
use std::process::Command;

use permafrost_client::{Client, Expectation, Measurements};
use permafrost_tests::virtual_machine::{images, make_image};
use permafrost_tests::{HonestStack, LyingParent, Measured, binaries, refusal};

#[tokio::test]
async fn the_documents_carry_the_pcrs_that_the_image_was_built_with() {
    let stack = HonestStack::start(Measured::new("test"));
    let pcrs = stack.folder().join("pcrs.json");
    let image = stack.folder().join("vm/permafrost.eif");
    fs::write(&pcrs, described(&image)).unwrap();
    let document = stack.folder().join("document.cbor");
    let client = Client::new(stack.endpoint().parse().unwrap());
    fs::write(&document, client.attestation(Some(&[7; 16])).await.unwrap()).unwrap();

    let verify = |pcrs: &Path| {
        let output = Command::new(binaries::parent())
            .args(["attest", "verify", "--json", "--nonce", &"07".repeat(16)])
            .arg("--root-certificate")
            .arg(stack.enclave.state().join("development-root.pem"))
            .arg("--pcrs")
            .arg(pcrs)
            .arg(&document)
            .output()
            .unwrap();
        serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap()
    };
    let report = verify(&pcrs);
    assert_eq!(report["signed"], false, "{report}");
    assert_eq!(report["debug"], false, "{report}");
    assert_eq!(report["pcrs"].as_object().unwrap().len(), 32, "all locked");

    let another = stack.folder().join("another.eif");
    let another_pcrs = make_image(
        &binaries::another_enclave(stack.folder(), "x"),
        &fs::read_to_string(stack.folder().join("enclave.toml")).unwrap(),
        &another,
    );
    assert_ne!(
        another_pcrs,
        Measurements::from_json(&described(&image)).unwrap()
    );
    fs::write(&pcrs, described(&another)).unwrap();
    assert_eq!(verify(&pcrs)["error"]["rule"], "measurements");
}

#[tokio::test]
async fn unsigned_documents_are_refused_by_everyone_who_did_not_ask_for_them() {
    let stack = HonestStack::start(Measured::new("test"));
    let client = Client::new(stack.endpoint().parse().unwrap());
    let refused = client.verify(&Expectation::any_measurements()).await;
    assert_eq!(refusal(refused.map(|_| ())), "attestation-refused");

    let document = stack.folder().join("document.cbor");
    fs::write(&document, client.attestation(None).await.unwrap()).unwrap();
    let output = Command::new(binaries::parent())
        .args(["attest", "verify"])
        .arg(&document)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
}

#[tokio::test]
async fn one_changed_byte_of_code_or_of_configuration_is_refused_by_kms() {
    let mut parent = LyingParent::before_kms().await;
    parent.egress.be_honest();
    let honest = parent.configuration();
    let changed = honest.replace("[limits]\n", "[limits]\n\n");
    assert_eq!(changed.len(), honest.len() + 1);

    parent.enclave.configure(&changed);
    parent.enclave.restart_unready();
    parent.enclave.refuses_with("AccessDeniedException");

    parent.enclave.configure(&honest);
    parent
        .enclave
        .run(&binaries::another_enclave(parent.folder(), "x"));
    parent.enclave.restart_unready();
    parent.enclave.refuses_with("AccessDeniedException");

    parent.enclave.run(&binaries::enclave());
    parent.enclave.restart();
}

#[test]
fn the_image_of_the_tests_differs_from_the_one_of_production_by_its_program_alone() {
    let read = |path: &str| fs::read(images().join(path)).unwrap();
    assert_eq!(read("production/bzImage"), read("unsigned/bzImage"));
    assert_ne!(
        read("production/permafrost-enclave"),
        read("unsigned/permafrost-enclave")
    );
}

/// The PCRs that the tool computes from an image, in the form of `pcrs.json`.
fn described(image: &Path) -> String {
    let program = binaries::parent().with_file_name("permafrost-image");
    let output = Command::new(program)
        .args(["describe", "--json"])
        .arg(image)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}
