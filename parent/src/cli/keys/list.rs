//! `permafrost keys list`.

use bech32::Bech32;
use bech32::primitives::decode::CheckedHrpstring;
use clap::{Args, ValueEnum};
use permafrost_client::Principal;
use permafrost_common::api::{Custody, KeyFilter, KeyList, KeyStatus};
use permafrost_frost::Hex;

use crate::cli::outcome::Outcome;

/// List the keys that the principal may see.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  permafrost keys list
  permafrost keys list --label customer-17 --status enabled
  permafrost keys list --public-key npub1...
  permafrost keys list --limit 10 --after 0123...cdef --json")]
pub(super) struct List {
    /// List only keys of this principal.
    #[arg(long, value_name = "NAME")]
    owner: Option<String>,

    /// List only keys with this label.
    #[arg(long, value_name = "LABEL")]
    label: Option<String>,

    /// List only keys with this status.
    #[arg(long, value_enum)]
    status: Option<StatusArgument>,

    /// List only keys with this custody. Derived keys are not stored, and never listed.
    #[arg(long, value_enum)]
    custody: Option<super::CustodyArgument>,

    /// List only the keys with this public key: 64 hex digits, or an npub.
    #[arg(long, value_name = "KEY", value_parser = public_key)]
    public_key: Option<Hex<32>>,

    /// List only keys after this id, in ascending order.
    #[arg(long, value_name = "ID")]
    after: Option<String>,

    /// Request one listing of at most this many keys, 1 to 100; with filters it may have fewer and still not be the last. Default: all keys.
    #[arg(long, value_name = "N")]
    limit: Option<u32>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum StatusArgument {
    Enabled,
    Disabled,
    Deleted,
}

impl List {
    pub(super) async fn ask(&self, principal: &Principal) -> Result<KeyList, Outcome> {
        let filter = self.filter();
        let mut all = principal
            .find_keys(&filter, self.after.as_deref(), self.limit)
            .await?;
        if self.limit.is_some() {
            return Ok(all);
        }
        while let Some(after) = all.next.take() {
            let more = principal.find_keys(&filter, Some(&after), None).await?;
            all.keys.extend(more.keys);
            // A cursor that does not advance would make the loop endless.
            all.next = more.next.filter(|next| *next > after);
        }
        Ok(all)
    }

    fn filter(&self) -> KeyFilter {
        KeyFilter {
            owner: self.owner.clone(),
            label: self.label.clone(),
            status: self.status.map(|status| match status {
                StatusArgument::Enabled => KeyStatus::Enabled,
                StatusArgument::Disabled => KeyStatus::Disabled,
                StatusArgument::Deleted => KeyStatus::Deleted,
            }),
            custody: self.custody.map(|custody| match custody {
                super::CustodyArgument::Enclave => Custody::Enclave,
                super::CustodyArgument::Split => Custody::Split,
            }),
            group_public_key: self.public_key,
        }
    }
}

fn public_key(text: &str) -> Result<Hex<32>, String> {
    let npub = || {
        let checked = CheckedHrpstring::new::<Bech32>(text).ok()?;
        let bytes: Vec<u8> = checked.byte_iter().collect();
        let is_npub = checked.hrp().to_lowercase() == "npub";
        bytes.try_into().ok().filter(|_| is_npub).map(Hex)
    };
    let key = text.to_ascii_lowercase().parse().ok();
    key.or_else(npub)
        .ok_or_else(|| "accepted: 64 hex digits, or an npub (NIP-19)".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_key_is_hex_or_an_npub() {
        // NIP-19 has this pair.
        let hex = "7e7e9c42a91bfef19fa929e5fda1b72e0ebc1a4c1141673e2794234d86addf4e";
        let npub = "npub10elfcs4fr0l0r8af98jlmgdh9c8tcxjvz9qkw038js35mp4dma8qzvjptg";
        let expected: Hex<32> = hex.parse().unwrap();
        for text in [hex, &hex.to_uppercase(), npub] {
            assert_eq!(public_key(text), Ok(expected));
        }
        let nsec = "nsec1vl029mgpspedva04g90vltkh6fvh240zqtv9k0t9af8935ke9laqsnlfe5";
        for text in ["", "7e7e", &hex[1..], &npub[..62], nsec] {
            assert!(public_key(text).is_err(), "{text}");
        }
    }
}
