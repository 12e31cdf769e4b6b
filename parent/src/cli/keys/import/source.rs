//! Where a secret and its password are read from.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use permafrost_client::ImportSecret;
use zeroize::Zeroizing;

use super::form::{Form, Read, Secret, WifNetwork};
use super::ncryptsec::Encrypted;
use crate::cli::outcome::Outcome;
use crate::cli::secret_file::{self, is_standard_input};

/// The longest file of a secret or a password that is read, in bytes.
const FILE_MAX: usize = 4096;

/// The file of the secret.
#[derive(Args, Debug)]
#[group(multiple = false, required = true)]
pub(super) struct Source {
    /// A file with the secret in any of the forms below. For this and every other file: - for standard input.
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,

    /// A file with the secret as Nostr writes it: nsec1... (NIP-19).
    #[arg(long, value_name = "FILE")]
    nsec_file: Option<PathBuf>,

    /// A file with the secret as Nostr encrypts it: ncryptsec1... (NIP-49).
    #[arg(long, value_name = "FILE")]
    ncryptsec_file: Option<PathBuf>,

    /// A file with the secret in wallet import format, compressed.
    #[arg(long, value_name = "FILE")]
    wif_file: Option<PathBuf>,

    /// A file with the secret as 64 hex digits.
    #[arg(long, value_name = "FILE")]
    hex_file: Option<PathBuf>,
}

/// Where the password of an encrypted secret comes from.
#[derive(Args, Debug)]
pub(super) struct PasswordOption {
    /// A file whose first line is the password of an ncryptsec. Default: the terminal asks for it.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

impl Source {
    /// Reads and checks the secret.
    pub(super) fn read(
        &self,
        password: &PasswordOption,
        network: WifNetwork,
    ) -> Result<ImportSecret, Outcome> {
        let (option, path, form) = self.named()?;
        let wrong =
            |what: String| Outcome::wrong_call(format!("{option} {}: {what}", path.display()));
        let is_twice = |other: &PathBuf| is_standard_input(other) && is_standard_input(path);
        if password.password_file.as_ref().is_some_and(is_twice) {
            return Err(wrong(
                "standard input is the password's as well; accepted: a file for one of them"
                    .to_owned(),
            ));
        }
        let file = secret_file::read(path, FILE_MAX).map_err(wrong)?;
        let text = file.trim();
        let form = form.map_or_else(|| Form::detect(text), Ok).map_err(wrong)?;
        let secret = match form.read(text, network).map_err(wrong)? {
            Read::Plain(secret) => {
                password.check_not_given()?;
                secret
            }
            Read::Encrypted(encrypted) => password.open(&encrypted)?.map_err(wrong)?,
        };
        ImportSecret::from_bytes(secret).map_err(|error| wrong(error.to_string()))
    }

    fn named(&self) -> Result<(&'static str, &Path, Option<Form>), Outcome> {
        [
            ("--file", &self.file, None),
            ("--nsec-file", &self.nsec_file, Some(Form::Nsec)),
            (
                "--ncryptsec-file",
                &self.ncryptsec_file,
                Some(Form::Ncryptsec),
            ),
            ("--wif-file", &self.wif_file, Some(Form::Wif)),
            ("--hex-file", &self.hex_file, Some(Form::Hex)),
        ]
        .into_iter()
        .find_map(|(option, path, form)| Some((option, path.as_deref()?, form)))
        .ok_or_else(|| Outcome::wrong_call("no file of a secret"))
    }
}

impl PasswordOption {
    /// Opens an encrypted secret; the outer error is about the password's own file.
    fn open(&self, encrypted: &Encrypted) -> Result<Result<Secret, String>, Outcome> {
        let password = self.read()?;
        if encrypted.was_handled_insecurely() {
            let _unread = writeln!(
                io::stderr(),
                "note: the ncryptsec says that its key was handled insecurely before: replace it by a fresh one where the public key may change"
            );
        }
        Ok(encrypted.open(&password))
    }

    fn read(&self) -> Result<Zeroizing<String>, Outcome> {
        let Some(path) = &self.password_file else {
            let asked = rpassword::prompt_password("Password of the ncryptsec: ");
            return asked.map(Zeroizing::new).map_err(|error| {
                Outcome::wrong_call(format!(
                    "cannot ask for the password of the ncryptsec: {error}; accepted: --password-file"
                ))
            });
        };
        let wrong =
            |what: &str| Outcome::wrong_call(format!("--password-file {}: {what}", path.display()));
        let file = secret_file::read(path, FILE_MAX).map_err(|error| wrong(&error))?;
        match file.lines().next() {
            Some(line) if !line.is_empty() => Ok(Zeroizing::new(line.to_owned())),
            _ => Err(wrong("its first line is empty; accepted: a password")),
        }
    }

    /// A password that nothing needs is a mistake about the file of the secret.
    fn check_not_given(&self) -> Result<(), Outcome> {
        match &self.password_file {
            None => Ok(()),
            Some(_) => Err(Outcome::wrong_call(
                "--password-file: the secret is not encrypted; accepted with ncryptsec1... only",
            )),
        }
    }
}
