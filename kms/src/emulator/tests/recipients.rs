//! `Recipient`: attestation documents of the emulated NSM, and policies that ask for their PCRs.

use aws_lc_rs::cipher::{AES_256, DecryptionContext, PaddedBlockDecryptingKey, UnboundCipherKey};
use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rsa::{
    KeySize, OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, PrivateDecryptingKey,
};
use permafrost_common::attestation::Pcr;
use permafrost_enclave::nsm::Nsm;
use permafrost_enclave::nsm::emulator::{Emulator as NsmEmulator, Measured, ROOT_FILE};

use super::*;

const MEASURED: Measured = Measured {
    executable_sha384: [1; 48],
    configuration_sha384: [2; 48],
};

/// An enclave: an NSM, and an RSA key.
struct Enclave {
    nsm: Nsm,
    key: PrivateDecryptingKey,
}

impl Enclave {
    fn boot(nsm: NsmEmulator) -> Self {
        Self {
            nsm: Nsm::new(nsm),
            key: PrivateDecryptingKey::generate(KeySize::Rsa2048).unwrap(),
        }
    }

    fn public_key(&self) -> Vec<u8> {
        let der: PublicKeyX509Der<'_> = self.key.public_key().as_der().unwrap();
        der.as_ref().to_vec()
    }

    fn recipient(&self) -> Value {
        recipient(
            &self
                .nsm
                .attest(None, None, Some(&self.public_key()))
                .unwrap(),
        )
    }

    /// Opens a `CiphertextForRecipient` to an RSA key of 2048 bits. Where its parts lie is known from the fixtures; the
    /// enclave's own parser is tested elsewhere, and `openssl` beside it.
    fn open(&self, response: &Value, content_length: usize) -> Vec<u8> {
        let ber = STANDARD
            .decode(response["CiphertextForRecipient"].as_str().unwrap())
            .unwrap();
        let key_at = ber
            .windows(4)
            .position(|w| w == [0x04, 0x82, 0x01, 0x00])
            .unwrap()
            + 4;
        let iv_at = ber
            .windows(3)
            .position(|w| w == [0x2a, 0x04, 0x10])
            .unwrap()
            + 3;
        let padded = content_length / 16 * 16 + 16;
        let content_at = ber
            .windows(2)
            .rposition(|w| w == [0x04, u8::try_from(padded).unwrap()])
            .unwrap()
            + 2;
        let mut key = vec![0; 256];
        let key = OaepPrivateDecryptingKey::new(self.key.clone())
            .unwrap()
            .decrypt(
                &OAEP_SHA256_MGF1SHA256,
                &ber[key_at..key_at + 256],
                &mut key,
                None,
            )
            .unwrap();
        let iv: [u8; 16] = ber[iv_at..iv_at + 16].try_into().unwrap();
        let mut content = ber[content_at..content_at + padded].to_vec();
        PaddedBlockDecryptingKey::cbc_pkcs7(UnboundCipherKey::new(&AES_256, key).unwrap())
            .unwrap()
            .decrypt(&mut content, DecryptionContext::Iv128(iv.into()))
            .unwrap()
            .to_vec()
    }
}

fn recipient(document: &[u8]) -> Value {
    json!({
        "KeyEncryptionAlgorithm": "RSAES_OAEP_SHA_256",
        "AttestationDocument": STANDARD.encode(document),
    })
}

/// The policy's condition for what the documents of `pcrs` say.
fn attested(pcrs: [Pcr; 3]) -> Value {
    json!({
        "Action": ["kms:GenerateDataKey", "kms:Decrypt"],
        "Condition": {"StringEqualsIgnoreCase": {
            "kms:RecipientAttestation:ImageSha384": hex::encode(pcrs[0]),
            "kms:RecipientAttestation:PCR1": hex::encode(pcrs[1]),
            "kms:RecipientAttestation:PCR2": hex::encode(pcrs[2]),
        }},
    })
}

/// A KMS that takes the documents of the NSM whose state lies in the directory.
async fn start(nsm_state: &TempDir) -> Kms {
    let root = nsm_state.path().join(ROOT_FILE);
    Kms::start_with(Arc::new(TempDir::new().unwrap()), vec![root]).await
}

#[tokio::test]
async fn only_the_attested_enclave_learns_a_data_key() {
    let nsm_state = TempDir::new().unwrap();
    let kms = start(&nsm_state).await;
    // The root is made after the KMS has started.
    let enclave = Enclave::boot(NsmEmulator::start(nsm_state.path(), MEASURED).unwrap());
    let key = kms.key_for_enclave(attested(MEASURED.pcrs()));

    let input = json!({"KeyId": key, "KeySpec": "AES_256", "Recipient": enclave.recipient()});
    let made = kms.enclave("GenerateDataKey", input).unwrap();
    assert_eq!(made["KeyId"], json!(key));
    assert!(made.get("Plaintext").is_none());
    let data_key = enclave.open(&made, 32);
    assert_eq!(data_key.len(), 32);

    let decrypt = json!({
        "KeyId": key,
        "CiphertextBlob": made["CiphertextBlob"],
        "Recipient": enclave.recipient(),
    });
    let opened = kms.enclave("Decrypt", decrypt).unwrap();
    assert!(opened.get("Plaintext").is_none());
    assert_eq!(enclave.open(&opened, 32), data_key);

    // Without the document, nothing.
    for (action, input) in [
        (
            "GenerateDataKey",
            json!({"KeyId": key, "KeySpec": "AES_256"}),
        ),
        (
            "Decrypt",
            json!({"KeyId": key, "CiphertextBlob": made["CiphertextBlob"]}),
        ),
    ] {
        refused(kms.enclave(action, input), "AccessDeniedException");
    }
}

#[tokio::test]
async fn changed_code_and_changed_configuration_are_refused() {
    let nsm_state = TempDir::new().unwrap();
    let kms = start(&nsm_state).await;
    let key = kms.key_for_enclave(attested(MEASURED.pcrs()));
    for measured in [
        Measured {
            executable_sha384: [9; 48],
            ..MEASURED
        },
        Measured {
            configuration_sha384: [9; 48],
            ..MEASURED
        },
    ] {
        let other = Enclave::boot(NsmEmulator::start(nsm_state.path(), measured).unwrap());
        let input = json!({"KeyId": key, "KeySpec": "AES_256", "Recipient": other.recipient()});
        refused(
            kms.enclave("GenerateDataKey", input),
            "AccessDeniedException",
        );
    }
}

#[tokio::test]
async fn a_debug_document_is_good_and_its_pcrs_are_zero() {
    let nsm_state = TempDir::new().unwrap();
    let kms = start(&nsm_state).await;
    let debug = Enclave::boot(NsmEmulator::start_in_debug_mode(nsm_state.path()).unwrap());
    let generate = |key: &str| {
        let input = json!({"KeyId": key, "KeySpec": "AES_256", "Recipient": debug.recipient()});
        kms.enclave("GenerateDataKey", input)
    };
    let measured = kms.key_for_enclave(attested(MEASURED.pcrs()));
    refused(generate(&measured), "AccessDeniedException");
    let zero = kms.key_for_enclave(attested([[0; 48]; 3]));
    debug.open(&generate(&zero).unwrap(), 32);
}

#[tokio::test]
async fn a_document_under_another_root_is_refused() {
    let (ours, theirs) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let kms = start(&ours).await;
    let key = kms.key_for_enclave(everything());
    let other = Enclave::boot(NsmEmulator::start(theirs.path(), MEASURED).unwrap());
    let input = json!({"KeyId": key, "KeySpec": "AES_256", "Recipient": other.recipient()});
    // There is no root yet.
    refused(
        kms.enclave("GenerateDataKey", input.clone()),
        "ValidationException",
    );
    NsmEmulator::start(ours.path(), MEASURED).unwrap();
    let message = refused(
        kms.enclave("GenerateDataKey", input.clone()),
        "ValidationException",
    );
    assert!(message.contains("root"), "{message}");

    let no_roots = Kms::start().await;
    let input = json!({"NumberOfBytes": 8, "Recipient": other.recipient()});
    let message = refused(
        no_roots.admin("GenerateRandom", input),
        "ValidationException",
    );
    assert!(message.contains("no attestation root"), "{message}");
}

#[tokio::test]
async fn one_of_several_roots_is_enough() {
    let (first, second) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let roots = [&first, &second].map(|state| state.path().join(ROOT_FILE));
    let kms = Kms::start_with(Arc::new(TempDir::new().unwrap()), roots.to_vec()).await;
    for state in [&second, &first] {
        let enclave = Enclave::boot(NsmEmulator::start(state.path(), MEASURED).unwrap());
        let input = json!({"NumberOfBytes": 8, "Recipient": enclave.recipient()});
        let made = kms.admin("GenerateRandom", input).unwrap();
        assert!(made.get("Plaintext").is_none());
        assert_eq!(enclave.open(&made, 8).len(), 8);
    }
}

#[tokio::test]
async fn an_old_document_is_refused() {
    let nsm_state = TempDir::new().unwrap();
    let kms = start(&nsm_state).await;
    let enclave = Enclave::boot(NsmEmulator::start(nsm_state.path(), MEASURED).unwrap());
    let input = json!({"NumberOfBytes": 8, "Recipient": enclave.recipient()});
    kms.move_clock(Duration::from_secs(290));
    kms.admin("GenerateRandom", input.clone()).unwrap();
    kms.move_clock(Duration::from_secs(20));
    let message = refused(
        kms.admin("GenerateRandom", input.clone()),
        "ValidationException",
    );
    assert!(message.contains("expired"), "{message}");
    // Its certificates are over as well.
    kms.move_clock(Duration::from_secs(4 * 3600));
    refused(kms.admin("GenerateRandom", input), "ValidationException");
}

#[tokio::test]
async fn a_document_from_the_future_is_refused() {
    let nsm_state = TempDir::new().unwrap();
    let kms = start(&nsm_state).await;
    let ahead = |seconds| {
        let clock = Arc::new(move || SystemTime::now() + Duration::from_secs(seconds));
        let nsm = NsmEmulator::start_at(nsm_state.path(), MEASURED, clock).unwrap();
        json!({"NumberOfBytes": 8, "Recipient": Enclave::boot(nsm).recipient()})
    };
    refused(
        kms.admin("GenerateRandom", ahead(600)),
        "ValidationException",
    );
}

#[tokio::test]
async fn an_altered_document_is_refused() {
    let nsm_state = TempDir::new().unwrap();
    let kms = start(&nsm_state).await;
    let enclave = Enclave::boot(NsmEmulator::start(nsm_state.path(), MEASURED).unwrap());
    let good = enclave
        .nsm
        .attest(None, None, Some(&enclave.public_key()))
        .unwrap();
    for at in [0, 60, good.len() / 2, good.len() - 1] {
        let mut altered = good.clone();
        altered[at] ^= 1;
        let input = json!({"NumberOfBytes": 8, "Recipient": recipient(&altered)});
        refused(kms.admin("GenerateRandom", input), "ValidationException");
    }
}

#[tokio::test]
async fn a_document_without_a_good_key_is_refused() {
    let nsm_state = TempDir::new().unwrap();
    let kms = start(&nsm_state).await;
    let nsm = Nsm::new(NsmEmulator::start(nsm_state.path(), MEASURED).unwrap());
    for key in [None, Some(b"no key".as_slice()), Some(RSA_1024.as_slice())] {
        let document = nsm.attest(None, None, key).unwrap();
        let input = json!({"NumberOfBytes": 8, "Recipient": recipient(&document)});
        let message = refused(kms.admin("GenerateRandom", input), "ValidationException");
        assert!(message.contains("the public key"), "{message}");
    }
}

#[tokio::test]
async fn another_algorithm_and_missing_members_are_refused() {
    let kms = Kms::start().await;
    for recipient in [
        json!({}),
        json!({"AttestationDocument": "YQ=="}),
        json!({"KeyEncryptionAlgorithm": "RSAES_OAEP_SHA_1", "AttestationDocument": "YQ=="}),
        json!({"KeyEncryptionAlgorithm": "RSAES_OAEP_SHA_256"}),
        json!({"KeyEncryptionAlgorithm": "RSAES_OAEP_SHA_256", "AttestationDocument": "YQ=="}),
    ] {
        let input = json!({"NumberOfBytes": 8, "Recipient": recipient});
        refused(kms.admin("GenerateRandom", input), "ValidationException");
    }
}

/// RSA of 1024 bits, SubjectPublicKeyInfo in DER; no one has the private key.
const RSA_1024: [u8; 162] = {
    let mut der = [0xa5; 162];
    let head = [
        0x30, 0x81, 0x9f, 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01,
        0x01, 0x05, 0x00, 0x03, 0x81, 0x8d, 0x00, 0x30, 0x81, 0x89, 0x02, 0x81, 0x81, 0x00,
    ];
    let tail = [0x02, 0x03, 0x01, 0x00, 0x01];
    let mut at = 0;
    while at < head.len() {
        der[at] = head[at];
        at += 1;
    }
    at = 0;
    while at < tail.len() {
        der[der.len() - tail.len() + at] = tail[at];
        at += 1;
    }
    der
};
