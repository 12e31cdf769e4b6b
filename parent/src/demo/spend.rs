//! A real transaction that spends a Taproot output by its key path (BIP-341), made with the `bitcoin` crate.

use std::str::FromStr;

use bitcoin::hashes::Hash;
use bitcoin::sighash::{Prevouts, SighashCache, TaprootError};
use bitcoin::{
    Address, Amount, Network, OutPoint, ScriptBuf, Sequence, TapSighash, TapSighashType,
    Transaction, TxIn, TxOut, Txid, Witness, absolute, transaction,
};

/// What the output that is spent is worth: 0.01 BTC.
const SPENT: Amount = Amount::from_sat(1_000_000);

/// The part of it that pays the fee.
const FEE: Amount = Amount::from_sat(500);

/// A transaction of one input and one output, and the output that it spends.
#[derive(Clone, Debug)]
pub struct Spend {
    /// The transaction; complete once [`Spend::complete`] has put the signature into its witness.
    pub transaction: Transaction,
    /// The output that its one input spends.
    pub spent: TxOut,
}

/// Why the transaction cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum SpendError {
    /// The address is not one of Bitcoin's main network.
    #[error("the key's address {address:?}: {reason}")]
    Address {
        /// What the enclave gave.
        address: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The signature hash cannot be computed.
    #[error("no signature hash: {0}")]
    Sighash(#[from] TaprootError),
    /// The signature is not 64 bytes.
    #[error("the Taproot signature: {0}")]
    Signature(String),
}

impl Spend {
    /// A transaction that spends an output of 0.01 BTC at this address, and pays it back to where it came from. The
    /// output's transaction exists nowhere, and nothing in a signature depends on that.
    ///
    /// # Errors
    /// [`SpendError::Address`].
    pub fn of(address: &str) -> Result<Self, SpendError> {
        let script_pubkey = script_of(address)?;
        let outpoint = OutPoint {
            txid: Txid::hash(b"an output that only this demo knows"),
            vout: 0,
        };
        let transaction = Transaction {
            version: transaction::Version::TWO,
            lock_time: absolute::LockTime::ZERO,
            input: vec![TxIn {
                previous_output: outpoint,
                script_sig: ScriptBuf::new(),
                sequence: Sequence::ENABLE_RBF_NO_LOCKTIME,
                witness: Witness::new(),
            }],
            output: vec![TxOut {
                value: SPENT - FEE,
                script_pubkey: script_pubkey.clone(),
            }],
        };
        let spend = Self {
            transaction,
            spent: TxOut {
                value: SPENT,
                script_pubkey,
            },
        };
        spend.sighash()?;
        Ok(spend)
    }

    /// The signature hash of BIP-341 for the only input and `SIGHASH_DEFAULT`; it does not cover the witness.
    ///
    /// # Errors
    /// [`SpendError::Sighash`]; never for a transaction that [`Spend::of`] made.
    pub fn sighash(&self) -> Result<TapSighash, SpendError> {
        let prevouts = [&self.spent];
        Ok(
            SighashCache::new(&self.transaction).taproot_key_spend_signature_hash(
                0,
                &Prevouts::All(&prevouts),
                TapSighashType::Default,
            )?,
        )
    }

    /// [`Spend::sighash`] in hex, in the order in which it is signed.
    pub fn sighash_hex(&self) -> String {
        self.sighash()
            .map(|sighash| hex::encode(sighash.to_byte_array()))
            .unwrap_or_default()
    }

    /// Puts a signature of 64 bytes in hex into the witness.
    ///
    /// # Errors
    /// [`SpendError::Signature`].
    pub fn complete(&mut self, signature: &str) -> Result<(), SpendError> {
        let bytes =
            hex::decode(signature).map_err(|error| SpendError::Signature(error.to_string()))?;
        let signature = bitcoin::taproot::Signature::from_slice(&bytes)
            .map_err(|error| SpendError::Signature(error.to_string()))?;
        if let Some(input) = self.transaction.input.first_mut() {
            input.witness = Witness::p2tr_key_spend(&signature);
        }
        Ok(())
    }
}

fn script_of(address: &str) -> Result<ScriptBuf, SpendError> {
    let refused = |reason: String| SpendError::Address {
        address: address.to_owned(),
        reason,
    };
    Address::from_str(address)
        .and_then(|parsed| parsed.require_network(Network::Bitcoin))
        .map(|checked| checked.script_pubkey())
        .map_err(|error| refused(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The address of BIP-341's wallet test vectors, `scriptPubKey` case 0.
    const ADDRESS: &str = "bc1p2wsldez5mud2yam29q22wgfh9439spgduvct83k3pm50fcxa5dps59h4z5";

    #[test]
    fn the_signature_hash_covers_the_output_and_not_the_witness() {
        let mut spend = Spend::of(ADDRESS).unwrap();
        let before = spend.sighash_hex();
        spend.complete(&"11".repeat(64)).unwrap();
        assert_eq!(spend.sighash_hex(), before);
        spend.transaction.output[0].value += FEE;
        assert_ne!(spend.sighash_hex(), before);
    }

    #[test]
    fn addresses_of_other_networks_are_refused() {
        let error = Spend::of("tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx").unwrap_err();
        assert!(matches!(error, SpendError::Address { .. }), "{error}");
    }
}
