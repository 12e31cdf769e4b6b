//! Recipients of which KMS knows only the attested key: openssl opens what KMS encrypts to them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use permafrost_enclave::nsm::Nsm;
use permafrost_enclave::nsm::emulator::{Emulator as NsmEmulator, Measured, ROOT_FILE};
use permafrost_kms::emulator::ContentForm;
use serde_json::json;
use tempfile::TempDir;

use crate::client::{Client, good};
use crate::start;

#[tokio::test(flavor = "multi_thread")]
async fn openssl_opens_what_only_the_recipient_can_read() {
    let folder = TempDir::new().unwrap();
    let nsm = NsmEmulator::start(folder.path(), MEASURED).unwrap();
    let nsm = Nsm::new(nsm);
    let (kms, _state) = start(vec![folder.path().join(ROOT_FILE)]).await;
    let policy = attested_only(&MEASURED);
    let key = kms.create_key(Some(&policy)).await.unwrap();
    for (bits, form) in [
        ("2048", ContentForm::OctetString),
        ("3072", ContentForm::ContextSpecific),
    ] {
        kms.set_content_form(form);
        let recipient = OpensslKey::new(folder.path(), bits);
        let document = nsm.attest(None, None, Some(&recipient.public_der)).unwrap();
        let file = folder.path().join("document.cbor");
        fs::write(&file, document).unwrap();
        let arguments = [
            key.as_str(),
            file.to_str().unwrap(),
            folder.path().to_str().unwrap(),
        ];
        Client::of(&kms).run("boto3_recipient.py", &arguments).await;

        let data_key = recipient.open(&folder.path().join("GenerateDataKey"));
        assert_eq!(data_key.len(), 32);
        assert_eq!(recipient.open(&folder.path().join("Decrypt")), data_key);
        let random = recipient.open(&folder.path().join("GenerateRandom"));
        assert_eq!(random.len(), 15);
    }
}

/// An RSA key that openssl made and keeps.
struct OpensslKey {
    private: PathBuf,
    public_der: Vec<u8>,
}

impl OpensslKey {
    fn new(folder: &Path, bits: &str) -> Self {
        let private = folder.join("recipient.pem");
        let size = format!("rsa_keygen_bits:{bits}");
        openssl(
            &["genpkey", "-algorithm", "RSA", "-pkeyopt", &size, "-out"],
            &[&private],
        );
        let public = folder.join("recipient.der");
        openssl(
            &["pkey", "-pubout", "-outform", "DER", "-in"],
            &[&private, Path::new("-out"), &public],
        );
        Self {
            private,
            public_der: fs::read(public).unwrap(),
        }
    }

    /// Opens CMS EnvelopedData.
    fn open(&self, ciphertext: &Path) -> Vec<u8> {
        let plaintext = ciphertext.with_extension("plaintext");
        openssl(
            &["cms", "-decrypt", "-binary", "-inform", "DER", "-in"],
            &[
                ciphertext,
                Path::new("-inkey"),
                &self.private,
                Path::new("-out"),
                &plaintext,
            ],
        );
        fs::read(plaintext).unwrap()
    }
}

fn openssl(arguments: &[&str], paths: &[&Path]) {
    let output = Command::new("openssl")
        .args(arguments)
        .args(paths)
        .stdin(Stdio::null())
        .output()
        .expect("openssl: run `scripts/setup test`");
    good(&format!("openssl {arguments:?}"), output);
}

fn attested_only(measured: &Measured) -> String {
    let [pcr0, pcr1, pcr2] = measured.pcrs().map(hex::encode);
    json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::111122223333:role/enclave"},
            "Action": ["kms:GenerateDataKey", "kms:Decrypt"],
            "Resource": "*",
            "Condition": {"StringEqualsIgnoreCase": {
                "kms:RecipientAttestation:PCR0": pcr0,
                "kms:RecipientAttestation:PCR1": pcr1,
                "kms:RecipientAttestation:PCR2": pcr2,
            }},
        }],
    })
    .to_string()
}

const MEASURED: Measured = Measured {
    executable_sha384: [1; 48],
    configuration_sha384: [2; 48],
};
