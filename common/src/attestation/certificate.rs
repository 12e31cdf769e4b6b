//! One certificate of a path, and the rules that it must follow.

use aws_lc_rs::signature::{ECDSA_P384_SHA384_ASN1, UnparsedPublicKey};
use x509_parser::{
    certificate::X509Certificate,
    extensions::{KeyUsage, ParsedExtension},
    oid_registry::{
        OID_KEY_TYPE_EC_PUBLIC_KEY, OID_NIST_EC_P384, OID_SIG_ECDSA_WITH_SHA384,
        OID_X509_EXT_BASIC_CONSTRAINTS, OID_X509_EXT_KEY_USAGE,
    },
    parse_x509_certificate,
    x509::{AlgorithmIdentifier, X509Version},
};

use super::error::{Error, Place, quoted};

/// An uncompressed point on P-384 (SEC 1 section 2.3.3).
pub(super) type Key = [u8; 97];

/// A certificate of version 3 with a P-384 key, an ecdsa-with-SHA384 signature and no critical extension that is not
/// checked.
pub(super) struct Certificate<'a> {
    place: Place,
    x509: X509Certificate<'a>,
    key: Key,
    basic_constraints: Option<BasicConstraints>,
    key_usage: Option<KeyUsage>,
}

#[derive(Clone, Copy, Debug)]
struct BasicConstraints {
    ca: bool,
    critical: bool,
    path_length: Option<u32>,
}

impl<'a> Certificate<'a> {
    /// Parses a certificate and checks everything that does not depend on its place in the path.
    pub(super) fn parse(place: Place, der: &'a [u8]) -> Result<Self, Error> {
        let syntax = |detail: String| Error::CertificateSyntax { place, detail };
        let (rest, x509) =
            parse_x509_certificate(der).map_err(|error| syntax(quoted(&error.to_string())))?;
        if !rest.is_empty() {
            return Err(syntax(format!("{} bytes follow it", rest.len())));
        }
        if x509.version() != X509Version::V3 {
            return Err(syntax(format!("it has version {}", x509.version().0 + 1)));
        }
        check_algorithm(place, &x509.signature_algorithm)?;
        check_algorithm(place, &x509.tbs_certificate.signature)?;
        let mut certificate = Self {
            place,
            key: p384_key(place, &x509)?,
            basic_constraints: None,
            key_usage: None,
            x509,
        };
        certificate.read_extensions()?;
        Ok(certificate)
    }

    pub(super) fn key(&self) -> &Key {
        &self.key
    }

    /// RFC 5280 section 4.1.2.5: valid from notBefore to notAfter, both included. `at` is in seconds since 1970.
    pub(super) fn check_validity(&self, at: i64) -> Result<(), Error> {
        let place = self.place;
        let not_before = self.x509.validity().not_before.timestamp();
        let not_after = self.x509.validity().not_after.timestamp();
        if at < not_before {
            return Err(Error::CertificateNotYetValid {
                place,
                not_before,
                at,
            });
        }
        if at > not_after {
            return Err(Error::CertificateExpired {
                place,
                not_after,
                at,
            });
        }
        Ok(())
    }

    /// The names form a chain. Byte equality is stricter than RFC 5280 section 7.1, and AWS's certificates satisfy it.
    pub(super) fn check_issued_by(&self, issuer: &Self) -> Result<(), Error> {
        if self.x509.issuer().as_raw() == issuer.x509.subject().as_raw() {
            return Ok(());
        }
        Err(Error::CertificateIssuer {
            place: self.place,
            found: quoted(&self.x509.issuer().to_string()),
            expected: quoted(&issuer.x509.subject().to_string()),
        })
    }

    /// RFC 5280 sections 4.2.1.9 and 4.2.1.3 for a CA that `following` further CAs follow.
    pub(super) fn check_ca(&self, following: usize) -> Result<(), Error> {
        let place = self.place;
        let constraints = match self.basic_constraints {
            Some(constraints) if constraints.ca && constraints.critical => constraints,
            other => return Err(self.basic_constraints_error(other, "critical, CA true")),
        };
        if let Some(allowed) = constraints.path_length
            && usize::try_from(allowed).is_ok_and(|allowed| following > allowed)
        {
            return Err(Error::CertificatePathLength {
                place,
                found: following,
                allowed,
            });
        }
        match self.key_usage {
            Some(usage) if usage.key_cert_sign() => Ok(()),
            other => Err(self.key_usage_error(other, "keyCertSign")),
        }
    }

    /// RFC 5280 sections 4.2.1.9 and 4.2.1.3 for the leaf, which signs documents and nothing else.
    pub(super) fn check_leaf(&self) -> Result<(), Error> {
        match self.basic_constraints {
            Some(constraints) if constraints.ca || constraints.path_length.is_some() => {
                return Err(self.basic_constraints_error(
                    Some(constraints),
                    "CA false and no path length, or no basic constraints",
                ));
            }
            _ => {}
        }
        match self.key_usage {
            Some(usage) if usage.digital_signature() => Ok(()),
            other => Err(self.key_usage_error(other, "digitalSignature")),
        }
    }

    /// The certificate's signature under the issuer's key.
    pub(super) fn check_signed_by(&self, issuer: &Self) -> Result<(), Error> {
        UnparsedPublicKey::new(&ECDSA_P384_SHA384_ASN1, &issuer.key)
            .verify(
                self.x509.tbs_certificate.as_ref(),
                &self.x509.signature_value.data,
            )
            .map_err(|_| Error::CertificateSignature {
                place: self.place,
                issuer: issuer.place,
            })
    }

    fn read_extensions(&mut self) -> Result<(), Error> {
        let place = self.place;
        let syntax = |detail: String| Error::CertificateSyntax { place, detail };
        self.x509
            .extensions_map()
            .map_err(|_| syntax("an extension comes twice".to_owned()))?;
        for extension in self.x509.extensions() {
            match extension.parsed_extension() {
                ParsedExtension::BasicConstraints(constraints) => {
                    self.basic_constraints = Some(BasicConstraints {
                        ca: constraints.ca,
                        critical: extension.critical,
                        path_length: constraints.path_len_constraint,
                    });
                }
                ParsedExtension::KeyUsage(usage) => self.key_usage = Some(*usage),
                // Unreadable must not count as absent: otherwise an unreadable CA flag would be a missing one.
                _ if extension.oid == OID_X509_EXT_BASIC_CONSTRAINTS
                    || extension.oid == OID_X509_EXT_KEY_USAGE =>
                {
                    return Err(syntax(format!(
                        "the extension {} is unreadable",
                        extension.oid
                    )));
                }
                _ if extension.critical => {
                    return Err(Error::CertificateCriticalExtension {
                        place,
                        found: extension.oid.to_string(),
                        expected: "basic constraints (2.5.29.19), key usage (2.5.29.15)",
                    });
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn basic_constraints_error(
        &self,
        found: Option<BasicConstraints>,
        expected: &'static str,
    ) -> Error {
        let found = found.map_or("none".to_owned(), |found| {
            let critical = if found.critical { "critical, " } else { "" };
            let length = found
                .path_length
                .map_or(String::new(), |length| format!(", path length {length}"));
            format!("{critical}CA {}{length}", found.ca)
        });
        Error::CertificateBasicConstraints {
            place: self.place,
            found,
            expected,
        }
    }

    fn key_usage_error(&self, found: Option<KeyUsage>, expected: &'static str) -> Error {
        Error::CertificateKeyUsage {
            place: self.place,
            found: found.map_or("none".to_owned(), |usage| usage.to_string()),
            expected,
        }
    }
}

/// RFC 5758 section 3.2: ecdsa-with-SHA384, its parameters absent.
fn check_algorithm(place: Place, algorithm: &AlgorithmIdentifier<'_>) -> Result<(), Error> {
    let parameters = algorithm.parameters.is_some();
    if algorithm.algorithm == OID_SIG_ECDSA_WITH_SHA384 && !parameters {
        return Ok(());
    }
    let with = if parameters { " with parameters" } else { "" };
    Err(Error::CertificateAlgorithm {
        place,
        found: format!("{}{with}", algorithm.algorithm),
    })
}

/// RFC 5480 section 2.1.1: id-ecPublicKey, the named curve secp384r1, an uncompressed point.
fn p384_key(place: Place, x509: &X509Certificate<'_>) -> Result<Key, Error> {
    let spki = x509.public_key();
    let curve = spki
        .algorithm
        .parameters
        .as_ref()
        .and_then(|parameters| parameters.as_oid().ok());
    let point: &[u8] = &spki.subject_public_key.data;
    if spki.algorithm.algorithm == OID_KEY_TYPE_EC_PUBLIC_KEY
        && curve.as_ref() == Some(&OID_NIST_EC_P384)
        && point.first() == Some(&4)
        && let Ok(key) = Key::try_from(point)
    {
        return Ok(key);
    }
    let curve = curve.map_or("no named curve".to_owned(), |curve| curve.to_string());
    Err(Error::CertificateKey {
        place,
        found: format!(
            "{}, {curve}, {} bytes",
            spki.algorithm.algorithm,
            point.len()
        ),
    })
}
