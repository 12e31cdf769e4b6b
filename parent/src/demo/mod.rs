//! The main job from end to end, on a stack of its own: an enclave makes, uses and rotates a key, and code that shares nothing
//! with the signer checks everything that comes out.

mod checks;
mod report;
mod spend;
mod story;

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use permafrost_client::{Boot, IdempotencyKey, Principal};
use permafrost_common::api::{CreateKey, Key, NostrEvent, SignRequest, Signed, UnsignedEvent};

use crate::profile::{Profile, ProfileError};
use crate::stack::{DevStack, StackError, StackOptions};

pub use self::checks::{Check, Failed, check};
pub use self::report::{AttestationReport, MessageReport, Report, RotatedReport, TaprootReport};
pub use self::spend::{Spend, SpendError};
pub use self::story::story;

/// The message to sign before and after the rotation: 32 bytes, the length of the digest that BIP-340 first required.
pub const MESSAGE: &[u8; 32] = b"Keys that never thaw: permafrost";

/// How long the enclave may take to become ready.
const READY_TIME: Duration = Duration::from_secs(60);

/// Why the demo failed.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The stack does not start.
    #[error(transparent)]
    Stack(#[from] StackError),
    /// The enclave cannot be reached, or is not to be trusted.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// The enclave refused a request.
    #[error("{doing}: {source}")]
    Request {
        /// What was asked.
        doing: &'static str,
        /// What the client says.
        source: permafrost_client::Error,
    },
    /// The transaction to sign could not be made.
    #[error(transparent)]
    Spend(#[from] SpendError),
    /// A file of the stack cannot be read.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A response lacks what was requested.
    #[error("the enclave's response has no {0}")]
    Missing(&'static str),
    /// A check failed.
    #[error(transparent)]
    Check(#[from] Failed),
}

/// What the enclave made, and what checked it.
#[derive(Clone, Debug)]
pub struct Demo {
    /// Everything that was made, for programs.
    pub report: Report,
    /// The transaction that spends the key's output.
    pub spend: Spend,
    /// Every check, in order; all of them passed.
    pub checks: Vec<Check>,
}

/// Runs the demo in a temporary directory and ends everything that it started.
///
/// `enclave` names the enclave program. `None`: the one beside this program, or one in the PATH.
///
/// # Errors
/// [`DemoError::Check`] for the first check that fails; the other variants when a step before the checks fails.
pub async fn run(enclave: Option<PathBuf>) -> Result<Demo, DemoError> {
    let directory = tempfile::Builder::new()
        .prefix("permafrost-demo-")
        .tempdir()
        .map_err(|source| DemoError::File {
            path: std::env::temp_dir(),
            source,
        })?;
    let stack = DevStack::start(&StackOptions {
        state: directory.path().join("state"),
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        enclave,
        page: None,
        enclave_log_to_stderr: false,
    })
    .await?;
    let shown = show(&stack).await;
    stack.stop().await;
    shown
}

async fn show(stack: &DevStack) -> Result<Demo, DemoError> {
    stack.wait_ready(READY_TIME).await?;
    let principal = Profile::read(&stack.state().profile())?.principal().await?;
    let path = stack.state().root();
    let root_pem = fs::read_to_string(&path).map_err(|source| DemoError::File { path, source })?;
    let (report, spend) = make(&principal, root_pem).await?;
    let checks = check(&report, &spend)?;
    Ok(Demo {
        report,
        spend,
        checks,
    })
}

/// Makes every request of the demo.
async fn make(principal: &Principal, root_pem: String) -> Result<(Report, Spend), DemoError> {
    let key = create(principal).await?;
    let event = sign_event(principal, &key).await?;
    let message = SignRequest::Message {
        message: hex::encode(MESSAGE),
    };
    let before = sign(principal, &key, &message, "signing the message").await?;
    let mut spend = Spend::of(&key.taproot.address)?;
    let taproot = SignRequest::TaprootSpend {
        sighash: spend.sighash_hex(),
        merkle_root: None,
    };
    let taproot = sign(principal, &key, &taproot, "signing the Taproot spend").await?;
    spend.complete(&taproot.signature)?;
    let rotated = asked("rotating the key", principal.rotate(&key.id).await)?;
    let after = sign(principal, &rotated, &message, "signing after the rotation").await?;
    let boot = asked(
        "fetching the attestation document",
        principal.enclave().verify_again().await,
    )?;

    let output = taproot.taproot.ok_or(DemoError::Missing("taproot"))?;
    let report = Report {
        group_public_key: key.group_public_key,
        threshold: key.threshold,
        participants: key.participants.into_iter().map(|one| one.name).collect(),
        nostr_event: event,
        message: MessageReport {
            message: hex::encode(MESSAGE),
            public_key: before.public_key,
            signature: before.signature,
        },
        taproot: TaprootReport {
            sighash: spend.sighash_hex(),
            output_key: output.output_key,
            address: output.address,
            signature: taproot.signature,
        },
        rotated: RotatedReport {
            group_public_key: rotated.group_public_key,
            signature: after.signature,
        },
        attestation: attestation(&boot, root_pem),
    };
    Ok((report, spend))
}

async fn create(principal: &Principal) -> Result<Key, DemoError> {
    let doing = "making the key";
    let idempotency_key = IdempotencyKey::random().map_err(permafrost_client::Error::from);
    let wanted = CreateKey {
        threshold: 2,
        participants: ["alice", "bob", "carol"].map(str::to_owned).to_vec(),
        label: None,
    };
    let made = principal
        .create_key(&wanted, &asked(doing, idempotency_key)?)
        .await;
    asked(doing, made)
}

async fn sign_event(principal: &Principal, key: &Key) -> Result<NostrEvent, DemoError> {
    let event = UnsignedEvent {
        pubkey: None,
        id: None,
        created_at: SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs()),
        kind: 1,
        tags: vec![vec!["t".to_owned(), "permafrost".to_owned()]],
        content: "Signed by 2 of 3 shares that have never left their enclave.".to_owned(),
    };
    let what = SignRequest::NostrEvent { event };
    sign(principal, key, &what, "signing the Nostr event")
        .await?
        .event
        .ok_or(DemoError::Missing("event"))
}

async fn sign(
    principal: &Principal,
    key: &Key,
    what: &SignRequest,
    doing: &'static str,
) -> Result<Signed, DemoError> {
    asked(doing, principal.sign(&key.id, what).await)
}

fn asked<T>(
    doing: &'static str,
    response: Result<T, permafrost_client::Error>,
) -> Result<T, DemoError> {
    response.map_err(|source| DemoError::Request { doing, source })
}

fn attestation(boot: &Boot, root_pem: String) -> AttestationReport {
    AttestationReport::of(
        boot.document(),
        boot.nonce(),
        root_pem,
        boot.verified().pcrs(),
    )
}
