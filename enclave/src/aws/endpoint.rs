//! Where a service is, and the root certificates that its certificate must lead to, as the measured configuration says it.

use rustls::RootCertStore;

use crate::pem;

/// Amazon Trust Services' root certificates (Amazon Root CA 1 to 4), to which the certificates of AWS's public endpoints lead.
pub(crate) const AMAZON_ROOTS: &str = include_str!("amazon-roots.pem");

/// `HOST:PORT` with a lower-case DNS name.
pub(crate) fn parse_endpoint(text: &str) -> Option<(String, u16)> {
    let (host, port) = text.rsplit_once(':')?;
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    // The last label of a name is never all digits; that of an address is.
    let is_name = host.len() <= 253
        && host.split('.').all(is_label)
        && !host.rsplit('.').next()?.bytes().all(|b| b.is_ascii_digit());
    let number: u16 = port.parse().ok()?;
    (is_name && number > 0 && number.to_string() == port).then(|| (host.to_owned(), number))
}

/// Certificates in PEM; the error says which rule failed.
pub(crate) fn parse_roots(text: &str) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in pem::certificates(text)? {
        roots.add(certificate).map_err(|error| error.to_string())?;
    }
    Ok(roots)
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::digest::{SHA256, digest};

    use super::*;

    /// The digests that <https://www.amazontrust.com/repository/> gives.
    #[test]
    fn the_roots_are_amazons() {
        let digests = [
            "8ecde6884f3d87b1125ba31ac3fcb13d7016de7f57cc904fe1cb97c6ae98196e",
            "1ba5b2aa8c65401a82960118f80bec4f62304d83cec4713a19c39c011ea46db4",
            "18ce6cfe7bf14e60b2e347b8dfe868cb31d02ebb3ada271569f50343b46db3a4",
            "e35d28419ed02025cfa69038cd623962458da5c695fbdea3c22b0bfb25897092",
        ];
        let found: Vec<_> = pem::certificates(AMAZON_ROOTS)
            .unwrap()
            .iter()
            .map(|root| hex::encode(digest(&SHA256, root)))
            .collect();
        assert_eq!(found, digests);
    }
}
