//! Attestation documents under a root certificate made for the tests, in the form that an NSM makes them.

use std::time::SystemTime;

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair},
};
use ciborium::Value;
use permafrost_client::RootCertificate;
use permafrost_common::{attestation::sig_structure, binding::Binding};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P384_SHA384,
};

/// An NSM: it signs what it is asked to, with the PCRs that it was started with.
pub(crate) struct Nsm {
    root: Vec<u8>,
    leaf: Vec<u8>,
    leaf_key: EcdsaKeyPair,
    pcr0: [u8; 48],
}

impl Nsm {
    /// An NSM with its own root certificate.
    pub(crate) fn new(pcr0: [u8; 48]) -> Self {
        let root_key = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap();
        let root = params(
            "root",
            IsCa::Ca(BasicConstraints::Unconstrained),
            KeyUsagePurpose::KeyCertSign,
        );
        let leaf_key = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap();
        let leaf = params(
            "leaf",
            IsCa::ExplicitNoCa,
            KeyUsagePurpose::DigitalSignature,
        )
        .signed_by(&leaf_key, &Issuer::from_params(&root, &root_key))
        .unwrap();
        Self {
            root: root.self_signed(&root_key).unwrap().der().to_vec(),
            leaf: leaf.der().to_vec(),
            leaf_key: EcdsaKeyPair::from_pkcs8(
                &ECDSA_P384_SHA384_FIXED_SIGNING,
                &leaf_key.serialize_der(),
            )
            .unwrap(),
            pcr0,
        }
    }

    /// Restarts with another image.
    pub(crate) fn set_pcr0(&mut self, pcr0: [u8; 48]) {
        self.pcr0 = pcr0;
    }

    pub(crate) fn root(&self) -> RootCertificate {
        RootCertificate::from_der(&self.root).unwrap()
    }

    pub(crate) fn attest(&self, binding: &Binding, nonce: Option<&[u8]>) -> Vec<u8> {
        let now = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap();
        let bytes = |bytes: &[u8]| Value::Bytes(bytes.to_vec());
        let pcrs = (0..16_u8).map(|index| {
            let pcr = if index == 0 { self.pcr0 } else { [index; 48] };
            (Value::from(index), bytes(&pcr))
        });
        let payload = encode(&Value::Map(vec![
            ("module_id".into(), "i-0-enc0".into()),
            ("digest".into(), "SHA384".into()),
            (
                "timestamp".into(),
                u64::try_from(now.as_millis()).unwrap().into(),
            ),
            ("pcrs".into(), Value::Map(pcrs.collect())),
            ("certificate".into(), bytes(&self.leaf)),
            ("cabundle".into(), Value::Array(vec![bytes(&self.root)])),
            ("public_key".into(), Value::Null),
            ("user_data".into(), bytes(&binding.to_user_data())),
            ("nonce".into(), nonce.map_or(Value::Null, bytes)),
        ]));
        let protected = [0xa1, 0x01, 0x38, 0x22];
        let signature = self
            .leaf_key
            .sign(&SystemRandom::new(), &sig_structure(&protected, &payload))
            .unwrap();
        encode(&Value::Array(vec![
            bytes(&protected),
            Value::Map(vec![]),
            bytes(&payload),
            bytes(signature.as_ref()),
        ]))
    }
}

fn params(name: &str, is_ca: IsCa, usage: KeyUsagePurpose) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = is_ca;
    params.key_usages = vec![usage];
    params
}

fn encode(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes).unwrap();
    bytes
}
