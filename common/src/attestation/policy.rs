//! What a verifier requires of a verified document.

use std::time::Duration;

use super::{Error, Measurements, VerifiedDocument, error::PcrMismatch};

/// How far a document may be ahead of the verifier's clock when its age is judged, in milliseconds.
const AHEAD_MAX_MS: u64 = 5 * 60 * 1000;

/// What a verifier requires of a document. Debug mode is refused unless it is explicitly allowed; measurements are given or
/// explicitly waived; everything else is checked if it is set.
///
/// ```
/// use permafrost_common::attestation::{Measurements, Policy};
///
/// let v1 = Measurements::from_json(&format!(r#"{{"PCR1": "{}"}}"#, "a1".repeat(48)))?;
/// let v2 = Measurements::from_json(&format!(r#"{{"PCR1": "{}"}}"#, "a2".repeat(48)))?;
/// let policy = Policy::releases([v1, v2]).nonce(b"a nonce of ours, used once").max_age(std::time::Duration::from_secs(60));
/// # Ok::<(), permafrost_common::attestation::MeasurementsError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Policy {
    /// None if any measurements are accepted.
    releases: Option<Vec<Measurements>>,
    nonce: Option<Vec<u8>>,
    user_data: Option<Vec<u8>>,
    public_key: Option<Vec<u8>>,
    allow_debug: bool,
    max_age: Option<Duration>,
}

impl Policy {
    /// A policy that accepts these releases: each PCR of at least one of them must be in the document with that very
    /// value. Without releases, no document is accepted.
    pub fn releases(releases: impl IntoIterator<Item = Measurements>) -> Self {
        Self {
            releases: Some(releases.into_iter().collect()),
            ..Self::any_measurements()
        }
    }

    /// A policy that accepts any code. The caller compares [`VerifiedDocument::pcrs`] itself, or only needs to know that
    /// an enclave made the document.
    pub fn any_measurements() -> Self {
        Self {
            releases: None,
            nonce: None,
            user_data: None,
            public_key: None,
            allow_debug: false,
            max_age: None,
        }
    }

    /// Requires this nonce: proof that the document was made after the nonce was.
    #[must_use]
    pub fn nonce(mut self, nonce: impl Into<Vec<u8>>) -> Self {
        self.nonce = Some(nonce.into());
        self
    }

    /// Requires this user data.
    #[must_use]
    pub fn user_data(mut self, user_data: impl Into<Vec<u8>>) -> Self {
        self.user_data = Some(user_data.into());
        self
    }

    /// Requires this public key.
    #[must_use]
    pub fn public_key(mut self, public_key: impl Into<Vec<u8>>) -> Self {
        self.public_key = Some(public_key.into());
        self
    }

    /// Accepts enclaves in debug mode, whose memory the parent instance may read and whose PCR0-2 are zero. Accepted
    /// releases must still match.
    #[must_use]
    pub fn allow_debug(mut self) -> Self {
        self.allow_debug = true;
        self
    }

    /// Requires a document made at most this long before the time of judgement (and at most five minutes after it:
    /// clocks differ). Has no effect with [`At::Signed`](super::At::Signed), under which a document's age is zero.
    #[must_use]
    pub fn max_age(mut self, max_age: Duration) -> Self {
        self.max_age = Some(max_age);
        self
    }

    pub(super) fn check(&self, document: &VerifiedDocument) -> Result<(), Error> {
        self.check_debug(document)?;
        self.check_releases(document)?;
        if let Some((found, expected)) = differing(document.nonce(), self.nonce.as_deref()) {
            return Err(Error::Nonce { found, expected });
        }
        if let Some((found, expected)) = differing(document.user_data(), self.user_data.as_deref())
        {
            return Err(Error::UserData { found, expected });
        }
        if let Some((found, expected)) =
            differing(document.public_key(), self.public_key.as_deref())
        {
            return Err(Error::PublicKey { found, expected });
        }
        self.check_age(document)
    }

    fn check_debug(&self, document: &VerifiedDocument) -> Result<(), Error> {
        if self.allow_debug || !document.is_debug() {
            return Ok(());
        }
        Err(Error::DebugMode {
            found: hex_or_absent(document.pcrs().get(&0).map(|pcr| pcr.as_slice())),
        })
    }

    fn check_releases(&self, document: &VerifiedDocument) -> Result<(), Error> {
        let Some(releases) = &self.releases else {
            return Ok(());
        };
        let mut mismatches = Vec::new();
        for release in releases {
            match first_mismatch(release, document) {
                None => return Ok(()),
                Some(mismatch) => mismatches.push(mismatch),
            }
        }
        Err(Error::Measurements { mismatches })
    }

    fn check_age(&self, document: &VerifiedDocument) -> Result<(), Error> {
        let Some(max_age) = self.max_age else {
            return Ok(());
        };
        let max_ms = u64::try_from(max_age.as_millis()).unwrap_or(u64::MAX);
        let (at, made) = (document.judged_at_ms(), document.timestamp_ms());
        if at.saturating_sub(made) > max_ms {
            return Err(Error::TooOld {
                found_ms: at - made,
                max_ms,
            });
        }
        if made.saturating_sub(at) > AHEAD_MAX_MS {
            return Err(Error::FromTheFuture {
                found_ms: made - at,
                max_ms: AHEAD_MAX_MS,
            });
        }
        Ok(())
    }
}

fn first_mismatch(release: &Measurements, document: &VerifiedDocument) -> Option<PcrMismatch> {
    release.iter().find_map(|(index, expected)| {
        let found = document.pcrs().get(&index);
        (found != Some(expected)).then(|| PcrMismatch {
            index,
            found: hex_or_absent(found.map(|pcr| pcr.as_slice())),
            expected: hex::encode(expected),
        })
    })
}

/// What came and what was expected, in hex, if they differ and something was expected.
fn differing(found: Option<&[u8]>, expected: Option<&[u8]>) -> Option<(String, String)> {
    let expected = expected?;
    (found != Some(expected)).then(|| (hex_or_absent(found), hex::encode(expected)))
}

fn hex_or_absent(bytes: Option<&[u8]>) -> String {
    bytes.map_or("absent".to_owned(), hex::encode)
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use ciborium::Value;

    use super::super::{
        At, Document, Pcr,
        forge::{Fields, MADE, Path, set},
    };
    use super::*;

    fn verified(change: impl FnOnce(&mut Fields)) -> VerifiedDocument {
        verified_at(At::Signed, change)
    }

    fn verified_at(at: At, change: impl FnOnce(&mut Fields)) -> VerifiedDocument {
        let (document, root) = Path::new().document_with(change);
        Document::parse(&document)
            .unwrap()
            .verify(&root, at)
            .unwrap()
    }

    fn after(seconds: u64) -> At {
        let seconds = u64::try_from(MADE).unwrap() + seconds;
        At::Time(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
    }

    fn release(pcrs: &[(u8, Pcr)]) -> Measurements {
        Measurements::from_pcrs(pcrs.iter().copied()).unwrap()
    }

    fn pcrs(entries: &[(u8, Pcr)]) -> Value {
        let entries = entries
            .iter()
            .map(|(index, pcr)| ((*index).into(), Value::Bytes(pcr.to_vec())));
        Value::Map(entries.collect())
    }

    #[test]
    fn every_pcr_of_a_release_must_match() {
        let document = verified(|_| ());
        let check = |pcrs: &[(u8, Pcr)]| document.check(&Policy::releases([release(pcrs)]));
        assert_eq!(check(&[(0, [1; 48])]), Ok(()));
        assert_eq!(check(&[(0, [1; 48]), (1, [2; 48]), (15, [16; 48])]), Ok(()));

        let error = check(&[(0, [1; 48]), (1, [9; 48])]).unwrap_err();
        let expected = Error::Measurements {
            mismatches: vec![PcrMismatch {
                index: 1,
                found: "02".repeat(48),
                expected: "09".repeat(48),
            }],
        };
        assert_eq!(error, expected);
        assert!(error.to_string().contains(&"02".repeat(48)), "{error}");
        assert!(error.to_string().contains(&"09".repeat(48)), "{error}");
    }

    #[test]
    fn a_pcr_that_is_not_in_the_document_does_not_match() {
        let error = verified(|_| ())
            .check(&Policy::releases([release(&[(16, [0; 48])])]))
            .unwrap_err();
        assert!(error.to_string().contains("PCR16 is absent"), "{error}");
    }

    #[test]
    fn one_of_several_releases_must_match_entirely() {
        let document = verified(|_| ());
        let good = release(&[(0, [1; 48]), (1, [2; 48])]);
        let bad = release(&[(0, [1; 48]), (1, [3; 48])]);
        let other = release(&[(0, [3; 48]), (1, [2; 48])]);
        let check = |releases: &[&Measurements]| {
            document.check(&Policy::releases(releases.iter().copied().cloned()))
        };
        assert_eq!(check(&[&good]), Ok(()));
        assert_eq!(check(&[&bad, &good]), Ok(()));
        // PCR0 is right in one and PCR1 in the other: two halves do not make a release.
        let error = check(&[&bad, &other]).unwrap_err();
        assert!(matches!(&error, Error::Measurements { mismatches } if mismatches.len() == 2));
    }

    #[test]
    fn without_an_accepted_release_every_document_is_refused() {
        let error = verified(|_| ()).check(&Policy::releases([])).unwrap_err();
        assert_eq!(error, Error::Measurements { mismatches: vec![] });
        assert!(
            error.to_string().ends_with("no release is accepted"),
            "{error}"
        );
    }

    #[test]
    fn debug_mode_is_refused_unless_asked_for_by_name() {
        let debug = pcrs(&[(0, [0; 48]), (1, [1; 48])]);
        let document = verified(|fields| set(fields, "pcrs", debug));
        assert!(document.is_debug());
        let refused = document.check(&Policy::any_measurements());
        let found = "00".repeat(48);
        assert_eq!(refused, Err(Error::DebugMode { found }));
        assert_eq!(
            document.check(&Policy::any_measurements().allow_debug()),
            Ok(())
        );
    }

    #[test]
    fn debug_mode_does_not_waive_the_release() {
        let document = verified(|fields| set(fields, "pcrs", pcrs(&[(0, [0; 48])])));
        let policy = Policy::releases([release(&[(0, [1; 48])])]).allow_debug();
        assert_eq!(document.check(&policy).unwrap_err().rule(), "measurements");
        let zero = Policy::releases([release(&[(0, [0; 48])])]);
        assert_eq!(document.check(&zero).unwrap_err().rule(), "debug-mode");
    }

    #[test]
    fn a_document_without_pcr0_counts_as_debug() {
        let document = verified(|fields| set(fields, "pcrs", pcrs(&[(1, [1; 48])])));
        let refused = document.check(&Policy::any_measurements()).unwrap_err();
        assert_eq!(
            refused,
            Error::DebugMode {
                found: "absent".to_owned()
            }
        );
    }

    #[test]
    fn pcr0_alone_decides_about_debug_mode() {
        let measured = pcrs(&[(0, [1; 48]), (1, [0; 48]), (2, [0; 48])]);
        assert!(!verified(|fields| set(fields, "pcrs", measured)).is_debug());
        let mut last = [0; 48];
        last[47] = 1;
        assert!(!verified(|fields| set(fields, "pcrs", pcrs(&[(0, last)]))).is_debug());
    }

    #[test]
    fn nonce_user_data_and_public_key_must_be_the_required_ones() {
        let document = verified(|fields| {
            set(fields, "public_key", Value::Bytes(b"public key".to_vec()));
        });
        let absent = verified(|fields| {
            for field in ["nonce", "user_data", "public_key"] {
                set(fields, field, Value::Null);
            }
        });
        type Ask = fn(Policy, Vec<u8>) -> Policy;
        let asks: [(&str, Ask, &[u8]); 3] = [
            ("nonce", |policy, bytes| policy.nonce(bytes), b"nonce"),
            (
                "user-data",
                |policy, bytes| policy.user_data(bytes),
                b"user data",
            ),
            (
                "public-key",
                |policy, bytes| policy.public_key(bytes),
                b"public key",
            ),
        ];
        for (rule, ask, right) in asks {
            let policy = |bytes: &[u8]| ask(Policy::any_measurements(), bytes.to_vec());
            assert_eq!(document.check(&policy(right)), Ok(()));
            for wrong in [b"".as_slice(), &right[1..], &[right, b"x"].concat()] {
                let error = document.check(&policy(wrong)).unwrap_err();
                assert_eq!(error.rule(), rule);
                assert!(error.to_string().contains(&hex::encode(right)), "{error}");
            }
            let error = absent.check(&policy(b"")).unwrap_err();
            assert_eq!(error.rule(), rule, "absent is not empty");
            assert!(error.to_string().contains("absent"), "{error}");
        }
    }

    #[test]
    fn a_document_older_than_allowed_is_refused() {
        let policy = Policy::any_measurements().max_age(Duration::from_secs(60));
        assert_eq!(verified_at(after(60), |_| ()).check(&policy), Ok(()));
        let error = verified_at(after(61), |_| ()).check(&policy).unwrap_err();
        let expected = Error::TooOld {
            found_ms: 61_000,
            max_ms: 60_000,
        };
        assert_eq!(error, expected);
        let patient = Policy::any_measurements();
        assert_eq!(
            verified_at(after(3 * 60 * 60), |_| ()).check(&patient),
            Ok(())
        );
    }

    #[test]
    fn a_document_from_the_future_has_no_age() {
        let policy = Policy::any_measurements().max_age(Duration::from_secs(60));
        let ahead = |ms: i64| {
            let timestamp = MADE * 1000 + ms;
            verified_at(after(0), |fields| set(fields, "timestamp", timestamp)).check(&policy)
        };
        assert_eq!(ahead(300_000), Ok(()));
        let expected = Error::FromTheFuture {
            found_ms: 300_001,
            max_ms: 300_000,
        };
        assert_eq!(ahead(300_001), Err(expected));
    }
}
