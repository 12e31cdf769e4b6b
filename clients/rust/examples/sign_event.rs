//! Creates a key, has a Nostr event signed with it, and verifies the event without trusting the enclave.
//!
//! ```sh
//! cargo run -p permafrost-client --example sign_event -- http://127.0.0.1:8080 \
//!     --measurements measurements.json --root-certificate development-root.pem \
//!     --principal dev --key principal-dev.pem "Never thaws."
//! ```
//!
//! The principal's policy must allow `create_key`, `sign` and the payload `nostr_event`. Standard output is the event as JSON (NIP-01), ready
//! for a relay.
//!
//! The enclave computes the event's id itself, so a client cannot obtain a signature for one event by showing it another.

mod connection;

use std::{
    error::Error,
    fs,
    path::PathBuf,
    process::ExitCode,
    time::{SystemTime, UNIX_EPOCH},
};

use clap::Parser;
use nostr::event::Event;
use permafrost_client::{IdempotencyKey, SigningKey};
use permafrost_common::api::{CreateKey, SignRequest, UnsignedEvent};

/// Creates a key, has a Nostr event signed with it, and verifies the event.
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
    /// The content of the event.
    content: String,
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

    // Sent again with the same idempotency key, the request would return the key that exists already.
    let wanted = CreateKey {
        threshold: 2,
        participants: vec!["alice".into(), "bob".into(), "carol".into()],
        label: None,
    };
    let key = principal
        .create_key(&wanted, &IdempotencyKey::random()?)
        .await?;
    eprintln!("key {} of {}", key.id, key.npub);

    let event = UnsignedEvent {
        pubkey: None,
        id: None,
        created_at: SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs(),
        kind: 1,
        tags: Vec::new(),
        content: arguments.content,
    };
    let signed = principal
        .sign(&key.id, &SignRequest::NostrEvent { event })
        .await?;
    let event = serde_json::to_string(&signed.event.ok_or("the response has no event")?)?;

    // Another library recomputes the id and verifies the BIP-340 signature.
    let verified = Event::from_json(&event)?;
    verified.verify()?;
    if verified.pubkey.to_hex() != key.group_public_key {
        return Err("the event was signed with another key".into());
    }
    println!("{event}");
    Ok(())
}
