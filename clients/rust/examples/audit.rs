//! Verifies an attestation document that was kept, as of the time at which it was made.
//!
//! ```sh
//! cargo run -p permafrost-client --example audit -- boot.cbor \
//!     --measurements measurements.json --root-certificate development-root.pem
//! ```
//!
//! Needs no network and no enclave. The certificate of a document is valid for three hours, so a document of last week is refused by the clock
//! of today. [`At::Signed`] takes the document's own signed time instead: it answers whether the document was good when it was made. It
//! says nothing about freshness, because a certificate's key that leaks later can sign any time within those hours.
//!
//! [`At::Signed`]: permafrost_common::attestation::At::Signed

use std::{error::Error, fs, path::PathBuf, process::ExitCode};

use clap::Parser;
use permafrost_client::{Measurements, RootCertificate};
use permafrost_common::{
    attestation::{At, Document, Policy},
    binding::Binding,
};

/// Verifies an attestation document that was kept, as of the time at which it was made.
#[derive(Parser)]
struct Arguments {
    /// The document: COSE_Sign1 in CBOR, as the example `verify` keeps it.
    document: PathBuf,
    /// The release that it must be of, as `nitro-cli build-enclave` prints its measurements.
    #[arg(long, value_name = "FILE")]
    measurements: PathBuf,
    /// The root certificate to trust, in PEM. Default: AWS Nitro Enclaves G1.
    #[arg(long, value_name = "FILE")]
    root_certificate: Option<PathBuf>,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let root = match &arguments.root_certificate {
        Some(path) => RootCertificate::from_pem(&fs::read_to_string(path)?)?,
        None => RootCertificate::aws_nitro_g1(),
    };
    let release = Measurements::from_json(&fs::read_to_string(&arguments.measurements)?)?;

    let document = Document::parse(&fs::read(&arguments.document)?)?;
    let verified = document.verify(&root, At::Signed)?;
    verified.check(&Policy::releases([release]))?;
    println!("made at      {} ms since 1970", verified.timestamp_ms());
    println!("module       {}", verified.module_id());
    println!("root         {}", hex::encode(verified.root_sha256()));

    let user_data = verified
        .user_data()
        .ok_or("the document has no user_data")?;
    let binding = Binding::from_user_data(user_data)?;
    println!("deployment   {}", binding.deployment);
    println!("boot key     {}", hex::encode(binding.boot_key));
    Ok(())
}
