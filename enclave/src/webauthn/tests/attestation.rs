//! What a registration must contain if the authenticator's vendor must vouch for it.

use std::collections::BTreeSet;

use ciborium::Value;
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
    PKCS_ED25519, PKCS_RSA_SHA256, SigningKey,
};
use time::OffsetDateTime;

use super::super::{
    Algorithm, AttestationRoots, CERTIFICATES_MAX, Group, NewPasskey, RelyingParty, WebauthnError,
    register,
};
use super::authenticator::*;

/// The AAGUID that the tests' authenticator names.
const MODEL: [u8; 16] = [0xaa; 16];

/// A vendor of authenticators: a root certificate, and the attestation certificate of one model.
struct Vendor {
    root: CertificateParams,
    root_key: KeyPair,
    leaf: CertificateParams,
    leaf_key: KeyPair,
}

impl Vendor {
    fn new() -> Self {
        Self {
            root: ca("Root"),
            root_key: KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap(),
            leaf: attestation_certificate(),
            leaf_key: KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap(),
        }
    }

    fn with(change: impl FnOnce(&mut CertificateParams)) -> Self {
        let mut vendor = Self::new();
        change(&mut vendor.leaf);
        vendor
    }

    fn issuer(&self) -> Issuer<'_, &KeyPair> {
        Issuer::from_params(&self.root, &self.root_key)
    }

    fn certificate(&self) -> Vec<u8> {
        let signed = self.leaf.signed_by(&self.leaf_key, &self.issuer());
        signed.unwrap().der().to_vec()
    }

    fn roots(&self, models: Option<&[[u8; 16]]>) -> AttestationRoots {
        let root = self.root.self_signed(&self.root_key).unwrap();
        let models = models.map(|models| BTreeSet::from_iter(models.iter().copied()));
        AttestationRoots::new(&[root.der().clone()], models).unwrap()
    }

    fn party(&self) -> RelyingParty {
        relying_party().asking_for_attestation(self.roots(None))
    }

    fn statement(&self, signed: &[u8]) -> Statement {
        Statement {
            algorithm: -7,
            signature: self.leaf_key.sign(signed).unwrap(),
            certificates: vec![bytes(&self.certificate())],
        }
    }

    /// A registration by this vendor's authenticator, before this relying party.
    fn register(&self, party: &RelyingParty) -> Result<NewPasskey, WebauthnError> {
        self.register_with(party, |_| {})
    }

    fn register_with(
        &self,
        party: &RelyingParty,
        change: impl FnOnce(&mut Statement),
    ) -> Result<NewPasskey, WebauthnError> {
        let credential = Credential::new(Algorithm::Es256);
        let mut registration = credential.registration();
        let mut statement = self.statement(&registration.signed());
        change(&mut statement);
        registration.attestation = statement.encode();
        register(party, &CHALLENGE, &registration.response(), NOW)
    }

    fn rule(&self) -> &'static str {
        self.register(&self.party()).unwrap_err().rule()
    }
}

/// A `packed` statement with certificates.
struct Statement {
    algorithm: i64,
    signature: Vec<u8>,
    certificates: Vec<Value>,
}

impl Statement {
    fn encode(self) -> Attestation {
        Attestation::Other(
            "packed",
            vec![
                ("alg".into(), self.algorithm.into()),
                ("sig".into(), bytes(&self.signature)),
                ("x5c".into(), Value::Array(self.certificates)),
            ],
        )
    }
}

fn ca(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params
}

fn attestation_certificate() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    let mut say = |what, text: &str| params.distinguished_name.push(what, text);
    say(DnType::CountryName, "AA");
    say(DnType::OrganizationName, "Vendor");
    say(DnType::OrganizationalUnitName, "Authenticator Attestation");
    say(DnType::CommonName, "Model A");
    params.is_ca = IsCa::ExplicitNoCa;
    params
}

/// id-fido-gen-ce-aaguid, of this model.
fn for_model(model: [u8; 16]) -> CustomExtension {
    let oid = [1, 3, 6, 1, 4, 1, 45724, 1, 1, 4];
    CustomExtension::from_oid_content(&oid, [&[4, 16], model.as_slice()].concat())
}

#[test]
fn a_passkey_that_a_configured_vendor_vouches_for_is_registered() {
    let vendor = Vendor::new();
    let passkey = vendor.register(&vendor.party()).unwrap();
    assert_eq!(passkey.aaguid, MODEL);
}

#[test]
fn an_attestation_key_may_be_of_each_algorithm() {
    for (algorithm, cose) in [
        (&PKCS_ECDSA_P256_SHA256, -7),
        (&PKCS_ED25519, -8),
        (&PKCS_RSA_SHA256, -257),
    ] {
        let mut vendor = Vendor::new();
        vendor.leaf_key = KeyPair::generate_for(algorithm).unwrap();
        vendor
            .register_with(&vendor.party(), |statement| statement.algorithm = cose)
            .unwrap();
        for other in [-7, -8, -257, -35]
            .into_iter()
            .filter(|other| *other != cose)
        {
            let refused = vendor.register_with(&vendor.party(), |made| made.algorithm = other);
            assert_eq!(refused.unwrap_err().group(), Group::Attestation, "{other}");
        }
    }
}

#[test]
fn certificates_between_the_root_and_the_authenticators_are_followed() {
    let vendor = Vendor::new();
    let (between, key) = (ca("Between"), KeyPair::generate().unwrap());
    let middle = between.signed_by(&key, &vendor.issuer()).unwrap();
    let issuer = Issuer::from_params(&between, &key);
    let leaf = vendor.leaf.signed_by(&vendor.leaf_key, &issuer).unwrap();
    let certificates = [bytes(leaf.der()), bytes(middle.der())];
    let register = |certificates: &[Value]| {
        let certificates = certificates.to_vec();
        vendor.register_with(&vendor.party(), |statement| {
            statement.certificates = certificates;
        })
    };
    register(&certificates).unwrap();
    let [leaf, middle] = certificates;
    for broken in [vec![leaf.clone()], vec![middle, leaf]] {
        let error = register(&broken).unwrap_err();
        assert_eq!(error.rule(), "attestation-path", "{error}");
    }
}

#[test]
fn no_attestation_and_self_attestation_are_refused_where_a_vendor_must_vouch() {
    let party = Vendor::new().party();
    for attestation in [Attestation::None, Attestation::Own] {
        let credential = Credential::new(Algorithm::Es256);
        let mut registration = credential.registration();
        registration.attestation = attestation;
        let error = register(&party, &CHALLENGE, &registration.response(), NOW).unwrap_err();
        assert_eq!(error, WebauthnError::AttestationMissing);
        assert_eq!(error.group(), Group::Attestation);
    }
}

#[test]
fn another_vendors_statement_is_refused_even_under_the_same_names() {
    let (vendor, other) = (Vendor::new(), Vendor::new());
    let error = vendor.register(&other.party()).unwrap_err();
    assert_eq!(error.rule(), "attestation-path");
    assert_eq!(error.group(), Group::Attestation);
}

#[test]
fn each_of_several_vendors_is_trusted() {
    let vendors = [Vendor::new(), Vendor::new()];
    let roots = vendors.each_ref().map(|vendor| {
        vendor
            .root
            .self_signed(&vendor.root_key)
            .unwrap()
            .der()
            .clone()
    });
    let roots = AttestationRoots::new(&roots, None).unwrap();
    let party = relying_party().asking_for_attestation(roots);
    for vendor in &vendors {
        vendor.register(&party).unwrap();
    }
}

#[test]
fn only_the_named_models_are_accepted() {
    let vendor = Vendor::new();
    let party = |models| relying_party().asking_for_attestation(vendor.roots(Some(models)));
    vendor.register(&party(&[[0xbb; 16], MODEL])).unwrap();
    let error = vendor.register(&party(&[[0xbb; 16]])).unwrap_err();
    assert_eq!(error.rule(), "attestation-model");
    assert!(error.to_string().contains(&"aa".repeat(16)), "{error}");
}

#[test]
fn a_certificate_for_another_model_is_refused() {
    let of = |extension| Vendor::with(|leaf| leaf.custom_extensions = vec![extension]);
    let vendor = of(for_model(MODEL));
    vendor.register(&vendor.party()).unwrap();
    assert_eq!(of(for_model([0xbb; 16])).rule(), "attestation-certificate");
}

#[test]
fn a_certificate_whose_model_is_critical_is_refused() {
    let mut extension = for_model(MODEL);
    extension.set_criticality(true);
    let vendor = Vendor::with(|leaf| leaf.custom_extensions = vec![extension]);
    // RFC 5280 section 4.2: a critical extension that the check of the path does not know.
    assert_eq!(vendor.rule(), "attestation-path");
}

#[test]
fn a_subject_that_is_not_an_attestation_certificates_is_refused() {
    let unit = DnType::OrganizationalUnitName;
    for (what, text) in [
        (DnType::CountryName, None),
        (DnType::CountryName, Some("AAA")),
        (DnType::OrganizationName, None),
        (DnType::OrganizationName, Some("")),
        (DnType::CommonName, None),
        (DnType::CommonName, Some("")),
        (unit.clone(), None),
        (unit.clone(), Some("Authenticator Attestation CA")),
        (unit, Some("authenticator attestation")),
    ] {
        let vendor = Vendor::with(|leaf| {
            leaf.distinguished_name.remove(what.clone());
            if let Some(text) = text {
                leaf.distinguished_name.push(what.clone(), text);
            }
        });
        assert_eq!(
            vendor.rule(),
            "attestation-certificate",
            "{what:?} {text:?}"
        );
    }
}

#[test]
fn a_subject_with_an_attribute_twice_is_refused() {
    let vendor = Vendor::with(|leaf| {
        let unit = DnType::CustomDnType(vec![2, 5, 4, 11]);
        leaf.distinguished_name
            .push(unit, "Authenticator Attestation");
    });
    assert_eq!(vendor.rule(), "attestation-certificate");
}

#[test]
fn a_certificate_that_may_be_a_ca_is_refused() {
    let vendor = Vendor::with(|leaf| leaf.is_ca = IsCa::Ca(BasicConstraints::Unconstrained));
    assert_eq!(vendor.rule(), "attestation-path");
    let vendor = Vendor::with(|leaf| leaf.is_ca = IsCa::NoCa);
    assert_eq!(vendor.rule(), "attestation-certificate");
}

#[test]
fn a_certificate_for_another_purpose_is_refused() {
    let vendor =
        Vendor::with(|leaf| leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth]);
    assert_eq!(vendor.rule(), "attestation-path");
    let vendor = Vendor::with(|leaf| leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::Any]);
    vendor.register(&vendor.party()).unwrap();
}

#[test]
fn a_certificate_that_is_not_valid_now_is_refused() {
    let now = OffsetDateTime::from_unix_timestamp(NOW.as_secs().try_into().unwrap()).unwrap();
    let second = time::Duration::SECOND;
    for (not_before, not_after, valid) in [
        (now, now, true),
        (now + second, now + second, false),
        (now - second, now - second, false),
    ] {
        let vendor =
            Vendor::with(|leaf| (leaf.not_before, leaf.not_after) = (not_before, not_after));
        let registered = vendor.register(&vendor.party());
        match valid {
            true => assert!(registered.is_ok()),
            false => assert_eq!(registered.unwrap_err().rule(), "attestation-path"),
        }
    }
}

#[test]
fn an_attestation_by_another_key_or_of_another_registration_is_refused() {
    let (vendor, other) = (Vendor::new(), Vendor::new());
    for change in [
        |made: &mut Statement, other: &Vendor| made.signature = other.leaf_key.sign(b"").unwrap(),
        |made: &mut Statement, _: &Vendor| *made.signature.last_mut().unwrap() ^= 1,
        |made: &mut Statement, _: &Vendor| made.signature.clear(),
    ] {
        let error = vendor
            .register_with(&vendor.party(), |made| change(made, &other))
            .unwrap_err();
        assert_eq!(error.rule(), "attestation-signature", "{error}");
    }
    let another = vendor.leaf_key.sign(&[0; 164]).unwrap();
    let error = vendor.register_with(&vendor.party(), |made| made.signature = another);
    assert_eq!(error.unwrap_err().rule(), "attestation-signature");
}

#[test]
fn invalid_certificates_and_too_many_are_refused() {
    let vendor = Vendor::new();
    let good = bytes(&vendor.certificate());
    let mut cut = vendor.certificate();
    cut.pop();
    for (certificates, rule) in [
        (vec![], "length"),
        (vec![good.clone(); CERTIFICATES_MAX + 1], "length"),
        (vec![good.clone(), "text".into()], "attestation-members"),
        (vec![bytes(&[])], "attestation-path"),
        (vec![bytes(&cut)], "attestation-path"),
        (
            vec![bytes(&[vendor.certificate(), vec![0]].concat())],
            "attestation-path",
        ),
    ] {
        let refused =
            vendor.register_with(&vendor.party(), |made| made.certificates = certificates);
        assert_eq!(refused.unwrap_err().rule(), rule);
    }
}

#[test]
fn a_statement_with_members_beyond_certificates_is_refused() {
    let vendor = Vendor::new();
    let credential = Credential::new(Algorithm::Es256);
    let mut registration = credential.registration();
    let statement = vendor.statement(&registration.signed()).encode();
    let Attestation::Other(format, mut members) = statement else {
        panic!("another statement");
    };
    members.push(("x5d".into(), 1.into()));
    registration.attestation = Attestation::Other(format, members);
    let refused = register(&vendor.party(), &CHALLENGE, &registration.response(), NOW);
    assert_eq!(refused.unwrap_err().rule(), "attestation-members");
}

#[test]
fn an_error_about_a_certificate_is_short_for_any_certificate() {
    let long = "\u{10ffff}".repeat(300);
    let vendor = Vendor::with(|leaf| {
        leaf.distinguished_name
            .push(DnType::CommonName, long.as_str());
        leaf.distinguished_name.push(DnType::OrganizationName, "");
    });
    let text = vendor.register(&vendor.party()).unwrap_err().to_string();
    assert!(text.len() < 1024, "{text}");
}

#[test]
fn a_root_that_is_not_a_certificate_is_named_by_its_index() {
    let vendor = Vendor::new();
    let root = vendor.root.self_signed(&vendor.root_key).unwrap();
    let roots = [root.der().clone(), vec![0x30, 0].into()];
    assert_eq!(AttestationRoots::new(&roots, None).unwrap_err().0, 1);
}
