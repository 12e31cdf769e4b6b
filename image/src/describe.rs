//! A description of an image, for a person to read.

use std::fmt::Write;

use sha2::{Digest, Sha256};

use crate::cpio::{self, CpioError};
use crate::eif::{Architecture, Eif, Kind};
use crate::image::CONFIGURATION;
use crate::measurement::Pcrs;

/// Describes an image: its sections with sizes in bytes and SHA-256, the command line, the files in its ramdisks, the
/// configuration, and the PCRs computed from it.
///
/// # Errors
///
/// [`CpioError`] for a ramdisk that is not a cpio archive.
pub fn describe(eif: &Eif) -> Result<String, CpioError> {
    let mut text = String::new();
    let architecture = match eif.architecture {
        Architecture::X86_64 => "x86_64",
        Architecture::Aarch64 => "aarch64",
    };
    line(
        &mut text,
        format_args!("EIF for {architecture}, CRC-32 as in its header"),
    );
    line(
        &mut text,
        format_args!(
            "by default {} MiB of memory and {} CPUs",
            eif.default_memory >> 20,
            eif.default_cpus
        ),
    );
    text.push_str("\nsections\n");
    let mut configuration = None;
    for section in &eif.sections {
        let content = &section.content;
        line(
            &mut text,
            format_args!(
                "  {:<13} {:>9} bytes  sha-256 {}",
                section.kind.name(),
                content.len(),
                hex::encode(Sha256::digest(content))
            ),
        );
        if section.kind != Kind::Ramdisk {
            continue;
        }
        for entry in cpio::entries(content)? {
            line(
                &mut text,
                format_args!(
                    "    {:>06o} {:>9}  /{}",
                    entry.mode,
                    entry.content.len(),
                    entry.path
                ),
            );
            if entry.path == CONFIGURATION {
                configuration = Some(entry.content.to_vec());
            }
        }
    }
    for section in eif.of_kind(Kind::CommandLine) {
        let command_line = String::from_utf8_lossy(&section.content);
        line(&mut text, format_args!("\ncommand line\n  {command_line}"));
    }
    if let Some(configuration) = configuration {
        line(&mut text, format_args!("\n/{CONFIGURATION}"));
        for row in String::from_utf8_lossy(&configuration).lines() {
            line(&mut text, format_args!("  {row}"));
        }
    }
    let pcrs = Pcrs::of(eif);
    text.push_str("\nmeasurements\n");
    for (name, value) in [
        ("PCR0, the image", pcrs.image),
        ("PCR1, the code", pcrs.code),
        ("PCR2, the configuration", pcrs.configuration),
    ] {
        line(
            &mut text,
            format_args!("  {name:<24} {}", hex::encode(value)),
        );
    }
    Ok(text)
}

fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{line}");
}
