//! The enclave image in a virtual machine like Nitro's: what `scripts/image` made, started by `scripts/boot`.

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use permafrost_common::attestation::Measurements;
use permafrost_image::eif::Eif;
use permafrost_image::image::Parts;
use permafrost_image::measurement::Pcrs;
use rustix::process::{Pid, Signal, kill_process};

/// A virtual machine that runs. It ends with this value, and by itself after twenty minutes.
pub struct VirtualMachine {
    script: Child,
    folder: PathBuf,
}

/// The port at which the enclave listens.
const API: u32 = 5000;

/// When a machine that no test ended ends by itself, in seconds.
const SECONDS: &str = "1200";

impl VirtualMachine {
    /// Boots an image. What the machine leaves is in `folder`: `console.log`, `vsock.sock` and the logs of its programs.
    pub fn boot(image: &Path, folder: &Path) -> Self {
        let mut script = Command::new(repository().join("scripts/boot"))
            .arg(image)
            .arg(folder)
            .arg(SECONDS)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("scripts/boot starts");
        // The script's only line: its kernel runs.
        let mut address = String::new();
        let told = script.stdout.take().expect("it was piped");
        BufReader::new(told)
            .read_line(&mut address)
            .expect("scripts/boot answers");
        let machine = Self {
            script,
            folder: folder.to_owned(),
        };
        assert_eq!(address.trim_end(), machine_address(folder));
        machine
    }

    /// Connects to a port of the enclave's; an error if nothing there accepts.
    pub fn connect(&self, port: u32) -> io::Result<UnixStream> {
        connect(&self.folder, port)
    }

    /// Everything on its console.
    pub fn console(&self) -> String {
        let bytes = fs::read(self.folder.join("console.log")).expect("a console");
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The process to end for the machine to end.
    pub(crate) fn id(&self) -> u32 {
        self.script.id()
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        let status = self.script.try_wait().expect("a child has a status");
        status.is_some()
    }
}

impl Drop for VirtualMachine {
    fn drop(&mut self) {
        // The script ends its two programs, and no other.
        if let Ok(None) = self.script.try_wait() {
            let _it_may_have_ended_now = kill_process(Pid::from_child(&self.script), Signal::TERM);
        }
        self.script.wait().expect("scripts/boot ends");
    }
}

/// Makes an image of this program and this configuration, with the kernel of [`images`], and says what its documents
/// will have.
pub fn make_image(program: &Path, configuration: &str, image: &Path) -> Measurements {
    let eif = eif(program, configuration);
    let bytes = eif.to_bytes().expect("an image");
    fs::write(image, bytes).expect("an image is written");
    measurements(&eif)
}

/// What an image of this program and this configuration has in its documents.
pub fn image_measurements(program: &Path, configuration: &str) -> Measurements {
    measurements(&eif(program, configuration))
}

/// Where the images are that `scripts/test` has built: `production` and `unsigned`, each with its parts.
///
/// The configuration of an image is a test's own, so tests make images from the parts of `unsigned`.
pub fn images() -> PathBuf {
    let folder = PathBuf::from(env!("PERMAFROST_IMAGES_DIR"));
    assert!(
        folder.is_dir(),
        "there are no images: set PERMAFROST_IMAGES to the folder that scripts/test builds, target/image"
    );
    folder
}

/// The address of the API of the machine in this folder.
pub fn machine_address(folder: &Path) -> String {
    format!("vsock+unix:{}:{API}", folder.join("vsock.sock").display())
}

/// Connects to a port of the machine in this folder, as vhost-device-vsock wants it done.
pub fn connect(folder: &Path, port: u32) -> io::Result<UnixStream> {
    let mut stream = UnixStream::connect(folder.join("vsock.sock"))?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    stream.write_all(format!("CONNECT {port}\n").as_bytes())?;
    // Byte by byte: what follows the line is the enclave's.
    let (mut response, mut byte) = (Vec::new(), [0]);
    while stream.read(&mut byte)? == 1 && byte != *b"\n" {
        response.extend(byte);
    }
    stream.set_read_timeout(None)?;
    match response.starts_with(b"OK ") {
        true => Ok(stream),
        false => Err(io::ErrorKind::ConnectionRefused.into()),
    }
}

fn eif(program: &Path, configuration: &str) -> Eif {
    let read = |path: &Path| fs::read(path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
    Parts {
        kernel: read(&images().join("unsigned/bzImage")),
        program: read(program),
        configuration: configuration.into(),
    }
    .to_eif()
}

fn measurements(eif: &Eif) -> Measurements {
    Measurements::from_json(&Pcrs::of(eif).to_json()).expect("measurements")
}

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the workspace")
}
