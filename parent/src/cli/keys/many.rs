//! What runs over many keys have in common: the form of their result files, their progress, and their patience.

use std::io::{self, IsTerminal};
use std::path::Path;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use permafrost_client::Error;
use permafrost_common::api::Key;
use serde_json::json;

use crate::cli::outcome::Outcome;

/// How often a request is repeated that the enclave asks to repeat later.
const ATTEMPTS: u32 = 10;

/// The form of a result file.
#[derive(Clone, Copy)]
pub(super) enum Form {
    Csv,
    Jsonl,
}

impl Form {
    /// The form that a file's name asks for.
    pub(super) fn of(path: &Path) -> Result<Self, Outcome> {
        match path.extension().and_then(|ending| ending.to_str()) {
            Some("csv") => Ok(Self::Csv),
            Some("jsonl") => Ok(Self::Jsonl),
            _ => Err(Outcome::wrong_call(format!(
                "--out {}; accepted: a name that ends in .csv or .jsonl",
                path.display()
            ))),
        }
    }

    /// The lines of a piece: of some keys, all with their users or all without. The first piece of a file begins with its head.
    pub(super) fn lines<'a>(
        self,
        is_first: bool,
        has_users: bool,
        keys: impl Iterator<Item = (Option<&'a str>, &'a Key)>,
    ) -> String {
        let head = match is_first {
            true => self.head(has_users),
            false => "",
        };
        let lines = keys.map(|(user, key)| self.line(user, key));
        std::iter::once(head.to_owned()).chain(lines).collect()
    }

    /// What a file begins with.
    fn head(self, has_users: bool) -> &'static str {
        match (self, has_users) {
            (Self::Csv, true) => "user,key_id,public_key,npub,address\n",
            (Self::Csv, false) => "key_id,public_key,npub,address\n",
            (Self::Jsonl, _) => "",
        }
    }

    /// The line of a key, and of the user whose key it is.
    fn line(self, user: Option<&str>, key: &Key) -> String {
        let (id, public_key) = (&key.id, &key.group_public_key);
        let (npub, address) = (&key.npub, &key.taproot.address);
        match self {
            Self::Csv => {
                let user = match user {
                    Some(user) if user.contains([',', '"', '\n', '\r']) => {
                        format!("\"{}\",", user.replace('"', "\"\""))
                    }
                    Some(user) => format!("{user},"),
                    None => String::new(),
                };
                format!("{user}{id},{public_key},{npub},{address}\n")
            }
            Self::Jsonl => {
                let mut line = json!({
                    "key_id": id, "public_key": public_key, "npub": npub, "address": address,
                });
                if let (Some(user), Some(members)) = (user, line.as_object_mut()) {
                    members.insert("user".to_owned(), user.into());
                }
                format!("{line}\n")
            }
        }
    }
}

/// A request, repeated while the enclave asks to wait.
pub(super) async fn patiently<T, R>(request: impl Fn() -> R) -> Result<T, Outcome>
where
    R: Future<Output = Result<T, Error>>,
{
    let mut attempt = 1;
    loop {
        let error = match request().await {
            Ok(done) => return Ok(done),
            Err(error) => error,
        };
        match error.problem().and_then(|problem| problem.retry_after) {
            Some(seconds) if attempt < ATTEMPTS => {
                tokio::time::sleep(Duration::from_secs(seconds.clamp(1, 60))).await;
                attempt += 1;
            }
            _ => return Err(error.into()),
        }
    }
}

/// A bar on a terminal, and nothing elsewhere.
pub(super) fn progress(count: u64, begun: u64) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(count).with_position(begun);
    let template = "{bar:40} {human_pos} of {human_len}  {per_sec}  {eta} left";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    // Not the speed of the run before.
    bar.reset_eta();
    bar
}
