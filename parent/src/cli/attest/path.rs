//! The certificate path of a document, as text and as JSON.

use std::fmt::Write;

use permafrost_common::attestation::{CertificateSummary, Error};
use serde::Serialize;

use super::utc;

/// The certificates, from the root certificate to the leaf.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(super) struct Path(Vec<Certificate>);

#[derive(Debug, Serialize)]
struct Certificate {
    /// `cabundle[0]` to `cabundle[7]`, or `certificate`.
    place: String,
    subject: String,
    /// Lower-case hex.
    serial: String,
    /// Seconds since 1970.
    not_before: i64,
    /// Seconds since 1970.
    not_after: i64,
    sha256: String,
}

impl Path {
    pub(super) fn of(path: Result<Vec<CertificateSummary>, Error>) -> Result<Self, Error> {
        let each = path?.into_iter().map(|one| Certificate {
            place: one.place.to_string(),
            subject: one.subject,
            serial: one.serial,
            not_before: one.not_before,
            not_after: one.not_after,
            sha256: hex::encode(one.sha256),
        });
        Ok(Self(each.collect()))
    }

    /// A tree that grows to the right, each certificate below its issuer.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for (depth, certificate) in self.0.iter().enumerate() {
            let (branch, indent) = match depth.checked_sub(1) {
                None => (String::new(), String::new()),
                Some(above) => (format!("{}└─ ", "   ".repeat(above)), "   ".repeat(depth)),
            };
            let bar = if depth + 1 < self.0.len() { '│' } else { ' ' };
            let Certificate {
                place,
                subject,
                serial,
                ..
            } = certificate;
            let _infallible = write!(
                text,
                "{branch}{place}: {}\n\
                 {indent}{bar}    serial   {serial}\n\
                 {indent}{bar}    valid    {} to {}\n\
                 {indent}{bar}    SHA-256  {}\n",
                subject.escape_debug(),
                utc(certificate.not_before),
                utc(certificate.not_after),
                certificate.sha256,
            );
        }
        text
    }
}
