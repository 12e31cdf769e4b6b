//! A client profile: where a stack is, what to trust, and which principal to be. TOML, as `permafrost dev` writes it.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use permafrost_client::{
    Client, Enclave, Endpoint, EndpointError, Error, Expectation, Measurements, Principal,
    RootCertificate, SigningKey,
};
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::record_versions::RecordVersionsFile;

/// The profile that `permafrost dev` writes by default.
pub const DEFAULT_PROFILE: &str = ".permafrost/client.toml";

/// What a client needs to reach a stack and to sign requests to it.
///
/// ```toml
/// endpoint = "http://127.0.0.1:8080"          # http://HOST:PORT or one of the transport addresses
/// root_certificate = "enclave/development-root.pem"   # absent: the AWS Nitro root G1
/// principal = "dev"
/// key = "principal-dev.pem"                   # PKCS#8 PEM, Ed25519 or ECDSA P-256
/// allow_debug = false                         # whether an enclave in debug mode is accepted
/// [[release]]                                 # accepted measurements, one table each; none: measurements are not compared
/// 0 = "<96 hex>"
/// ```
///
/// Relative paths start at the profile's own directory. Beside the profile `permafrost` keeps which versions of keys' records it has seen.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// The address of the parent, or of the enclave itself.
    pub endpoint: String,
    /// The root certificate's PEM file; absent: the AWS Nitro root G1.
    pub root_certificate: Option<PathBuf>,
    /// The principal's name in the measured configuration.
    pub principal: String,
    /// The principal's key file.
    pub key: PathBuf,
    /// Whether a document of an enclave in debug mode is accepted.
    #[serde(default)]
    pub allow_debug: bool,
    /// Accepted measurements: PCR index to 96 hex digits, one table for each release.
    #[serde(default)]
    pub release: Vec<BTreeMap<String, String>>,
    /// The profile's own path.
    #[serde(skip)]
    path: PathBuf,
}

/// Why a profile cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// A file cannot be read.
    #[error("{}: {source}{}", path.display(), hint(path))]
    Read {
        /// The file.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
    /// The content of the profile, or of a file that it names, is invalid.
    #[error("{}: {detail}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// The line, the key and what is accepted.
        detail: String,
    },
    /// The endpoint is invalid.
    #[error("endpoint: {0}")]
    Endpoint(#[from] EndpointError),
    /// The enclave does not respond, or cannot be trusted.
    #[error(transparent)]
    Client(#[from] Error),
}

impl Profile {
    /// Reads a profile; its paths are returned absolute, or relative to the working directory.
    ///
    /// # Errors
    /// [`ProfileError::Read`] and [`ProfileError::Content`].
    pub fn read(path: &Path) -> Result<Self, ProfileError> {
        let text = read_file(path)?;
        let mut profile: Self =
            toml::from_str(&text).map_err(|error| content(path, error.to_string().trim_end()))?;
        let base = path.parent().unwrap_or(Path::new(""));
        profile.root_certificate = profile.root_certificate.map(|root| base.join(root));
        profile.key = base.join(&profile.key);
        profile.path = path.to_owned();
        Ok(profile)
    }

    /// A client that has not verified the enclave.
    ///
    /// # Errors
    /// [`ProfileError::Endpoint`].
    pub fn client(&self) -> Result<Client, ProfileError> {
        Ok(Client::new(self.endpoint.parse::<Endpoint>()?))
    }

    /// The enclave, verified as the profile demands.
    ///
    /// # Errors
    /// Every [`ProfileError`].
    pub async fn enclave(&self) -> Result<Enclave, ProfileError> {
        Ok(self.client()?.verify(&self.expectation()?).await?)
    }

    /// The profile's principal, with the verified enclave. It accepts no record of a key that is older than one that an earlier run has seen
    /// ([`Profile::keep_record_versions`]).
    ///
    /// # Errors
    /// Every [`ProfileError`].
    pub async fn principal(&self) -> Result<Principal, ProfileError> {
        // The key first: if its file is wrong, there is no need to send anything.
        let key = self.signing_key()?;
        let enclave = self.enclave().await?;
        let file = RecordVersionsFile::beside(&self.path);
        let seen = file
            .read(&enclave.boot().binding().deployment)
            .map_err(|error| {
                let detail = format!("{error}; accepted: what an earlier run wrote, or no file");
                content(file.path(), &detail)
            })?;
        let principal = enclave.as_principal(&self.principal, key)?;
        Ok(principal.with_record_versions(seen.into_iter().collect()))
    }

    /// Keeps what this principal has seen of keys' records for later runs, in `NAME.versions.json` beside the profile.
    ///
    /// # Errors
    /// [`ProfileError::Content`]: the file, and what is wrong with it.
    pub fn keep_record_versions(&self, principal: &Principal) -> Result<(), ProfileError> {
        let file = RecordVersionsFile::beside(&self.path);
        let boot = principal.enclave().boot();
        file.add(
            &boot.binding().deployment,
            principal.record_versions().all(),
        )
        .map_err(|error| content(file.path(), &error.to_string()))
    }

    /// The principal's key.
    ///
    /// # Errors
    /// [`ProfileError::Read`], and [`ProfileError::Content`] for what is not a key.
    pub fn signing_key(&self) -> Result<SigningKey, ProfileError> {
        let pem = Zeroizing::new(read_file(&self.key)?);
        SigningKey::from_pem(&pem).map_err(|error| content(&self.key, &error.to_string()))
    }

    /// What the profile demands of an enclave.
    ///
    /// # Errors
    /// [`ProfileError::Read`] and [`ProfileError::Content`]: a file that the profile names.
    pub fn expectation(&self) -> Result<Expectation, ProfileError> {
        let mut expectation = match self.release.as_slice() {
            [] => Expectation::any_measurements(),
            releases => Expectation::releases(
                releases
                    .iter()
                    .map(measurements)
                    .collect::<Result<Vec<_>, _>>()?,
            ),
        };
        if let Some(path) = &self.root_certificate {
            let root = RootCertificate::from_pem(&read_file(path)?)
                .map_err(|error| content(path, &error.to_string()))?;
            expectation = expectation.root_certificate(root);
        }
        if self.allow_debug {
            expectation = expectation.allow_debug();
        }
        Ok(expectation)
    }
}

fn measurements(release: &BTreeMap<String, String>) -> Result<Measurements, ProfileError> {
    let text = serde_json::to_string(release).unwrap_or_default();
    Measurements::from_json(&text)
        .map_err(|error| content(Path::new("release"), &error.to_string()))
}

fn read_file(path: &Path) -> Result<String, ProfileError> {
    fs::read_to_string(path).map_err(|source| ProfileError::Read {
        path: path.to_owned(),
        source,
    })
}

fn content(path: &Path, detail: &str) -> ProfileError {
    ProfileError::Content {
        path: path.to_owned(),
        detail: detail.to_owned(),
    }
}

fn hint(path: &Path) -> &'static str {
    match path == Path::new(DEFAULT_PROFILE) {
        true if cfg!(feature = "development") => {
            "; `permafrost dev` writes it, --profile names another"
        }
        true => "; name a profile with --profile or PERMAFROST_PROFILE",
        false => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Profile, ProfileError> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("client.toml");
        fs::write(&path, text).unwrap();
        let profile = Profile::read(&path)?;
        assert_eq!(profile.key, directory.path().join("k.pem"));
        Ok(profile)
    }

    #[test]
    fn relative_paths_start_at_the_profile() {
        let profile = read(
            "endpoint = \"http://127.0.0.1:1\"\nprincipal = \"dev\"\nkey = \"k.pem\"\nroot_certificate = \"/r.pem\"\n",
        )
        .unwrap();
        assert_eq!(profile.root_certificate, Some(PathBuf::from("/r.pem")));
    }

    #[test]
    fn an_unknown_key_is_named() {
        let error = read("endpoint = \"x\"\nprincipal = \"dev\"\nkey = \"k.pem\"\nrot = \"r\"\n")
            .unwrap_err()
            .to_string();
        assert!(error.contains("rot") && error.contains("root"), "{error}");
    }

    #[test]
    fn a_missing_default_profile_says_how_to_make_it() {
        let error = Profile::read(Path::new(DEFAULT_PROFILE)).unwrap_err();
        let named = match cfg!(feature = "development") {
            true => "permafrost dev",
            false => "--profile",
        };
        assert!(error.to_string().contains(named), "{error}");
    }
}
