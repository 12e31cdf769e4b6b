//! Finds the published test data (`PERMAFROST_FIXTURES`, else `../shared/fixtures` beside the workspace).
//!
//! Tests that need it are counted as ignored where it is absent.

use std::path::{Path, PathBuf};

fn main() {
    println!("cargo::rustc-check-cfg=cfg(fixtures)");
    println!("cargo::rerun-if-env-changed=PERMAFROST_FIXTURES");
    let folder = std::env::var_os("PERMAFROST_FIXTURES").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/fixtures"),
        PathBuf::from,
    );
    println!("cargo::rerun-if-changed={}", folder.display());
    if folder.is_dir() {
        println!("cargo::rustc-cfg=fixtures");
    }
    println!(
        "cargo::rustc-env=PERMAFROST_FIXTURES_DIR={}",
        folder.display()
    );
}
