//! Independent programs from PyPI: the `aws` command line, boto3, moto; and the scripts of `tests/python` that use them.

use std::path::{Path, PathBuf};

/// Python with the packages of `tests/python/requirements.txt`.
///
/// # Panics
/// If `scripts/setup interop` was not run: a test that needs it fails, and says so.
pub fn python() -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/python/bin/python3");
    assert!(
        path.is_file(),
        "{} is not there: run `scripts/setup interop`",
        path.display()
    );
    path
}

/// A script of `tests/python`.
pub fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("python")
        .join(name)
}
