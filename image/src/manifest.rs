//! What an image was built from, by digest.

use std::collections::BTreeMap;

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::image::{COMMAND_LINE, Parts};

/// What an image was built from. It is not measured: it helps to find out why two builds differ.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Manifest {
    /// The release, as in `Cargo.toml`.
    pub version: &'static str,
    /// The kernel's command line.
    pub command_line: &'static str,
    /// The bzImage.
    pub kernel: Ingredient,
    /// The static enclave program.
    pub program: Ingredient,
    /// The measured configuration.
    pub configuration: Ingredient,
    /// What the kernel and the program were built from and with, if whoever built them states it.
    #[serde(flatten)]
    pub origin: Option<Origin>,
}

/// What the kernel and the program were built from and with.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Origin {
    /// The kernel's source, configuration and patches, by the names of their files.
    pub kernel_sources: BTreeMap<String, Ingredient>,
    /// The Cargo features of the program. None in production.
    pub features: Vec<String>,
    /// Compilers, linkers and libraries, each as it names itself.
    pub compilers: Vec<String>,
}

/// A file that went into an image.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Ingredient {
    /// Its length, in bytes.
    pub bytes: usize,
    /// Its SHA-256, in hex.
    pub sha256: String,
}

impl Manifest {
    /// The manifest of an image made of these parts, without their origin.
    pub fn of(parts: &Parts) -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION"),
            command_line: COMMAND_LINE.trim_end(),
            kernel: Ingredient::of(&parts.kernel),
            program: Ingredient::of(&parts.program),
            configuration: Ingredient::of(&parts.configuration),
            origin: None,
        }
    }

    /// The manifest as JSON, a file to publish beside an image.
    pub fn to_json(&self) -> String {
        let json = serde_json::json!(self);
        format!("{json:#}\n")
    }

    /// The manifest as JSON, the image's section that `nitro-cli describe-eif` shows. It leaves the origin out, so that another
    /// compiler that makes the same parts makes the same image.
    pub fn to_metadata(&self) -> String {
        let metadata = Metadata {
            image_name: "permafrost",
            image_version: self.version,
            build_metadata: BuildMetadata {
                build_time: "1970-01-01T00:00:00Z",
                build_tool: env!("CARGO_PKG_NAME"),
                build_tool_version: self.version,
                operating_system: "none",
                kernel_version: "Linux",
            },
            docker_info: (),
            custom_metadata: serde_json::json!(Self {
                origin: None,
                ..self.clone()
            }),
        };
        // Only a map with keys other than strings, or a writer that fails, would be an error.
        serde_json::to_string(&metadata).unwrap_or_default()
    }
}

/// All fields are required, in this order (`aws-nitro-enclaves-image-format`, `EifIdentityInfo`). Fields that would differ
/// between builds are constant.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Metadata {
    image_name: &'static str,
    image_version: &'static str,
    build_metadata: BuildMetadata,
    docker_info: (),
    custom_metadata: serde_json::Value,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct BuildMetadata {
    build_time: &'static str,
    build_tool: &'static str,
    build_tool_version: &'static str,
    operating_system: &'static str,
    kernel_version: &'static str,
}

impl Ingredient {
    /// The entry for a file with this content.
    pub fn of(content: &[u8]) -> Self {
        Self {
            bytes: content.len(),
            sha256: hex::encode(Sha256::digest(content)),
        }
    }
}
