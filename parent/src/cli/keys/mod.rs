//! `permafrost keys`.

mod create_many;
mod derive;
mod import;
mod list;
mod many;
mod print;
mod replacement;
mod result_file;
mod share_file;
mod sign;
mod together;

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use permafrost_client::{IdempotencyKey, ImportSecret, Principal};
use permafrost_common::api::{CreateKey, Key, SignRequest};

use self::derive::key_id;
use self::print::Print;
use self::share_file::{NewShareFiles, PassphraseOption, ShareFiles};
use super::outcome::{Outcome, warn};
use super::profile_option::ProfileOption;

/// Make, list, use and rotate keys inside the enclave that a profile names.
///
/// The program verifies the enclave first, signs every request as the profile's principal, and checks every response.
///
/// It keeps the highest version of each key's record that it has seen in NAME.versions.json beside the profile NAME.toml, and refuses
/// an older one in later runs: then the enclave was given an old copy of the store. After a restored backup, delete that file.
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
    Derive(derive::Derive),
    Import(import::Import),
    List(list::List),
    Show(Show),
    Sign(sign::Sign),
    Rotate(Rotate),
    Reshare(Reshare),
    Certificate(Certificate),
    Replace(replacement::Replace),
    Replacement(replacement::ShowReplacement),
    Label(Label),
    Disable(Disable),
    Delete(Delete),
}

/// Make a key: its shares are dealt inside the enclave, or made together with it and held apart.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  permafrost keys create --threshold 2 alice bob carol
  permafrost keys create --threshold 3 a b c d e --idempotency-key order-17 --json
  permafrost keys create --threshold 2 --count 100000 --out keys.csv alice bob carol
  permafrost keys create --custody split --threshold 2 --share-out alice.share alice server
  permafrost keys create --custody split --threshold 2 --recipient age1... \\
      --share-out alice=alice.share --share-out drawer=/media/usb/drawer.share alice drawer server

With split custody neither this machine nor the enclave ever has the whole key. A share file is written before the key exists, and is
needed for every signature: keep a copy, or make a third participant whose file goes into a drawer.")]
struct Create {
    /// Which side holds the shares: all of them the enclave, or some each participant with a --share-out.
    #[arg(default_value = "enclave", long, value_enum)]
    custody: CustodyArgument,

    #[command(flatten)]
    new_shares: NewShareFiles,

    #[command(flatten)]
    passphrase: PassphraseOption,

    /// Make so many keys, and list them in --out. A run that is interrupted goes on where it was when the same command is given again.
    #[arg(long, requires = "out", value_name = "N", value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    count: Option<u64>,

    /// Where the keys of --count are listed: a new file, .csv (RFC 4180) or .jsonl.
    #[arg(long, requires = "count", value_name = "FILE")]
    out: Option<PathBuf>,

    /// How many participants a signature takes: 2 to the number of participants.
    #[arg(long, value_name = "T")]
    threshold: u16,

    /// The participants: 2 to 32 different names, each 1 to 64 of A-Z a-z 0-9 - _ .
    #[arg(num_args = 2..=32, required = true, value_name = "NAME")]
    participants: Vec<String>,

    /// What to call the key in listings: 1 to 64 of A-Z a-z 0-9 - _ . Default: nothing.
    #[arg(long, value_name = "LABEL")]
    label: Option<String>,

    /// Makes the request safe to repeat: repeated with the same idempotency key, it returns the same key. Default: random.
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<IdempotencyKey>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum CustodyArgument {
    Enclave,
    Split,
}

/// Give a key another label, or none.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  permafrost keys label ID customer-17
  permafrost keys label ID --none")]
struct Label {
    /// The key's id.
    id: String,

    /// The label: 1 to 64 of A-Z a-z 0-9 - _ .
    #[arg(conflicts_with = "none", required_unless_present = "none")]
    label: Option<String>,

    /// Take the label away.
    #[arg(long)]
    none: bool,
}

/// Show a key: its public parts, status and generation.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  permafrost keys show ID --json
  permafrost keys show ID --share alice.share")]
struct Show {
    /// The key's id, as `keys create` and `keys list` print it, or user:NAME for a derived key.
    id: String,

    /// Check as well that these share files are of the key and of its generation.
    #[command(flatten)]
    shares: ShareFiles,
}

/// Refresh a key's shares: the public key stays the same, the old shares become useless.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  permafrost keys rotate ID
  permafrost keys rotate ID --share alice.share --share-out alice-2.share

A key with split custody takes the share files of all participants that hold their shares themselves, and a new file for each.")]
struct Rotate {
    /// The key's id, or user:NAME for a derived key.
    id: String,

    #[command(flatten)]
    shares: ShareFiles,

    #[command(flatten)]
    new_shares: NewShareFiles,
}

/// Give shares of a key with split custody to other participants, or new ones in the place of lost ones; the public key stays the same.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  permafrost keys reshare ID --threshold 2 --share drawer.share \\
      --share-out alice=alice-2.share --share-out drawer=drawer-2.share alice drawer server    # alice.share is lost
  permafrost keys reshare ID --threshold 2 --share alice.share \\
      --share-out alice=alice-2.share --share-out phone=phone.share alice phone server         # another participant

The share files and the enclave's shares together must be enough for a signature. All share files from before are useless together with
the new ones; enough of them without the enclave's would still sign, so destroy them.")]
struct Reshare {
    /// The key's id.
    id: String,

    /// How many participants a signature will take: 2 to the number of participants.
    #[arg(long, value_name = "T")]
    threshold: u16,

    /// The participants to come. Those without a --share-out are the enclave's.
    #[arg(num_args = 2..=32, required = true, value_name = "NAME")]
    participants: Vec<String>,

    #[command(flatten)]
    shares: ShareFiles,

    #[command(flatten)]
    new_shares: NewShareFiles,
}

/// Verify and show the certificate of a key with split custody: that every participant, the enclave among them, made its shares together.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  permafrost keys certificate ID
  permafrost keys certificate ID --json > certificate.json
  permafrost keys certificate --file certificate.json

The document of the enclave's boot is judged by what the profile demands (root_certificate, release) at the time that it states.")]
struct Certificate {
    /// The key's id.
    #[arg(conflicts_with = "file", required_unless_present = "file")]
    id: Option<String>,

    /// A certificate that was stored before, instead of the one that the enclave has.
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
}

/// Stop a key from signing, permanently.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  permafrost keys disable ID\n  permafrost keys disable user:alice"
)]
struct Disable {
    /// The key's id, or user:NAME for a derived key.
    id: String,
}

/// Delete the enclave's shares of a disabled key, permanently. Its public parts and its id stay.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  permafrost keys disable ID
  permafrost keys delete ID

Share files of a key with split custody are not the enclave's to delete: destroy them as well.")]
struct Delete {
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
        let secret = match &self.command {
            KeysCommand::Import(import) => Some(import.secret()?),
            _ => None,
        };
        if let KeysCommand::Replacement(replacement) = &self.command
            && let Some(stored) = replacement.stored()?
        {
            return print.replacement(&stored);
        }
        let profile = self.profile.read()?;
        if let KeysCommand::Replacement(replacement) = &self.command {
            return print.replacement(&replacement.ask(&profile).await?);
        }
        if let KeysCommand::Certificate(certificate) = &self.command {
            return print.certificate(&certificate.ask(&profile).await?);
        }
        let principal = profile.principal().await?;
        let done = self.carry_out(&principal, what, secret, print).await;
        // What was done stays done: a file that cannot be written is no failure of it.
        if let Err(error) = profile.keep_record_versions(&principal) {
            warn(format!(
                "the versions that were seen are not remembered: {error}"
            ));
        }
        done
    }

    async fn carry_out(
        &self,
        principal: &Principal,
        what: Option<SignRequest>,
        secret: Option<ImportSecret>,
        print: &Print,
    ) -> Result<(), Outcome> {
        match &self.command {
            KeysCommand::Create(create) => match (create.count, &create.out) {
                (Some(count), Some(out)) => create.many(principal, count, out).await,
                _ => print.key(&create.ask(principal).await?),
            },
            KeysCommand::Derive(derive) => derive.ask(principal, print).await,
            KeysCommand::Import(import) => match secret {
                Some(secret) => print.key(&import.ask(principal, &secret).await?),
                None => Ok(()),
            },
            KeysCommand::List(list) => print.keys(&list.ask(principal).await?),
            KeysCommand::Show(show) => print.key(&show.ask(principal).await?),
            KeysCommand::Sign(sign) => match what {
                Some(what) => print.signed(&sign.ask(principal, &what).await?),
                None => Ok(()),
            },
            KeysCommand::Rotate(rotate) => print.key(&rotate.ask(principal).await?),
            KeysCommand::Reshare(reshare) => print.key(&reshare.ask(principal).await?),
            KeysCommand::Certificate(_) | KeysCommand::Replacement(_) => Ok(()),
            KeysCommand::Replace(replace) => print.replaced(&replace.ask(principal).await?),
            KeysCommand::Label(label) => {
                let wanted = label.label.as_deref();
                print.key(&principal.label(&label.id, wanted).await?)
            }
            KeysCommand::Disable(disable) => {
                print.key(&principal.disable(&key_id(&disable.id)?).await?)
            }
            KeysCommand::Delete(delete) => print.key(&principal.delete(&delete.id).await?),
        }
    }
}

impl Create {
    async fn ask(&self, principal: &Principal) -> Result<Key, Outcome> {
        if self.custody == CustodyArgument::Split {
            if self.label.is_some() {
                let text = "--label: a key with split custody gets its label when it exists; accepted: keys label ID LABEL";
                return Err(Outcome::wrong_call(text));
            }
            return self.together(principal).await;
        }
        if !self.new_shares.files.is_empty() {
            let text = "--share-out: with --custody enclave every share is the enclave's; accepted: --custody split";
            return Err(Outcome::wrong_call(text));
        }
        let wanted = CreateKey {
            threshold: self.threshold,
            participants: self.participants.clone(),
            label: self.label.clone(),
        };
        let idempotency_key = given_or_random(self.idempotency_key.as_ref())?;
        Ok(principal.create_key(&wanted, &idempotency_key).await?)
    }
}

fn given_or_random(given: Option<&IdempotencyKey>) -> Result<IdempotencyKey, Outcome> {
    match given {
        Some(key) => Ok(key.clone()),
        None => IdempotencyKey::random().map_err(Outcome::failed),
    }
}
