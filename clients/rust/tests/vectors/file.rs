//! Reads and writes files of `clients/vectors`.

use std::{env, fs, path::PathBuf};

use serde::{Serialize, de::DeserializeOwned};

/// Compares a file with what was computed for it, or writes it if `PERMAFROST_WRITE_VECTORS` is set.
pub(crate) fn compare(name: &str, computed: &impl Serialize) {
    let computed = serde_json::to_string_pretty(computed).unwrap() + "\n";
    let path = folder().join(name);
    if env::var_os("PERMAFROST_WRITE_VECTORS").is_some() {
        fs::write(path, computed).unwrap();
        return;
    }
    let kept = fs::read_to_string(path).unwrap();
    let line = kept
        .lines()
        .zip(computed.lines())
        .position(|(kept, computed)| kept != computed);
    assert!(
        kept == computed,
        "clients/vectors/{name} differs from what Rust computes, first in line {:?}",
        line.map(|index| index + 1)
    );
}

/// What a file holds now; `None` while it does not exist.
pub(crate) fn kept<T: DeserializeOwned>(name: &str) -> Option<T> {
    let text = fs::read_to_string(folder().join(name)).ok()?;
    Some(serde_json::from_str(&text).unwrap())
}

/// The folder of the vectors.
pub(crate) fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../vectors")
}
