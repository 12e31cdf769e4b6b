//! `permafrost keys derive`: the keys of users, one or a million, with nothing made and nothing stored.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{Context, SHA256};
use clap::Args;
use indicatif::ProgressBar;
use permafrost_client::Principal;
use permafrost_common::api::Key;
use permafrost_common::api::derived::{AddressPath, DERIVED_MAX, KeyPath, Wallet};
use serde_json::json;
use tokio::task::JoinHandle;
use unicode_normalization::is_nfc;

use super::many::{Form, patiently, progress};
use super::print::Print;
use super::result_file::ResultFile;
use crate::cli::outcome::Outcome;

/// How many requests are under way at once.
const REQUESTS: usize = 4;

/// Show a user's key, which is derived from the deployment's one secret and the user's name. Nothing is made or stored.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  permafrost keys derive alice
  permafrost keys derive alice --address 0/5 --json
  permafrost keys derive alice --wallet
  permafrost keys derive --users users.txt --out keys.csv
  permafrost keys sign user:alice --message 'hello'

A file of users has one name a line, or, if it ends in .jsonl, one JSON text a line. Results keep the order of the file: FILE ending in
.csv has the columns user, key_id, public_key, npub and address (RFC 4180); one ending in .jsonl has an object with these members a line.
A run that is interrupted goes on where it was when the same command is given again, and FILE appears when it is whole.

Names are other users if a single byte differs. Those that are not in Unicode's normal form C are refused here.")]
pub(super) struct Derive {
    /// The user: 1 to 255 bytes of UTF-8.
    #[arg(conflicts_with = "users", required_unless_present = "users")]
    user: Option<String>,

    /// Derive the keys of all users in this file.
    #[arg(long, requires = "out", value_name = "FILE")]
    users: Option<PathBuf>,

    /// Where the keys of --users go: a new file, .csv or .jsonl.
    #[arg(long, requires = "users", value_name = "FILE")]
    out: Option<PathBuf>,

    /// Show the key of one of the user's addresses: CHAIN/INDEX, of which CHAIN is 0 to receive and 1 for change.
    #[arg(conflicts_with_all = ["users", "wallet"], long, value_name = "CHAIN/INDEX", value_parser = address)]
    address: Option<AddressPath>,

    /// Show what a watch-only wallet takes to find the user's addresses.
    #[arg(conflicts_with = "users", long)]
    wallet: bool,

    /// What the names are of: 1 to 32 of a-z 0-9 -
    #[arg(default_value = "users", long, value_name = "NAME")]
    purpose: String,

    /// The account: 0 to 2147483647.
    #[arg(default_value_t = 0, long, value_name = "N")]
    account: u32,
}

/// The id of a key as a command names it: `user:NAME` stands for the derived key of a user.
pub(super) fn key_id(text: &str) -> Result<String, Outcome> {
    let Some(name) = text.strip_prefix("user:") else {
        return Ok(text.to_owned());
    };
    let path = KeyPath {
        purpose: "users".to_owned(),
        name: checked(name).map_err(Outcome::wrong_call)?,
        ..KeyPath::default()
    };
    let path = path.parse().map_err(Outcome::wrong_call)?;
    Ok(path.key_id())
}

impl Derive {
    pub(super) async fn ask(&self, principal: &Principal, print: &Print) -> Result<(), Outcome> {
        if let (Some(users), Some(out)) = (&self.users, &self.out) {
            return self.all(principal, users, out).await;
        }
        let name = checked(self.user.as_deref().unwrap_or_default());
        let path = KeyPath {
            address: self.address,
            ..self.path(name.map_err(Outcome::wrong_call)?)
        };
        let id = path.parse().map_err(Outcome::wrong_call)?.key_id();
        if self.wallet {
            let wallet: Wallet = principal.wallet(&id).await?;
            return print.wallet(&wallet);
        }
        let derived = principal.derive_keys(&[path]).await?;
        match derived.keys.first() {
            Some(key) => print.key(key),
            None => Err(Outcome::failed("the enclave responded without a key")),
        }
    }

    fn path(&self, name: String) -> KeyPath {
        KeyPath {
            account: self.account,
            purpose: self.purpose.clone(),
            name,
            address: None,
        }
    }

    async fn all(&self, principal: &Principal, users: &Path, out: &Path) -> Result<(), Outcome> {
        let form = Form::of(out)?;
        let (count, digest) = examine(users)?;
        let deployment = principal.enclave().boot().binding().deployment.clone();
        let parameters = json!({
            "derive": {"users": digest, "count": count, "purpose": self.purpose, "account": self.account, "deployment": deployment},
        });
        let mut file = ResultFile::open(out, |_| parameters)?;
        let progress = progress(count, file.results());
        let done = self.pieces(principal, users, form, &mut file, &progress);
        let done = done.await;
        file.end(done)
    }

    async fn pieces(
        &self,
        principal: &Principal,
        users: &Path,
        form: Form,
        file: &mut ResultFile,
        progress: &ProgressBar,
    ) -> Result<(), Outcome> {
        let begun = usize::try_from(file.results()).unwrap_or(usize::MAX);
        let mut names = Names::open(users)?.skip(begun);
        let mut running: VecDeque<JoinHandle<Result<Piece, Outcome>>> = VecDeque::new();
        loop {
            while running.len() < REQUESTS {
                let piece: Vec<String> =
                    names.by_ref().take(DERIVED_MAX).collect::<Result<_, _>>()?;
                if piece.is_empty() {
                    break;
                }
                let paths: Vec<_> = piece.iter().map(|name| self.path(name.clone())).collect();
                let principal = principal.clone();
                running.push_back(tokio::spawn(async move {
                    let derived = patiently(|| principal.derive_keys(&paths));
                    Ok((piece, derived.await?.keys))
                }));
            }
            let Some(next) = running.pop_front() else {
                return Ok(());
            };
            let (names, keys) = next.await.map_err(Outcome::failed)??;
            if keys.len() != names.len() {
                return Err(Outcome::failed(
                    "the enclave responded with another number of keys",
                ));
            }
            let users = names.iter().map(|name| Some(name.as_str()));
            let lines = form.lines(file.results() == 0, true, users.zip(&keys));
            file.append(names.len() as u64, &lines)?;
            progress.inc(names.len() as u64);
        }
    }
}

/// Names, and the key of each.
type Piece = (Vec<String>, Vec<Key>);

/// The names in a file of users, in its order.
struct Names {
    path: PathBuf,
    lines: io::Lines<BufReader<File>>,
    is_json: bool,
    number: u64,
}

impl Names {
    fn open(path: &Path) -> Result<Self, Outcome> {
        let file = File::open(path).map_err(|error| unreadable(path, &error))?;
        Ok(Self {
            path: path.to_owned(),
            lines: BufReader::new(file).lines(),
            is_json: path.extension().is_some_and(|ending| ending == "jsonl"),
            number: 0,
        })
    }
}

impl Iterator for Names {
    type Item = Result<String, Outcome>;

    fn next(&mut self) -> Option<Self::Item> {
        let line = self.lines.next()?;
        self.number += 1;
        let name = line.map_err(|error| error.to_string()).and_then(|line| {
            let name = match self.is_json {
                true => serde_json::from_str(&line)
                    .map_err(|error| format!("{error}; accepted: one JSON text a line"))?,
                false => line,
            };
            checked(&name)
        });
        Some(name.map_err(|error| {
            let (path, number) = (self.path.display(), self.number);
            Outcome::wrong_call(format!("{path} line {number}: {error}"))
        }))
    }
}

/// Reads the whole file once: every name is checked before the first request. Gives their number and the file's SHA-256.
fn examine(path: &Path) -> Result<(u64, String), Outcome> {
    let mut count = 0;
    for name in Names::open(path)? {
        name?;
        count += 1;
    }
    let mut file = File::open(path).map_err(|error| unreadable(path, &error))?;
    let mut digest = Context::new(&SHA256);
    let mut buffer = vec![0; 1 << 16];
    loop {
        let length = file
            .read(&mut buffer)
            .map_err(|error| unreadable(path, &error))?;
        match buffer.get(..length) {
            Some(bytes) if !bytes.is_empty() => digest.update(bytes),
            _ => return Ok((count, hex::encode(digest.finish()))),
        }
    }
}

fn checked(name: &str) -> Result<String, String> {
    if !(1..=255).contains(&name.len()) {
        return Err(format!(
            "a name of {} bytes; accepted: 1 to 255 bytes of UTF-8",
            name.len()
        ));
    }
    if !is_nfc(name) {
        return Err(format!(
            "{name:?} is not in Unicode's normal form C, and would be another user than the same name that is; accepted: names in that form"
        ));
    }
    Ok(name.to_owned())
}

fn address(text: &str) -> Result<AddressPath, String> {
    let parsed = text.split_once('/').and_then(|(chain, index)| {
        let (chain, index) = (chain.parse().ok()?, index.parse().ok()?);
        Some(AddressPath { chain, index })
    });
    parsed.ok_or_else(|| "accepted: CHAIN/INDEX, such as 0/5".to_owned())
}

fn unreadable(path: &Path, error: &io::Error) -> Outcome {
    Outcome::wrong_call(format!("--users {}: {error}", path.display()))
}
