//! Resealing, as an operator does it.

use permafrost_client::Principal;
use permafrost_common::api::{ResealRecords, ResealedRecords};

/// A whole pass of resealing, with listings of this size, as their sum.
///
/// # Panics
/// If the enclave refuses, or examines more records than a listing has.
pub async fn pass(principal: &Principal, limit: u32) -> ResealedRecords {
    let page = |after: String| ResealRecords {
        after,
        limit: Some(limit),
    };
    let mut sum = principal
        .reseal(&page(String::new()))
        .await
        .expect("resealed");
    assert!(sum.examined <= limit, "{sum:?}");
    while let Some(next) = sum.next.take() {
        let done = principal.reseal(&page(next)).await.expect("resealed");
        assert!(done.examined <= limit, "{done:?}");
        sum.examined += done.examined;
        sum.resealed += done.resealed;
        sum.left += done.left;
        sum.next = done.next;
    }
    sum
}
