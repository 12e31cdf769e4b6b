//! The enclave images that `scripts/image` made: their content, their measurements, and what they must not contain.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that fails should stop, in its helpers too"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use permafrost_image::cpio;
use permafrost_image::describe::describe;
use permafrost_image::eif::{Eif, Kind};
use permafrost_image::image::{COMMAND_LINE, Parts};
use permafrost_image::measurement::Pcrs;
use permafrost_tests::binaries;
use serde_json::Value;

/// The limit for the image, which an enclave loads into its memory, in bytes. The aim is 8 MiB: the client of DynamoDB and of IAM Roles Anywhere
/// took the image beyond it.
const IMAGE_MAX: usize = 8_600_000;

/// The part of it for the program, beside a kernel of 2.2 MB and room for the kernel to grow.
const PROGRAM_MAX: usize = 6_400_000;

/// The two builds, and their Cargo features.
const BUILDS: [(&str, &[&str]); 2] = [
    ("production", &[]),
    ("unsigned", &["accept-unsigned-documents"]),
];

/// What only a program with the emulator contains: its root certificate's name, its messages and its code.
const EMULATOR: [&str; 3] = [
    "Permafrost DEVELOPMENT root",
    "DEVELOPMENT: the NSM is emulated",
    "nsm/emulator",
];

/// What only a program that accepts unsigned documents contains.
const UNSIGNED: [&str; 2] = [
    "accepted: unsigned documents of QEMU",
    "attestation documents are accepted unsigned",
];

#[test]
#[cfg_attr(not(images), ignore = "PERMAFROST_IMAGES not found")]
fn an_image_is_what_its_kernel_program_and_configuration_make() {
    for (build, _) in BUILDS {
        let made = parts(build).to_eif().to_bytes().unwrap();
        assert!(made == read(build, "permafrost.eif"), "{build}");
    }
}

#[test]
#[cfg_attr(not(images), ignore = "PERMAFROST_IMAGES not found")]
fn the_measurements_beside_an_image_are_those_that_it_has() {
    for (build, _) in BUILDS {
        let published = read(build, "pcrs.json");
        let eif = image(build);
        assert_eq!(Pcrs::of(&eif).to_json().as_bytes(), published, "{build}");
        let described = describe(&eif).unwrap();
        let json: Value = serde_json::from_slice(&published).unwrap();
        for pcr in ["PCR0", "PCR1", "PCR2"] {
            let value = json["Measurements"][pcr].as_str().unwrap();
            assert!(described.contains(value), "{build}: {pcr} in {described}");
        }
    }
}

#[test]
#[cfg_attr(not(images), ignore = "PERMAFROST_IMAGES not found")]
fn an_image_holds_the_program_and_the_configuration_and_no_other_file() {
    for (build, _) in BUILDS {
        let eif = image(build);
        let kinds: Vec<Kind> = eif.sections.iter().map(|section| section.kind).collect();
        assert_eq!(
            kinds,
            [
                Kind::Kernel,
                Kind::CommandLine,
                Kind::Metadata,
                Kind::Ramdisk,
                Kind::Ramdisk
            ]
        );
        assert_eq!(
            eif.sections[1].content,
            COMMAND_LINE.trim_end().as_bytes(),
            "{build}"
        );
        let files = |section: usize| -> Vec<(String, u32, Vec<u8>)> {
            cpio::entries(&eif.sections[section].content)
                .unwrap()
                .into_iter()
                .map(|entry| (entry.path.to_owned(), entry.mode, entry.content.to_vec()))
                .collect()
        };
        let program = read(build, "permafrost-enclave");
        assert!(
            files(3) == [("init".to_owned(), 0o100_555, program)],
            "{build}"
        );
        let configuration = read(build, "enclave.toml");
        assert_eq!(
            files(4),
            [
                ("config".to_owned(), 0o040_555, Vec::new()),
                ("config/enclave.toml".to_owned(), 0o100_444, configuration),
            ],
            "{build}"
        );
    }
}

#[test]
#[cfg_attr(not(images), ignore = "PERMAFROST_IMAGES not found")]
fn one_byte_of_configuration_changes_pcr0_and_pcr2_and_not_pcr1() {
    let mut parts = parts("production");
    let before = Pcrs::of(&parts.to_eif());
    *parts.configuration.last_mut().unwrap() ^= 1;
    let after = Pcrs::of(&parts.to_eif());
    assert_ne!(before.image, after.image);
    assert_eq!(before.code, after.code);
    assert_ne!(before.configuration, after.configuration);
}

#[test]
#[cfg_attr(not(images), ignore = "PERMAFROST_IMAGES not found")]
fn one_byte_of_program_kernel_or_command_line_changes_pcr0_and_pcr1_and_not_pcr2() {
    let eif = image("production");
    let before = Pcrs::of(&eif);
    // Kernel, command line and first ramdisk.
    for section in [0, 1, 3] {
        let mut changed = eif.clone();
        let content = &mut changed.sections[section].content;
        let middle = content.len() / 2;
        content[middle] ^= 1;
        let after = Pcrs::of(&changed);
        assert_ne!(before.image, after.image, "section {section}");
        assert_ne!(before.code, after.code, "section {section}");
        assert_eq!(
            before.configuration, after.configuration,
            "section {section}"
        );
    }
}

#[test]
#[cfg_attr(not(images), ignore = "PERMAFROST_IMAGES not found")]
fn another_flavour_of_the_program_is_other_code_with_the_same_configuration() {
    let mut production = parts("production");
    production.configuration = parts("unsigned").configuration;
    let (one, other) = (Pcrs::of(&production.to_eif()), Pcrs::of(&image("unsigned")));
    assert_ne!(one.code, other.code);
    assert_eq!(one.configuration, other.configuration);
}

#[test]
#[cfg_attr(not(images), ignore = "PERMAFROST_IMAGES not found")]
fn image_and_program_are_within_their_size_limits() {
    for (build, _) in BUILDS {
        for (file, most) in [
            ("permafrost.eif", IMAGE_MAX),
            ("permafrost-enclave", PROGRAM_MAX),
        ] {
            let length = read(build, file).len();
            assert!(
                length <= most,
                "{build}/{file}: {length} bytes, at most {most}"
            );
        }
    }
}

#[test]
#[cfg_attr(not(images), ignore = "PERMAFROST_IMAGES not found")]
fn the_program_needs_no_other_file_to_run() {
    for (build, _) in BUILDS {
        let program = read(build, "permafrost-enclave");
        let segments = segments(&program);
        assert!(
            segments.iter().all(|segment| segment.kind != INTERPRETER),
            "{build} needs a loader"
        );
        for segment in segments.iter().filter(|segment| segment.kind == DYNAMIC) {
            let tags: Vec<u64> = program[segment.offset..][..segment.length]
                .chunks_exact(16)
                .map(|entry| number(&entry[..8]))
                .collect();
            assert!(!tags.is_empty());
            assert!(!tags.contains(&NEEDED), "{build} needs a library");
        }
    }
}

#[test]
#[cfg_attr(not(images), ignore = "PERMAFROST_IMAGES not found")]
fn no_memory_of_the_program_is_writable_and_executable_and_its_addresses_may_be_random() {
    for (build, _) in BUILDS {
        let program = read(build, "permafrost-enclave");
        assert_eq!(number(&program[16..18]), POSITION_INDEPENDENT, "{build}");
        let segments = segments(&program);
        assert!(segments.iter().any(|segment| segment.kind == STACK));
        for segment in segments {
            assert_ne!(segment.flags & WRITABLE_EXECUTABLE, WRITABLE_EXECUTABLE);
        }
    }
}

#[test]
#[cfg_attr(not(images), ignore = "PERMAFROST_IMAGES not found")]
fn nothing_that_accepts_unsigned_documents_is_in_the_production_program() {
    let (production, unsigned) = (program("production"), program("unsigned"));
    for trace in UNSIGNED {
        assert!(holds(&unsigned, trace), "{trace:?} tells nothing");
        assert!(!holds(&production, trace), "{trace:?}");
    }
    for (program, said) in [(production, "production build"), (unsigned, "test build")] {
        let output = Command::new(program).arg("--version").output().unwrap();
        let version = String::from_utf8(output.stdout).unwrap();
        assert!(version.contains(said), "{version}");
    }
}

#[test]
#[cfg_attr(
    any(not(images), feature = "booted"),
    ignore = "PERMAFROST_IMAGES not found, or no program with the emulator"
)]
fn nothing_of_the_emulator_is_in_any_image() {
    let development = binaries::enclave();
    for trace in EMULATOR {
        assert!(holds(&development, trace), "{trace:?} tells nothing");
        for (build, _) in BUILDS {
            assert!(!holds(&program(build), trace), "{build}: {trace:?}");
        }
    }
}

#[test]
#[cfg_attr(not(images), ignore = "PERMAFROST_IMAGES not found")]
fn an_image_names_no_folder_of_the_machine_that_built_it() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let home = std::env::var("HOME").unwrap();
    for (build, _) in BUILDS {
        let path = program(build);
        // In place of a path there is the name that the build gives it.
        assert!(holds(&path, "/crates/"), "{build}");
        for machine in [
            workspace.to_str().unwrap(),
            &format!("{home}/."),
            ".cargo/",
            ".rustup/",
            "registry/src",
        ] {
            assert!(!holds(&path, machine), "{build}: {machine}");
        }
    }
}

#[test]
#[cfg_attr(not(images), ignore = "PERMAFROST_IMAGES not found")]
fn the_manifest_lists_what_went_into_an_image() {
    for (build, features) in BUILDS {
        let manifest: Value = serde_json::from_slice(&read(build, "manifest.json")).unwrap();
        for (part, file) in [
            ("kernel", "bzImage"),
            ("program", "permafrost-enclave"),
            ("configuration", "enclave.toml"),
        ] {
            let bytes = fs::metadata(at(build, file)).unwrap().len();
            assert_eq!(manifest[part]["bytes"], bytes, "{build}");
            assert_eq!(manifest[part]["sha256"], sha256(build, file), "{build}");
        }
        assert_eq!(manifest["features"], Value::from(features), "{build}");
        let compilers = manifest["compilers"].as_array().unwrap();
        for name in ["rustc 1.", "gcc ", "GNU ld ", "musl "] {
            assert!(
                compilers
                    .iter()
                    .any(|compiler| compiler.as_str().unwrap().contains(name)),
                "{build}: {name} in {compilers:?}"
            );
        }
        let sources = manifest["kernel_sources"].as_object().unwrap();
        let source = fs::read_to_string(workspace_file("image/kernel.source")).unwrap();
        assert!(
            sources.values().any(|file| {
                source.contains(&format!("sha256={}", file["sha256"].as_str().unwrap()))
            }),
            "{build}: {sources:?}"
        );
        assert!(sources.contains_key("kernel.config"), "{build}");
        assert!(sources.contains_key("vsock-replies.patch"), "{build}");
    }
}

fn at(build: &str, file: &str) -> PathBuf {
    Path::new(env!("PERMAFROST_IMAGES_DIR"))
        .join(build)
        .join(file)
}

fn workspace_file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

fn read(build: &str, file: &str) -> Vec<u8> {
    let path = at(build, file);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn image(build: &str) -> Eif {
    Eif::from_bytes(&read(build, "permafrost.eif")).unwrap()
}

fn parts(build: &str) -> Parts {
    Parts {
        kernel: read(build, "bzImage"),
        program: read(build, "permafrost-enclave"),
        configuration: read(build, "enclave.toml"),
    }
}

fn program(build: &str) -> PathBuf {
    at(build, "permafrost-enclave")
}

fn holds(program: &Path, text: &str) -> bool {
    // Optimised, unlike a search through windows of bytes.
    String::from_utf8_lossy(&fs::read(program).unwrap()).contains(text)
}

/// By another tool than the one that wrote the manifest.
fn sha256(build: &str, file: &str) -> String {
    let output = Command::new("sha256sum")
        .arg(at(build, file))
        .output()
        .unwrap();
    let line = String::from_utf8(output.stdout).unwrap();
    line.split_whitespace().next().unwrap().to_owned()
}

/// A row of an ELF file's program header (ELF-64 object file format, version 1.5, page 14).
struct Segment {
    kind: u64,
    flags: u64,
    offset: usize,
    length: usize,
}

/// The program header of a 64-bit little-endian ELF file.
fn segments(program: &[u8]) -> Vec<Segment> {
    assert_eq!(&program[..6], b"\x7fELF\x02\x01");
    let table = &program[number(&program[32..40]) as usize..];
    let size = number(&program[54..56]) as usize;
    let count = number(&program[56..58]) as usize;
    assert!(count > 0);
    table
        .chunks_exact(size)
        .take(count)
        .map(|row| Segment {
            kind: number(&row[..4]),
            flags: number(&row[4..8]),
            offset: number(&row[8..16]) as usize,
            length: number(&row[32..40]) as usize,
        })
        .collect()
}

fn number(little_endian: &[u8]) -> u64 {
    little_endian
        .iter()
        .rev()
        .fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// The type of a file whose addresses the kernel chooses.
const POSITION_INDEPENDENT: u64 = 3;
const DYNAMIC: u64 = 2;
const INTERPRETER: u64 = 3;
const STACK: u64 = 0x6474_e551;
const WRITABLE_EXECUTABLE: u64 = 2 | 1;
const NEEDED: u64 = 1;
