//! The same fork where the records are in a table that the enclaves reach themselves: the second enclave has a copy of everything that the
//! parent has, and refuses at once.

use permafrost_tests::dynamodb::{dynalite, moto};
use permafrost_tests::{TableDeployment, refusal};

use crate::rights::{
    CancelledRecovery, Deleted, DerivedDisabled, Disabled, EndedSession, NarrowedPolicy, OldShare,
    Replaced, RevokedPasskey, Right, Side, Signing, UsedLink, UsedRecoveryCode,
};

/// The right is taken away at the first enclave; the second one, which has been told nothing, refuses its use from then on.
async fn is_refused_at_once<R: Right>() {
    for server in [moto(), dynalite()] {
        let deployment = TableDeployment::at(server).await;
        let first = deployment.start_with_credentials("first").await;
        let here = Side::new(&first.enclave, deployment.key("alice"));
        let mut right = R::granted(&here).await;
        let fork = deployment.forked_enclave(&first, "fork");
        right.take_away(&here).await;
        let there = Side::new(&fork.enclave, deployment.key("alice"));
        assert_eq!(refusal(right.used(&there).await), R::REFUSAL);
        assert_eq!(refusal(right.used(&here).await), R::REFUSAL);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_key_signs_at_no_enclave() {
    is_refused_at_once::<Signing<Disabled>>().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replaced_key_signs_at_no_enclave() {
    is_refused_at_once::<Signing<Replaced>>().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_key_signs_at_no_enclave() {
    is_refused_at_once::<Signing<Deleted>>().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_derived_key_signs_at_no_enclave() {
    is_refused_at_once::<Signing<DerivedDisabled>>().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_share_from_before_a_refresh_signs_at_no_enclave() {
    is_refused_at_once::<OldShare>().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_passkey_logs_in_at_no_enclave() {
    is_refused_at_once::<RevokedPasskey>().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ended_session_is_over_at_every_enclave() {
    is_refused_at_once::<EndedSession>().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_narrowed_policy_is_narrow_at_every_enclave() {
    is_refused_at_once::<NarrowedPolicy>().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_recovery_is_completed_at_no_enclave() {
    is_refused_at_once::<CancelledRecovery>().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_used_recovery_code_is_used_up_at_every_enclave() {
    is_refused_at_once::<UsedRecoveryCode>().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_used_link_is_used_up_at_every_enclave() {
    is_refused_at_once::<UsedLink>().await;
}
