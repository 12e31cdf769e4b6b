//! The build script of every crate whose tests need the published test data: `PERMAFROST_FIXTURES`, else `../shared/fixtures`
//! beside the workspace.
//!
//! With it, `cfg(fixtures)` is set; without it, those tests are counted as ignored. `PERMAFROST_FIXTURES_DIR` names the folder.

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
    if folder.is_dir() {
        println!("cargo::rustc-cfg=fixtures");
    }
    println!(
        "cargo::rustc-env=PERMAFROST_FIXTURES_DIR={}",
        folder.display()
    );
}
