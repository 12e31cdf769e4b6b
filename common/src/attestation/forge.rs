//! Documents and certificate paths for the tests, good by default and spoiled one rule at a time.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair};
use ciborium::Value;
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DnType, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P384_SHA384,
};
use time::{Duration, OffsetDateTime};

use super::{RootCertificate, sig_structure};

/// 2026-01-01T00:00:00Z: the timestamp of the documents, in seconds since 1970.
pub(super) const MADE: i64 = 1_767_225_600;

/// `{1: -35}`.
pub(super) const PROTECTED: [u8; 4] = [0xa1, 0x01, 0x38, 0x22];

/// The parameters and keys of a path as AWS makes it: root, region, zone, instance, leaf.
pub(super) struct Path {
    pub(super) params: Vec<CertificateParams>,
    pub(super) keys: Vec<KeyPair>,
}

impl Path {
    pub(super) fn new() -> Self {
        let ca = |name, constraints, days| {
            params(
                name,
                IsCa::Ca(constraints),
                &[KeyUsagePurpose::KeyCertSign],
                Duration::days(days),
            )
        };
        let params = vec![
            ca("root", BasicConstraints::Unconstrained, 10_000),
            ca("region", BasicConstraints::Constrained(2), 20),
            ca("zone", BasicConstraints::Constrained(1), 5),
            ca("instance", BasicConstraints::Constrained(0), 1),
            params(
                "leaf",
                IsCa::ExplicitNoCa,
                &[KeyUsagePurpose::DigitalSignature],
                Duration::hours(3),
            ),
        ];
        let keys = params.iter().map(|_| p384()).collect();
        Self { params, keys }
    }

    /// A path with the certificate at `index` (0 is the root, 4 the leaf) changed.
    pub(super) fn with(index: usize, change: impl FnOnce(&mut CertificateParams)) -> Self {
        let mut path = Self::new();
        change(&mut path.params[index]);
        path
    }

    /// The certificates in DER, each signed by the one before it.
    pub(super) fn certificates(&self) -> Vec<Vec<u8>> {
        let mut certificates = vec![
            self.params[0]
                .self_signed(&self.keys[0])
                .unwrap()
                .der()
                .to_vec(),
        ];
        for index in 1..self.params.len() {
            let issuer = Issuer::from_params(&self.params[index - 1], &self.keys[index - 1]);
            let certificate = self.params[index]
                .signed_by(&self.keys[index], &issuer)
                .unwrap();
            certificates.push(certificate.der().to_vec());
        }
        certificates
    }

    /// A document, and the root certificate under which it verifies.
    pub(super) fn document(&self) -> (Vec<u8>, RootCertificate) {
        self.document_over(self.certificates())
    }

    /// A document whose bundle and leaf are `certificates`, signed by the last key.
    pub(super) fn document_over(
        &self,
        mut certificates: Vec<Vec<u8>>,
    ) -> (Vec<u8>, RootCertificate) {
        let root = RootCertificate::from_der(&certificates[0]).unwrap();
        let leaf = certificates.pop().unwrap();
        let mut fields = fields();
        set(&mut fields, "certificate", leaf);
        set(&mut fields, "cabundle", bundle(certificates));
        (self.sign(&encode(&Value::Map(fields))), root)
    }

    /// A good document with its fields changed.
    pub(super) fn document_with(
        &self,
        change: impl FnOnce(&mut Fields),
    ) -> (Vec<u8>, RootCertificate) {
        let mut certificates = self.certificates();
        let root = RootCertificate::from_der(&certificates[0]).unwrap();
        let leaf = certificates.pop().unwrap();
        let mut fields = fields();
        set(&mut fields, "certificate", leaf);
        set(&mut fields, "cabundle", bundle(certificates));
        change(&mut fields);
        (self.sign(&encode(&Value::Map(fields))), root)
    }

    /// The payload in a `COSE_Sign1` signed by the last key.
    pub(super) fn sign(&self, payload: &[u8]) -> Vec<u8> {
        let pkcs8 = self.keys.last().unwrap().serialize_der();
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, &pkcs8).unwrap();
        let signed = sig_structure(&PROTECTED, payload);
        let signature = key.sign(&SystemRandom::new(), &signed).unwrap();
        encode(&sign1(payload, signature.as_ref()))
    }
}

/// The entries of a payload.
pub(super) type Fields = Vec<(Value, Value)>;

/// The fields of a good payload, except that its certificates are not certificates.
pub(super) fn fields() -> Fields {
    let pcrs = (0..16u8).map(|index| (index.into(), Value::Bytes(vec![index + 1; 48])));
    vec![
        ("module_id".into(), "i-0-enc1".into()),
        ("digest".into(), "SHA384".into()),
        ("timestamp".into(), (MADE * 1000).into()),
        ("pcrs".into(), Value::Map(pcrs.collect())),
        ("certificate".into(), Value::Bytes(vec![1])),
        ("cabundle".into(), bundle(vec![vec![1]])),
        ("public_key".into(), Value::Null),
        ("user_data".into(), Value::Bytes(b"user data".to_vec())),
        ("nonce".into(), Value::Bytes(b"nonce".to_vec())),
    ]
}

/// Replaces a field's value.
pub(super) fn set(fields: &mut Fields, name: &str, value: impl Into<Value>) {
    let found = fields
        .iter_mut()
        .find(|(key, _)| key.as_text() == Some(name));
    found.unwrap().1 = value.into();
}

/// An array of byte strings.
pub(super) fn bundle(certificates: Vec<Vec<u8>>) -> Value {
    Value::Array(certificates.into_iter().map(Value::Bytes).collect())
}

/// An untagged `COSE_Sign1`, as the device sends it.
pub(super) fn sign1(payload: &[u8], signature: &[u8]) -> Value {
    Value::Array(vec![
        Value::Bytes(PROTECTED.to_vec()),
        Value::Map(Vec::new()),
        Value::Bytes(payload.to_vec()),
        Value::Bytes(signature.to_vec()),
    ])
}

pub(super) fn encode(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes).unwrap();
    bytes
}

pub(super) fn p384() -> KeyPair {
    KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap()
}

/// An extension that no verifier knows.
pub(super) fn unknown_extension(critical: bool) -> CustomExtension {
    let mut extension =
        CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 55555, 1], vec![5, 0]);
    extension.set_criticality(critical);
    extension
}

fn params(
    name: &str,
    is_ca: IsCa,
    usages: &[KeyUsagePurpose],
    lifetime: Duration,
) -> CertificateParams {
    let made = OffsetDateTime::from_unix_timestamp(MADE).unwrap();
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = is_ca;
    params.key_usages = usages.to_vec();
    params.not_before = made;
    params.not_after = made + lifetime;
    params
}
