//! The emulator's own certificate authority, and the server certificate below it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::string::Ia5String;
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DnType, ExtendedKeyUsagePurpose,
    GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose, NameConstraints, SanType,
};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use time::{Duration, OffsetDateTime};
use zeroize::Zeroizing;

use super::{EmulatorError, files};

/// The authority's certificate in the state directory, PEM.
pub const CA_FILE: &str = "ca.pem";

/// Its key, PKCS #8 in PEM.
pub const CA_KEY_FILE: &str = "ca-key.pem";

/// How long the authority is good for, in days.
const CA_DAYS: i64 = 3650;

/// How long a server certificate is good for, in days: the longest that public clients take.
const SERVER_DAYS: i64 = 397;

/// What a client with a slow clock still takes, in hours.
const BEFORE_HOURS: i64 = 24;

/// The authority of one state directory. It may sign for this machine's own names and no others, so that
/// trusting it costs a client nothing.
pub(super) struct Authority {
    key: KeyPair,
    pem: String,
}

impl Authority {
    /// Reads the authority of a state directory; makes it where there is none.
    pub(super) fn load_or_make(state: &Path) -> Result<Self, EmulatorError> {
        let (pem_path, key_path) = (path(state), state.join(CA_KEY_FILE));
        if !key_path.exists() {
            if pem_path.exists() {
                return Err(EmulatorError::KeyMissing {
                    certificate: pem_path,
                    key: key_path,
                });
            }
            let key = KeyPair::generate().map_err(of("make the authority's key"))?;
            files::write_new(&key_path, Zeroizing::new(key.serialize_pem()).as_bytes())?;
        }
        let key = KeyPair::from_pem(&Zeroizing::new(files::read(&key_path)?))
            .map_err(of("read the authority's key"))?;
        if !pem_path.exists() {
            let certificate = authority_params()
                .self_signed(&key)
                .map_err(of("make the authority's certificate"))?;
            files::write_new(&pem_path, certificate.pem().as_bytes())?;
        }
        Ok(Self {
            key,
            pem: files::read(&pem_path)?,
        })
    }

    /// The certificate, PEM.
    pub(super) fn pem(&self) -> &str {
        &self.pem
    }

    /// A TLS configuration with a new server certificate for `localhost`, `kms.REGION.localhost` and the loopback
    /// addresses: TLS 1.2 and 1.3, HTTP/1.1.
    pub(super) fn server(&self, region: &str) -> Result<Arc<ServerConfig>, EmulatorError> {
        let key = KeyPair::generate().map_err(of("make the server's key"))?;
        let issuer_params = authority_params();
        let issuer = Issuer::from_params(&issuer_params, &self.key);
        let certificate = server_params(region)
            .and_then(|params| params.signed_by(&key, &issuer))
            .map_err(of("make the server's certificate"))?;
        let authority = CertificateDer::from_pem_slice(self.pem.as_bytes())
            .map_err(|_| EmulatorError::CertificateSyntax)?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone(), authority], key)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}

/// Where the authority's certificate of a state directory is.
pub(super) fn path(state: &Path) -> PathBuf {
    state.join(CA_FILE)
}

fn authority_params() -> CertificateParams {
    let mut params = CertificateParams::default();
    let name = &mut params.distinguished_name;
    name.push(DnType::CommonName, "Permafrost development KMS");
    name.push(DnType::OrganizationName, "For development only");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.name_constraints = Some(NameConstraints {
        permitted_subtrees: vec![
            GeneralSubtree::DnsName("localhost".to_owned()),
            GeneralSubtree::IpAddress(CidrSubnet::V4([127, 0, 0, 0], [255, 0, 0, 0])),
            GeneralSubtree::IpAddress(CidrSubnet::V6(Ipv6Addr::LOCALHOST.octets(), [255; 16])),
        ],
        excluded_subtrees: Vec::new(),
    });
    valid(&mut params, CA_DAYS);
    params
}

fn server_params(region: &str) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::default();
    params
        .distinguished_name
        .push(DnType::CommonName, "Permafrost development KMS, server");
    params.subject_alt_names = vec![
        SanType::DnsName(Ia5String::try_from("localhost")?),
        SanType::DnsName(Ia5String::try_from(format!("kms.{region}.localhost"))?),
        SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        SanType::IpAddress(IpAddr::V6(Ipv6Addr::LOCALHOST)),
    ];
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    valid(&mut params, SERVER_DAYS);
    Ok(params)
}

fn valid(params: &mut CertificateParams, days: i64) {
    let now = OffsetDateTime::now_utc();
    params.not_before = now - Duration::hours(BEFORE_HOURS);
    params.not_after = now + Duration::days(days) - Duration::hours(BEFORE_HOURS);
}

fn of(action: &'static str) -> impl Fn(rcgen::Error) -> EmulatorError {
    move |source| EmulatorError::Certificate { action, source }
}
