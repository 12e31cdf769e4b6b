//! Share files: one share of a key with split custody, encrypted with age (age-encryption.org/v1), in its armored form.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use age::armor::{ArmoredReader, ArmoredWriter, Format};
use age::secrecy::SecretString;
use age::{Decryptor, Encryptor, Identity, IdentityFile, scrypt, x25519};
use clap::Args;
use permafrost_client::HeldShare;
use zeroize::Zeroizing;

use crate::cli::outcome::Outcome;
use crate::private_file;

/// The longest share file that is read, in bytes.
const FILE_MAX: u64 = 256 * 1024;

/// The most work that a passphrase may cost: scrypt with N = 2^20, which takes 1 GiB. The page accepts the same, and writes 2^18.
const WORK_FACTOR_MAX: u8 = 20;

/// The share files to use, and what opens them.
#[derive(Args, Debug)]
pub(super) struct ShareFiles {
    /// A share file of a key with split custody. May be given more than once, for several participants.
    #[arg(id = "share", long = "share", value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,

    /// An age identity file (AGE-SECRET-KEY-1...) that opens the share files. Default: a passphrase.
    #[arg(long, value_name = "FILE")]
    identity: Vec<PathBuf>,

    #[command(flatten)]
    passphrase: PassphraseOption,
}

/// How new share files are protected.
#[derive(Args, Debug)]
pub(super) struct NewShareFiles {
    /// Write the share of the participant NAME (default: the first one) to a new file, encrypted with age. Once for each participant
    /// that holds its share itself; the shares of the others are the enclave's.
    #[arg(id = "share-out", long = "share-out", value_name = "[NAME=]FILE")]
    pub(super) files: Vec<String>,

    /// An age recipient (age1...) that can open the new share files. May be given more than once. Default: a passphrase.
    #[arg(long, value_name = "RECIPIENT")]
    recipient: Vec<x25519::Recipient>,
}

/// Where a passphrase comes from.
#[derive(Args, Debug)]
pub(super) struct PassphraseOption {
    /// A file whose first line is the passphrase of the share files. Default: the terminal asks for it.
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

impl ShareFiles {
    /// Whether no share file was named.
    pub(super) fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Where the passphrase comes from.
    pub(super) fn passphrase(&self) -> &PassphraseOption {
        &self.passphrase
    }

    /// Reads and opens every share file, each of which has to be of this key.
    pub(super) fn read_of(&self, id: &str) -> Result<Vec<HeldShare>, Outcome> {
        let shares = self.read()?;
        match shares.iter().find(|one| one.key_id().to_string() != id) {
            None => Ok(shares),
            Some(share) => Err(Outcome::wrong_call(format!(
                "--share: the share of {} is of key {}",
                share.participant(),
                share.key_id()
            ))),
        }
    }

    /// Reads and opens every share file.
    pub(super) fn read(&self) -> Result<Vec<HeldShare>, Outcome> {
        let mut identities: Vec<Box<dyn Identity>> = Vec::new();
        for path in &self.identity {
            let wrong = |error: String| {
                Outcome::wrong_call(format!("--identity {}: {error}", path.display()))
            };
            let file = IdentityFile::from_file(path.display().to_string())
                .map_err(|error| wrong(error.to_string()))?;
            let found = file.into_identities();
            let found = found.map_err(|error| wrong(error.to_string()))?;
            identities.extend(found.into_iter().map(|one| one as Box<dyn Identity>));
        }
        if identities.is_empty() {
            let passphrase = self.passphrase.read(false)?;
            let mut identity = scrypt::Identity::new(passphrase);
            // By default it goes by the speed of this machine, and a slow one would refuse a file that a fast one has written.
            identity.set_max_work_factor(WORK_FACTOR_MAX);
            identities.push(Box::new(identity));
        }
        let opened = self.files.iter().map(|path| open(path, &identities));
        opened.collect()
    }
}

impl NewShareFiles {
    /// The name of each participant that holds its share itself, and its file. Refuses what could not be written later.
    pub(super) fn targets(&self, participants: &[&str]) -> Result<Vec<(String, PathBuf)>, Outcome> {
        let mut targets: Vec<(String, PathBuf)> = Vec::with_capacity(self.files.len());
        for text in &self.files {
            let named = text
                .split_once('=')
                .filter(|(name, _)| participants.contains(name));
            let (name, path) = match (named, participants.first()) {
                (Some((name, path)), _) => (name, path),
                (None, Some(first)) => (*first, text.as_str()),
                (None, None) => return Err(Outcome::wrong_call("--share-out: no participants")),
            };
            let path = PathBuf::from(path);
            let wrong = |what: String| {
                Outcome::wrong_call(format!("--share-out {}: {what}", path.display()))
            };
            if path.exists() {
                return Err(wrong("exists; accepted: a new file".to_owned()));
            }
            if targets
                .iter()
                .any(|(other, file)| other == name || *file == path)
            {
                return Err(wrong(format!(
                    "another share file of {name}, or the same file; accepted: one new file for each participant"
                )));
            }
            targets.push((name.to_owned(), path));
        }
        Ok(targets)
    }

    /// Writes each share to its file. No file is written over.
    pub(super) fn write(
        &self,
        targets: &[(String, PathBuf)],
        shares: &[HeldShare],
        passphrase: &PassphraseOption,
    ) -> Result<(), Outcome> {
        let passphrase = match self.recipient.is_empty() {
            true => Some(passphrase.read(true)?),
            false => None,
        };
        for (name, path) in targets {
            let share = shares.iter().find(|share| share.participant() == name);
            let share =
                share.ok_or_else(|| Outcome::failed(format!("there is no share of {name}")))?;
            let json = share.to_json().map_err(Outcome::failed)?;
            let failed = |error: String| {
                Outcome::failed(format!("the share file {}: {error}", path.display()))
            };
            let encryptor = match &passphrase {
                Some(passphrase) => Encryptor::with_user_passphrase(passphrase.clone()),
                None => Encryptor::with_recipients(
                    self.recipient.iter().map(|one| one as &dyn age::Recipient),
                )
                .map_err(|error| failed(error.to_string()))?,
            };
            let file = encrypt(encryptor, json.as_bytes());
            file.and_then(|file| private_file::write_new(path, &file))
                .map_err(|error| failed(error.to_string()))?;
        }
        Ok(())
    }
}

impl PassphraseOption {
    fn read(&self, is_new: bool) -> Result<SecretString, Outcome> {
        let Some(path) = &self.passphrase_file else {
            return prompt(is_new);
        };
        let wrong = |what: &str| {
            Outcome::wrong_call(format!("--passphrase-file {}: {what}", path.display()))
        };
        let text = fs::read_to_string(path).map_err(|error| wrong(&error.to_string()))?;
        let text = Zeroizing::new(text);
        match text.lines().next() {
            Some(line) if !line.is_empty() => Ok(line.to_owned().into()),
            _ => Err(wrong("its first line is empty; accepted: a passphrase")),
        }
    }
}

fn prompt(is_new: bool) -> Result<SecretString, Outcome> {
    let ask = |text: &str| {
        rpassword::prompt_password(text).map(Zeroizing::new).map_err(|error| {
            Outcome::wrong_call(format!(
                "cannot ask for the passphrase of the share files: {error}; accepted: --passphrase-file, --identity or --recipient"
            ))
        })
    };
    let passphrase = ask("Passphrase of the share files: ")?;
    if passphrase.is_empty() {
        return Err(Outcome::wrong_call("the passphrase is empty"));
    }
    if is_new && *ask("The same again: ")? != *passphrase {
        return Err(Outcome::wrong_call("the two passphrases differ"));
    }
    Ok(passphrase.as_str().to_owned().into())
}

fn encrypt(encryptor: Encryptor, plaintext: &[u8]) -> io::Result<Vec<u8>> {
    let armored = ArmoredWriter::wrap_output(Vec::new(), Format::AsciiArmor)?;
    let mut writer = encryptor.wrap_output(armored)?;
    writer.write_all(plaintext)?;
    writer.finish()?.finish()
}

fn open(path: &Path, identities: &[Box<dyn Identity>]) -> Result<HeldShare, Outcome> {
    let wrong = |what: String| Outcome::wrong_call(format!("--share {}: {what}", path.display()));
    let mut file = Vec::new();
    fs::File::open(path)
        .and_then(|opened| opened.take(FILE_MAX).read_to_end(&mut file))
        .map_err(|error| wrong(error.to_string()))?;
    let decryptor = Decryptor::new_buffered(ArmoredReader::new(file.as_slice()))
        .map_err(|error| wrong(format!("not an age file: {error}")))?;
    let mut plaintext = Zeroizing::new(String::new());
    decryptor
        .decrypt(identities.iter().map(AsRef::as_ref))
        .map_err(|error| error.to_string())
        .and_then(|mut reader| {
            let read = reader.read_to_string(&mut plaintext);
            read.map_err(|error| error.to_string())
        })
        .map_err(|error| wrong(format!("does not open: {error}")))?;
    HeldShare::from_json(&plaintext).map_err(|error| wrong(error.to_string()))
}
