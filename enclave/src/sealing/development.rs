//! The root secret of a development enclave: a file, which protects nothing.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::{ROOT_SECRET_LEN, RootSecret};

/// Why there is no development root secret.
#[derive(Debug, thiserror::Error)]
pub enum DevelopmentSecretError {
    /// The file cannot be read or written.
    #[error("the development root secret {path}: {error}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// The file holds something else.
    #[error("the development root secret {path} has {length} bytes; accepted: {ROOT_SECRET_LEN}")]
    Length {
        /// Which file.
        path: PathBuf,
        /// How many bytes it has.
        length: usize,
    },
}

/// Reads `development-root-secret` (32 bytes) in the state directory; makes it on the first start.
pub fn development_root_secret(state: &Path) -> Result<RootSecret, DevelopmentSecretError> {
    let path = state.join("development-root-secret");
    let failed = |error| DevelopmentSecretError::Io {
        path: path.clone(),
        error,
    };
    if !path.exists() {
        make(state, &path).map_err(failed)?;
    }
    let bytes = Zeroizing::new(fs::read(&path).map_err(failed)?);
    let secret: [u8; ROOT_SECRET_LEN] =
        bytes
            .as_slice()
            .try_into()
            .map_err(|_| DevelopmentSecretError::Length {
                path: path.clone(),
                length: bytes.len(),
            })?;
    Ok(RootSecret::new(Zeroizing::new(secret)))
}

/// Whole or not at all: written beside, made durable, then linked into place unless another start was first.
fn make(state: &Path, path: &Path) -> io::Result<()> {
    let mut secret = Zeroizing::new([0; ROOT_SECRET_LEN]);
    aws_lc_rs::rand::fill(secret.as_mut_slice()).map_err(io::Error::other)?;
    let beside = state.join(format!(".development-root-secret-{}", std::process::id()));
    let mut file = File::options()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&beside)?;
    file.write_all(secret.as_slice())?;
    file.sync_all()?;
    let linked = match fs::hard_link(&beside, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    };
    fs::remove_file(&beside)?;
    linked?;
    File::open(state)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_is_made_once_and_read_again() {
        let state = tempfile::tempdir().unwrap();
        let [one, two] = [(), ()].map(|()| development_root_secret(state.path()).unwrap());
        assert_eq!(one.expose(), two.expose());
        assert_ne!(one.expose(), [0; ROOT_SECRET_LEN]);
        assert_eq!(fs::read_dir(state.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_of_another_length_is_refused() {
        let state = tempfile::tempdir().unwrap();
        fs::write(state.path().join("development-root-secret"), [1; 31]).unwrap();
        let error = development_root_secret(state.path()).unwrap_err();
        assert!(error.to_string().contains("31 bytes"), "{error}");
    }
}
