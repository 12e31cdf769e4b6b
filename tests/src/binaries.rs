//! Where the built programs are: beside the tests, as `cargo build --workspace` and `cargo test --workspace` leave them.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::virtual_machine;

/// The enclave program, built with the emulated NSM; with the feature `booted` the one of the image that believes QEMU's.
pub fn enclave() -> PathBuf {
    match cfg!(feature = "booted") {
        true => virtual_machine::images().join("unsigned/permafrost-enclave"),
        false => built("permafrost-enclave"),
    }
}

/// The enclave program as it is in the image, static, but with the emulated NSM.
///
/// # Panics
/// When `PERMAFROST_MEASURED_PROGRAM` does not name it: another program would have other figures.
pub fn measured_enclave() -> PathBuf {
    let path = std::env::var_os("PERMAFROST_MEASURED_PROGRAM").map(PathBuf::from);
    match path {
        Some(path) if path.is_file() => path,
        _ => panic!(
            "PERMAFROST_MEASURED_PROGRAM is {path:?}; expected what `scripts/program --emulator` prints"
        ),
    }
}

/// The parent program.
pub fn parent() -> PathBuf {
    built("permafrost")
}

/// An example of the Rust client.
///
/// # Panics
/// When it is not built.
pub fn example(name: &str) -> PathBuf {
    let path = profile().join("examples").join(name);
    assert!(
        path.is_file(),
        "{} is not there: run `cargo build --workspace --examples` first",
        path.display()
    );
    path
}

/// A program as it is deployed but for the optimisation: cargo builds this package with these arguments, and leaves the program in
/// `target/production`. What it has in common with the other builds is compiled once.
pub fn production(package: &str, arguments: &[&str]) -> PathBuf {
    let beside = built(package);
    let target = beside
        .ancestors()
        .nth(2)
        .expect("programs are in target/PROFILE");
    let production = target.join("production");
    eprintln!(
        "building {package} {arguments:?} as {}",
        production.display()
    );
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["build", "--locked", "--offline", "-p", package])
        .args(arguments)
        .arg("--target-dir")
        .arg(&production)
        .env("CARGO_BUILD_BUILD_DIR", target)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()
        .expect("cargo");
    assert!(status.success(), "the production build of {package} fails");
    production.join("debug").join(package)
}

/// Makes another executable of the enclave program, in `folder`, with `addition` after its last byte, so that it does the same
/// but is measured as other code.
pub fn another_enclave(folder: &Path, addition: &str) -> PathBuf {
    let path = folder.join(format!("permafrost-enclave-{addition}"));
    // Another process writes the file: a file that this process has open for writing cannot be run, and a child that another
    // thread starts meanwhile would keep it open.
    let mut shell = Command::new("sh")
        .args(["-c", "cat \"$0\" - > \"$1\" && chmod +x \"$1\""])
        .arg(enclave())
        .arg(&path)
        .stdin(Stdio::piped())
        .spawn()
        .expect("a shell");
    let mut stdin = shell.stdin.take().expect("its standard input");
    stdin.write_all(addition.as_bytes()).expect("it reads");
    drop(stdin);
    assert!(shell.wait().expect("it ends").success());
    path
}

fn built(name: &str) -> PathBuf {
    let path = profile().join(name);
    assert!(
        path.is_file(),
        "{} is not there: run `cargo build --workspace` first",
        path.display()
    );
    path
}

/// The folder `target/PROFILE` that this test was built in.
fn profile() -> PathBuf {
    let test = std::env::current_exe().expect("a test has a path");
    test.ancestors()
        .find(|folder| folder.join("deps").is_dir())
        .expect("tests are in a folder of target/PROFILE")
        .to_owned()
}
