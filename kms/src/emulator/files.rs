//! Files of the state directory: closed to other users, written whole or not at all, one process at a time.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::EmulatorError;

/// A state directory that this process has to itself until dropped.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Makes the directory where there is none, mode 0700, and takes it.
    pub(super) fn take(directory: &Path) -> Result<Self, EmulatorError> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)
            .map_err(of(directory))?;
        let path = directory.join("lock");
        let file = OpenOptions::new()
            .create(true)
            .write(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(of(&path))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(EmulatorError::InUse {
                path: directory.to_owned(),
            }),
            Err(TryLockError::Error(source)) => Err(of(&path)(source)),
        }
    }
}

/// The path that holds wherever it is used.
pub(super) fn absolute(path: &Path) -> Result<PathBuf, EmulatorError> {
    fs::canonicalize(path).map_err(of(path))
}

/// Reads a text file.
pub(super) fn read(path: &Path) -> Result<String, EmulatorError> {
    fs::read_to_string(path).map_err(of(path))
}

/// Writes a file that is not there yet, mode 0600, whole or not at all.
pub(super) fn write_new(path: &Path, content: &[u8]) -> Result<(), EmulatorError> {
    write(path, content, |temporary| {
        temporary
            .persist_noclobber(path)
            .map_err(|error| error.error)
    })
    .map_err(of(path))
}

/// Writes a file, mode 0600, in the place of what was there: whole or not at all, even if the machine stops.
pub(super) fn replace(path: &Path, content: &[u8]) -> Result<(), EmulatorError> {
    write(path, content, |temporary| {
        temporary.persist(path).map_err(|error| error.error)
    })
    .map_err(of(path))
}

fn write(
    path: &Path,
    content: &[u8],
    persist: impl FnOnce(tempfile::NamedTempFile) -> io::Result<File>,
) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    // Its mode is 0600.
    let mut temporary = tempfile::NamedTempFile::new_in(directory)?;
    temporary.write_all(content)?;
    temporary.as_file().sync_all()?;
    persist(temporary)?;
    // The new name is on the disk only when the directory is.
    File::open(directory)?.sync_all()
}

fn of(path: &Path) -> impl Fn(io::Error) -> EmulatorError + '_ {
    move |source| EmulatorError::File {
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn files_and_directory_are_closed_to_other_users() {
        let parent = tempfile::tempdir().unwrap();
        let directory = parent.path().join("state");
        let _lock = Lock::take(&directory).unwrap();
        assert_eq!(mode(&directory), 0o700);
        write_new(&directory.join("new"), b"1").unwrap();
        replace(&directory.join("replaced"), b"1").unwrap();
        for name in ["new", "replaced", "lock"] {
            assert_eq!(mode(&directory.join(name)), 0o600, "{name}");
        }
    }

    #[test]
    fn a_directory_serves_one_process_at_a_time() {
        let directory = tempfile::tempdir().unwrap();
        let lock = Lock::take(directory.path()).unwrap();
        let second = Lock::take(directory.path());
        assert!(matches!(second, Err(EmulatorError::InUse { .. })));
        drop(lock);
        Lock::take(directory.path()).unwrap();
    }

    #[test]
    fn a_file_that_is_there_is_not_made_anew() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        write_new(&path, b"first").unwrap();
        assert!(write_new(&path, b"second").is_err());
        assert_eq!(read(&path).unwrap(), "first");
        replace(&path, b"third").unwrap();
        assert_eq!(read(&path).unwrap(), "third");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }
}
