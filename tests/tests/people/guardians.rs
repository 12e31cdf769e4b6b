//! Recoveries that guardians have not approved yet, or only some of them.

use permafrost_client::Error;
use permafrost_common::api::people::{Guardians, Recovery, RecoveryOf, User};
use permafrost_tests::{Authenticator, HonestStack, Wanted, refusal};

use crate::recovery::{complete, recover};
use crate::steps::{Person, people, person};

/// Somebody with two guardians, of whom both must approve.
async fn guarded(stack: &HonestStack) -> (Person, [Person; 2]) {
    let alice = person(stack).await;
    let guardians = [person(stack).await, person(stack).await];
    let users = guardians
        .each_ref()
        .map(|one| one.registered.user.id.clone());
    let wanted = Wanted::post(
        "/v1/guardians",
        &Guardians {
            threshold: 2,
            users: users.to_vec(),
        },
    );
    let browser = &alice.browser;
    let set: Result<User, _> = browser
        .approved("set_guardians", &wanted, &alice.passkey)
        .await;
    assert_eq!(set.unwrap().guardians.unwrap().threshold, 2);
    (alice, guardians)
}

async fn approve(guardian: &Person, user: &str, recovery: &Recovery) -> Result<Recovery, Error> {
    let of = RecoveryOf {
        user: user.to_owned(),
        public_key_digest: recovery.public_key_digest.clone(),
    };
    let wanted = Wanted::post(&format!("/v1/recoveries/{}/approve", recovery.id), &of);
    let browser = &guardian.browser;
    browser
        .approved("approve_recovery", &wanted, &guardian.passkey)
        .await
}

async fn recoveries(of: &Person) -> usize {
    let user: User = of.browser.get("/v1/user").await.unwrap();
    user.recoveries.len()
}

#[tokio::test]
async fn a_stranger_who_asks_for_recoveries_takes_no_room_from_a_real_one() {
    let stack = people();
    let (alice, [bob, carol]) = guarded(&stack).await;
    let mallory = person(&stack).await;
    let user = &alice.registered.user.id;
    for _ in 0..8 {
        recover(&mallory.browser, &mut Authenticator::new(), user, None)
            .await
            .unwrap();
    }
    let mut passkey = Authenticator::new();
    let recovery = recover(&alice.browser, &mut passkey, user, None)
        .await
        .unwrap();
    assert_eq!(recoveries(&alice).await, 0);
    approve(&bob, user, &recovery).await.unwrap();
    assert_eq!(recoveries(&alice).await, 1);
    let approved = approve(&carol, user, &recovery).await.unwrap();
    assert_eq!(approved.approvals, 2);
    assert!(approved.ready_at.is_some());
}

#[tokio::test]
async fn a_recovery_that_no_guardian_approved_is_not_ready() {
    let stack = people();
    let (alice, _) = guarded(&stack).await;
    let user = &alice.registered.user.id;
    let mut passkey = Authenticator::new();
    let recovery = recover(&alice.browser, &mut passkey, user, None)
        .await
        .unwrap();
    let early = complete(&alice.browser, &passkey, user, &recovery).await;
    assert_eq!(refusal(early), "recovery-not-ready");
}

#[tokio::test]
async fn a_cancelled_recovery_does_not_come_back_with_the_next_guardian() {
    let stack = people();
    let (alice, [bob, carol]) = guarded(&stack).await;
    let user = &alice.registered.user.id;
    let mut passkey = Authenticator::new();
    let recovery = recover(&alice.browser, &mut passkey, user, None)
        .await
        .unwrap();
    approve(&bob, user, &recovery).await.unwrap();
    let cancel = Wanted::empty(&format!("/v1/recoveries/{}/cancel", recovery.id));
    let cancelled: User = alice.browser.ask(&cancel, None).await.unwrap();
    assert!(cancelled.recoveries.is_empty());
    assert_eq!(
        refusal(approve(&carol, user, &recovery).await),
        "recovery-not-found"
    );
    assert_eq!(recoveries(&alice).await, 0);
}

#[tokio::test]
async fn a_guardian_approves_no_recovery_of_another_user_or_another_key() {
    let stack = people();
    let (alice, [bob, _]) = guarded(&stack).await;
    let (dora, [erin, _]) = guarded(&stack).await;
    let user = &alice.registered.user.id;
    let recovery = recover(&alice.browser, &mut Authenticator::new(), user, None)
        .await
        .unwrap();
    let mut other = recovery.clone();
    other.public_key_digest = "0".repeat(64);
    for (guardian, user, recovery) in [
        (&erin, user, &recovery),
        (&erin, &dora.registered.user.id, &recovery),
        (&bob, user, &other),
    ] {
        let refused = approve(guardian, user, recovery).await;
        assert_eq!(refusal(refused), "recovery-not-found");
    }
    approve(&bob, user, &recovery).await.unwrap();
}
