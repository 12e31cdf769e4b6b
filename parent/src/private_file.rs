//! Files that only their owner can read.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Writes a new file that only its owner can read, and its content to the disk.
///
/// # Errors
/// [`io::ErrorKind::AlreadyExists`], or what else the system says.
pub(crate) fn write_new(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(content)?;
    file.sync_all()?;
    sync_entry(path)
}

/// Puts a new file, which only its owner can read, in the place of the old one, if there is one. Whoever reads it finds the one or the other.
///
/// # Errors
/// What the system says.
pub(crate) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}", std::process::id()));
    let beside = Path::new(&beside);
    match fs::remove_file(beside) {
        // A run with the same number was killed.
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    write_new(beside, content)?;
    fs::rename(beside, path)?;
    sync_entry(path)
}

/// Otherwise a crash may lose the entry of the file that it is found by.
fn sync_entry(path: &Path) -> io::Result<()> {
    let folder = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}
