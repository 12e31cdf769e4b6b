//! The vectors of `clients/vectors`, recomputed by the Rust implementation and compared byte for byte.
//!
//! `PERMAFROST_WRITE_VECTORS=1 cargo test -p permafrost-client --test vectors` writes the computed values into the files that are
//! generated here. `clients/vectors/README.md` describes the format.

#[cfg(test)]
mod attestation_policy;
#[cfg(test)]
mod binary_http;
#[cfg(test)]
mod binding;
#[cfg(test)]
mod content_digest;
#[cfg(test)]
mod file;
#[cfg(test)]
mod hex_text;
#[cfg(test)]
mod key_configurations;
#[cfg(test)]
mod message;
#[cfg(test)]
mod request_signing;
#[cfg(test)]
mod response_verification;
#[cfg(test)]
mod split_share;

#[cfg(test)]
mod every_file {
    use std::{fs, path::Path};

    use super::file::folder;

    /// Each vector file, and the Rust test source that runs it. One line each, in alphabetical order.
    const RUN: &[(&str, &str)] = &[
        (
            "attestation-policy.json",
            "clients/rust/tests/vectors/attestation_policy.rs",
        ),
        (
            "binary-http.json",
            "clients/rust/tests/vectors/binary_http.rs",
        ),
        ("binding.json", "clients/rust/tests/vectors/binding.rs"),
        (
            "content-digest.json",
            "clients/rust/tests/vectors/content_digest.rs",
        ),
        (
            "document-forms.json",
            "common/src/attestation/encoded/tests.rs",
        ),
        ("import.json", "common/src/oblivious/vectors.rs"),
        (
            "key-configurations.json",
            "clients/rust/tests/vectors/key_configurations.rs",
        ),
        ("padding.json", "common/src/oblivious/padding.rs"),
        ("passkey-challenge.json", "enclave/src/people/challenge.rs"),
        (
            "request-signing.json",
            "clients/rust/tests/vectors/request_signing.rs",
        ),
        (
            "response-verification.json",
            "clients/rust/tests/vectors/response_verification.rs",
        ),
        ("rfc9180-a.1.1.json", "common/src/oblivious/hpke.rs"),
        (
            "rfc9292-5.json",
            "common/src/oblivious/binary_http/tests.rs",
        ),
        ("rfc9458-a.json", "common/src/oblivious/vectors.rs"),
        (
            "split-share.json",
            "clients/rust/tests/vectors/split_share.rs",
        ),
    ];

    #[test]
    fn of_the_folder_is_run_by_rust() {
        let mut files: Vec<_> = fs::read_dir(folder())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name != "README.md")
            .collect();
        files.sort();
        let run: Vec<_> = RUN.iter().map(|(file, _)| *file).collect();
        assert_eq!(files, run, "the folder and RUN differ");
    }

    #[test]
    fn that_is_listed_is_named_in_the_source_that_runs_it() {
        let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        for (file, source) in RUN {
            let text = fs::read_to_string(repository.join(source)).unwrap();
            assert!(
                text.contains(&format!("{file}\"")),
                "{source} does not run {file}"
            );
        }
    }

    #[test]
    fn is_described_in_the_readme() {
        let readme = fs::read_to_string(folder().join("README.md")).unwrap();
        for (file, _) in RUN {
            assert!(
                readme.contains(&format!("| `{file}` |")),
                "the README has no row for {file}"
            );
        }
    }
}
