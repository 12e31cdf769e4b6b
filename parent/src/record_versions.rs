//! The versions of keys' records that earlier runs have seen: a file beside the profile.
//!
//! JSON: for each deployment an object of key ids and versions. What is in it only grows: each run adds what it has seen, and two runs at
//! once lose nothing of each other's.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::private_file;

/// The versions by key id, by deployment.
type Versions = BTreeMap<String, BTreeMap<String, u64>>;

/// The file beside a profile.
#[derive(Clone, Debug)]
pub(crate) struct RecordVersionsFile {
    profile: PathBuf,
    path: PathBuf,
}

impl RecordVersionsFile {
    /// That of this profile: `client.versions.json` beside `client.toml`.
    pub(crate) fn beside(profile: &Path) -> Self {
        Self {
            profile: profile.to_owned(),
            path: profile.with_extension("versions.json"),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// What was seen of this deployment's keys; nothing if there is no file yet.
    ///
    /// # Errors
    /// The file cannot be read, or is not of the form above.
    pub(crate) fn read(&self, deployment: &str) -> io::Result<BTreeMap<String, u64>> {
        Ok(self.all()?.remove(deployment).unwrap_or_default())
    }

    /// Adds what was seen of this deployment's keys. A version that is not higher than the one in the file changes nothing.
    ///
    /// # Errors
    /// As for [`RecordVersionsFile::read`]; or the file cannot be written.
    pub(crate) fn add(&self, deployment: &str, seen: BTreeMap<String, u64>) -> io::Result<()> {
        // The profile is there, and nobody replaces it meanwhile: whoever adds takes turns by its lock.
        let turn = File::open(&self.profile)?;
        turn.lock()?;
        let mut all = self.all()?;
        let before = all.clone();
        if !seen.is_empty() {
            let known = all.entry(deployment.to_owned()).or_default();
            for (key_id, version) in seen {
                let highest = known.entry(key_id).or_default();
                *highest = version.max(*highest);
            }
        }
        match all == before {
            true => Ok(()),
            false => private_file::replace(&self.path, &serde_json::to_vec_pretty(&all)?),
        }
    }

    fn all(&self) -> io::Result<Versions> {
        match fs::read(&self.path) {
            Ok(text) => Ok(serde_json::from_slice(&text)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Versions::new()),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn file() -> (tempfile::TempDir, RecordVersionsFile) {
        let folder = tempfile::tempdir().unwrap();
        let profile = folder.path().join("client.toml");
        fs::write(&profile, "").unwrap();
        let file = RecordVersionsFile::beside(&profile);
        (folder, file)
    }

    fn of(key_id: &str, version: u64) -> BTreeMap<String, u64> {
        [(key_id.to_owned(), version)].into()
    }

    #[test]
    fn what_is_added_only_grows_and_belongs_to_one_deployment() {
        let (_folder, file) = file();
        assert_eq!(file.read("a").unwrap(), BTreeMap::new());
        file.add("a", of("key", 3)).unwrap();
        file.add("a", of("key", 2)).unwrap();
        file.add("a", of("other", 5)).unwrap();
        file.add("b", of("key", 1)).unwrap();
        let both = [("key".to_owned(), 3), ("other".to_owned(), 5)];
        assert_eq!(file.read("a").unwrap(), both.into());
        assert_eq!(file.read("b").unwrap(), of("key", 1));
    }

    #[test]
    fn it_is_private_and_nothing_else_is_left_beside_it() {
        let (folder, file) = file();
        file.add("a", of("key", 2)).unwrap();
        file.add("a", of("key", 3)).unwrap();
        let mode = fs::metadata(file.path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn runs_at_once_lose_nothing_of_each_other() {
        let (_folder, file) = file();
        std::thread::scope(|threads| {
            for number in 0..16 {
                let file = &file;
                threads.spawn(move || file.add("a", of(&number.to_string(), 2)).unwrap());
            }
        });
        assert_eq!(file.read("a").unwrap().len(), 16);
    }

    #[test]
    fn a_file_of_another_form_is_refused_and_stays() {
        let (_folder, file) = file();
        fs::write(file.path(), "{").unwrap();
        assert!(file.read("a").is_err());
        assert!(file.add("a", of("key", 2)).is_err());
        assert_eq!(fs::read(file.path()).unwrap(), b"{");
    }
}
