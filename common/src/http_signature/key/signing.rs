//! Keys that sign.

use std::fmt;

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair},
};
use zeroize::Zeroizing;

use super::{Algorithm, KeyError, PublicKey, SIGNATURE_LEN, pem};

/// A key that signs. The library wipes its memory when it is dropped, and `Debug` shows only the public key.
#[derive(Clone)]
pub struct SigningKey(Pair);

#[derive(Clone)]
enum Pair {
    Ed25519(Ed25519KeyPair),
    EcdsaP256(EcdsaKeyPair),
}

impl SigningKey {
    /// A new random key.
    ///
    /// # Errors
    /// [`KeyError::Library`] if the library fails to give random bytes.
    pub fn generate(algorithm: Algorithm) -> Result<Self, KeyError> {
        let pair = match algorithm {
            Algorithm::Ed25519 => Ed25519KeyPair::generate().map(Pair::Ed25519),
            Algorithm::EcdsaP256 => {
                EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map(Pair::EcdsaP256)
            }
        };
        pair.map(Self).map_err(|_| KeyError::Library("make a key"))
    }

    /// Reads an unencrypted PKCS#8 key (RFC 5958, DER).
    ///
    /// # Errors
    /// [`KeyError::NotPkcs8`].
    pub fn from_pkcs8(der: &[u8]) -> Result<Self, KeyError> {
        if let Ok(pair) = Ed25519KeyPair::from_pkcs8(der) {
            return Ok(Self(Pair::Ed25519(pair)));
        }
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der)
            .map(|pair| Self(Pair::EcdsaP256(pair)))
            .map_err(|_| KeyError::NotPkcs8)
    }

    /// Reads a file as `openssl genpkey` writes it: PKCS#8 in PEM, `-----BEGIN PRIVATE KEY-----`.
    ///
    /// # Errors
    /// [`KeyError::NotPem`], [`KeyError::NotPkcs8`].
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        Self::from_pkcs8(&pem::decode(text)?)
    }

    /// The key as PKCS#8 (RFC 5958, DER, version 1 as OpenSSL reads it).
    ///
    /// # Errors
    /// [`KeyError::Library`].
    pub fn to_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let document = match &self.0 {
            Pair::Ed25519(pair) => pair.to_pkcs8v1(),
            Pair::EcdsaP256(pair) => pair.to_pkcs8v1(),
        };
        document
            .map(|der| Zeroizing::new(der.as_ref().to_vec()))
            .map_err(|_| KeyError::Library("write a key"))
    }

    /// The key as PKCS#8 in PEM.
    ///
    /// # Errors
    /// [`KeyError::Library`].
    pub fn to_pem(&self) -> Result<Zeroizing<String>, KeyError> {
        Ok(pem::encode(&self.to_pkcs8()?))
    }

    /// The algorithm of this key's signatures.
    pub fn algorithm(&self) -> Algorithm {
        match self.0 {
            Pair::Ed25519(_) => Algorithm::Ed25519,
            Pair::EcdsaP256(_) => Algorithm::EcdsaP256,
        }
    }

    /// The key that verifies what this one signs.
    ///
    /// # Errors
    /// [`KeyError::InvalidPoint`]; never for a key that the library made or checked.
    pub fn public_key(&self) -> Result<PublicKey, KeyError> {
        PublicKey::parse(
            self.algorithm(),
            match &self.0 {
                Pair::Ed25519(pair) => pair.public_key().as_ref(),
                Pair::EcdsaP256(pair) => pair.public_key().as_ref(),
            },
        )
    }

    /// Signs a message.
    ///
    /// # Errors
    /// [`KeyError::Library`].
    pub fn sign(&self, message: &[u8]) -> Result<[u8; SIGNATURE_LEN], KeyError> {
        let signature = match &self.0 {
            Pair::Ed25519(pair) => pair.try_sign(message),
            Pair::EcdsaP256(pair) => pair.sign(&SystemRandom::new(), message),
        };
        signature
            .ok()
            .and_then(|signature| signature.as_ref().try_into().ok())
            .ok_or(KeyError::Library("sign"))
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.public_key() {
            Ok(key) => write!(f, "SigningKey(of {key})"),
            Err(_) => f.write_str("SigningKey"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_verifies_under_its_key_and_message_only() {
        for algorithm in Algorithm::ALL {
            let key = SigningKey::generate(algorithm).unwrap();
            let public = key.public_key().unwrap();
            let signature = key.sign(b"message").unwrap();
            assert_eq!(public.verify(b"message", &signature), Ok(()));
            assert!(public.verify(b"massage", &signature).is_err());
            let other = SigningKey::generate(algorithm).unwrap();
            assert!(
                other
                    .public_key()
                    .unwrap()
                    .verify(b"message", &signature)
                    .is_err()
            );
            for at in 0..SIGNATURE_LEN {
                let mut altered = signature;
                altered[at] ^= 1;
                assert!(public.verify(b"message", &altered).is_err(), "byte {at}");
            }
        }
    }

    #[test]
    fn keys_read_back_from_their_text() {
        for algorithm in Algorithm::ALL {
            let key = SigningKey::generate(algorithm).unwrap();
            let public = key.public_key().unwrap();
            assert_eq!(public.to_string().parse(), Ok(public.clone()));
            let json = serde_json::to_string(&public).unwrap();
            assert_eq!(serde_json::from_str::<PublicKey>(&json).unwrap(), public);

            let read = SigningKey::from_pem(&key.to_pem().unwrap()).unwrap();
            assert_eq!(read.public_key().unwrap(), public);
            assert_eq!(read.to_pkcs8().unwrap(), key.to_pkcs8().unwrap());
        }
    }

    #[test]
    fn a_damaged_pkcs8_is_refused() {
        for algorithm in Algorithm::ALL {
            let der = SigningKey::generate(algorithm).unwrap().to_pkcs8().unwrap();
            for at in 0..der.len() {
                assert!(SigningKey::from_pkcs8(&der[..at]).is_err(), "{at}");
            }
        }
        let p384 =
            EcdsaKeyPair::generate(&aws_lc_rs::signature::ECDSA_P384_SHA384_FIXED_SIGNING).unwrap();
        assert_eq!(
            SigningKey::from_pkcs8(p384.to_pkcs8v1().unwrap().as_ref()).unwrap_err(),
            KeyError::NotPkcs8
        );
    }

    #[test]
    fn debug_output_has_no_private_key() {
        for algorithm in Algorithm::ALL {
            let key = SigningKey::generate(algorithm).unwrap();
            assert_eq!(
                format!("{key:?}"),
                format!("SigningKey(of {})", key.public_key().unwrap())
            );
        }
    }
}
