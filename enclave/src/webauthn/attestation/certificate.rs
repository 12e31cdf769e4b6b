//! What an attestation certificate must be (WebAuthn Level 3 section 8.2.1).

use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::ParsedExtension;
use x509_parser::oid_registry::{
    OID_X509_COMMON_NAME, OID_X509_COUNTRY_NAME, OID_X509_ORGANIZATION_NAME,
    OID_X509_ORGANIZATIONAL_UNIT, Oid,
};
use x509_parser::parse_x509_certificate;

use crate::webauthn::WebauthnError;
use crate::webauthn::error::{cut, quoted};

/// Checks the certificate's own content: its subject, that it is not a CA's, and the model that it is for.
///
/// The check of its path has already refused a version other than 3, a CA's certificate, and a critical extension for the model.
pub(super) fn check(der: &[u8], model: &[u8; 16]) -> Result<(), WebauthnError> {
    let (_, certificate) =
        parse_x509_certificate(der).map_err(|error| refused(cut(&error.to_string()), "DER"))?;
    check_subject(&certificate)?;
    check_extensions(&certificate, model)
}

fn check_subject(certificate: &X509Certificate<'_>) -> Result<(), WebauthnError> {
    let country = only(certificate, &OID_X509_COUNTRY_NAME);
    let unit = only(certificate, &OID_X509_ORGANIZATIONAL_UNIT);
    let is_vendors = country.is_some_and(|code| code.len() == 2)
        && only(certificate, &OID_X509_ORGANIZATION_NAME).is_some_and(|name| !name.is_empty())
        && only(certificate, &OID_X509_COMMON_NAME).is_some_and(|name| !name.is_empty())
        && unit == Some(UNIT);
    match is_vendors {
        true => Ok(()),
        false => Err(refused(
            format!("the subject {}", quoted(&certificate.subject().to_string())),
            "exactly one each of C (2 letters), O, CN, and OU \"Authenticator Attestation\"",
        )),
    }
}

fn check_extensions(
    certificate: &X509Certificate<'_>,
    model: &[u8; 16],
) -> Result<(), WebauthnError> {
    let extensions = certificate
        .extensions_map()
        .map_err(|_| refused("an extension twice".to_owned(), "each once"))?;
    let constrained = certificate.extensions().iter().any(|extension| {
        matches!(
            extension.parsed_extension(),
            ParsedExtension::BasicConstraints(_)
        )
    });
    if !constrained {
        return Err(refused(
            "no basic constraints".to_owned(),
            "basic constraints with CA false",
        ));
    }
    let Some(named) = extensions
        .values()
        .find(|extension| extension.oid.to_id_string() == AAGUID)
    else {
        return Ok(());
    };
    // An OCTET STRING of 16 bytes inside the OCTET STRING of every extension.
    let expected = [&[0x04, 0x10], model.as_slice()].concat();
    match named.value == expected {
        true => Ok(()),
        false => Err(refused(
            "id-fido-gen-ce-aaguid (1.3.6.1.4.1.45724.1.1.4) of another model".to_owned(),
            "the AAGUID of the authenticator data",
        )),
    }
}

/// The attribute's value, if it occurs exactly once and is a text.
fn only<'a>(certificate: &'a X509Certificate<'_>, oid: &Oid<'a>) -> Option<&'a str> {
    let mut values = certificate.subject().iter_by_oid(oid);
    let (first, second) = (values.next()?, values.next());
    second.is_none().then_some(())?;
    first.as_str().ok()
}

fn refused(found: String, accepted: &'static str) -> WebauthnError {
    WebauthnError::AttestationCertificate { found, accepted }
}

/// The literal organizational unit of the subject.
const UNIT: &str = "Authenticator Attestation";

/// id-fido-gen-ce-aaguid: which model the certificate is for.
const AAGUID: &str = "1.3.6.1.4.1.45724.1.1.4";
