//! The root certificate and its key on disk: made once, used by every start, and never replaced.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;

use tempfile::TempDir;

use super::super::*;
use super::{MEASURED, start, verify};
use crate::nsm::Nsm;

#[test]
fn a_restart_keeps_the_root_and_nothing_else() {
    let state_dir = TempDir::new().unwrap();
    let (first, second) = (start(&state_dir), start(&state_dir));
    assert_eq!(first.trust_anchor(), second.trust_anchor());
    let module = |nsm: &Nsm| nsm.describe().unwrap().module_id;
    assert_ne!(module(&first), module(&second));
    verify(&first, &second.attest(None, None, None).unwrap());

    let pem = fs::read_to_string(state_dir.path().join(ROOT_FILE)).unwrap();
    assert_eq!(
        &RootCertificate::from_pem(&pem).unwrap(),
        first.trust_anchor()
    );
}

#[test]
fn the_root_is_readable_by_all_and_its_key_by_its_owner() {
    let state_dir = TempDir::new().unwrap();
    let _nsm = start(&state_dir);
    let mode = |name: &str| {
        let metadata = fs::metadata(state_dir.path().join(name)).unwrap();
        metadata.permissions().mode() & 0o777
    };
    assert_eq!(mode(ROOT_FILE), 0o644);
    assert_eq!(mode(ROOT_KEY_FILE), 0o600);
}

#[test]
fn first_starts_at_the_same_time_agree_on_one_root() {
    let state_dir = TempDir::new().unwrap();
    let roots: BTreeSet<_> = std::thread::scope(|scope| {
        let starts: Vec<_> = (0..8).map(|_| scope.spawn(|| start(&state_dir))).collect();
        let started = starts.into_iter().map(|start| start.join().unwrap());
        started.map(|nsm| *nsm.trust_anchor().sha256()).collect()
    });
    assert_eq!(roots.len(), 1);
}

#[test]
fn a_first_start_after_an_interrupted_one_succeeds() {
    let state_dir = TempDir::new().unwrap();
    let key = state_dir.path().join(ROOT_KEY_FILE);
    fs::write(&key, "half a k").unwrap();
    fs::write(key.with_extension("pem.new"), "left over").unwrap();
    let nsm = start(&state_dir);
    verify(&nsm, &nsm.attest(None, None, None).unwrap());
}

#[test]
fn a_root_without_its_key_is_not_replaced() {
    let state_dir = TempDir::new().unwrap();
    let _nsm = start(&state_dir);
    fs::remove_file(state_dir.path().join(ROOT_KEY_FILE)).unwrap();
    let error = Emulator::start(state_dir.path(), MEASURED).unwrap_err();
    assert!(matches!(error, EmulatorError::KeyMissing { .. }), "{error}");
}

#[test]
fn a_root_certificate_with_another_ones_key_fails_the_start() {
    let (state_dir, other) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let (_nsm, _other) = (start(&state_dir), start(&other));
    let key = |dir: &TempDir| dir.path().join(ROOT_KEY_FILE);
    fs::copy(key(&other), key(&state_dir)).unwrap();
    let error = Emulator::start(state_dir.path(), MEASURED).unwrap_err();
    assert!(matches!(error, EmulatorError::SelfCheck(_)), "{error}");
}

#[test]
fn an_invalid_certificate_file_and_an_invalid_key_file_are_named() {
    let state_dir = TempDir::new().unwrap();
    let _nsm = start(&state_dir);
    let key = state_dir.path().join(ROOT_KEY_FILE);
    let good = fs::read(&key).unwrap();
    fs::write(&key, "no key").unwrap();
    let error = Emulator::start(state_dir.path(), MEASURED).unwrap_err();
    assert!(
        matches!(error, EmulatorError::Certificate { .. }),
        "{error}"
    );

    fs::write(&key, good).unwrap();
    fs::write(state_dir.path().join(ROOT_FILE), "no root").unwrap();
    let error = Emulator::start(state_dir.path(), MEASURED).unwrap_err();
    assert!(error.to_string().contains(ROOT_FILE), "{error}");
}

#[test]
fn nothing_of_the_key_is_printed() {
    let state_dir = TempDir::new().unwrap();
    let emulator = Emulator::start(state_dir.path(), MEASURED).unwrap();
    let key = fs::read_to_string(state_dir.path().join(ROOT_KEY_FILE)).unwrap();
    let printed = format!("{emulator:?}");
    assert!(key.lines().all(|line| !printed.contains(line)), "{printed}");
}
