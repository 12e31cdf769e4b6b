//! The build script of every crate whose tests need what a clone of this repository does not have.
//!
//! | what | where | `cfg` | its folder |
//! |---|---|---|---|
//! | published test data | `PERMAFROST_FIXTURES`, else `../shared/fixtures` beside the workspace | `fixtures` | `PERMAFROST_FIXTURES_DIR` |
//! | enclave images, as `scripts/image` makes them | `PERMAFROST_IMAGES` | `images` | `PERMAFROST_IMAGES_DIR` |
//!
//! Where there is none, the `cfg` is not set, and the tests that need it are counted as ignored.

use std::env;
use std::path::{Path, PathBuf};

fn main() {
    let fixtures = match env::var_os("PERMAFROST_FIXTURES") {
        Some(folder) => PathBuf::from(folder),
        None => PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default())
            .join("../../shared/fixtures"),
    };
    println!("cargo::rerun-if-changed={}", fixtures.display());
    tell("fixtures", "PERMAFROST_FIXTURES", &fixtures);
    let images = PathBuf::from(env::var_os("PERMAFROST_IMAGES").unwrap_or_default());
    // Once it is there, a new image in it is nothing to compile anew for: tests read it when they run.
    if !images.is_dir() && !images.as_os_str().is_empty() {
        println!("cargo::rerun-if-changed={}", images.display());
    }
    tell("images", "PERMAFROST_IMAGES", &images);
}

/// Sets `cfg` where the folder is, and `VARIABLE_DIR` in any case.
fn tell(cfg: &str, variable: &str, folder: &Path) {
    println!("cargo::rustc-check-cfg=cfg({cfg})");
    println!("cargo::rerun-if-env-changed={variable}");
    println!("cargo::rustc-env={variable}_DIR={}", folder.display());
    if folder.is_dir() {
        println!("cargo::rustc-cfg={cfg}");
    }
}
