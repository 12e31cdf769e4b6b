//! A vendor of authenticators, which vouches for them.

use ciborium::Value;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, IsCa, KeyPair,
    KeyUsagePurpose, SigningKey,
};

/// A root certificate, and the attestation certificate of one model under it (WebAuthn Level 3 section 8.2.1).
pub struct Vendor {
    root: CertifiedIssuer<'static, KeyPair>,
    certificate: Vec<u8>,
    key: KeyPair,
}

impl Vendor {
    /// A new vendor, which no configuration names yet.
    pub fn new() -> Self {
        let mut params = named(&[(DnType::CommonName, "RootCertificate")]);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate().expect("a key");
        let root = CertifiedIssuer::self_signed(params, key).expect("a root");

        let mut params = named(&[
            (DnType::CountryName, "AA"),
            (DnType::OrganizationName, "Vendor"),
            (DnType::OrganizationalUnitName, "Authenticator Attestation"),
            (DnType::CommonName, "Model A"),
        ]);
        params.is_ca = IsCa::ExplicitNoCa;
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &root).expect("a certificate");
        Self {
            certificate: certificate.der().to_vec(),
            root,
            key,
        }
    }

    /// The root certificate, for `people.attestation.roots`.
    pub fn root(&self) -> String {
        self.root.pem()
    }

    /// The `packed` statement that vouches for this message: authenticator data and the SHA-256 of the client data.
    pub(crate) fn statement(&self, message: &[u8]) -> Value {
        let signature = self.key.sign(message).expect("signed");
        Value::Map(vec![
            ("alg".into(), (-7).into()),
            ("sig".into(), Value::Bytes(signature)),
            (
                "x5c".into(),
                Value::Array(vec![Value::Bytes(self.certificate.clone())]),
            ),
        ])
    }
}

impl Default for Vendor {
    fn default() -> Self {
        Self::new()
    }
}

fn named(names: &[(DnType, &str)]) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    for (what, text) in names {
        params.distinguished_name.push(what.clone(), *text);
    }
    params
}
