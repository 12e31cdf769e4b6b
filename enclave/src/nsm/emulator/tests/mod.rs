//! The emulator through [`Nsm`], and its documents through the verifier.

mod pcrs;
mod root_certificate;

use std::{
    collections::BTreeSet,
    fs,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use permafrost_common::attestation::{Policy, VerifiedDocument};
use tempfile::TempDir;

use super::super::{Nsm, NsmError};
use super::*;

const MEASURED: Measured = Measured {
    executable_sha384: [1; 48],
    configuration_sha384: [2; 48],
};

/// 2026-01-01T00:00:00Z.
const MIDNIGHT: Duration = Duration::from_secs(1_767_225_600);

fn start(state_dir: &TempDir) -> Nsm {
    Nsm::new(Emulator::start(state_dir.path(), MEASURED).unwrap())
}

fn fresh() -> Nsm {
    start(&TempDir::new().unwrap())
}

/// A clock that stands still until it is moved; it starts at [`MIDNIGHT`].
fn stopped_clock() -> (Clock, Arc<AtomicU64>) {
    let seconds = Arc::new(AtomicU64::new(0));
    let moved = seconds.clone();
    let clock = move || {
        let passed = Duration::from_secs(seconds.load(Ordering::SeqCst));
        SystemTime::UNIX_EPOCH + MIDNIGHT + passed
    };
    (Arc::new(clock), moved)
}

fn verify(nsm: &Nsm, document: &[u8]) -> VerifiedDocument {
    let document = Document::parse(document).unwrap();
    document.verify(nsm.trust_anchor(), At::Now).unwrap()
}

fn code<T: std::fmt::Debug>(result: Result<T, NsmError>) -> String {
    match result.unwrap_err() {
        NsmError::Refused { code, .. } => format!("{code:?}"),
        other => panic!("{other}"),
    }
}

#[test]
fn describe_nsm_says_what_the_device_says() {
    let description = fresh().describe().unwrap();
    assert_eq!(description.version, (1, 0, 0));
    assert_eq!(description.max_pcrs, 32);
    assert_eq!(description.digest, Digest::SHA384);
    assert_eq!(description.locked_pcrs, (0..16).collect::<BTreeSet<_>>());

    let (instance, enclave) = description.module_id.split_once("-enc").unwrap();
    let instance = instance.strip_prefix("i-").unwrap();
    let hex = |text: &str| text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    assert!(instance.len() == 17 && hex(instance), "{instance}");
    assert!(enclave.len() == 16 && hex(enclave), "{enclave}");
}

#[test]
fn a_request_of_more_than_4096_bytes_is_too_large() {
    let nsm = fresh();
    // {"ExtendPCR": {"index": 16, "data": h'...'}} takes 27 bytes beside the data.
    let most = 4096 - 27;
    assert!(nsm.extend_pcr(16, &vec![7; most]).is_ok());
    assert_eq!(
        code(nsm.extend_pcr(16, &vec![7; most + 1])),
        "InputTooLarge"
    );
    assert_eq!(
        code(nsm.attest(Some(&[7; 5000]), None, None)),
        "InputTooLarge"
    );
}

#[test]
fn documents_hold_what_was_asked_up_to_the_limits() {
    let nsm = fresh();
    let (user_data, nonce, public_key) = ([1; 512], [2; 512], [3; 1024]);
    let document = nsm.attest(Some(&user_data), Some(&nonce), Some(&public_key));
    let document = verify(&nsm, &document.unwrap());
    assert_eq!(document.user_data(), Some(user_data.as_slice()));
    assert_eq!(document.nonce(), Some(nonce.as_slice()));
    assert_eq!(document.public_key(), Some(public_key.as_slice()));
    assert_eq!(document.module_id(), nsm.describe().unwrap().module_id);

    let document = verify(&nsm, &nsm.attest(None, None, None).unwrap());
    assert_eq!(
        (
            document.user_data(),
            document.nonce(),
            document.public_key()
        ),
        (None, None, None)
    );

    let document = verify(&nsm, &nsm.attest(Some(&[]), Some(&[]), None).unwrap());
    assert_eq!(document.user_data(), Some([].as_slice()));
    assert_eq!(document.nonce(), Some([].as_slice()));
}

#[test]
fn what_aws_does_not_allow_in_a_document_is_refused() {
    let nsm = fresh();
    assert_eq!(
        code(nsm.attest(Some(&[1; 513]), None, None)),
        "InputTooLarge"
    );
    assert_eq!(
        code(nsm.attest(None, Some(&[1; 513]), None)),
        "InputTooLarge"
    );
    assert_eq!(
        code(nsm.attest(None, None, Some(&[1; 1025]))),
        "InputTooLarge"
    );
    assert_eq!(code(nsm.attest(None, None, Some(&[]))), "InvalidArgument");
}

#[test]
fn documents_hold_the_locked_pcrs_and_no_others() {
    let nsm = fresh();
    let pcr18 = nsm.extend_pcr(18, b"data").unwrap();
    let before = verify(&nsm, &nsm.attest(None, None, None).unwrap());
    assert!(before.pcrs().keys().copied().eq(0..16));

    nsm.lock_pcr(18).unwrap();
    let after = verify(&nsm, &nsm.attest(None, None, None).unwrap());
    assert!(after.pcrs().keys().copied().eq((0..16).chain([18])));
    assert_eq!(after.pcrs()[&18].as_slice(), pcr18);

    nsm.lock_pcrs(32).unwrap();
    let largest = nsm.attest(Some(&[1; 512]), Some(&[2; 512]), Some(&[3; 1024]));
    assert_eq!(verify(&nsm, &largest.unwrap()).pcrs().len(), 32);
}

#[test]
fn documents_are_not_of_debug_mode_and_match_their_measurements() {
    let nsm = fresh();
    let document = verify(&nsm, &nsm.attest(None, Some(b"nonce"), None).unwrap());
    let policy = Policy::releases([MEASURED.measurements()]).nonce(b"nonce");
    assert_eq!(document.check(&policy), Ok(()));
    assert_eq!(document.pcrs()[&3], [0; 48]);
    assert_eq!(document.pcrs()[&4], [0; 48]);
    assert_eq!(document.pcrs()[&8], [0; 48]);
}

#[test]
fn documents_are_laid_out_as_current_firmware_does() {
    let document = fresh().attest(Some(b"data"), None, None).unwrap();
    // An untagged array of four; the protected header {1: -35}; an empty map; a byte string of two length bytes.
    assert_eq!(hex::encode(&document[..8]), "8444a1013822a059");
    assert_eq!(document[10], 0xbf, "a map of indefinite length");
    assert_eq!(&document[document.len() - 98..][..2], [0x58, 96]);

    let parts: Vec<ciborium::Value> = ciborium::from_reader(document.as_slice()).unwrap();
    let payload = parts[2].as_bytes().unwrap().as_slice();
    let payload: ciborium::Value = ciborium::from_reader(payload).unwrap();
    let fields = payload.as_map().unwrap();
    let names: Vec<_> = fields
        .iter()
        .map(|(name, _)| name.as_text().unwrap())
        .collect();
    let firmware =
        "module_id digest timestamp pcrs certificate cabundle public_key user_data nonce";
    assert_eq!(names.join(" "), firmware);
    assert_eq!(fields[5].1.as_array().unwrap().len(), 4);
    assert!(fields[6].1.is_null() && fields[8].1.is_null());
}

#[test]
fn the_aws_root_refuses_emulated_documents() {
    let document = fresh().attest(None, None, None).unwrap();
    let document = Document::parse(&document).unwrap();
    let refused = document
        .verify(&RootCertificate::aws_nitro_g1(), At::Now)
        .unwrap_err();
    assert_eq!(refused.rule(), "root");
}

#[test]
#[cfg_attr(not(fixtures), ignore = "PERMAFROST_FIXTURES not found")]
fn the_development_root_refuses_documents_of_aws() {
    let path = concat!(
        env!("PERMAFROST_FIXTURES_DIR"),
        "/attestation/production-2022-10.cbor"
    );
    let document = Document::parse(&fs::read(path).unwrap()).unwrap();
    let refused = document
        .verify(fresh().trust_anchor(), At::Signed)
        .unwrap_err();
    assert_eq!(refused.rule(), "root");
}

#[test]
fn two_state_directories_do_not_trust_each_other() {
    let (one, other) = (fresh(), fresh());
    let document = Document::parse(&one.attest(None, None, None).unwrap()).unwrap();
    let refused = document.verify(other.trust_anchor(), At::Now).unwrap_err();
    assert_eq!(refused.rule(), "root");
}

#[test]
fn random_bytes_come_256_at_a_time_and_differ() {
    let emulator = Emulator::start(TempDir::new().unwrap().path(), MEASURED).unwrap();
    let draw = || match emulator.process(Request::GetRandom) {
        Response::GetRandom { random } => random,
        other => panic!("{other:?}"),
    };
    let (one, other) = (draw(), draw());
    assert_eq!((one.len(), other.len()), (256, 256));
    assert_ne!(one, other);
}

#[test]
fn the_leaf_is_valid_for_three_hours_and_then_replaced() {
    let state_dir = TempDir::new().unwrap();
    let (clock, seconds) = stopped_clock();
    let emulator = Emulator::start_at(state_dir.path(), MEASURED, clock).unwrap();
    let nsm = Nsm::new(emulator);
    let leaf = || {
        let document = Document::parse(&nsm.attest(None, None, None).unwrap()).unwrap();
        let document = document.verify(nsm.trust_anchor(), At::Signed).unwrap();
        document.certificate().to_vec()
    };
    let at = |document: &[u8], seconds| {
        let time = SystemTime::UNIX_EPOCH + MIDNIGHT + Duration::from_secs(seconds);
        Document::parse(document)
            .unwrap()
            .verify(nsm.trust_anchor(), At::Time(time))
    };
    let first = leaf();
    let document = nsm.attest(None, None, None).unwrap();
    assert!(at(&document, 3 * 60 * 60).is_ok());
    let expired = at(&document, 3 * 60 * 60 + 1).unwrap_err();
    assert_eq!(expired.rule(), "certificate-expired");

    seconds.store(170 * 60, Ordering::SeqCst);
    assert_eq!(leaf(), first, "more than ten minutes are left");
    seconds.store(3 * 60 * 60 + 1, Ordering::SeqCst);
    let second = leaf();
    assert_ne!(second, first);
    // A week later the whole path is new, not just the leaf.
    seconds.store(7 * 24 * 60 * 60, Ordering::SeqCst);
    assert_ne!(leaf(), second);
    // After the clock is set back, the leaf is valid at the new time.
    seconds.store(0, Ordering::SeqCst);
    assert_ne!(leaf(), second);
}

#[test]
fn another_executable_changes_pcr0_and_pcr1_and_another_configuration_pcr0_and_pcr2() {
    let pcrs = |executable: &[u8], config| Measured::of(executable, config).unwrap().pcrs();
    let [zero, one, two] = pcrs(b"executable", b"config");
    assert_eq!(pcrs(b"executable", b"config"), [zero, one, two]);

    let [code0, code1, code2] = pcrs(b"executable 2", b"config");
    assert!(code0 != zero && code1 != one && code2 == two);
    let [config0, config1, config2] = pcrs(b"executable", b"config 2");
    assert!(config0 != zero && config1 == one && config2 != two);
    // Moving bytes from one to the other makes another image.
    let [moved, ..] = pcrs(b"executablecon", b"fig");
    assert_ne!(moved, zero);
}

#[test]
fn this_process_is_measured_by_its_executable() {
    let executable = fs::File::open(std::env::current_exe().unwrap()).unwrap();
    let measured = Measured::of_this_process(b"config").unwrap();
    assert_eq!(measured, Measured::of(executable, b"config").unwrap());
    assert_ne!(measured, Measured::of_this_process(b"other").unwrap());
}
