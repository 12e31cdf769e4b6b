//! Files with a secret.

use std::fs::File;
use std::io;
use std::path::Path;

use zeroize::Zeroizing;

/// Whether a path is that of standard input.
pub(super) fn is_standard_input(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// The text of a file or of standard input, of at most so many bytes, which is never copied to where it would not be wiped.
pub(super) fn read(path: &Path, max: usize) -> Result<Zeroizing<String>, String> {
    // With room for all: growing would leave a copy behind.
    let mut bytes = Zeroizing::new(vec![0; max + 1]);
    let mut reader: Box<dyn io::Read> = match is_standard_input(path) {
        true => Box::new(io::stdin().lock()),
        false => Box::new(File::open(path).map_err(|error| error.to_string())?),
    };
    let mut length = 0;
    while let Some(room) = bytes.get_mut(length..).filter(|room| !room.is_empty()) {
        match reader.read(room).map_err(|error| error.to_string())? {
            0 => break,
            more => length += more,
        }
    }
    if length > max {
        return Err(format!(
            "longer than {max} bytes; accepted: a file with the text alone"
        ));
    }
    bytes.truncate(length);
    match std::str::from_utf8(&bytes) {
        Ok(text) => Ok(Zeroizing::new(text.to_owned())),
        Err(_) => Err("not a text; accepted: UTF-8".to_owned()),
    }
}
