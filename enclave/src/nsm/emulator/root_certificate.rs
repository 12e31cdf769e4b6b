//! The development root certificate: made on first start, stored in the state directory.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::SystemTime,
};

use permafrost_common::attestation::RootCertificate;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P384_SHA384,
};
use time::{Duration, OffsetDateTime};
use zeroize::Zeroizing;

use super::{EmulatorError, path::name};

/// The root certificate in the state directory: PEM, readable by all.
pub const ROOT_FILE: &str = "development-root.pem";

/// Its key: PKCS #8 in PEM, mode 0600.
pub const ROOT_KEY_FILE: &str = "development-root-key.pem";

/// Locked while the two files are read or made, so that two first starts agree on one root certificate.
const LOCK_FILE: &str = "development-root.lock";

const COMMON_NAME: &str = "Permafrost DEVELOPMENT root - not AWS";

/// The root certificate and its key.
pub(super) struct DevelopmentRoot {
    certificate: RootCertificate,
    params: CertificateParams,
    key: KeyPair,
}

impl DevelopmentRoot {
    /// The root certificate of a state directory; a new one, valid for 30 years, if there is none.
    pub(super) fn load_or_make(state_dir: &Path, now: SystemTime) -> Result<Self, EmulatorError> {
        let file = |action, path: &Path| {
            let path = path.display().to_string();
            move |source| EmulatorError::File {
                action,
                path,
                source,
            }
        };
        fs::create_dir_all(state_dir).map_err(file("make the directory", state_dir))?;
        let lock_path = state_dir.join(LOCK_FILE);
        let lock = File::create(&lock_path).map_err(file("make", &lock_path))?;
        lock.lock().map_err(file("lock", &lock_path))?;

        let certificate_path = state_dir.join(ROOT_FILE);
        let key_path = state_dir.join(ROOT_KEY_FILE);
        let certificate = read(&certificate_path).map_err(file("read", &certificate_path))?;
        let key = read(&key_path)
            .map_err(file("read", &key_path))?
            .map(Zeroizing::new);
        match (certificate, key) {
            (Some(certificate), Some(key)) => Self::load(&certificate_path, &certificate, &key),
            (Some(_), None) => Err(EmulatorError::KeyMissing {
                certificate: certificate_path.display().to_string(),
                key: key_path.display().to_string(),
            }),
            // An interrupted first start leaves a key alone: the certificate is written last.
            (None, _) => {
                let (root, certificate) = Self::make(now)?;
                let key = Zeroizing::new(root.key.serialize_pem());
                write(&key_path, key.as_bytes(), 0o600).map_err(file("write", &key_path))?;
                write(&certificate_path, certificate.as_bytes(), 0o644)
                    .map_err(file("write", &certificate_path))?;
                Ok(root)
            }
        }
    }

    /// The root certificate.
    pub(super) fn certificate(&self) -> &RootCertificate {
        &self.certificate
    }

    /// The root certificate as an issuer.
    pub(super) fn issuer(&self) -> Issuer<'_, &KeyPair> {
        Issuer::from_params(&self.params, &self.key)
    }

    fn load(path: &Path, certificate: &str, key: &str) -> Result<Self, EmulatorError> {
        let key = KeyPair::from_pkcs8_pem_and_sign_algo(key, &PKCS_ECDSA_P384_SHA384);
        Ok(Self {
            certificate: RootCertificate::from_pem(certificate).map_err(|source| {
                EmulatorError::Root {
                    path: path.display().to_string(),
                    source,
                }
            })?,
            params: params(),
            key: key.map_err(|source| EmulatorError::Certificate {
                action: "read the key of the development root certificate",
                source,
            })?,
        })
    }

    /// A new root certificate, with its key, and as PEM.
    fn make(now: SystemTime) -> Result<(Self, String), EmulatorError> {
        let failed = |source| EmulatorError::Certificate {
            action: "make the development root certificate",
            source,
        };
        let key = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).map_err(failed)?;
        let mut params = params();
        params.not_before = OffsetDateTime::from(now) - Duration::days(1);
        params.not_after = params.not_before + Duration::days(30 * 365);
        let certificate = params.self_signed(&key).map_err(failed)?;
        let root =
            RootCertificate::from_der(certificate.der()).map_err(|source| EmulatorError::Root {
                path: ROOT_FILE.to_owned(),
                source,
            })?;
        let root = Self {
            certificate: root,
            params,
            key,
        };
        Ok((root, certificate.pem()))
    }
}

/// The parameters on which issued certificates depend: the same for every root certificate.
fn params() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = name(&[(DnType::CommonName, COMMON_NAME)]);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![
        KeyUsagePurpose::DigitalSignature,
        KeyUsagePurpose::KeyCertSign,
        KeyUsagePurpose::CrlSign,
    ];
    params
}

fn read(path: &Path) -> io::Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Writes a file so that it appears whole or not at all, and has its mode from the first byte.
fn write(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let mut draft = path.as_os_str().to_owned();
    draft.push(".new");
    let draft = PathBuf::from(draft);
    match fs::remove_file(&draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(&draft)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    match path.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}
