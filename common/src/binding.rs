//! What an attestation document's `user_data` says about the boot that made it.

use ciborium::Value;

/// The keys and the configuration that one boot of the enclave vouches for.
///
/// In the document: deterministic CBOR (RFC 8949 section 4.2) of the map
/// `{"v": 2, "boot_key": bstr(32), "deployment": tstr, "configuration": bstr(32), "oblivious_keys": bstr(32)}`, at most
/// 512 bytes. Version 1 is the same without `oblivious_keys`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Binding {
    /// The Ed25519 public key that verifies this boot's responses.
    pub boot_key: [u8; 32],
    /// The deployment's name from the measured configuration, 1 to 64 bytes.
    pub deployment: String,
    /// SHA-256 of the measured configuration file.
    pub configuration: [u8; 32],
    /// SHA-256 of the list of Oblivious HTTP key configurations (RFC 9458 section 3.2) of this boot; absent in version 1.
    pub oblivious_keys: Option<[u8; 32]>,
}

/// Why bytes are not a [`Binding`].
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("user_data is not a Permafrost binding: {0}")]
pub struct BindingError(&'static str);

impl Binding {
    /// The bytes that go into `user_data`.
    pub fn to_user_data(&self) -> Vec<u8> {
        let version = if self.oblivious_keys.is_some() { 2 } else { 1 };
        let mut entries = vec![
            ("v".into(), version.into()),
            ("boot_key".into(), Value::Bytes(self.boot_key.to_vec())),
            ("deployment".into(), self.deployment.as_str().into()),
            (
                "configuration".into(),
                Value::Bytes(self.configuration.to_vec()),
            ),
        ];
        if let Some(keys) = self.oblivious_keys {
            entries.push(("oblivious_keys".into(), Value::Bytes(keys.to_vec())));
        }
        let mut bytes = Vec::new();
        // Writing to a Vec cannot fail.
        let _ = ciborium::into_writer(&Value::Map(entries), &mut bytes);
        bytes
    }

    /// Reads `user_data`; accepts only the bytes that [`Binding::to_user_data`] makes.
    pub fn from_user_data(bytes: &[u8]) -> Result<Self, BindingError> {
        let value: Value = ciborium::from_reader(bytes).map_err(|_| BindingError("not CBOR"))?;
        let entries = value.as_map().ok_or(BindingError("not a map"))?;
        let field = |name: &str| {
            entries
                .iter()
                .find(|(key, _)| key.as_text() == Some(name))
                .map(|(_, value)| value)
        };
        let digest = |name: &str| -> Option<[u8; 32]> {
            field(name)?.as_bytes()?.as_slice().try_into().ok()
        };
        let binding = Self {
            boot_key: digest("boot_key").ok_or(BindingError("boot_key is not 32 bytes"))?,
            deployment: field("deployment")
                .and_then(Value::as_text)
                .filter(|name| (1..=64).contains(&name.len()))
                .ok_or(BindingError("deployment is not a text of 1 to 64 bytes"))?
                .to_owned(),
            configuration: digest("configuration")
                .ok_or(BindingError("configuration is not 32 bytes"))?,
            oblivious_keys: digest("oblivious_keys"),
        };
        if binding.to_user_data() != bytes {
            return Err(BindingError("not in the canonical form of version 1 or 2"));
        }
        Ok(binding)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bindings() -> [Binding; 2] {
        [None, Some([5; 32])].map(|oblivious_keys| Binding {
            boot_key: [7; 32],
            deployment: "test".into(),
            configuration: [9; 32],
            oblivious_keys,
        })
    }

    #[test]
    fn a_binding_of_either_version_reads_back_from_its_user_data() {
        for (binding, version) in bindings().into_iter().zip([1, 2]) {
            let bytes = binding.to_user_data();
            assert_eq!(bytes[1..4], [0x61, b'v', version]);
            assert_eq!(Binding::from_user_data(&bytes), Ok(binding));
            assert!(bytes.len() <= 512);
        }
    }

    #[test]
    fn any_other_encoding_is_refused() {
        for bytes in bindings().map(|binding| binding.to_user_data()) {
            for at in 0..bytes.len() {
                assert!(Binding::from_user_data(&bytes[..at]).is_err());
            }
            let mut longer = bytes;
            longer.push(0);
            assert!(Binding::from_user_data(&longer).is_err());
        }
    }

    #[test]
    fn an_entry_that_does_not_belong_to_the_version_is_refused() {
        let [first, second] = bindings().map(|binding| binding.to_user_data());
        for (mut bytes, version) in [(first, 2), (second, 1)] {
            bytes[3] = version;
            assert!(Binding::from_user_data(&bytes).is_err());
        }
    }
}
