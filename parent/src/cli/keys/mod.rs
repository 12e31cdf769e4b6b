//! `permafrost keys`.

mod print;
mod sign;

use clap::{Args, Subcommand};
use permafrost_client::{IdempotencyKey, Principal};
use permafrost_common::api::{CreateKey, KeyList, ReplaceKey};

use self::print::Print;
use super::outcome::Outcome;
use super::profile_option::ProfileOption;

/// Make, list, use and rotate keys inside the enclave that a profile names.
///
/// The program verifies the enclave first, signs every request as the profile's principal, and checks every response.
#[derive(Args, Debug)]
pub(super) struct Keys {
    #[command(flatten)]
    profile: ProfileOption,

    /// Print the enclave's response as JSON, and a failure as {"error": {...}}.
    #[arg(global = true, long)]
    json: bool,

    #[command(subcommand)]
    command: KeysCommand,
}

#[derive(Debug, Subcommand)]
enum KeysCommand {
    Create(Create),
    List(List),
    Show(Show),
    Sign(sign::Sign),
    Rotate(Rotate),
    Replace(Replace),
    Disable(Disable),
}

/// Make a key, whose shares are dealt inside the enclave.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  permafrost keys create --threshold 2 alice bob carol
  permafrost keys create --threshold 3 a b c d e --idempotency-key order-17 --json")]
struct Create {
    /// How many participants a signature takes: 2 to the number of participants.
    #[arg(long, value_name = "T")]
    threshold: u16,

    /// The participants: 2 to 32 different names, each 1 to 64 of A-Z a-z 0-9 - _ .
    #[arg(num_args = 2..=32, required = true, value_name = "NAME")]
    participants: Vec<String>,

    /// Makes the request safe to repeat: repeated with the same idempotency key, it returns the same key. Default: random.
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<IdempotencyKey>,
}

/// List the keys that the principal may see.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  permafrost keys list
  permafrost keys list --limit 10 --after 0123...cdef --json")]
struct List {
    /// List only keys after this id, in ascending order.
    #[arg(long, value_name = "ID")]
    after: Option<String>,

    /// List at most this many keys, 1 to 100. Default: all.
    #[arg(long, value_name = "N")]
    limit: Option<u32>,
}

/// Show a key: its public parts, status and generation.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  permafrost keys show ID --json")]
struct Show {
    /// The key's id, as `keys create` and `keys list` print it.
    id: String,
}

/// Refresh a key's shares: the public key stays the same, the old shares become useless.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  permafrost keys rotate ID")]
struct Rotate {
    /// The key's id.
    id: String,
}

/// Make a new key to replace an old one, with the same participants and threshold.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  permafrost keys replace ID
  permafrost keys replace ID --disable-old")]
struct Replace {
    /// The old key's id.
    id: String,

    /// Stop the old key from signing.
    #[arg(long)]
    disable_old: bool,

    /// Makes the request safe to repeat. Default: random.
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<IdempotencyKey>,
}

/// Stop a key from signing, permanently.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  permafrost keys disable ID")]
struct Disable {
    /// The key's id.
    id: String,
}

impl Keys {
    pub(super) async fn run(self) -> Result<(), Outcome> {
        let print = Print { json: self.json };
        let done = self.ask(&print).await;
        match done {
            Err(outcome) if self.json => Err(outcome.into_json()?),
            other => other,
        }
    }

    async fn ask(&self, print: &Print) -> Result<(), Outcome> {
        // Arguments first: checking them needs no enclave.
        let what = match &self.command {
            KeysCommand::Sign(sign) => Some(sign.what()?),
            _ => None,
        };
        let principal = self.profile.read()?.principal().await?;
        match &self.command {
            KeysCommand::Create(create) => print.key(&create.ask(&principal).await?),
            KeysCommand::List(list) => print.keys(&list.ask(&principal).await?),
            KeysCommand::Show(show) => print.key(&principal.key(&show.id).await?),
            KeysCommand::Sign(sign) => match what {
                Some(what) => print.signed(&principal.sign(&sign.id, &what).await?),
                None => Ok(()),
            },
            KeysCommand::Rotate(rotate) => print.key(&principal.rotate(&rotate.id).await?),
            KeysCommand::Replace(replace) => print.key(&replace.ask(&principal).await?),
            KeysCommand::Disable(disable) => print.key(&principal.disable(&disable.id).await?),
        }
    }
}

impl Create {
    async fn ask(&self, principal: &Principal) -> Result<permafrost_common::api::Key, Outcome> {
        let wanted = CreateKey {
            threshold: self.threshold,
            participants: self.participants.clone(),
        };
        let idempotency_key = given_or_random(self.idempotency_key.as_ref())?;
        Ok(principal.create_key(&wanted, &idempotency_key).await?)
    }
}

impl List {
    async fn ask(&self, principal: &Principal) -> Result<KeyList, Outcome> {
        let mut all = principal
            .list_keys(self.after.as_deref(), self.limit)
            .await?;
        if self.limit.is_some() {
            return Ok(all);
        }
        while let Some(after) = all.next.take() {
            let more = principal.list_keys(Some(&after), None).await?;
            all.keys.extend(more.keys);
            // A cursor that does not advance would make the loop endless.
            all.next = more.next.filter(|next| *next > after);
        }
        Ok(all)
    }
}

impl Replace {
    async fn ask(&self, principal: &Principal) -> Result<permafrost_common::api::Key, Outcome> {
        let how = ReplaceKey {
            disable_old: self.disable_old,
        };
        let idempotency_key = given_or_random(self.idempotency_key.as_ref())?;
        Ok(principal.replace(&self.id, &how, &idempotency_key).await?)
    }
}

fn given_or_random(given: Option<&IdempotencyKey>) -> Result<IdempotencyKey, Outcome> {
    match given {
        Some(key) => Ok(key.clone()),
        None => IdempotencyKey::random().map_err(Outcome::failed),
    }
}
