//! Text files that a command takes.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::outcome::Outcome;

/// Reads a text file, or standard input for `-`; at most 64 MiB.
pub(super) fn read(path: &Path) -> Result<String, Outcome> {
    let wrong =
        |error: &dyn std::fmt::Display| Outcome::wrong_call(format!("{}: {error}", path.display()));
    let mut text = String::new();
    let read = if path == Path::new("-") {
        io::stdin()
            .lock()
            .take(READ_MAX + 1)
            .read_to_string(&mut text)
    } else {
        File::open(path).and_then(|file| file.take(READ_MAX + 1).read_to_string(&mut text))
    };
    match read {
        Err(error) => Err(wrong(&error)),
        Ok(_) if text.len() as u64 > READ_MAX => {
            Err(wrong(&"more than 64 MiB; accepted: at most that"))
        }
        Ok(_) => Ok(text),
    }
}

/// How many bytes are read from a file at most: enough for the users, roles and policies of an account.
const READ_MAX: u64 = 64 * 1024 * 1024;
