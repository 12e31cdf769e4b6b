//! The parent and the enclave read the same bytes as the same requests, as RFC 9112 reads them.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

mod cases;
mod front;
mod half_close;
mod recorder;
mod wire;

use cases::{Case, Means};
use front::Front;
use permafrost_tests::LyingParent;
use recorder::Recorder;
use wire::{Pieces, Place, responses};

/// What nobody has sent when a case begins: it would get the response of whatever the case left behind.
const PROBE: &[u8] = b"GET /v1/probe HTTP/1.1\r\nHost: probe\r\n\r\n";

#[tokio::test]
async fn the_same_bytes_mean_the_same_to_the_parent_and_to_the_enclave() {
    let stack = LyingParent::start().await;
    let recorder = Recorder::start(
        &stack.folder().join("recorded.sock"),
        stack.enclave.socket(),
    );
    let front = Front::start(stack.folder(), recorder.socket());
    let (enclave, parent) = (
        Place::Enclave(stack.enclave.socket()),
        Place::Parent(front.address()),
    );
    let cases = cases::all();
    assert!(cases.len() > 50, "{} cases", cases.len());
    let mut wrong = Vec::new();
    for case in &cases {
        for pieces in Pieces::of(&case.bytes) {
            for place in [&enclave, &parent] {
                let statuses = responses(place, &case.bytes, pieces);
                if !case.is_answered_by(&statuses) {
                    wrong.push(format!("{place}, {pieces:?}: {statuses:?} to {case}"));
                }
            }
            let seen = recorder.take();
            if seen != case.requests() {
                wrong.push(format!("the enclave saw {seen:?} of {case}"));
            }
            // Nothing of it is left on a connection that the parent keeps.
            let statuses = responses(&parent, PROBE, &Pieces::Whole);
            let seen = recorder.take();
            if (statuses.as_slice(), seen.as_slice()) != (&[404], &["GET /v1/probe".to_owned()]) {
                wrong.push(format!("{statuses:?} to {seen:?} after {case}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_cases_have_different_names_and_bytes() {
    let cases = cases::all();
    for (at, case) in cases.iter().enumerate() {
        for other in &cases[..at] {
            assert_ne!(case.name, other.name);
            assert_ne!(case.bytes, other.bytes, "{} and {}", case.name, other.name);
        }
    }
}

impl Case {
    /// Whether these are the responses that its requests have to get.
    fn is_answered_by(&self, statuses: &[u16]) -> bool {
        statuses.len() == self.means.len()
            && self
                .means
                .iter()
                .zip(statuses)
                .all(|(means, status)| match means {
                    Means::Request(_, expected) | Means::Refused(expected) => status == expected,
                    Means::TooLong => matches!(status, 414 | 431),
                })
    }

    /// What the enclave has to have seen through the parent: method and target of each request.
    fn requests(&self) -> Vec<String> {
        self.means
            .iter()
            .filter_map(|means| match means {
                Means::Request(line, _) => Some((*line).to_owned()),
                Means::Refused(_) | Means::TooLong => None,
            })
            .collect()
    }
}
