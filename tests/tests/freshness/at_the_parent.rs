//! The limit of a store that the parent keeps (`sqlite`, `postgres`): a second enclave on an old copy of it still acts on every right that
//! was taken away after the copy was made. What it never does is act on what was never valid.

use permafrost_tests::{LyingParent, Measured, refusal};

use crate::rights::{
    CancelledRecovery, Deleted, DerivedDisabled, Disabled, EndedSession, NarrowedPolicy, OldShare,
    Replaced, RevokedPasskey, Right, Side, Signing, UsedLink, UsedRecoveryCode,
};

/// The right is taken away at the first enclave, which refuses it from then on; the second one, on the old copy, does not know.
async fn is_still_acted_on<R: Right>() {
    let parent = LyingParent::with(Measured::new("test").people("")).await;
    let first = Side::new(&parent.enclave, parent.key("alice"));
    let mut right = R::granted(&first).await;
    let fork = parent.forked_enclave("fork");
    right.take_away(&first).await;
    assert_eq!(refusal(right.used(&first).await), R::REFUSAL);
    let second = Side::new(&fork.enclave, parent.key("alice"));
    right.used(&second).await.expect("the copy is from before");
}

#[tokio::test]
async fn a_key_disabled_after_the_copy_still_signs_on_it() {
    is_still_acted_on::<Signing<Disabled>>().await;
}

#[tokio::test]
async fn a_key_replaced_after_the_copy_still_signs_on_it() {
    is_still_acted_on::<Signing<Replaced>>().await;
}

#[tokio::test]
async fn a_key_deleted_after_the_copy_still_signs_on_it() {
    is_still_acted_on::<Signing<Deleted>>().await;
}

#[tokio::test]
async fn a_derived_key_disabled_after_the_copy_still_signs_on_it() {
    is_still_acted_on::<Signing<DerivedDisabled>>().await;
}

#[tokio::test]
async fn a_share_from_before_a_refresh_after_the_copy_still_signs_on_it() {
    is_still_acted_on::<OldShare>().await;
}

#[tokio::test]
async fn a_passkey_revoked_after_the_copy_still_logs_in_on_it() {
    is_still_acted_on::<RevokedPasskey>().await;
}

#[tokio::test]
async fn a_session_ended_after_the_copy_still_lasts_on_it() {
    is_still_acted_on::<EndedSession>().await;
}

#[tokio::test]
async fn a_policy_narrowed_after_the_copy_is_still_wide_on_it() {
    is_still_acted_on::<NarrowedPolicy>().await;
}

#[tokio::test]
#[cfg_attr(feature = "booted", ignore = "moves the emulated clock")]
async fn a_recovery_cancelled_after_the_copy_is_still_completed_on_it() {
    is_still_acted_on::<CancelledRecovery>().await;
}

#[tokio::test]
async fn a_recovery_code_used_after_the_copy_is_still_valid_on_it() {
    is_still_acted_on::<UsedRecoveryCode>().await;
}

#[tokio::test]
async fn a_link_used_after_the_copy_is_still_valid_on_it() {
    is_still_acted_on::<UsedLink>().await;
}
