//! Verifies an enclave and prints what its attestation document vouches for.
//!
//! ```sh
//! cargo run -p permafrost-client --example verify -- http://127.0.0.1:8080 \
//!     --measurements measurements.json --root-certificate development-root.pem --keep boot.cbor
//! ```
//!
//! The client chooses a nonce, fetches a document that was made for it, and verifies the document up to the root certificate. It compares
//! the measurements, and checks with the boot key in the document that this very boot sent the response. If any of that fails, the program
//! ends with the reason and nothing is printed.
//!
//! `--keep` writes the verified document to a file, as evidence: the example `audit` verifies it again at any later time.

mod connection;

use std::{error::Error, fs, path::PathBuf, process::ExitCode};

use clap::Parser;

/// Verifies an enclave and prints what its attestation document vouches for.
#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    connection: connection::Connection,
    /// Where to write the attestation document.
    #[arg(long, value_name = "FILE")]
    keep: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    let enclave = arguments.connection.verify().await?;

    let boot = enclave.boot();
    let (document, binding) = (boot.verified(), boot.binding());
    println!("module         {}", document.module_id());
    for (index, pcr) in document.pcrs().range(..3) {
        println!("PCR{index}           {}", hex::encode(pcr));
    }
    println!("deployment     {}", binding.deployment);
    println!("configuration  {}", hex::encode(binding.configuration));
    println!("boot           {}", boot.attestation());

    // From here on, each response is checked with the boot key; there is no need for another document.
    let health = enclave.health().await?;
    println!("ready          {}", health.ready);

    if let Some(path) = arguments.keep {
        fs::write(path, boot.document())?;
    }
    Ok(())
}
