//! The authority's certificates, as OpenSSL and x509-parser read them.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

use super::*;

/// 2026-01-01T00:00:00Z
const NOW: u64 = 1_767_225_600;

const YEARS_5: u64 = 5 * 365 * 24 * 3600;

fn openssl(folder: &Path, arguments: &str) -> Output {
    Command::new("openssl")
        .args(arguments.split_ascii_whitespace())
        .current_dir(folder)
        .output()
        .expect("openssl 3 is needed")
}

fn text(folder: &Path, arguments: &str) -> String {
    let output = openssl(folder, arguments);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// A folder with `authority.pem` and `enclave.pem`.
fn written(authority: &Authority, identity: &Identity) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, der) in [
        ("authority", authority.certificate()),
        ("enclave", identity.certificate()),
    ] {
        fs::write(folder.path().join(format!("{name}.der")), der).unwrap();
        let arguments = format!("x509 -inform DER -in {name}.der -out {name}.pem");
        text(folder.path(), &arguments);
    }
    folder
}

/// Verified at a time, by every rule of RFC 5280 that OpenSSL has.
fn verified_at(folder: &Path, time: u64) -> bool {
    let arguments = format!("verify -x509_strict -attime {time} -CAfile authority.pem enclave.pem");
    openssl(folder, &arguments).status.success()
}

#[test]
fn openssl_takes_an_identity_of_the_authority_for_its_hour() {
    let authority = Authority::create("test", NOW).unwrap();
    let folder = written(&authority, &authority.issue(NOW).unwrap());
    for (time, is_valid) in [
        (NOW - 301, false),
        (NOW - 299, true),
        (NOW, true),
        (NOW + 3599, true),
        (NOW + 3601, false),
    ] {
        assert_eq!(verified_at(folder.path(), time), is_valid, "{time}");
    }
    let other = Authority::create("test", NOW).unwrap();
    let folder = written(&authority, &other.issue(NOW).unwrap());
    assert!(!verified_at(folder.path(), NOW));
}

#[test]
fn openssl_reads_names_extensions_and_serial_numbers_as_they_are_meant() {
    let authority = Authority::create("test", NOW).unwrap();
    let identity = authority.issue(NOW).unwrap();
    let folder = written(&authority, &identity);
    let of = |name: &str| {
        let arguments = format!(
            "x509 -in {name}.pem -noout -subject -issuer -dates -serial -ext basicConstraints,keyUsage -nameopt RFC2253"
        );
        text(folder.path(), &arguments)
    };
    let read = of("authority");
    for line in [
        "subject=CN=test,OU=store authority,O=Permafrost\n",
        "issuer=CN=test,OU=store authority,O=Permafrost\n",
        "notBefore=Dec 31 23:55:00 2025 GMT\n",
        "notAfter=Dec 31 00:00:00 2030 GMT\n",
        "X509v3 Basic Constraints: critical\n    CA:TRUE, pathlen:0\n",
        "X509v3 Key Usage: critical\n    Certificate Sign\n",
    ] {
        assert!(read.contains(line), "{line}: {read}");
    }
    let read = of("enclave");
    let serial = read.lines().find_map(|line| line.strip_prefix("serial="));
    let serial = u128::from_str_radix(serial.unwrap(), 16).unwrap();
    assert_eq!(serial.to_string(), identity.serial_number().to_string());
    for line in [
        "subject=CN=test,OU=enclave,O=Permafrost\n",
        "issuer=CN=test,OU=store authority,O=Permafrost\n",
        "notAfter=Jan  1 01:00:00 2026 GMT\n",
        "X509v3 Basic Constraints: critical\n    CA:FALSE\n",
        "X509v3 Key Usage: critical\n    Digital Signature\n",
    ] {
        assert!(read.contains(line), "{line}: {read}");
    }
}

#[test]
fn what_an_identity_signs_verifies_with_the_key_of_its_certificate() {
    let authority = Authority::create("test", NOW).unwrap();
    let identity = authority.issue(NOW).unwrap();
    let (_, certificate) = X509Certificate::from_der(identity.certificate()).unwrap();
    let key = &certificate.public_key().subject_public_key.data;
    let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, key);
    let signature = identity.sign(b"message").unwrap();
    key.verify(b"message", &signature).unwrap();
    assert!(key.verify(b"other", &signature).is_err());
}

#[test]
fn an_authority_is_read_back_and_issues_what_its_first_certificate_vouches_for() {
    let authority = Authority::create("test", NOW).unwrap();
    let key = authority.to_pkcs8().unwrap();
    let read = Authority::open("test", &key, authority.certificate()).unwrap();
    assert_eq!(read.certificate(), authority.certificate());
    assert_eq!(read.valid_until(), NOW + YEARS_5);
    let folder = written(&authority, &read.issue(NOW).unwrap());
    assert!(verified_at(folder.path(), NOW));
    let year = 365 * 24 * 3600;
    assert!(!read.is_to_be_renewed(NOW + YEARS_5 - year));
    assert!(read.is_to_be_renewed(NOW + YEARS_5 - year + 1));
    let renewed = read.renewed(NOW + 1000).unwrap();
    assert_eq!(renewed.valid_until(), NOW + 1000 + YEARS_5);
    let folder = written(&authority, &renewed.issue(NOW + 1000).unwrap());
    assert!(verified_at(folder.path(), NOW + 1000));
}

#[test]
fn a_key_and_a_certificate_that_do_not_belong_together_are_refused() {
    let authority = Authority::create("test", NOW).unwrap();
    let other = Authority::create("test", NOW).unwrap();
    let key = authority.to_pkcs8().unwrap();
    let certificate = authority.certificate();
    let longer = [certificate, &[0]].concat();
    let identity = authority.issue(NOW).unwrap();
    for (deployment, key, der, rule) in [
        ("test", &key[1..], certificate, "key is not one"),
        ("test", &key[..], &certificate[1..], "is not one of X.509"),
        ("test", &key[..], &longer[..], "is not one of X.509"),
        ("other", &key[..], certificate, "another deployment"),
        (
            "test",
            &key[..],
            identity.certificate(),
            "another deployment",
        ),
        ("test", &key[..], other.certificate(), "another key"),
    ] {
        let error = Authority::open(deployment, key, der).unwrap_err();
        assert!(error.to_string().contains(rule), "{error}");
    }
}

#[test]
fn an_authority_issues_only_while_its_certificate_is_valid_and_not_beyond_it() {
    let authority = Authority::create("test", NOW).unwrap();
    let end = authority.valid_until();
    for now in [NOW - 301, end + 1] {
        assert!(matches!(
            authority.issue(now),
            Err(AuthorityError::NotValid { .. })
        ));
    }
    let late = authority.issue(end - 60).unwrap();
    let (_, certificate) = X509Certificate::from_der(late.certificate()).unwrap();
    let until = certificate.validity().not_after.timestamp();
    assert_eq!(u64::try_from(until).unwrap(), end);
}
