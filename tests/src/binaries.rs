//! Where the built programs are: beside the tests, as `cargo build --workspace` and `cargo test --workspace` leave them.

use std::path::PathBuf;

/// The enclave program, built with the emulated NSM.
pub fn enclave() -> PathBuf {
    built("permafrost-enclave")
}

/// The parent program.
pub fn parent() -> PathBuf {
    built("permafrost")
}

fn built(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a test has a path");
    let profile = test
        .ancestors()
        .find(|folder| folder.join("deps").is_dir())
        .expect("tests are in a folder of target/PROFILE");
    let path = profile.join(name);
    assert!(
        path.is_file(),
        "{} is not there: run `cargo build --workspace` first",
        path.display()
    );
    path
}
