//! The malicious parent and the record of the root secret: blobs made by `Encrypt`, swapped, replayed and foreign. The enclave
//! refuses each by name, and opens the right one again.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

use permafrost_client::Client;
use permafrost_common::api::Key;
use permafrost_common::kms::KeyArn;
use permafrost_enclave::root::{Proven, RootName, RootRecord, statement};
use permafrost_enclave::sealing::{DerivationRoot, RootSecret, RootSecrets};
use permafrost_tests::{LyingParent, Measured, is_signed_by, message, new_key};

/// A root secret that the parent knows.
const KNOWN: [u8; 32] = [0x42; 32];

/// A record that is right in every respect, except that the parent knows its secret.
fn forged(key: &KeyArn, epoch: u32, blob: Vec<u8>, documents: Vec<Vec<u8>>) -> Vec<u8> {
    let secrets = RootSecrets::new(
        epoch,
        RootSecret::new(KNOWN.into()),
        DerivationRoot::new(KNOWN.into()),
    );
    let proven = Proven { blob, documents };
    let record =
        RootRecord::seal(&secrets, (RootName::Deployment, "test"), key, proven, 1).unwrap();
    record.encode()
}

/// A new boot of the enclave refuses this as the record of the root secret; the reason contains this text.
fn refused(parent: &mut LyingParent, record: Vec<u8>, text: &str) {
    parent.store.put_back_root_secret(vec![record]);
    let calls = parent.kms.calls().len();
    parent.enclave.restart_unready();
    let reason = parent.enclave.refuses_with(text);
    assert!(
        reason.contains("the record of the root secret is refused"),
        "{reason}"
    );
    // The enclave does not call KMS for a record that is known to be wrong.
    assert_eq!(parent.kms.calls().len(), calls, "{text}");
}

/// With its own record again, the enclave is ready and the key signs.
async fn heals(parent: &mut LyingParent, records: Vec<Vec<u8>>, key: &Key) {
    parent.store.put_back_root_secret(records);
    parent.enclave.restart();
    let alice = parent.principal("alice").await;
    let signed = alice.sign(&key.id, &message()).await.unwrap();
    assert!(is_signed_by(&signed, &key.group_public_key));
}

#[tokio::test]
#[cfg_attr(feature = "booted", ignore = "QEMU's NSM does not sign")]
async fn a_blob_made_by_encrypt_or_reencrypt_is_refused_without_an_enclaves_statement() {
    let mut parent = LyingParent::start().await;
    let alice = parent.principal("alice").await;
    let key = new_key(&alice).await;
    let records = parent.store.root_secret();
    let genuine = RootRecord::decode(&records[0]).unwrap();
    let blob = parent.kms.encrypt(&parent.key_arn, "test", 1, KNOWN);
    let arn = parent.key_arn.clone();

    let none = forged(&arn, 1, blob.clone(), Vec::new());
    refused(&mut parent, none, "was generated there: it has no document");
    let of_another_blob = forged(&arn, 1, blob.clone(), genuine.documents.clone());
    refused(
        &mut parent,
        of_another_blob,
        "a document makes another statement",
    );
    let mut altered = genuine.documents[0].clone();
    let middle = altered.len() / 2;
    altered[middle] ^= 1;
    let altered = forged(&arn, 1, blob.clone(), vec![altered]);
    refused(&mut parent, altered, "a document does not verify");
    let nonsense = forged(&arn, 1, blob, vec![vec![0xff; 100]]);
    refused(&mut parent, nonsense, "a document does not verify");
    heals(&mut parent, records, &key).await;
}

#[tokio::test]
async fn no_request_makes_an_enclave_state_anything_about_a_blob() {
    let mut parent = LyingParent::start().await;
    let records = parent.store.root_secret();
    let alice = parent.principal("alice").await;
    let key = new_key(&alice).await;
    let blob = parent.kms.encrypt(&parent.key_arn, "test", 1, KNOWN);
    let arn = parent.key_arn.clone();
    // Whatever nonce a request has, the statement is not in the field that the NSM signs for the enclave.
    let client = Client::new(parent.proxy.endpoint().parse().unwrap());
    let mut documents = vec![client.attestation(None).await.unwrap()];
    let nonce = statement("test", 1, &arn, &blob);
    documents.push(client.attestation(Some(&nonce)).await.unwrap());
    let record = forged(&arn, 1, blob, documents);
    refused(&mut parent, record, "a document makes another statement");
    heals(&mut parent, records, &key).await;
}

#[tokio::test]
#[cfg_attr(feature = "booted", ignore = "QEMU's NSM does not sign")]
async fn the_statement_of_an_enclave_under_another_root_certificate_is_refused() {
    let mut parent = LyingParent::start().await;
    let alice = parent.principal("alice").await;
    let key = new_key(&alice).await;
    let records = parent.store.root_secret();
    // The same program and configuration, with an emulated NSM of the attacker's own.
    let other = LyingParent::start().await;
    let theirs = RootRecord::decode(&other.store.root_secret()[0]).unwrap();
    let arn = parent.key_arn.clone();
    let blob = parent.kms.encrypt(&arn, "test", 1, KNOWN);
    refused(
        &mut parent,
        forged(&arn, 1, blob, theirs.documents),
        "a document does not verify",
    );
    heals(&mut parent, records, &key).await;
}

#[tokio::test]
async fn blobs_and_contexts_swapped_together_are_refused() {
    let mut parent = LyingParent::start().await;
    let alice = parent.principal("alice").await;
    let key = new_key(&alice).await;
    let neighbour = parent.neighbour(Measured::new("other")).await;
    let (ours, theirs) = (parent.store.root_secret(), neighbour.store.root_secret());

    // Unchanged: it names its deployment.
    refused(
        &mut parent,
        theirs[0].clone(),
        "it is of the deployment \"other\"",
    );
    // With our names in it: no enclave has vouched for that.
    let foreign = RootRecord::decode(&theirs[0]).unwrap();
    let renamed = RootRecord {
        deployment: "test".to_owned(),
        key: parent.key_arn.clone(),
        ..foreign.clone()
    };
    refused(
        &mut parent,
        renamed.encode(),
        "a document makes another statement",
    );
    // Only the blob.
    let genuine = RootRecord::decode(&ours[0]).unwrap();
    let swapped = RootRecord {
        blob: foreign.blob,
        ..genuine
    };
    refused(
        &mut parent,
        swapped.encode(),
        "a document makes another statement",
    );
    heals(&mut parent, ours, &key).await;
}

#[tokio::test]
async fn a_record_of_another_purpose_key_account_or_region_is_refused_by_name() {
    let mut parent = LyingParent::start().await;
    let alice = parent.principal("alice").await;
    let key = new_key(&alice).await;
    let records = parent.store.root_secret();
    let genuine = RootRecord::decode(&records[0]).unwrap();
    let arn = parent.key_arn.to_string();
    for (other, part) in [
        (
            arn.replace(
                parent.key_arn.key_id(),
                "00000000-0000-0000-0000-000000000000",
            ),
            "key",
        ),
        (
            arn.replace(parent.key_arn.account(), "999999999999"),
            "account",
        ),
        (arn.replace("us-east-1", "eu-central-1"), "region"),
        (arn.replace("arn:aws:", "arn:aws-cn:"), "partition"),
    ] {
        let record = RootRecord {
            key: other.parse().unwrap(),
            ..genuine.clone()
        };
        refused(
            &mut parent,
            record.encode(),
            &format!("another {part} than"),
        );
    }
    let record = RootRecord {
        purpose: "other".to_owned(),
        ..genuine
    };
    refused(
        &mut parent,
        record.encode(),
        "its data key is for \"other\"",
    );
    heals(&mut parent, records, &key).await;
}

#[tokio::test]
async fn an_older_epochs_blob_is_not_taken_for_a_newer_ones() {
    let mut parent = LyingParent::start().await;
    let alice = parent.principal("alice").await;
    let key = new_key(&alice).await;
    alice.rotate_root(1).await.unwrap();
    let records = parent.store.root_secret();
    let [first, second] = [0, 1].map(|at| RootRecord::decode(&records[at]).unwrap());
    assert_eq!([first.epoch, second.epoch], [1, 2]);
    let replayed = RootRecord {
        epoch: 2,
        ..first.clone()
    };
    refused(
        &mut parent,
        replayed.encode(),
        "a document makes another statement",
    );
    let replayed = RootRecord {
        blob: first.blob,
        documents: first.documents,
        ..second
    };
    refused(
        &mut parent,
        replayed.encode(),
        "a document makes another statement",
    );
    heals(&mut parent, records, &key).await;
}

#[tokio::test]
#[cfg_attr(feature = "booted", ignore = "QEMU's NSM does not sign")]
async fn an_altered_or_truncated_record_is_refused_at_every_part() {
    let mut parent = LyingParent::start().await;
    let alice = parent.principal("alice").await;
    let key = new_key(&alice).await;
    let records = parent.store.root_secret();
    let genuine = &records[0];
    for at in [0, 1, 4, 12, 30, 60, genuine.len() / 2, genuine.len() - 1] {
        let mut altered = genuine.clone();
        altered[at] ^= 0x10;
        parent.store.put_back_root_secret(vec![altered]);
        parent.enclave.restart_unready();
        parent
            .enclave
            .refuses_with("the record of the root secret is refused");
    }
    for length in [0, 1, 100, genuine.len() - 1] {
        refused(
            &mut parent,
            genuine[..length].to_vec(),
            "the record of the root secret is refused",
        );
    }
    heals(&mut parent, records, &key).await;
}
