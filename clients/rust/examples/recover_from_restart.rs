//! Keeps signing across a restart of the enclave.
//!
//! ```sh
//! cargo run -p permafrost-client --example recover_from_restart -- http://127.0.0.1:8080 \
//!     --measurements measurements.json --root-certificate development-root.pem \
//!     --principal dev --key principal-dev.pem KEY_ID
//! ```
//!
//! The program signs one message for each line that it reads from standard input, and prints the boot that signed. Restart the enclave
//! between two lines: the client sees that the response names a boot that it does not know, verifies the attestation document of that boot by the
//! same measurements and root certificate, signs the request again for it, and sends it once more. A boot of other code is refused.
//!
//! While the enclave is down, the parent answers with a problem that nobody signed ([`Error::Unauthenticated`]). It says nothing about the key;
//! the program waits and tries again.
//!
//! [`Error::Unauthenticated`]: permafrost_client::Error::Unauthenticated

mod connection;

use std::{error::Error, fs, io, path::PathBuf, process::ExitCode, time::Duration};

use clap::Parser;
use permafrost_client::{Error as ClientError, Principal, SigningKey};
use permafrost_common::api::{SignRequest, Signed};

/// How often a message is tried, and how long the program waits in between.
const ATTEMPTS: u32 = 30;
const PAUSE: Duration = Duration::from_secs(1);

/// Signs one message for each line of standard input, whether the enclave restarts in between or not.
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
    /// The id of the key to sign with: 44 hex digits.
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

    for line in io::stdin().lines() {
        let message = SignRequest::Message {
            message: hex::encode(line?),
        };
        let signed = sign(&principal, &arguments.id, &message).await?;
        println!("{} by {}", signed.signature, enclave.boot().attestation());
    }
    Ok(())
}

/// Signs, and waits for an enclave that is down. Two signatures of one message do no harm, so each attempt may sign anew.
async fn sign(
    principal: &Principal,
    id: &str,
    message: &SignRequest,
) -> Result<Signed, ClientError> {
    for _ in 1..ATTEMPTS {
        match principal.sign(id, message).await {
            Err(
                error @ (ClientError::Unreachable { .. }
                | ClientError::Interrupted { .. }
                | ClientError::TimedOut { .. }
                | ClientError::Unauthenticated(_)),
            ) => {
                eprintln!("{error}; trying again");
                tokio::time::sleep(PAUSE).await;
            }
            result => return result,
        }
    }
    principal.sign(id, message).await
}
