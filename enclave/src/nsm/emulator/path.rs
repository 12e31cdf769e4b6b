//! The certificates between the development root certificate and a document, of the form of AWS's.

use std::time::SystemTime;

use aws_lc_rs::{
    rand::{self, SystemRandom},
    signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair},
};
use rcgen::{
    BasicConstraints, CertificateParams, CrlDistributionPoint, CustomExtension, DistinguishedName,
    DnType, DnValue, IsCa, Issuer, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P384_SHA384, SerialNumber,
    string::PrintableString,
};
use time::{Duration, OffsetDateTime};

use super::{EmulatorError, root_certificate::DevelopmentRoot};

/// How long a leaf is valid, as on Nitro.
const LEAF_LIFETIME: Duration = Duration::hours(3);

/// A leaf with less than this left signs no new documents, so that every new document is valid for a while.
const LEAF_LEFT_MIN: Duration = Duration::minutes(10);

/// How far back validity begins: as many seconds as for AWS's leaves.
const BACKDATED: Duration = Duration::seconds(3);

/// Extension 2.5.29.15 with digitalSignature and nonRepudiation. It is not critical in AWS's leaves, which rcgen does not offer.
const LEAF_KEY_USAGE: (&[u64], [u8; 4]) = (&[2, 5, 29, 15], [0x03, 0x02, 0x06, 0xc0]);

/// The certificates of a document and the key that signs it.
pub(super) struct Path {
    /// Root, region, zone, instance.
    pub(super) cabundle: Vec<Vec<u8>>,
    /// The leaf: the enclave.
    pub(super) certificate: Vec<u8>,
    key: EcdsaKeyPair,
    issued: OffsetDateTime,
}

impl Path {
    /// A new path below the root certificate; its leaf is valid for three hours from now.
    pub(super) fn issue(
        root: &DevelopmentRoot,
        module: &Module,
        now: SystemTime,
    ) -> Result<Self, EmulatorError> {
        let now = OffsetDateTime::from(now);
        let failed = |source| EmulatorError::Certificate {
            action: "make the certificates of the development NSM",
            source,
        };
        let region = Link::ca(&module.region_name(), 2, Duration::days(20), now)?;
        let zone = Link::ca(&module.zone_name(), 1, Duration::days(5), now)?;
        let instance = Link::ca(&module.instance_name(), 0, Duration::days(1), now)?;
        let leaf = Link::leaf(module, now)?;
        let signed = |link: &Link, issuer: &Issuer<'_, &KeyPair>| {
            let certificate = link.params.signed_by(&link.key, issuer).map_err(failed)?;
            Ok::<_, EmulatorError>(certificate.der().to_vec())
        };
        let pkcs8 = zeroize::Zeroizing::new(leaf.key.serialize_der());
        Ok(Self {
            cabundle: vec![
                root.certificate().der().to_vec(),
                signed(&region, &root.issuer())?,
                signed(&zone, &region.issuer())?,
                signed(&instance, &zone.issuer())?,
            ],
            certificate: signed(&leaf, &instance.issuer())?,
            key: EcdsaKeyPair::from_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, &pkcs8)
                .map_err(|_| EmulatorError::Crypto("read the leaf's key"))?,
            issued: now,
        })
    }

    /// Whether the leaf may sign new documents: it does not expire soon, and is not from the future of a clock that was set back.
    pub(super) fn is_good(&self, now: SystemTime) -> bool {
        let age = OffsetDateTime::from(now) - self.issued;
        !age.is_negative() && age <= LEAF_LIFETIME - LEAF_LEFT_MIN
    }

    /// The leaf's ES384 signature: 96 bytes.
    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, EmulatorError> {
        self.key
            .sign(&SystemRandom::new(), message)
            .map(|signature| signature.as_ref().to_vec())
            .map_err(|_| EmulatorError::Crypto("sign a document"))
    }
}

/// The identity of one emulated enclave, new with each start.
pub(super) struct Module {
    id: String,
    instance: String,
    enclave: [u8; 8],
    region: String,
    zone: String,
}

impl Module {
    /// An instance of 17 random hex digits; an enclave numbered, as AWS does, by its start in milliseconds.
    pub(super) fn new(now: SystemTime) -> Result<Self, EmulatorError> {
        let mut random = [0; 27];
        rand::fill(&mut random).map_err(|_| EmulatorError::Crypto("draw a module id"))?;
        let text = hex::encode(random);
        let digits = |from: usize, to: usize| text.get(from..to).unwrap_or_default().to_owned();
        let started = OffsetDateTime::from(now).unix_timestamp_nanos() / 1_000_000;
        let [.., a, b, c, d, e, f] = started.to_be_bytes();
        let [g, h, ..] = random;
        let enclave = [a, b, c, d, e, f, g, h];
        let instance = format!("i-{}", digits(4, 21));
        Ok(Self {
            id: format!("{instance}-enc{}", hex::encode(enclave)),
            instance,
            enclave,
            region: digits(22, 38),
            zone: digits(38, 54),
        })
    }

    /// `i-` and 17 hex digits, `-enc` and 16 hex digits.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    fn region_name(&self) -> DistinguishedName {
        name(&[(
            DnType::CommonName,
            &format!("{}.development.permafrost", self.region),
        )])
    }

    fn zone_name(&self) -> DistinguishedName {
        let name = format!("{}.zonal.development.permafrost", self.zone);
        located(&name)
    }

    fn instance_name(&self) -> DistinguishedName {
        located(&format!("{}.development.permafrost", self.instance))
    }

    fn leaf_name(&self) -> DistinguishedName {
        located(&format!("{}.development", self.id))
    }

    /// As AWS numbers its leaves: the enclave, then the second of issue.
    fn leaf_serial(&self, now: OffsetDateTime) -> SerialNumber {
        let second = now.unix_timestamp().to_be_bytes();
        SerialNumber::from_slice(&[self.enclave, second].concat())
    }
}

/// A name of this emulator, of no real country or company, with these attributes added.
pub(super) fn name(more: &[(DnType, &str)]) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    // ISO 3166 reserves ZZ for private use; RFC 5280 encodes countries as PrintableString.
    if let Ok(no_country) = PrintableString::try_from("ZZ") {
        name.push(DnType::CountryName, DnValue::PrintableString(no_country));
    }
    name.push(DnType::OrganizationName, "Permafrost development");
    name.push(DnType::OrganizationalUnitName, "not AWS");
    for (kind, value) in more {
        name.push(kind.clone(), *value);
    }
    name
}

fn located(common_name: &str) -> DistinguishedName {
    name(&[
        (DnType::StateOrProvinceName, "Development"),
        (DnType::LocalityName, "This machine"),
        (DnType::CommonName, common_name),
    ])
}

/// A certificate to be signed, and its key.
struct Link {
    params: CertificateParams,
    key: KeyPair,
}

impl Link {
    fn ca(
        subject: &DistinguishedName,
        path_length: u8,
        lifetime: Duration,
        now: OffsetDateTime,
    ) -> Result<Self, EmulatorError> {
        let mut link = Self::new(subject.clone(), lifetime, now)?;
        link.params.is_ca = IsCa::Ca(BasicConstraints::Constrained(path_length));
        link.params.use_authority_key_identifier_extension = true;
        link.params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        // AWS's region and zone certificates may sign revocation lists and say where they are; its instance certificates do not. No one can fetch this URI.
        if path_length > 0 {
            let uris = vec!["http://crl.development.invalid/none.crl".to_owned()];
            link.params
                .key_usages
                .insert(0, KeyUsagePurpose::DigitalSignature);
            link.params.key_usages.push(KeyUsagePurpose::CrlSign);
            link.params.crl_distribution_points = vec![CrlDistributionPoint { uris }];
        }
        Ok(link)
    }

    fn leaf(module: &Module, now: OffsetDateTime) -> Result<Self, EmulatorError> {
        let (oid, usage) = LEAF_KEY_USAGE;
        let mut link = Self::new(module.leaf_name(), LEAF_LIFETIME, now)?;
        link.params.is_ca = IsCa::ExplicitNoCa;
        link.params.serial_number = Some(module.leaf_serial(now));
        link.params.custom_extensions =
            vec![CustomExtension::from_oid_content(oid, usage.to_vec())];
        Ok(link)
    }

    fn new(
        subject: DistinguishedName,
        lifetime: Duration,
        now: OffsetDateTime,
    ) -> Result<Self, EmulatorError> {
        let mut params = CertificateParams::default();
        params.distinguished_name = subject;
        params.not_before = now - BACKDATED;
        params.not_after = now + lifetime;
        let key = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384);
        Ok(Self {
            params,
            key: key.map_err(|source| EmulatorError::Certificate {
                action: "make a key of the development NSM",
                source,
            })?,
        })
    }

    fn issuer(&self) -> Issuer<'_, &KeyPair> {
        Issuer::from_params(&self.params, &self.key)
    }
}
