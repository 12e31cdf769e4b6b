//! The certificates of a document, from the root certificate to the leaf.

use super::{
    certificate::{Certificate, Key},
    document::sha256,
    error::{Error, Place},
    root_certificate::RootCertificate,
};

/// The certificates of one document: one or more CAs, of which the first is the trusted root certificate, and the leaf.
pub(super) struct Path<'a> {
    root: Certificate<'a>,
    /// Everything below the root certificate; the leaf is last.
    below: Vec<Certificate<'a>>,
    leaf_key: Key,
}

impl<'a> Path<'a> {
    /// The path that `cabundle` and `certificate` name, if it starts at `root`.
    pub(super) fn parse(
        root: &RootCertificate,
        cabundle: &'a [Vec<u8>],
        certificate: &'a [u8],
    ) -> Result<Self, Error> {
        let (first, others) = cabundle
            .split_first()
            .ok_or(Error::FieldMissing { field: "cabundle" })?;
        if first != root.der() {
            return Err(Error::Root {
                found: hex::encode(sha256(first)),
                expected: hex::encode(root.sha256()),
            });
        }
        let mut below = Vec::with_capacity(cabundle.len());
        for (index, der) in others.iter().enumerate() {
            below.push(Certificate::parse(Place::Bundle(index + 1), der)?);
        }
        let leaf = Certificate::parse(Place::Leaf, certificate)?;
        let leaf_key = *leaf.key();
        below.push(leaf);
        Ok(Self {
            root: Certificate::parse(Place::Bundle(0), first)?,
            below,
            leaf_key,
        })
    }

    /// The leaf's public key: 97 bytes, an uncompressed point on P-384.
    pub(super) fn leaf_key(&self) -> &Key {
        &self.leaf_key
    }

    /// Every rule except the signatures (RFC 5280 section 6.1.3 a.2 and a.4, section 6.1.4 k to o), at a time in
    /// seconds since 1970.
    pub(super) fn check_rules(&self, at: i64) -> Result<(), Error> {
        let mut issuer = &self.root;
        issuer.check_validity(at)?;
        issuer.check_issued_by(issuer)?;
        issuer.check_ca(self.below.len() - 1)?;
        for (index, certificate) in self.below.iter().enumerate() {
            certificate.check_validity(at)?;
            certificate.check_issued_by(issuer)?;
            match self.below.len() - 1 - index {
                0 => certificate.check_leaf()?,
                left => certificate.check_ca(left - 1)?,
            }
            issuer = certificate;
        }
        Ok(())
    }

    /// The signatures, including the root certificate's own (RFC 5280 section 6.1.3 a.1).
    pub(super) fn check_signatures(&self) -> Result<(), Error> {
        let mut issuer = &self.root;
        issuer.check_signed_by(issuer)?;
        for certificate in &self.below {
            certificate.check_signed_by(issuer)?;
            issuer = certificate;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
