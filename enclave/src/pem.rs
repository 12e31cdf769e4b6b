//! Certificates of the measured configuration, in PEM (RFC 7468).

use base64::{Engine, engine::general_purpose::STANDARD};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// What [`certificates`] takes, for errors.
pub(crate) const ACCEPTED: &str = "one or more CERTIFICATE blocks in PEM, and nothing else";

/// The text of one certificate (RFC 7468 section 5.1), with lines of 64 characters.
pub(crate) fn of_certificate(der: &[u8]) -> String {
    let base64 = STANDARD.encode(der);
    let lines = base64.as_bytes().chunks(64).map(String::from_utf8_lossy);
    let lines: Vec<_> = lines.collect();
    let begin = "-----BEGIN CERTIFICATE-----";
    let end = "-----END CERTIFICATE-----";
    format!("{begin}\n{}\n{end}\n", lines.join("\n"))
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_a_certificate_is_read_back() {
        for length in [1, 47, 48, 49, 600] {
            let der = vec![7; length];
            let text = of_certificate(&der);
            assert!(text.lines().all(|line| line.len() <= 64), "{text}");
            assert_eq!(certificates(&text).unwrap(), [CertificateDer::from(der)]);
        }
    }
}
