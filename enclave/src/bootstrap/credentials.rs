//! The record of the table's credentials.

use permafrost_common::store_credentials::{CREDENTIALS_MAX, of_json, to_json};
use zeroize::Zeroizing;

use crate::aws::Credentials;
use crate::records::Record;

/// The credentials of the table, as they are kept.
///
/// Encoded as one byte, the version 1, and the JSON that was sealed ([`to_json`]).
#[derive(Debug)]
pub struct StoreCredentials(Credentials);

impl StoreCredentials {
    /// A record of these.
    pub fn new(credentials: Credentials) -> Self {
        Self(credentials)
    }

    /// The credentials, which are never printed.
    pub fn credentials(&self) -> &Credentials {
        &self.0
    }
}

impl Record for StoreCredentials {
    const KIND: &'static str = "store-credentials";

    fn encode(&self) -> Result<Zeroizing<Vec<u8>>, String> {
        let json = to_json(&self.0).map_err(|error| error.to_string())?;
        // With room for everything, so that no reallocation leaves a copy behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(1 + CREDENTIALS_MAX));
        bytes.push(VERSION);
        bytes.extend_from_slice(&json);
        Ok(bytes)
    }

    fn decode(bytes: &[u8]) -> Result<Self, String> {
        let json = bytes.strip_prefix(&[VERSION]);
        let credentials = of_json(json.ok_or("not the credentials of a table")?);
        credentials.map(Self).map_err(|error| error.to_string())
    }
}

const VERSION: u8 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_have_one_encoding_read_back_and_are_not_printed() {
        let record = StoreCredentials::new(Credentials {
            access_key_id: "AKIAIOSFODNN7EXAMPLE".to_owned(),
            secret_access_key: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned(),
            token: None,
            expiration: None,
        });
        let bytes = record.encode().unwrap();
        let read = StoreCredentials::decode(&bytes).unwrap();
        assert_eq!(read.credentials(), record.credentials());
        assert!(!format!("{read:?}").contains("wJalr"));
        let other_version = [&[2], &bytes[1..]].concat();
        for other in [
            &b""[..],
            &bytes[1..],
            &bytes[..bytes.len() - 1],
            &other_version,
        ] {
            assert!(StoreCredentials::decode(other).is_err());
        }
    }
}
