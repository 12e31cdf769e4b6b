//! `permafrost-image`: builds, describes and measures enclave images.

#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use permafrost_enclave::config::Config;
use permafrost_image::describe::describe;
use permafrost_image::eif::Eif;
use permafrost_image::image::{Parts, configuration_ramdisk};
use permafrost_image::manifest::{Ingredient, Manifest, Origin};
use permafrost_image::measurement::{self, Pcrs};

/// Builds, describes and measures Permafrost's enclave image.
#[derive(Parser)]
#[command(version, max_term_width = 100)]
enum Command {
    /// Build an image: FOLDER/permafrost.eif, its measurements in pcrs.json, and what it was built from in manifest.json
    Build {
        /// The kernel, a bzImage
        #[arg(long, value_name = "FILE")]
        kernel: PathBuf,
        /// The static enclave program
        #[arg(long, value_name = "FILE")]
        program: PathBuf,
        /// The measured configuration. What the enclave would refuse at boot is refused here
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// The folder for the three files; created if it is missing
        #[arg(long, value_name = "FOLDER")]
        output: PathBuf,
        /// A file that the kernel was built from, for the manifest; may be repeated
        #[arg(long, value_name = "FILE")]
        kernel_source: Vec<PathBuf>,
        /// A Cargo feature of the program, for the manifest; may be repeated
        #[arg(long, value_name = "NAME")]
        feature: Vec<String>,
        /// A compiler, linker or library that the kernel or program was built with, for the manifest; may be repeated
        #[arg(long, value_name = "NAME AND VERSION")]
        compiler: Vec<String>,
    },
    /// Show what is in an image, and compute its PCRs
    Describe {
        /// The image, an EIF file
        image: PathBuf,
        /// Print only the PCRs, as JSON in the form of nitro-cli
        #[arg(long)]
        json: bool,
    },
    /// Print the PCR2 that every image with this configuration has
    Measure {
        /// The measured configuration
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
}

fn main() -> ExitCode {
    match run(Command::parse()) {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("permafrost-image: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<String, String> {
    match command {
        Command::Build {
            kernel,
            program,
            config,
            output,
            kernel_source,
            feature,
            compiler,
        } => {
            let parts = Parts {
                kernel: read(&kernel)?,
                program: read(&program)?,
                configuration: read_configuration(&config)?,
            };
            let origin = Origin {
                kernel_sources: ingredients(&kernel_source)?,
                features: feature,
                compilers: compiler,
            };
            build(&parts, origin, &output)
        }
        Command::Describe { image, json } => {
            let eif = Eif::from_bytes(&read(&image)?)
                .map_err(|error| format!("{}: {error}", image.display()))?;
            if json {
                return Ok(Pcrs::of(&eif).to_json());
            }
            describe(&eif).map_err(|error| format!("{}: {error}", image.display()))
        }
        Command::Measure { config } => {
            let ramdisk = configuration_ramdisk(&read_configuration(&config)?);
            Ok(format!(
                "{}\n",
                hex::encode(measurement::of_configuration(&ramdisk))
            ))
        }
    }
}

/// Writes the three files, and returns the content of pcrs.json.
fn build(parts: &Parts, origin: Origin, output: &Path) -> Result<String, String> {
    let eif = parts.to_eif();
    let pcrs = Pcrs::of(&eif).to_json();
    let image = eif.to_bytes().map_err(|error| error.to_string())?;
    fs::create_dir_all(output).map_err(|error| format!("{}: {error}", output.display()))?;
    write(&output.join("permafrost.eif"), &image)?;
    write(&output.join("pcrs.json"), pcrs.as_bytes())?;
    let manifest = Manifest {
        origin: Some(origin),
        ..Manifest::of(parts)
    };
    write(&output.join("manifest.json"), manifest.to_json().as_bytes())?;
    Ok(pcrs)
}

/// Reads a configuration, and refuses one that the enclave would refuse.
fn read_configuration(path: &Path) -> Result<Vec<u8>, String> {
    let bytes = read(path)?;
    Config::parse(&bytes).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(bytes)
}

fn ingredients(paths: &[PathBuf]) -> Result<BTreeMap<String, Ingredient>, String> {
    let mut ingredients = BTreeMap::new();
    for path in paths {
        let name = path.file_name().unwrap_or(path.as_os_str());
        ingredients.insert(
            name.to_string_lossy().into_owned(),
            Ingredient::of(&read(path)?),
        );
    }
    Ok(ingredients)
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()))
}

fn write(path: &Path, content: &[u8]) -> Result<(), String> {
    fs::write(path, content).map_err(|error| format!("cannot write {}: {error}", path.display()))
}
