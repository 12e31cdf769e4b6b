//! Writes an attestation document of the emulator into a folder, with the root and the measurements to verify it by:
//! `cargo run -p permafrost-enclave --features emulator --example development-document -- FOLDER`.
//!
//! The clock stands at 2026-01-01, so the document has long expired. The example of `permafrost_common::attestation`
//! was made by this program.

use std::{
    error::Error,
    fmt::Write,
    fs,
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime},
};

use permafrost_enclave::nsm::{
    Nsm,
    emulator::{Emulator, Measured, ROOT_FILE},
};

/// 2026-01-01T00:00:00Z, in seconds since 1970.
const MADE: u64 = 1_767_225_600;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::args_os().nth(1).ok_or("usage: FOLDER")?);
    let state_dir = tempfile::tempdir()?;
    let measured = Measured::of(b"an executable".as_slice(), b"its configuration")?;
    let made = SystemTime::UNIX_EPOCH + Duration::from_secs(MADE);
    let emulator = Emulator::start_at(state_dir.path(), measured, Arc::new(move || made))?;

    let document = Nsm::new(emulator).attest(None, Some(b"example"), None)?;
    let mut measurements =
        String::from("{\n  \"Measurements\": {\n    \"HashAlgorithm\": \"Sha384 { ... }\"");
    for (index, value) in measured.measurements().iter() {
        write!(
            measurements,
            ",\n    \"PCR{index}\": \"{}\"",
            hex::encode(value)
        )?;
    }
    measurements.push_str("\n  }\n}\n");

    fs::create_dir_all(&folder)?;
    fs::write(folder.join("document.cbor"), document)?;
    fs::write(folder.join("measurements.json"), measurements)?;
    fs::copy(state_dir.path().join(ROOT_FILE), folder.join("root.pem"))?;
    Ok(())
}
