//! `permafrost keys import`.

mod form;
mod ncryptsec;
mod source;

use clap::Args;
use permafrost_client::{IdempotencyKey, ImportSecret, Principal};
use permafrost_common::api::Key;

use self::form::WifNetwork;
use self::source::{PasswordOption, Source};
use super::given_or_random;
use crate::cli::outcome::Outcome;

/// Import a key whose secret exists already: this machine seals the secret to the verified enclave, which deals its shares.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  permafrost keys import --nsec-file me.nsec --threshold 2 alice bob carol
  permafrost keys import --ncryptsec-file me.ncryptsec --password-file password --threshold 2 alice bob carol
  permafrost keys import --wif-file coin.wif --wif-network testnet --threshold 2 alice bob
  pass show nostr | permafrost keys import --file - --threshold 2 alice bob carol

The secret is read from a file or from standard input (-), never from an argument, and is checked before the enclave is asked for
anything. Whoever has a copy of it can still sign without the enclave, and no rotation changes that: where the public key may change,
replace the imported key by a fresh one (permafrost keys replace). A key is imported into a deployment once only.")]
pub(super) struct Import {
    #[command(flatten)]
    source: Source,

    #[command(flatten)]
    password: PasswordOption,

    /// The network of a key in wallet import format.
    #[arg(default_value = "bitcoin", long, value_enum)]
    wif_network: WifNetwork,

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

impl Import {
    /// The secret, read, decrypted if it is encrypted, and checked.
    pub(super) fn secret(&self) -> Result<ImportSecret, Outcome> {
        self.source.read(&self.password, self.wif_network)
    }

    pub(super) async fn ask(
        &self,
        principal: &Principal,
        secret: &ImportSecret,
    ) -> Result<Key, Outcome> {
        let idempotency_key = given_or_random(self.idempotency_key.as_ref())?;
        let imported =
            principal.import_key(self.threshold, &self.participants, secret, &idempotency_key);
        Ok(imported.await?)
    }
}
