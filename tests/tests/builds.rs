//! What is in a build and what is not: the `permafrost` that is deployed has nothing for development, and the builds of a checkout
//! share what they compile.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that fails should stop, in its helpers too"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

use permafrost_tests::binaries;
use tempfile::TempDir;

/// The commands that only a development build has.
const DEVELOPMENT_COMMANDS: [&str; 3] = ["dev", "demo", "kms-emulator"];

/// What the program is built with for the parent instance, here and in docs/deploy.md.
const DEPLOYED: [&str; 1] = ["--no-default-features"];

/// What the demo builds.
const DEMO: [&str; 6] = [
    "-p",
    "permafrost",
    "-p",
    "permafrost-enclave",
    "--features",
    "permafrost-enclave/emulator",
];

/// Crates that only the commands for development need.
const DEVELOPMENT_CRATES: [&str; 6] = [
    "bitcoin",
    "nostr",
    "rcgen",
    "secp256k1",
    "secp256k1-sys",
    "tempfile",
];

/// What is in a program that can emulate a KMS, launch an enclave that emulates its NSM, or run the demo.
const TRACES: [&str; 4] = [
    "this is a DEVELOPMENT KMS",
    "The measured configuration of the development enclave",
    "running the demo",
    "/rcgen-",
];

#[test]
fn the_deployed_program_has_no_command_for_development() {
    let help = run(deployed(), &["--help"]);
    assert!(help.status.success(), "{help:?}");
    let help = String::from_utf8(help.stdout).unwrap();
    assert!(help.contains("\n  serve "), "{help}");
    for command in DEVELOPMENT_COMMANDS {
        assert!(!help.contains(&format!("\n  {command} ")), "{help}");
        for arguments in [&[command][..], &[command, "--help"], &["help", command]] {
            let output = run(deployed(), arguments);
            assert_eq!(output.status.code(), Some(2), "{arguments:?}: {output:?}");
            assert!(output.stdout.is_empty(), "{arguments:?}: {output:?}");
            let said = String::from_utf8(output.stderr).unwrap();
            for named in [
                &format!("unrecognized subcommand '{command}'"),
                "this is a production build",
                "cargo build -p permafrost ",
            ] {
                assert!(said.contains(named), "{arguments:?}: {said}");
            }
        }
        let here = run(&binaries::parent(), &[command, "--help"]);
        assert!(here.status.success(), "{command}: {here:?}");
    }
}

#[test]
fn each_program_says_which_build_it_is() {
    for (program, kind) in [
        (deployed(), "production build"),
        (&binaries::parent(), "development build"),
    ] {
        let output = run(program, &["--version"]);
        assert!(output.status.success(), "{output:?}");
        let version = String::from_utf8(output.stdout).unwrap();
        assert!(version.contains(kind), "{version}");
    }
}

#[test]
fn only_a_production_build_can_be_installed() {
    let folder = TempDir::new().unwrap();
    let (bundle, root) = (folder.path().join("bundle"), folder.path().join("root"));
    let copied = Command::new("cp")
        .arg("-r")
        .arg(repository().join("deploy"))
        .arg(&bundle)
        .status();
    assert!(copied.unwrap().success());
    fs::write(bundle.join("permafrost.eif"), "").unwrap();
    let program = bundle.join("permafrost");
    let install = || {
        Command::new(bundle.join("install"))
            .arg("--root")
            .arg(&root)
            .output()
            .unwrap()
    };

    symlink(binaries::parent(), &program).unwrap();
    let output = install();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    for named in [
        "(development build",
        "expected a production build",
        "--no-default-features",
    ] {
        assert!(said.contains(named), "{said}");
    }
    assert!(!root.exists());

    fs::remove_file(&program).unwrap();
    symlink(deployed(), &program).unwrap();
    let output = install();
    assert!(output.status.success(), "{output:?}");
    let installed = fs::read(root.join("usr/local/bin/permafrost")).unwrap();
    assert!(installed == fs::read(deployed()).unwrap());
}

#[test]
fn nothing_for_development_is_in_the_deployed_program() {
    for trace in TRACES {
        assert!(
            holds(&binaries::parent(), trace),
            "{trace:?} is in no program"
        );
        assert!(!holds(deployed(), trace), "{trace:?}");
    }
}

#[test]
fn the_deployed_program_links_no_crate_for_development() {
    let of = |arguments: &[&str]| {
        let mut all = vec!["-p", "permafrost", "--edges", "normal"];
        all.extend(arguments);
        crates(&all).into_keys().collect::<BTreeSet<_>>()
    };
    let (deployed, development) = (of(&DEPLOYED), of(&[]));
    assert!(deployed.contains("permafrost-kms"), "{deployed:?}");
    for name in DEVELOPMENT_CRATES {
        assert!(development.contains(name), "{name} is in no program");
        assert!(!deployed.contains(name), "{name}");
    }
}

#[test]
fn the_tests_take_the_dependencies_that_the_demo_has_compiled() {
    let demo = crates(&[&["--edges", "normal,build"], &DEMO[..]].concat());
    let tests = crates(&["--workspace", "--edges", "normal,build,dev"]);
    for (name, built) in demo {
        let compiled_anew: Vec<_> = built.difference(&tests[&name]).collect();
        // Of the workspace's own, the tests build one with more features.
        assert!(
            compiled_anew.is_empty() || name == "permafrost-common",
            "{name} is compiled anew for the tests, whose crates ask for other features of it: {compiled_anew:?}, then {:?}. \
             The workspace's Cargo.toml has a list for that",
            tests[&name]
        );
    }
}

/// The program as it is deployed.
fn deployed() -> &'static Path {
    static BUILT: LazyLock<PathBuf> =
        LazyLock::new(|| binaries::production("permafrost", &DEPLOYED));
    &BUILT
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn run(program: &Path, arguments: &[&str]) -> Output {
    Command::new(program).args(arguments).output().unwrap()
}

fn holds(program: &Path, text: &str) -> bool {
    let bytes = fs::read(program).unwrap();
    bytes
        .windows(text.len())
        .any(|window| window == text.as_bytes())
}

/// The crates of a build by name, each with its versions and their features as `cargo tree` tells them.
fn crates(arguments: &[&str]) -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["tree", "--locked", "--offline", "--prefix", "none"])
        .args(["--no-dedupe", "--format", "{p} with {f}"])
        .args(arguments)
        .current_dir(repository())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let mut crates = BTreeMap::<_, BTreeSet<_>>::new();
    let listed = String::from_utf8(output.stdout).unwrap();
    for line in listed.lines().filter(|line| !line.is_empty()) {
        let (name, version_and_features) = line.split_once(' ').unwrap();
        crates
            .entry(name.to_owned())
            .or_default()
            .insert(version_and_features.to_owned());
    }
    crates
}
