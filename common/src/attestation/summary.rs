//! What each certificate of a document says, for people who look at the path.

use x509_parser::parse_x509_certificate;

use super::{
    document::sha256,
    error::{Error, Place, quoted},
    payload::Payload,
};

/// A certificate of a document: its name, number and validity. Nothing in here is a judgement.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct CertificateSummary {
    /// Where it stands in the document.
    pub place: Place,
    /// Its subject, as `C=US, O=Amazon, OU=AWS, CN=aws.nitro-enclaves`; any characters.
    pub subject: String,
    /// Its serial number: lower-case hex of the fewest bytes.
    pub serial: String,
    /// The start of its validity, seconds since 1970.
    pub not_before: i64,
    /// The end of its validity, included, seconds since 1970.
    pub not_after: i64,
    /// SHA-256 of the DER.
    pub sha256: [u8; 32],
}

impl CertificateSummary {
    /// The certificates of a document, from `cabundle[0]` to the leaf.
    pub(super) fn of_path(fields: &Payload) -> Result<Vec<Self>, Error> {
        let bundle = fields.cabundle.iter().enumerate();
        bundle
            .map(|(index, der)| (Place::Bundle(index), der))
            .chain([(Place::Leaf, &fields.certificate)])
            .map(|(place, der)| Self::read(place, der))
            .collect()
    }

    fn read(place: Place, der: &[u8]) -> Result<Self, Error> {
        let (_, x509) = parse_x509_certificate(der).map_err(|error| Error::CertificateSyntax {
            place,
            detail: quoted(&error.to_string()),
        })?;
        let serial = match x509.raw_serial() {
            // The sign of a number whose first bit is set.
            [0, rest @ ..] if !rest.is_empty() => rest,
            serial => serial,
        };
        Ok(Self {
            place,
            subject: x509.subject().to_string(),
            serial: hex::encode(serial),
            not_before: x509.validity().not_before.timestamp(),
            not_after: x509.validity().not_after.timestamp(),
            sha256: sha256(der),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Document, RootCertificate};
    use super::*;

    #[test]
    fn the_path_of_the_example_is_read_from_the_root_certificate_to_the_leaf() {
        let document = Document::parse(include_bytes!("example/document.cbor")).unwrap();
        let path = document.unverified().path().unwrap();
        let root = RootCertificate::from_pem(include_str!("example/root.pem")).unwrap();
        assert_eq!(&path[0].sha256, root.sha256());
        assert_eq!(path[0].place, Place::Bundle(0));
        assert_eq!(path.last().unwrap().place, Place::Leaf);
        assert!(path.iter().all(|one| one.not_before < one.not_after));
    }

    #[test]
    fn the_root_certificate_of_aws_reads_as_openssl_prints_it() {
        let root = RootCertificate::aws_nitro_g1();
        let read = CertificateSummary::read(Place::Bundle(0), root.der()).unwrap();
        assert_eq!(
            read.subject,
            "C=US, O=Amazon, OU=AWS, CN=aws.nitro-enclaves"
        );
        assert_eq!(read.serial, "f93175681b90afe11d46ccb4e4e7f856");
        assert_eq!(
            (read.not_before, read.not_after),
            (1_572_269_285, 2_519_044_085)
        );
        assert_eq!(&read.sha256, root.sha256());
    }

    #[test]
    fn what_is_not_a_certificate_is_named_by_its_place() {
        let error = CertificateSummary::read(Place::Leaf, &[0x30, 0]).unwrap_err();
        assert_eq!(error.rule(), "certificate-syntax");
        assert!(error.to_string().starts_with("certificate "), "{error}");
    }
}
