//! What a registration must say where the maker of the authenticator is asked.

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

/// A maker of authenticators: a root, and the attestation certificate that one model has.
struct Maker {
    root: CertificateParams,
    root_key: KeyPair,
    leaf: CertificateParams,
    leaf_key: KeyPair,
}

impl Maker {
    fn new() -> Self {
        Self {
            root: ca("Root"),
            root_key: KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap(),
            leaf: attestation_certificate(),
            leaf_key: KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap(),
        }
    }

    fn with(change: impl FnOnce(&mut CertificateParams)) -> Self {
        let mut maker = Self::new();
        change(&mut maker.leaf);
        maker
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

    /// A registration by this maker's authenticator, before this relying party.
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
    say(DnType::OrganizationName, "Maker");
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
fn a_passkey_that_a_configured_maker_vouches_for_is_registered() {
    let maker = Maker::new();
    let passkey = maker.register(&maker.party()).unwrap();
    assert_eq!(passkey.aaguid, MODEL);
}

#[test]
fn an_attestation_key_may_be_of_each_algorithm() {
    for (algorithm, cose) in [
        (&PKCS_ECDSA_P256_SHA256, -7),
        (&PKCS_ED25519, -8),
        (&PKCS_RSA_SHA256, -257),
    ] {
        let mut maker = Maker::new();
        maker.leaf_key = KeyPair::generate_for(algorithm).unwrap();
        maker
            .register_with(&maker.party(), |statement| statement.algorithm = cose)
            .unwrap();
        for other in [-7, -8, -257, -35]
            .into_iter()
            .filter(|other| *other != cose)
        {
            let refused = maker.register_with(&maker.party(), |made| made.algorithm = other);
            assert_eq!(refused.unwrap_err().group(), Group::Attestation, "{other}");
        }
    }
}

#[test]
fn certificates_between_the_root_and_the_authenticators_are_followed() {
    let maker = Maker::new();
    let (between, key) = (ca("Between"), KeyPair::generate().unwrap());
    let middle = between.signed_by(&key, &maker.issuer()).unwrap();
    let issuer = Issuer::from_params(&between, &key);
    let leaf = maker.leaf.signed_by(&maker.leaf_key, &issuer).unwrap();
    let certificates = [bytes(leaf.der()), bytes(middle.der())];
    let register = |certificates: &[Value]| {
        let certificates = certificates.to_vec();
        maker.register_with(&maker.party(), |statement| {
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
fn no_attestation_and_self_attestation_are_refused_where_a_maker_is_asked() {
    let party = Maker::new().party();
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
fn another_makers_word_is_refused_even_under_the_same_names() {
    let (maker, other) = (Maker::new(), Maker::new());
    let error = maker.register(&other.party()).unwrap_err();
    assert_eq!(error.rule(), "attestation-path");
    assert_eq!(error.group(), Group::Attestation);
}

#[test]
fn each_of_several_makers_is_believed() {
    let makers = [Maker::new(), Maker::new()];
    let roots = makers.each_ref().map(|maker| {
        maker
            .root
            .self_signed(&maker.root_key)
            .unwrap()
            .der()
            .clone()
    });
    let roots = AttestationRoots::new(&roots, None).unwrap();
    let party = relying_party().asking_for_attestation(roots);
    for maker in &makers {
        maker.register(&party).unwrap();
    }
}

#[test]
fn only_the_named_models_are_accepted() {
    let maker = Maker::new();
    let party = |models| relying_party().asking_for_attestation(maker.roots(Some(models)));
    maker.register(&party(&[[0xbb; 16], MODEL])).unwrap();
    let error = maker.register(&party(&[[0xbb; 16]])).unwrap_err();
    assert_eq!(error.rule(), "attestation-model");
    assert!(error.to_string().contains(&"aa".repeat(16)), "{error}");
}

#[test]
fn a_certificate_for_another_model_is_refused() {
    let of = |extension| Maker::with(|leaf| leaf.custom_extensions = vec![extension]);
    let maker = of(for_model(MODEL));
    maker.register(&maker.party()).unwrap();
    assert_eq!(of(for_model([0xbb; 16])).rule(), "attestation-certificate");
}

#[test]
fn a_certificate_whose_model_is_critical_is_refused() {
    let mut extension = for_model(MODEL);
    extension.set_criticality(true);
    let maker = Maker::with(|leaf| leaf.custom_extensions = vec![extension]);
    // RFC 5280 section 4.2: a critical extension that the path's judge does not know.
    assert_eq!(maker.rule(), "attestation-path");
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
        let maker = Maker::with(|leaf| {
            leaf.distinguished_name.remove(what.clone());
            if let Some(text) = text {
                leaf.distinguished_name.push(what.clone(), text);
            }
        });
        assert_eq!(maker.rule(), "attestation-certificate", "{what:?} {text:?}");
    }
}

#[test]
fn a_subject_that_says_one_thing_twice_is_refused() {
    let maker = Maker::with(|leaf| {
        let unit = DnType::CustomDnType(vec![2, 5, 4, 11]);
        leaf.distinguished_name
            .push(unit, "Authenticator Attestation");
    });
    assert_eq!(maker.rule(), "attestation-certificate");
}

#[test]
fn a_certificate_that_may_be_a_cas_is_refused() {
    let maker = Maker::with(|leaf| leaf.is_ca = IsCa::Ca(BasicConstraints::Unconstrained));
    assert_eq!(maker.rule(), "attestation-path");
    let maker = Maker::with(|leaf| leaf.is_ca = IsCa::NoCa);
    assert_eq!(maker.rule(), "attestation-certificate");
}

#[test]
fn a_certificate_for_another_purpose_is_refused() {
    let maker =
        Maker::with(|leaf| leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth]);
    assert_eq!(maker.rule(), "attestation-path");
    let maker = Maker::with(|leaf| leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::Any]);
    maker.register(&maker.party()).unwrap();
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
        let maker = Maker::with(|leaf| (leaf.not_before, leaf.not_after) = (not_before, not_after));
        let registered = maker.register(&maker.party());
        match valid {
            true => assert!(registered.is_ok()),
            false => assert_eq!(registered.unwrap_err().rule(), "attestation-path"),
        }
    }
}

#[test]
fn an_attestation_by_another_key_or_of_another_registration_is_refused() {
    let (maker, other) = (Maker::new(), Maker::new());
    for change in [
        |made: &mut Statement, other: &Maker| made.signature = other.leaf_key.sign(b"").unwrap(),
        |made: &mut Statement, _: &Maker| *made.signature.last_mut().unwrap() ^= 1,
        |made: &mut Statement, _: &Maker| made.signature.clear(),
    ] {
        let error = maker
            .register_with(&maker.party(), |made| change(made, &other))
            .unwrap_err();
        assert_eq!(error.rule(), "attestation-signature", "{error}");
    }
    let another = maker.leaf_key.sign(&[0; 164]).unwrap();
    let error = maker.register_with(&maker.party(), |made| made.signature = another);
    assert_eq!(error.unwrap_err().rule(), "attestation-signature");
}

#[test]
fn certificates_that_are_none_or_too_many_are_refused() {
    let maker = Maker::new();
    let good = bytes(&maker.certificate());
    let mut cut = maker.certificate();
    cut.pop();
    for (certificates, rule) in [
        (vec![], "length"),
        (vec![good.clone(); CERTIFICATES_MAX + 1], "length"),
        (vec![good.clone(), "text".into()], "attestation-members"),
        (vec![bytes(&[])], "attestation-path"),
        (vec![bytes(&cut)], "attestation-path"),
        (
            vec![bytes(&[maker.certificate(), vec![0]].concat())],
            "attestation-path",
        ),
    ] {
        let refused = maker.register_with(&maker.party(), |made| made.certificates = certificates);
        assert_eq!(refused.unwrap_err().rule(), rule);
    }
}

#[test]
fn a_statement_with_more_than_a_makers_word_is_refused() {
    let maker = Maker::new();
    let credential = Credential::new(Algorithm::Es256);
    let mut registration = credential.registration();
    let statement = maker.statement(&registration.signed()).encode();
    let Attestation::Other(format, mut members) = statement else {
        panic!("another statement");
    };
    members.push(("x5d".into(), 1.into()));
    registration.attestation = Attestation::Other(format, members);
    let refused = register(&maker.party(), &CHALLENGE, &registration.response(), NOW);
    assert_eq!(refused.unwrap_err().rule(), "attestation-members");
}

#[test]
fn an_error_about_a_certificate_is_short_whatever_the_certificate_says() {
    let long = "\u{10ffff}".repeat(300);
    let maker = Maker::with(|leaf| {
        leaf.distinguished_name
            .push(DnType::CommonName, long.as_str());
        leaf.distinguished_name.push(DnType::OrganizationName, "");
    });
    let text = maker.register(&maker.party()).unwrap_err().to_string();
    assert!(text.len() < 1024, "{text}");
}

#[test]
fn a_root_that_is_no_certificate_is_named_by_its_place() {
    let maker = Maker::new();
    let root = maker.root.self_signed(&maker.root_key).unwrap();
    let roots = [root.der().clone(), vec![0x30, 0].into()];
    assert_eq!(AttestationRoots::new(&roots, None).unwrap_err().0, 1);
}
