//! A new release replaces the running one, as in `docs/kms.md`: the key policy allows both, then only the new one.
//!
//! The new code is the same program with another last byte: it does the same, but PCR0 and PCR1 differ.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use permafrost_client::Measurements;
use permafrost_common::api::Key;
use permafrost_enclave::root::RootRecord;
use permafrost_tests::{
    LyingParent, binaries, is_signed_by, measurements_of, message, new_key, predecessors, refusal,
};

/// An enclave program with its configuration.
struct Release {
    program: PathBuf,
    configuration: String,
}

impl Release {
    /// The one that the parent was started with.
    fn first(parent: &LyingParent) -> Self {
        Self {
            program: binaries::enclave(),
            configuration: parent.configuration(),
        }
    }

    /// Other code, whose configuration names these releases as the ones before.
    fn after(parent: &LyingParent, name: &str, before: &[&Self]) -> Self {
        Self {
            program: binaries::another_enclave(parent.folder(), name),
            configuration: parent.configuration_with(&naming(before)),
        }
    }

    fn measurements(&self) -> Measurements {
        measurements_of(&self.program, &self.configuration)
    }
}

#[tokio::test]
async fn an_upgrade_of_the_code_allows_both_releases_and_then_withdraws_the_old() {
    let mut parent = LyingParent::start().await;
    let key = new_key(&parent.principal("alice").await).await;
    let old = Release::first(&parent);
    let new = Release::after(&parent, "new", &[&old]);
    let (before, after) = (old.measurements(), new.measurements());
    for pcr in [0, 1] {
        assert_ne!(before.get(pcr), after.get(pcr), "PCR{pcr}");
    }

    // The policy allows only the old one.
    start(&mut parent, &new);
    denied(&parent, "Decrypt");
    assert_eq!(documents(&parent), 1);
    serves(&mut parent, &old, &key).await;

    // Both at the same time.
    allow(&parent, &[&old, &new]);
    serves(&mut parent, &old, &key).await;
    let beside = parent.second_enclave("beside", &new.program, &new.configuration);
    beside.wait_until_ready();
    assert_eq!(documents(&parent), 2, "the new release has taken it over");
    let elsewhere = parent.principal_at(&beside, "alice").await;
    let made_by_the_new = new_key(&elsewhere).await;
    let alice = parent.principal("alice").await;
    for key in [&key, &made_by_the_new] {
        let signed = alice.sign(&key.id, &message()).await.unwrap();
        assert!(is_signed_by(&signed, &key.group_public_key));
    }
    serves(&mut parent, &old, &made_by_the_new).await;
    drop(beside);

    // Only the new one.
    allow(&parent, &[&new]);
    start(&mut parent, &old);
    denied(&parent, "Decrypt");
    serves(&mut parent, &new, &key).await;
    assert_eq!(documents(&parent), 2, "it has taken it over before");
    let alice = parent.principal("alice").await;
    assert_eq!(alice.rotate_root(1).await.unwrap().epochs, [1, 2]);
    assert_eq!(documents(&parent), 1, "an epoch of the new release's own");
    serves(&mut parent, &new, &made_by_the_new).await;
}

#[tokio::test]
async fn a_successor_that_names_no_predecessor_is_refused_whatever_kms_would_do() {
    let mut parent = LyingParent::start().await;
    let key = new_key(&parent.principal("alice").await).await;
    let old = Release::first(&parent);
    let nameless = Release::after(&parent, "nameless", &[]);
    let another = Release::after(&parent, "another", &[&nameless]);
    allow(&parent, &[&old, &nameless, &another]);
    let calls = parent.kms.calls().len();
    let pcr0 = hex::encode(old.measurements().get(0).unwrap());
    for release in [&nameless, &another] {
        start(&mut parent, release);
        let reason = parent.enclave.refuses_with("nor in root.predecessors");
        assert!(reason.contains(&pcr0), "{reason}");
    }
    assert_eq!(parent.kms.calls().len(), calls);
    serves(&mut parent, &old, &key).await;
}

#[tokio::test]
async fn a_configuration_changes_in_the_same_way_and_leaves_pcr1_as_it_is() {
    let mut parent = LyingParent::start().await;
    let key = new_key(&parent.principal("alice").await).await;
    let before = Release::first(&parent);
    let mut after = Release {
        program: before.program.clone(),
        configuration: parent.configuration_with(&naming(&[&before])),
    };
    let changed = after
        .configuration
        .replace("[limits]", "[limits]\ncache_bytes = 0");
    assert_ne!(changed, after.configuration);
    after.configuration = changed;
    let (was, is) = (before.measurements(), after.measurements());
    assert_eq!(was.get(1), is.get(1));
    assert_ne!(was.get(2), is.get(2));
    assert_ne!(was.get(0), is.get(0));

    start(&mut parent, &after);
    denied(&parent, "Decrypt");
    allow(&parent, &[&before, &after]);
    serves(&mut parent, &after, &key).await;
    assert_eq!(documents(&parent), 2);
    serves(&mut parent, &before, &key).await;
    allow(&parent, &[&after]);
    start(&mut parent, &before);
    denied(&parent, "Decrypt");
    serves(&mut parent, &after, &key).await;
    let alice = parent.principal("alice").await;
    assert_eq!(alice.rotate_root(1).await.unwrap().epoch, 2);
}

#[tokio::test]
async fn the_next_upgrade_names_only_the_release_just_before() {
    let mut parent = LyingParent::start().await;
    let key = new_key(&parent.principal("alice").await).await;
    let first = Release::first(&parent);
    let second = Release::after(&parent, "second", &[&first]);
    let third = Release::after(&parent, "third", &[&second]);
    let skipping = Release::after(&parent, "skipping", &[&second, &first]);
    // A release that never ran cannot be named instead of one that did, but in addition to it.
    allow(&parent, &[&first, &second, &third, &skipping]);
    start(&mut parent, &third);
    parent.enclave.refuses_with("nor in root.predecessors");
    serves(&mut parent, &skipping, &key).await;

    serves(&mut parent, &second, &key).await;
    allow(&parent, &[&second, &third]);
    serves(&mut parent, &third, &key).await;
    allow(&parent, &[&third]);
    serves(&mut parent, &third, &key).await;
    assert_eq!(documents(&parent), 4);
}

#[tokio::test]
async fn an_epoch_of_the_new_release_needs_a_release_that_names_it_to_go_back() {
    let mut parent = LyingParent::start().await;
    let key = new_key(&parent.principal("alice").await).await;
    let old = Release::first(&parent);
    let new = Release::after(&parent, "new", &[&old]);
    allow(&parent, &[&old, &new]);
    let beside = parent.second_enclave("beside", &new.program, &new.configuration);
    beside.wait_until_ready();
    let elsewhere = parent.principal_at(&beside, "alice").await;
    elsewhere.rotate_root(1).await.unwrap();
    let made_by_the_new = new_key(&elsewhere).await;

    // A running old enclave continues with what it has. One that starts is refused, though KMS would allow it.
    let alice = parent.principal("alice").await;
    let refused_by_the_old = alice.sign(&made_by_the_new.id, &message()).await;
    assert_eq!(refusal(refused_by_the_old), "not-ready");
    let signed = alice.sign(&key.id, &message()).await.unwrap();
    assert!(is_signed_by(&signed, &key.group_public_key));
    assert_eq!(alice.root().await.unwrap().epochs, [1]);
    start(&mut parent, &old);
    parent.enclave.refuses_with("nor in root.predecessors");
    // The old code with a configuration that names it.
    let back = Release {
        program: old.program.clone(),
        configuration: parent.configuration_with(&naming(&[&new])),
    };
    assert_eq!(old.measurements().get(1), back.measurements().get(1));
    allow(&parent, &[&new, &back]);
    serves(&mut parent, &back, &key).await;
    serves(&mut parent, &back, &made_by_the_new).await;
    let alice = parent.principal("alice").await;
    assert_eq!(alice.root().await.unwrap().epochs, [1, 2]);
}

#[tokio::test]
async fn the_policy_of_an_upgrade_is_the_one_that_the_command_line_prints() {
    let mut parent = LyingParent::start().await;
    let key = new_key(&parent.principal("alice").await).await;
    let old = Release::first(&parent);
    let new = Release::after(&parent, "new", &[&old]);
    let files = [("old", &old), ("new", &new)].map(|(name, release)| {
        let path = parent.folder().join(format!("{name}.json"));
        fs::write(&path, measured_by_itself(&parent, release)).unwrap();
        format!("{name}={}", path.display())
    });
    for (accepted, refused) in [(&files[..1], &new), (&files[1..], &old)] {
        put_printed_policy(&parent, accepted);
        start(&mut parent, refused);
        denied(&parent, "Decrypt");
        put_printed_policy(&parent, &files);
        serves(&mut parent, &new, &key).await;
        serves(&mut parent, &old, &key).await;
    }
}

/// Ends the enclave, and starts this release instead.
fn start(parent: &mut LyingParent, release: &Release) {
    parent.enclave.run(&release.program);
    parent.enclave.configure(&release.configuration);
    parent.enclave.restart_unready();
}

/// This release unseals the root secret, and the key signs.
async fn serves(parent: &mut LyingParent, release: &Release, key: &Key) {
    start(parent, release);
    parent.enclave.wait_until_ready();
    let alice = parent.principal("alice").await;
    let boot = alice.enclave().boot();
    let pcr0 = boot.verified().pcrs().get(&0);
    assert_eq!(pcr0, release.measurements().get(0));
    let signed = alice.sign(&key.id, &message()).await.unwrap();
    assert!(is_signed_by(&signed, &key.group_public_key));
}

/// KMS refuses the running enclave.
fn denied(parent: &LyingParent, call: &str) {
    let reason = parent.enclave.refuses_with("AccessDeniedException");
    let named = format!("kms:{call} with {}", parent.key_arn);
    assert!(reason.contains(&named), "{reason}");
    let last = parent.kms.calls().pop().unwrap();
    assert_eq!(last.error.as_deref(), Some("AccessDeniedException"));
}

/// From now on KMS allows only these releases.
fn allow(parent: &LyingParent, releases: &[&Release]) {
    let releases: Vec<_> = releases
        .iter()
        .map(|release| release.measurements())
        .collect();
    parent
        .kms
        .allow_releases(&parent.key_arn, "test", &releases);
}

/// The line of a configuration that names these releases.
fn naming(releases: &[&Release]) -> String {
    let measured: Vec<_> = releases
        .iter()
        .map(|release| release.measurements())
        .collect();
    predecessors(&measured.iter().collect::<Vec<_>>())
}

/// How many enclave images have vouched for the newest epoch.
fn documents(parent: &LyingParent) -> usize {
    let newest = parent.store.root_secret().pop().unwrap();
    RootRecord::decode(&newest).unwrap().documents.len()
}

/// The measurements of a release.
fn measured_by_itself(parent: &LyingParent, release: &Release) -> Vec<u8> {
    let configuration = parent.folder().join("measured.toml");
    fs::write(&configuration, &release.configuration).unwrap();
    let output = Command::new(&release.program)
        .arg("--measure")
        .arg("--config")
        .arg(&configuration)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    output.stdout
}

/// Sets the key policy that `permafrost kms policy` prints for these files of measurements.
fn put_printed_policy(parent: &LyingParent, files: &[String]) {
    let identity = |name| parent.kms.emulator().identity(name).unwrap().arn.clone();
    let mut command = Command::new(binaries::parent());
    command.args(["kms", "policy", "--deployment", "test"]);
    command.args(["--account", parent.key_arn.account()]);
    command.args(["--role", &identity("enclave")]);
    command.args(["--administrator", &identity("administrator")]);
    for file in files {
        command.args(["--measurements", file]);
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let policy = String::from_utf8(output.stdout).unwrap();
    parent.kms.put_policy(&parent.key_arn, &policy);
}
