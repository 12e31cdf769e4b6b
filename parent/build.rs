//! Finds the published test data: `PERMAFROST_FIXTURES`, or `shared/fixtures` beside the workspace.
//!
//! With it, `cfg(fixtures)` is set and `PERMAFROST_FIXTURES_DIR` names the folder; without it, the tests that need it
//! are counted as ignored.

use std::{env, path::PathBuf};

fn main() {
    println!("cargo::rustc-check-cfg=cfg(fixtures)");
    println!("cargo::rerun-if-env-changed=PERMAFROST_FIXTURES");
    let folder = match env::var_os("PERMAFROST_FIXTURES") {
        Some(folder) => PathBuf::from(folder),
        None => PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default())
            .join("../../shared/fixtures"),
    };
    println!("cargo::rerun-if-changed={}", folder.display());
    if let Ok(folder) = folder.canonicalize() {
        println!("cargo::rustc-cfg=fixtures");
        println!(
            "cargo::rustc-env=PERMAFROST_FIXTURES_DIR={}",
            folder.display()
        );
    }
}
