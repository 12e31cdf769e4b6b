//! The state file: every change is on the disk before the response.

use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::error::KmsError;
use super::keys::{Keyring, VERSION};
use super::{EmulatorError, files};

/// The file in the state directory: JSON, key material included, mode 0600.
pub const KEYS_FILE: &str = "keys.json";

/// The keys, in memory and on the disk.
#[derive(Debug)]
pub(super) struct Store {
    path: PathBuf,
    keyring: Keyring,
}

impl Store {
    /// Reads the keys of a state directory; there are none where there is no file.
    pub(super) fn load(state: &Path, region: &str, account: &str) -> Result<Self, EmulatorError> {
        let path = state.join(KEYS_FILE);
        if !path.exists() {
            let keyring = Keyring::new(region, account);
            return Ok(Self { path, keyring });
        }
        let text = Zeroizing::new(files::read(&path)?);
        let wrong = |problem: String| EmulatorError::Keys {
            path: path.clone(),
            problem,
        };
        let keyring: Keyring = serde_json::from_str(&text).map_err(|error| {
            // The error's message may quote what it read.
            wrong(format!("line {}, column {}", error.line(), error.column()))
        })?;
        if keyring.version != VERSION {
            let found = keyring.version;
            return Err(wrong(format!(
                "its version is {found}, accepted: {VERSION}"
            )));
        }
        if keyring.region != region || keyring.account != account {
            return Err(wrong(format!(
                "its keys are in region {} of account {}; asked for: region {region} of account {account}",
                keyring.region, keyring.account
            )));
        }
        Ok(Self { path, keyring })
    }

    /// The keys as they are.
    pub(super) fn keyring(&self) -> &Keyring {
        &self.keyring
    }

    /// Changes the keys: all of what `change` does, or nothing where it fails or the disk does.
    pub(super) fn change<T>(
        &mut self,
        now_ms: u64,
        change: impl FnOnce(&mut Keyring) -> Result<T, KmsError>,
    ) -> Result<T, KmsError> {
        let mut changed = self.keyring.clone();
        changed.purge(now_ms);
        let done = change(&mut changed)?;
        let text = serde_json::to_vec_pretty(&changed)
            .map(Zeroizing::new)
            .map_err(|error| KmsError::internal(format!("the keys cannot be written: {error}")))?;
        files::replace(&self.path, &text).map_err(|error| KmsError::internal(error.to_string()))?;
        self.keyring = changed;
        Ok(done)
    }
}
