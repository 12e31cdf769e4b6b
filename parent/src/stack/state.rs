//! The state directory of a development stack: what is in it, and how it is made the first time.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use permafrost_common::http_signature::{Algorithm, KeyError, SigningKey};
use permafrost_common::transport::UNIX_PATH_MAX;
use tempfile::TempDir;

use crate::private_file;

/// The principal that a development stack knows.
pub const PRINCIPAL: &str = "dev";

/// The deployment's name in the measured configuration that is written here.
pub(super) const DEPLOYMENT: &str = "development";

/// The longest name of a socket in [`Sockets`], with its slash.
const SOCKET_NAME_MAX: usize = "/enclave.sock".len();

/// A state directory that this process has to itself until dropped.
///
/// | file | what it is |
/// |---|---|
/// | `principal-dev.pem` | the key of the principal `dev`: Ed25519, PKCS#8, mode 0600 |
/// | `enclave.toml` | the measured configuration, which names the principal |
/// | `permafrost.json` | what the page expects of the enclave, if the stack serves a page |
/// | `client.toml` | the profile that `permafrost keys` takes |
/// | `store.sqlite` | the sealed records |
/// | `enclave/` | the state of the emulated NSM: the root certificate and its key |
/// | `kms/` | the state of the development KMS: its keys, its certificate authority, its identities |
/// | `enclave.log` | the enclave's log |
#[derive(Debug)]
pub struct State {
    directory: PathBuf,
    sockets: Sockets,
    _lock: File,
}

/// Why a state directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// A file or directory cannot be made or read.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another stack uses it.
    #[error(
        "{}: another `permafrost dev` is using this state directory; stop it, or choose another with --state",
        path.display()
    )]
    InUse {
        /// The directory.
        path: PathBuf,
    },
    /// The key cannot be made.
    #[error("no key for the principal: {0}")]
    Key(#[from] KeyError),
}

impl State {
    /// Opens a state directory; makes it, and what is missing in it, with a mode that shuts out other users.
    ///
    /// Files that exist are left as they are.
    ///
    /// # Errors
    /// [`StateError::InUse`] while another process has it; otherwise what the system says.
    pub fn open(directory: &Path) -> Result<Self, StateError> {
        make_directory(directory)?;
        let directory = fs::canonicalize(directory).map_err(of(directory))?;
        let lock = lock(&directory)?;
        make_directory(&directory.join("enclave"))?;
        let state = Self {
            sockets: Sockets::beside(&directory)?,
            directory,
            _lock: lock,
        };
        state.write_missing()?;
        Ok(state)
    }

    /// The directory, absolute.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The profile for clients.
    pub fn profile(&self) -> PathBuf {
        self.directory.join("client.toml")
    }

    /// The measured configuration.
    pub fn enclave_config(&self) -> PathBuf {
        self.directory.join("enclave.toml")
    }

    /// What the page expects of the enclave.
    pub fn expectation(&self) -> PathBuf {
        self.directory.join("permafrost.json")
    }

    /// What the emulated NSM keeps.
    pub fn enclave_directory(&self) -> PathBuf {
        self.directory.join("enclave")
    }

    /// What the development KMS keeps.
    pub fn kms_directory(&self) -> PathBuf {
        self.directory.join("kms")
    }

    /// The certificate that the emulated NSM's documents lead to.
    pub fn root(&self) -> PathBuf {
        self.enclave_directory().join("development-root.pem")
    }

    /// The enclave's log.
    pub fn enclave_log(&self) -> PathBuf {
        self.directory.join("enclave.log")
    }

    /// The sealed records.
    pub fn store(&self) -> PathBuf {
        self.directory.join("store.sqlite")
    }

    /// Where enclave and parent meet.
    pub fn sockets(&self) -> &Sockets {
        &self.sockets
    }

    /// Points the profile at an address; the rest of it stays.
    ///
    /// # Errors
    /// What the system says.
    pub fn write_profile(&self, endpoint: &str) -> Result<(), StateError> {
        let path = self.profile();
        let text = profile_text(endpoint);
        fs::write(&path, text).map_err(of(&path))
    }

    fn write_missing(&self) -> Result<(), StateError> {
        let key_path = self.directory.join(key_file());
        if !key_path.exists() {
            let key = SigningKey::generate(Algorithm::Ed25519)?;
            private_file::write_new(&key_path, key.to_pem()?.as_bytes()).map_err(of(&key_path))?;
        }
        Ok(())
    }

    /// Writes the measured configuration, with this section `kms`; with `people`, users can register at the page of that origin.
    ///
    /// # Errors
    /// Where there is one, or what the system says.
    pub fn write_enclave_config(&self, kms: &str, people: Option<&str>) -> Result<(), StateError> {
        let key_path = self.directory.join(key_file());
        let pem = zeroize::Zeroizing::new(fs::read_to_string(&key_path).map_err(of(&key_path))?);
        let public_key = SigningKey::from_pem(&pem)?.public_key()?.to_string();
        let path = self.enclave_config();
        let text = enclave_config_text(&public_key, kms, people);
        private_file::write_new(&path, text.as_bytes()).map_err(of(&path))
    }
}

/// The sockets of a stack, in a directory of their own where the state directory's path is too long for a socket.
#[derive(Debug)]
pub struct Sockets {
    directory: PathBuf,
    _short: Option<TempDir>,
}

impl Sockets {
    fn beside(state: &Path) -> Result<Self, StateError> {
        if state.as_os_str().len() + SOCKET_NAME_MAX <= UNIX_PATH_MAX {
            return Ok(Self {
                directory: state.to_owned(),
                _short: None,
            });
        }
        let short = tempfile::Builder::new()
            .prefix("permafrost-")
            .permissions(fs::Permissions::from_mode(0o700))
            .tempdir()
            .map_err(of(&std::env::temp_dir()))?;
        Ok(Self {
            directory: short.path().to_owned(),
            _short: Some(short),
        })
    }

    /// Where the enclave listens.
    pub fn enclave(&self) -> PathBuf {
        self.directory.join("enclave.sock")
    }

    /// Where the egress proxy listens.
    pub fn egress(&self) -> PathBuf {
        self.directory.join("egress.sock")
    }

    /// Where the record store listens.
    pub fn store(&self) -> PathBuf {
        self.directory.join("store.sock")
    }
}

fn make_directory(path: &Path) -> Result<(), StateError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(of(path))
}

fn lock(directory: &Path) -> Result<File, StateError> {
    let path = directory.join("lock");
    let file = OpenOptions::new()
        .create(true)
        .write(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(of(&path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StateError::InUse {
            path: directory.to_owned(),
        }),
        Err(TryLockError::Error(source)) => Err(StateError::File { path, source }),
    }
}

fn of(path: &Path) -> impl Fn(io::Error) -> StateError + '_ {
    move |source| StateError::File {
        path: path.to_owned(),
        source,
    }
}

fn key_file() -> String {
    format!("principal-{PRINCIPAL}.pem")
}

fn profile_text(endpoint: &str) -> String {
    format!(
        "# How to reach this stack, for `permafrost keys --profile` and `permafrost attest fetch --profile`.\n\
         # Paths are relative to this file.\n\
         endpoint = \"{endpoint}\"\n\
         root_certificate = \"enclave/development-root.pem\"\n\
         principal = \"{PRINCIPAL}\"\n\
         key = \"{}\"\n",
        key_file()
    )
}

fn enclave_config_text(public_key: &str, kms: &str, people: Option<&str>) -> String {
    let people = people.map(people_text).unwrap_or_default();
    format!(
        r#"# The measured configuration of the development enclave: its SHA-256 is in every attestation document.
# A change takes effect, and changes PCR2, when the stack starts again.
deployment = "{DEPLOYMENT}"

{kms}
{people}[[principal]]
name = "{PRINCIPAL}"
public_key = "{public_key}"
operations = [
    "create_key", "list_keys", "show_key", "sign", "rotate_key", "replace_key", "label_key", "disable_key", "delete_key", "take_part",
    "show_root", "rotate_root", "reseal_records", "retire_root", "show_store",
    "set_store_credentials", "derive_keys",
]
derived = ["m/0'/users"]
keys = "own"
payloads = ["message", "digest", "nostr_event", "taproot_spend"]
requests_per_minute = 6000
"#
    )
}

/// The section of the measured configuration that lets users register at the page of this origin, and make keys there: the default
/// leaves `create_key` out.
pub(super) fn people_text(origin: &str) -> String {
    let operations =
        r#"["create_key", "list_keys", "show_key", "sign", "rotate_key", "take_part"]"#;
    format!(
        "[people]\nrp_id = \"localhost\"\norigins = [\"{origin}\"]\noperations = {operations}\n\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_state_directory_and_its_key_are_closed_to_other_users() {
        let parent = tempfile::tempdir().unwrap();
        let state = State::open(&parent.path().join("state")).unwrap();
        assert_eq!(mode(state.directory()), 0o700);
        assert_eq!(mode(&state.enclave_directory()), 0o700);
        assert_eq!(mode(&state.directory().join("principal-dev.pem")), 0o600);
    }

    #[test]
    fn the_measured_configuration_names_the_key_that_was_made() {
        let parent = tempfile::tempdir().unwrap();
        let state = State::open(parent.path()).unwrap();
        state
            .write_enclave_config("[kms]\nkey_arn = \"x\"", Some("http://localhost:8080"))
            .unwrap();
        let pem = fs::read_to_string(state.directory().join("principal-dev.pem")).unwrap();
        let public_key = SigningKey::from_pem(&pem).unwrap().public_key().unwrap();
        let config: toml::Table = fs::read_to_string(state.enclave_config())
            .unwrap()
            .parse()
            .unwrap();
        assert_eq!(
            config["principal"][0]["public_key"].as_str(),
            Some(public_key.to_string().as_str())
        );
        assert_eq!(config["kms"]["key_arn"].as_str(), Some("x"));
        let origins = config["people"]["origins"].as_array().unwrap();
        assert_eq!(origins[0].as_str(), Some("http://localhost:8080"));
    }

    #[test]
    fn a_second_start_changes_nothing() {
        let parent = tempfile::tempdir().unwrap();
        let key = |state: &State| fs::read(state.directory().join("principal-dev.pem")).unwrap();
        let before = key(&State::open(parent.path()).unwrap());
        assert_eq!(key(&State::open(parent.path()).unwrap()), before);
    }

    #[test]
    fn one_state_directory_serves_one_stack() {
        let parent = tempfile::tempdir().unwrap();
        let state = State::open(parent.path()).unwrap();
        assert!(matches!(
            State::open(parent.path()),
            Err(StateError::InUse { .. })
        ));
        drop(state);
        State::open(parent.path()).unwrap();
    }

    #[test]
    fn a_long_path_still_has_sockets() {
        let parent = tempfile::tempdir().unwrap();
        let state = State::open(&parent.path().join("d".repeat(120))).unwrap();
        assert!(state.sockets().enclave().as_os_str().len() <= UNIX_PATH_MAX);
        std::os::unix::net::UnixListener::bind(state.sockets().enclave()).unwrap();
    }
}
