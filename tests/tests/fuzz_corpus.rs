//! Replays the inputs that fuzzing found or began with against the same properties, without a fuzzer.

#![allow(clippy::panic, clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

macro_rules! replays {
    ($($name:ident: $target:ident;)+) => {
        $(#[test]
        fn $name() {
            replay(stringify!($target), permafrost_fuzz::$target);
        })+

        #[test]
        fn every_fuzz_target_is_replayed() {
            let replayed = BTreeSet::from([$(stringify!($target).to_owned()),+]);
            let known = permafrost_fuzz::TARGETS.iter().map(|(name, _)| (*name).to_owned());
            assert_eq!(known.collect::<BTreeSet<_>>(), replayed);
            assert_eq!(names_in("fuzz_targets"), replayed);
            assert_eq!(names_in("corpus"), replayed);
        }
    };
}

replays! {
    every_input_of_the_address_corpus_holds: address;
    every_input_of_the_response_signature_corpus_holds: response_signature;
    every_input_of_the_binary_http_corpus_holds: binary_http;
    every_input_of_the_binding_corpus_holds: binding;
    every_input_of_the_ciphertext_for_recipient_corpus_holds: ciphertext_for_recipient;
    every_input_of_the_configuration_corpus_holds: configuration;
    every_input_of_the_cose_key_corpus_holds: cose_key;
    every_input_of_the_dispatch_corpus_holds: dispatch;
    every_input_of_the_document_corpus_holds: document;
    every_input_of_the_dynamodb_response_corpus_holds: dynamodb_response;
    every_input_of_the_dynamodb_tags_corpus_holds: dynamodb_tags;
    every_input_of_the_encoded_document_corpus_holds: encoded_document;
    every_input_of_the_key_record_corpus_holds: key_record;
    every_input_of_the_oblivious_keys_corpus_holds: oblivious_keys;
    every_input_of_the_oblivious_request_corpus_holds: oblivious_request;
    every_input_of_the_request_signature_corpus_holds: request_signature;
    every_input_of_the_root_record_corpus_holds: root_record;
    every_input_of_the_sealed_record_corpus_holds: sealed_record;
    every_input_of_the_session_response_corpus_holds: session_response;
    every_input_of_the_store_listing_corpus_holds: store_listing;
    every_input_of_the_user_record_corpus_holds: user_record;
    every_input_of_the_webauthn_authentication_corpus_holds: webauthn_authentication;
    every_input_of_the_webauthn_registration_corpus_holds: webauthn_registration;
}

/// A corpus that never gets past the parser's first check, or never fails one, shows little.
fn replay(name: &str, target: permafrost_fuzz::Target) {
    let (mut accepted, mut refused) = (0, 0);
    for path in files_in(&format!("corpus/{name}")) {
        // The test runner shows this if the property fails.
        println!("input: {}", path.display());
        let input = fs::read(&path).unwrap();
        if target(&input) {
            accepted += 1;
        } else {
            refused += 1;
        }
    }
    println!("{name}: {accepted} inputs accepted, {refused} refused");
    assert!(accepted > 0, "no input of the {name} corpus is accepted");
    assert!(refused > 0, "no input of the {name} corpus is refused");
}

fn names_in(folder: &str) -> BTreeSet<String> {
    files_in(folder)
        .iter()
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect()
}

fn files_in(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../fuzz")
        .join(folder);
    let mut paths: Vec<_> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    paths
}
