//! Certificates of the measured configuration, in PEM (RFC 7468).

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// What [`certificates`] takes, for errors.
pub(crate) const ACCEPTED: &str = "one or more CERTIFICATE blocks in PEM, and nothing else";

/// The certificates of a text, which has at least one and no block of another kind. Their content is not checked.
pub(crate) fn certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem.as_bytes())
        .collect::<Result<_, _>>()
        .map_err(|error| error.to_string())?;
    let (found, blocks) = (certificates.len(), pem.matches("-----BEGIN ").count());
    match found > 0 && found == blocks {
        true => Ok(certificates),
        false => Err(format!("{found} certificates in {blocks} blocks")),
    }
}
