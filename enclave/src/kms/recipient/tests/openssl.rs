//! Values that OpenSSL made for our key.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::Command;

use super::*;

/// A folder with a certificate of our public key: OpenSSL wants one, by any issuer.
struct Recipient {
    folder: tempfile::TempDir,
}

impl Recipient {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let identifier = hex::encode_upper(digest(&SHA256, KEY.public_key_der()));
        fs::write(path("key.der"), KEY.public_key_der()).unwrap();
        fs::write(
            path("extensions"),
            format!("subjectKeyIdentifier = {identifier}\n"),
        )
        .unwrap();
        let recipient = Self { folder };
        for arguments in [
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=issuer -keyout issuer.key -out issuer.pem",
            "pkey -pubin -inform DER -in key.der -out key.pem",
            "x509 -new -force_pubkey key.pem -subj /CN=recipient -CA issuer.pem -CAkey issuer.key -days 1 \
             -extfile extensions -out recipient.pem",
        ] {
            recipient.openssl(arguments.split_ascii_whitespace());
        }
        recipient
    }

    /// The value for `plaintext`, made with these arguments and those that every call needs.
    fn encrypt(&self, plaintext: &[u8], arguments: &[&str]) -> Vec<u8> {
        fs::write(self.path().join("plaintext"), plaintext).unwrap();
        let fixed = "cms -encrypt -binary -in plaintext -outform DER -out value.der -recip recipient.pem \
                     -keyopt rsa_padding_mode:oaep";
        self.openssl(
            fixed
                .split_ascii_whitespace()
                .chain(arguments.iter().copied()),
        );
        fs::read(self.path().join("value.der")).unwrap()
    }

    fn openssl<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) {
        let output = Command::new("openssl")
            .args(arguments)
            .current_dir(self.path())
            .output()
            .expect("openssl 3 is needed");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }
}

const SHA256_THROUGHOUT: [&str; 4] = [
    "-keyopt",
    "rsa_oaep_md:sha256",
    "-keyopt",
    "rsa_mgf1_md:sha256",
];

#[test]
fn what_openssl_makes_with_definite_and_indefinite_lengths_opens() {
    let recipient = Recipient::new();
    for plaintext in [&[][..], DATA_KEY, &[7; 4096]] {
        for stream in [false, true] {
            let mut arguments = vec!["-keyid", "-aes256"];
            arguments.extend(SHA256_THROUGHOUT);
            if stream {
                arguments.push("-stream");
            }
            let value = recipient.encrypt(plaintext, &arguments);
            assert_eq!(value[1] == 0x80, stream, "the form of the outermost length");
            assert_eq!(KEY.open(&value).unwrap().as_slice(), plaintext);
        }
    }
}

#[test]
fn what_openssl_makes_with_other_algorithms_or_identifiers_is_refused() {
    let recipient = Recipient::new();
    let refused = |arguments: &[&str]| match KEY.open(&recipient.encrypt(DATA_KEY, arguments)) {
        Err(RecipientError::Form(error)) => error,
        other => panic!("{other:?}"),
    };
    let [keyopt, hash, _, mask] = SHA256_THROUGHOUT;
    // By issuer and serial number: version 0.
    assert!(matches!(
        refused(&["-aes256", keyopt, hash, keyopt, mask]),
        CmsError::Version { .. }
    ));
    assert!(matches!(
        refused(&["-keyid", "-aes128", keyopt, hash, keyopt, mask]),
        CmsError::ObjectIdentifier {
            element: "contentEncryptionAlgorithm",
            ..
        }
    ));
    // Without a hash OpenSSL takes SHA-1, which it does not write down.
    assert!(matches!(
        refused(&["-keyid", "-aes256"]),
        CmsError::Missing {
            element: "hashFunc"
        }
    ));
    assert!(matches!(
        refused(&[
            "-keyid",
            "-aes256",
            keyopt,
            hash,
            keyopt,
            "rsa_mgf1_md:sha1"
        ]),
        CmsError::Missing {
            element: "maskGenFunc"
        }
    ));
    assert!(matches!(
        refused(&[
            "-keyid",
            "-aes256",
            keyopt,
            hash,
            keyopt,
            mask,
            keyopt,
            "rsa_oaep_label:6162"
        ]),
        CmsError::Length {
            element: "the OAEP label",
            found: 2,
            ..
        }
    ));
}
