//! Oblivious HTTP on real processes: what the parent sees of sealed requests, what it can do to them, and that an independent client
//! is compatible.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

mod independent;
mod inside;
mod lying;
mod unread;

use permafrost_client::{Enclave, Principal};
use permafrost_tests::LyingParent;

/// The enclave as a client has verified it through the proxy, that seals every request to it.
async fn verified(parent: &LyingParent) -> Enclave {
    let client = parent.client().obliviously();
    let verified = client.verify(&parent.expectation()).await;
    verified.expect("the enclave verifies")
}

/// A principal that seals every request.
async fn principal(parent: &LyingParent, name: &str) -> Principal {
    let enclave = verified(parent).await;
    enclave
        .as_principal(name, parent.key(name))
        .expect("a principal")
}
