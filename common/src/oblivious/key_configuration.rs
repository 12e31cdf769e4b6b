//! The gateway's public key, as clients fetch it (RFC 9458 section 3).

use super::hpke::{AEAD, KDF, KEM, PUBLIC_KEY_LEN};

/// A public key of the gateway, for the one suite.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KeyConfiguration {
    /// The id by which an encapsulated request names the key.
    pub id: u8,
    /// X25519.
    pub public_key: [u8; PUBLIC_KEY_LEN],
}

/// Why a list of key configurations cannot be used.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum KeyConfigurationError {
    /// The list, or a configuration in it, is malformed.
    #[error("the list of key configurations is malformed (RFC 9458 section 3.2): {0}")]
    Form(&'static str),
    /// No configuration is for the one suite.
    #[error(
        "no key configuration is usable; accepted: one with X25519, HKDF-SHA256 and AES-128-GCM"
    )]
    Unusable,
}

impl KeyConfiguration {
    /// The list (RFC 9458 section 3.2) of this configuration alone: 43 bytes.
    pub fn to_list(&self) -> Vec<u8> {
        let mut configuration = vec![self.id];
        configuration.extend(KEM.to_be_bytes());
        configuration.extend(self.public_key);
        configuration.extend(4_u16.to_be_bytes());
        configuration.extend(KDF.to_be_bytes());
        configuration.extend(AEAD.to_be_bytes());
        let mut list = LENGTH.to_be_bytes().to_vec();
        list.append(&mut configuration);
        list
    }

    /// The first configuration of a list that is for the one suite. Others are skipped, as the section requires.
    ///
    /// # Errors
    /// [`KeyConfigurationError`]: a malformed list is refused as a whole.
    pub fn first_usable(list: &[u8]) -> Result<Self, KeyConfigurationError> {
        let mut usable = None;
        let mut left = list;
        while !left.is_empty() {
            let (length, rest) = number(left)?;
            let (configuration, rest) = rest
                .split_at_checked(usize::from(length))
                .ok_or(KeyConfigurationError::Form("a configuration is cut off"))?;
            let read = Self::read(configuration)?;
            usable = usable.or(read);
            left = rest;
        }
        usable.ok_or(KeyConfigurationError::Unusable)
    }

    /// A configuration (RFC 9458 section 3.1), if it is for the one suite.
    fn read(configuration: &[u8]) -> Result<Option<Self>, KeyConfigurationError> {
        let (id, rest) = configuration
            .split_first()
            .ok_or(KeyConfigurationError::Form("a configuration is empty"))?;
        let (kem, rest) = number(rest)?;
        // The length of another KEM's key is not known here.
        if kem != KEM {
            return Ok(None);
        }
        let (public_key, rest) = rest
            .split_first_chunk::<PUBLIC_KEY_LEN>()
            .ok_or(KeyConfigurationError::Form("a public key is cut off"))?;
        let (length, suites) = number(rest)?;
        let (suites, remainder) = suites.as_chunks::<4>();
        if suites.is_empty() || !remainder.is_empty() || usize::from(length) != suites.len() * 4 {
            return Err(KeyConfigurationError::Form(
                "the algorithms have another length than declared",
            ));
        }
        let [kdf, aead] = [KDF, AEAD].map(u16::to_be_bytes);
        let ours = [kdf, aead].concat();
        Ok(suites
            .iter()
            .any(|suite| suite[..] == ours)
            .then_some(Self {
                id: *id,
                public_key: *public_key,
            }))
    }
}

/// The length that a list of one configuration declares: id, KEM, key, length of the algorithms, KDF and AEAD.
const LENGTH: u16 = 1 + 2 + 32 + 2 + 4;

fn number(bytes: &[u8]) -> Result<(u16, &[u8]), KeyConfigurationError> {
    bytes
        .split_first_chunk()
        .map(|(number, rest)| (u16::from_be_bytes(*number), rest))
        .ok_or(KeyConfigurationError::Form("a number is cut off"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: KeyConfiguration = KeyConfiguration {
        id: 7,
        public_key: [9; 32],
    };

    #[test]
    fn a_list_reads_back_and_has_43_bytes() {
        let list = OURS.to_list();
        assert_eq!(list.len(), 43);
        assert_eq!(KeyConfiguration::first_usable(&list), Ok(OURS));
    }

    #[test]
    fn configurations_for_other_suites_are_skipped() {
        let p256 = [[0, 70, 1, 0, 0x10].as_slice(), &[4; 67]].concat();
        let mut chacha = OURS.to_list();
        chacha[42] = 3;
        let list = [p256.clone(), chacha.clone(), OURS.to_list()].concat();
        assert_eq!(KeyConfiguration::first_usable(&list), Ok(OURS));
        let none = [p256, chacha].concat();
        assert_eq!(
            KeyConfiguration::first_usable(&none),
            Err(KeyConfigurationError::Unusable)
        );
    }

    #[test]
    fn a_list_cut_off_anywhere_is_refused() {
        let list = OURS.to_list();
        for length in 0..list.len() {
            assert!(KeyConfiguration::first_usable(&list[..length]).is_err());
        }
        let longer = [list, vec![0]].concat();
        assert!(KeyConfiguration::first_usable(&longer).is_err());
    }

    #[test]
    fn algorithms_of_another_length_than_they_say_are_refused() {
        for (at, value) in [(38, 3), (38, 0), (38, 8), (1, 40)] {
            let mut list = OURS.to_list();
            list[at] = value;
            assert!(matches!(
                KeyConfiguration::first_usable(&list),
                Err(KeyConfigurationError::Form(_))
            ));
        }
    }
}
