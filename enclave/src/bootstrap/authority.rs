//! The record of the authority for which IAM Roles Anywhere gives credentials.

use serde_bytes::{ByteBuf, Bytes};
use zeroize::Zeroizing;

use crate::aws::roles_anywhere::Authority;
use crate::records::Record;

/// The authority, as it is kept. Its id is that of the trust anchor, so that a release with another trust anchor makes another authority.
///
/// Encoded as a CBOR array (RFC 8949): the number 1, the deployment, the key (PKCS#8, DER) and the certificate (DER).
#[derive(Debug)]
pub struct StoreAuthority(pub Authority);

impl Record for StoreAuthority {
    const KIND: &'static str = "store-authority";

    fn encode(&self) -> Result<Zeroizing<Vec<u8>>, String> {
        let Self(authority) = self;
        let key = authority.to_pkcs8().map_err(|error| error.to_string())?;
        let fields = (
            VERSION,
            authority.deployment(),
            Bytes::new(&key),
            Bytes::new(authority.certificate()),
        );
        // With room for everything, so that no reallocation leaves a copy behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(ENCODED_MAX));
        ciborium::into_writer(&fields, &mut *bytes).map_err(|error| error.to_string())?;
        Ok(bytes)
    }

    fn decode(bytes: &[u8]) -> Result<Self, String> {
        type Fields = (u8, String, ByteBuf, ByteBuf);
        let (version, deployment, key, certificate): Fields =
            ciborium::from_reader(bytes).map_err(|_| "not the authority of a store".to_owned())?;
        let key = Zeroizing::new(key.into_vec());
        let authority = Authority::open(&deployment, &key, &certificate);
        let read = Self(authority.map_err(|error| error.to_string())?);
        match version == VERSION && read.encode()?.as_slice() == bytes {
            true => Ok(read),
            false => Err("not the one encoding of an authority".to_owned()),
        }
    }
}

const VERSION: u8 = 1;

/// The key has about 140 bytes, the certificate at most about 700.
const ENCODED_MAX: usize = 2048;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authority_has_one_encoding_is_read_back_and_its_key_is_not_printed() {
        let record = StoreAuthority(Authority::create("test", 1_767_225_600).unwrap());
        let bytes = record.encode().unwrap();
        let read = StoreAuthority::decode(&bytes).unwrap();
        assert_eq!(read.0.certificate(), record.0.certificate());
        assert_eq!(read.0.to_pkcs8().unwrap(), record.0.to_pkcs8().unwrap());
        assert!(!format!("{read:?}").contains("key"));
        let longer = [&bytes[..], &[0]].concat();
        let mut other_version = bytes.to_vec();
        other_version[1] = 2;
        for other in [
            &b""[..],
            &bytes[1..],
            &bytes[..bytes.len() - 1],
            &longer,
            &other_version,
        ] {
            assert!(StoreAuthority::decode(other).is_err());
        }
    }
}
