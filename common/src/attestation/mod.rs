//! Nitro attestation documents: parse, verify, judge.
//!
//! In an attestation document, an NSM (Nitro Secure Module) states facts about the enclave it belongs to: what was
//! measured when the enclave started (PCRs), and up to three values that the enclave itself had signed. Trusting one
//! takes three steps. Each step has a type of its own, so that none can be forgotten:
//!
//! 1. [`Document::parse`]: the bytes are a document, each field of the type and length that AWS defines. Its fields are
//!    not trusted yet, and can only be read by way of [`Document::unverified`].
//! 2. [`Document::verify`]: its certificates lead from a [`RootCertificate`] that the caller names to the key that signed it, all
//!    of them valid [`At`] a time that the caller names. The result is a [`VerifiedDocument`]: an NSM made this statement.
//! 3. [`VerifiedDocument::check`]: the document is from the enclave, and from the time, that the caller's [`Policy`] requires.
//!
//! Services hand out documents as text, in JSON and in binary: [`EncodedDocument::read`] reads them all.
//!
//! The caller chooses the root certificate; there is no default. [`RootCertificate::aws_nitro_g1`] is for production enclaves,
//! and nothing that the development emulator makes will ever verify against it.
//!
//! The example judges a document that the emulator's code made for this description, under a root certificate of its own.
//!
//! ```
//! use permafrost_common::attestation::{At, Document, Measurements, Policy, RootCertificate};
//!
//! let document = include_bytes!("example/document.cbor");
//! let root = RootCertificate::from_pem(include_str!("example/root.pem"))?;
//! let release = Measurements::from_json(include_str!("example/measurements.json"))?;
//!
//! // Stored documents are judged at the time they were made; a client uses At::Now.
//! let verified = Document::parse(document)?.verify(&root, At::Signed)?;
//! verified.check(&Policy::releases([release.clone()]).nonce(b"example"))?;
//! assert_eq!(verified.pcrs().len(), 16);
//!
//! // Every refusal names its rule, what came and what was expected.
//! let refusal = verified.check(&Policy::releases([release]).nonce(b"another")).unwrap_err();
//! assert_eq!(refusal.rule(), "nonce");
//! assert_eq!(refusal.to_string(), "the nonce is 6578616d706c65, expected 616e6f74686572");
//!
//! // Another root certificate, a later time, a single altered byte: each is refused.
//! let refused = |bytes: &[u8], root: &RootCertificate, at| match Document::parse(bytes).and_then(|d| d.verify(root, at)) {
//!     Ok(_) => "verified",
//!     Err(error) => error.rule(),
//! };
//! assert_eq!(refused(document, &RootCertificate::aws_nitro_g1(), At::Signed), "root");
//! assert_eq!(refused(document, &root, At::Now), "certificate-expired");
//! let mut altered = document.to_vec();
//! altered[2000] ^= 1;
//! assert_ne!(refused(&altered, &root, At::Signed), "verified");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Sources: AWS, "Nitro Enclaves Attestation Process" (`docs/attestation_process.md` of `aws-nitro-enclaves-nsm-api`);
//! RFC 9052 (COSE) and RFC 9053 (ES384); RFC 8949 (CBOR); RFC 5280 (X.509), RFC 5480 and RFC 5758 (its P-384 keys and
//! signatures). Where AWS is lax, this is strict: PCRs have the 48 bytes of the one digest there is, unknown and
//! repeated fields are refused, names of certificates match byte for byte.

mod cbor;
mod certificate;
mod document;
mod encoded;
mod error;
mod measurements;
mod path;
mod payload;
mod policy;
mod root_certificate;
mod summary;
#[cfg(feature = "accept-unsigned-documents")]
mod unsigned;
mod unverified;
mod verified;

#[cfg(test)]
mod forge;
#[cfg(test)]
mod real;

pub use document::{At, DOCUMENT_MAX, Document, sig_structure};
pub use encoded::{ENCODED_MAX, EncodedDocument, EncodedError, Form, TextEncoding};
pub use error::{Error, PcrMismatch, Place};
pub use measurements::{Measurements, MeasurementsError};
pub use payload::{CABUNDLE_MAX, PCR_LEN, Pcr};
pub use policy::Policy;
pub use root_certificate::{RootCertificate, RootCertificateError};
pub use summary::CertificateSummary;
pub use unverified::Unverified;
pub use verified::VerifiedDocument;
