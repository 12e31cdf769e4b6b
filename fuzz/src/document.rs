use permafrost_common::attestation::{At, Document, RootCertificate};
use permafrost_common::binding::Binding;

/// An attestation document: COSE_Sign1 in CBOR.
///
/// A document that verifies under the corpus's own root certificate was made for the corpus: any other is a forgery.
pub fn document(data: &[u8]) -> bool {
    let Ok(document) = Document::parse(data) else {
        return false;
    };
    let root =
        RootCertificate::from_der(include_bytes!("document-root.der")).expect("a certificate");
    let digest = *document.digest();
    let Ok(verified) = document.verify(&root, At::Signed) else {
        return false;
    };
    assert_eq!(verified.module_id(), MODULE_ID);
    assert_eq!(verified.timestamp_ms(), TIMESTAMP_MS);
    assert_eq!(*verified.digest(), digest);
    if let Some(user_data) = verified.user_data() {
        Binding::from_user_data(user_data).expect("the corpus binds a boot key");
    }
    true
}

/// What every document of the corpus says, also those made later under a new root certificate.
const MODULE_ID: &str = "i-00000000000000000-enc00000000000000000";
const TIMESTAMP_MS: u64 = 1_767_225_600_000;
