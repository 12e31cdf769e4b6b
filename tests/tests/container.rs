//! The image of `Dockerfile.enclave`, for `nitro-cli build-enclave`.

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

use serde_json::Value;

#[test]
#[cfg_attr(not(images), ignore = "PERMAFROST_IMAGES not found")]
fn the_container_is_one_layer_of_the_images_own_program_and_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let container = Container::build(folder.path());
    let mut layers = container.layers();
    assert_eq!(layers.len(), 1, "{layers:?}");
    let layer = layers.remove(0);
    let listed = run(Command::new("tar").args(["-tvf"]).arg(&layer));
    let listed: Vec<Vec<&str>> = listed
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    let named: Vec<(&str, &str, &str)> = listed
        .iter()
        .map(|row| (row[0], row[1], *row.last().unwrap()))
        .collect();
    assert_eq!(
        named,
        [
            ("-rw-r--r--", "0/0", "enclave.toml"),
            ("-rwxr-xr-x", "0/0", "permafrost-enclave"),
        ]
    );
    let unpacked = folder.path().join("unpacked");
    fs::create_dir(&unpacked).unwrap();
    run(Command::new("tar")
        .arg("-xf")
        .arg(&layer)
        .arg("-C")
        .arg(&unpacked));
    for file in ["permafrost-enclave", "enclave.toml"] {
        let (inside, beside) = (
            fs::read(unpacked.join(file)),
            fs::read(production().join(file)),
        );
        assert!(inside.unwrap() == beside.unwrap(), "{file}");
    }
}

#[test]
#[cfg_attr(not(images), ignore = "PERMAFROST_IMAGES not found")]
fn the_container_starts_the_program_with_its_configuration_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let container = Container::build(folder.path());
    let config = &container.config()["config"];
    assert_eq!(
        config["Cmd"],
        serde_json::json!([
            "/permafrost-enclave",
            "--config",
            "/enclave.toml",
            "--log",
            "vsock://3:5003"
        ])
    );
    assert_eq!(config["Env"], serde_json::json!(["PATH=/"]));
    assert_eq!(config["Entrypoint"], Value::Null);
}

#[test]
#[cfg_attr(not(images), ignore = "PERMAFROST_IMAGES not found")]
fn two_builds_of_the_container_have_the_same_digests() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    // The second is made of a copy with later times, in another place.
    let copy = other.path().join("copied");
    fs::create_dir(&copy).unwrap();
    for file in ["permafrost-enclave", "enclave.toml"] {
        fs::copy(production().join(file), copy.join(file)).unwrap();
    }
    let one = Container::build(one.path());
    let other = Container::build_from(&copy, other.path());
    assert_eq!(
        one.config()["rootfs"]["diff_ids"],
        other.config()["rootfs"]["diff_ids"]
    );
    assert_eq!(one.manifest(), other.manifest());
}

/// An image in an OCI layout (OCI image format specification 1.0, `image-layout.md`).
struct Container {
    layout: PathBuf,
}

impl Container {
    fn build(folder: &Path) -> Self {
        Self::build_from(&production(), folder)
    }

    /// With buildah, without a registry; everything that it writes is in `folder`.
    fn build_from(context: &Path, folder: &Path) -> Self {
        let layout = folder.join("oci");
        let buildah = || {
            let mut command = Command::new("buildah");
            command
                .arg("--root")
                .arg(folder.join("root"))
                .arg("--runroot")
                .arg(folder.join("run"))
                .args(["--storage-driver", "vfs"]);
            command
        };
        run(buildah()
            .args([
                "build",
                "--isolation",
                "chroot",
                "--pull-never",
                "--timestamp",
                "0",
            ])
            .args(["--tag", "enclave", "--file"])
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../Dockerfile.enclave"))
            .arg(context));
        run(buildah()
            .args(["push", "enclave"])
            .arg(format!("oci:{}", layout.display())));
        Self { layout }
    }

    fn manifest(&self) -> Value {
        let index = fs::read(self.layout.join("index.json")).unwrap();
        let index: Value = serde_json::from_slice(&index).unwrap();
        assert_eq!(index["manifests"].as_array().unwrap().len(), 1);
        self.json(&index["manifests"][0])
    }

    fn config(&self) -> Value {
        self.json(&self.manifest()["config"])
    }

    fn layers(&self) -> Vec<PathBuf> {
        let manifest = self.manifest();
        let layers = manifest["layers"].as_array().unwrap();
        layers.iter().map(|layer| self.blob(layer)).collect()
    }

    fn json(&self, descriptor: &Value) -> Value {
        serde_json::from_slice(&fs::read(self.blob(descriptor)).unwrap()).unwrap()
    }

    fn blob(&self, descriptor: &Value) -> PathBuf {
        let digest = descriptor["digest"].as_str().unwrap();
        let sha256 = digest.strip_prefix("sha256:").unwrap();
        self.layout.join("blobs/sha256").join(sha256)
    }
}

fn production() -> PathBuf {
    Path::new(env!("PERMAFROST_IMAGES_DIR")).join("production")
}

/// Runs a program that must succeed, and gives what it printed.
fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| {
        panic!("{command:?}: {error}. `scripts/setup container` installs buildah")
    });
    assert!(output.status.success(), "{command:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}
