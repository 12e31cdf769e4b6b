//! Rotates a key: its shares are replaced, its public key stays.
//!
//! ```sh
//! cargo run -p permafrost-client --example rotate -- http://127.0.0.1:8080 \
//!     --measurements measurements.json --root-certificate development-root.pem \
//!     --principal dev --key principal-dev.pem KEY_ID
//! ```
//!
//! The principal's policy must allow `show_key`, `rotate_key`, `sign` and the payload `message`. The shares of the generations before are
//! useless afterwards, whoever may have them.
//!
//! `rotate` is the one operation that is not harmless when it is carried out twice: it makes a second generation. The client therefore never
//! repeats it by itself if a connection breaks. This program looks at the generation instead, which says whether the rotation took place.

mod connection;

use std::{error::Error, fs, path::PathBuf, process::ExitCode};

use clap::Parser;
use permafrost_client::{Error as ClientError, SigningKey};
use permafrost_common::api::SignRequest;

/// Rotates a key, and shows that the new shares sign for the same public key.
#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    connection: connection::Connection,
    /// The principal's name in the measured configuration.
    #[arg(long)]
    principal: String,
    /// The principal's key: PKCS #8 in PEM, as `permafrost principal new` writes it.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The id of the key to rotate: 44 hex digits.
    id: String,
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
    let key = SigningKey::from_pem(&fs::read_to_string(&arguments.key)?)?;
    let principal = enclave.as_principal(&arguments.principal, key)?;

    let before = principal.key(&arguments.id).await?;
    let after = match principal.rotate(&before.id).await {
        Ok(after) => after,
        // Either may have happened: the request was lost, or the response was.
        Err(error @ (ClientError::Interrupted { .. } | ClientError::TimedOut { .. })) => {
            let now = principal.key(&before.id).await?;
            if now.generation == before.generation {
                return Err(error.into());
            }
            now
        }
        Err(error) => return Err(error.into()),
    };
    println!("generation  {} -> {}", before.generation, after.generation);
    println!("public key  {}", after.group_public_key);
    for (old, new) in before.participants.iter().zip(&after.participants) {
        println!(
            "{}: verifying share {} -> {}",
            new.name, old.verifying_share, new.verifying_share
        );
    }

    let message = SignRequest::Message {
        message: hex::encode("signed after the rotation"),
    };
    let signed = principal.sign(&after.id, &message).await?;
    println!("signature   {}", signed.signature);
    if signed.public_key != before.group_public_key {
        return Err("the rotated key signs for another public key".into());
    }
    Ok(())
}
