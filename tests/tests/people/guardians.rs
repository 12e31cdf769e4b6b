//! Recoveries that all, some or none of the guardians approve.

use permafrost_client::Error;
use permafrost_common::api::people::{Guardians, Recovery, RecoveryOf, User};
use permafrost_tests::{Authenticator, HonestStack, Wanted, refusal};

use crate::recovery::{DELAYED_S, complete, recover};
use crate::steps::{Person, advance, codes, people, person};

/// A person with two guardians, both of whom must approve.
pub(crate) async fn guarded(stack: &HonestStack) -> (Person, [Person; 2]) {
    let alice = person(stack).await;
    let guardians = [person(stack).await, person(stack).await];
    guard(&alice, guardians.each_ref()).await;
    (alice, guardians)
}

/// Makes these the guardians of a person, both of whom must approve.
async fn guard(alice: &Person, guardians: [&Person; 2]) -> User {
    let guardians = Guardians {
        threshold: 2,
        users: guardians.map(|one| one.id().to_owned()).to_vec(),
    };
    let wanted = Wanted::post("/v1/guardians", &guardians);
    let set: User = alice.approved("set_guardians", &wanted).await.unwrap();
    assert_eq!(set.guardians.as_ref().unwrap().threshold, 2);
    set
}

async fn approve(guardian: &Person, user: &str, recovery: &Recovery) -> Result<Recovery, Error> {
    let of = RecoveryOf {
        user: user.to_owned(),
        public_key_digest: recovery.public_key_digest.clone(),
    };
    let wanted = Wanted::post(&format!("/v1/recoveries/{}/approve", recovery.id), &of);
    guardian.approved("approve_recovery", &wanted).await
}

async fn recoveries(of: &Person) -> usize {
    let user: User = of.browser.get("/v1/user").await.unwrap();
    user.recoveries.len()
}

#[tokio::test]
#[cfg_attr(feature = "booted", ignore = "moves the emulated clock")]
async fn enough_guardians_begin_the_delay_of_a_recovery() {
    let stack = people();
    let (mut alice, [bob, carol]) = guarded(&stack).await;
    let user = alice.id().to_owned();
    let mut passkey = Authenticator::new();
    let recovery = recover(&alice.browser, &mut passkey, &user, None)
        .await
        .unwrap();
    assert_eq!(recovery.ready_at, None);
    for (guardian, approvals) in [(&bob, 1), (&bob, 1), (&carol, 2)] {
        let approved = approve(guardian, &user, &recovery).await.unwrap();
        assert_eq!(approved.approvals, approvals);
        assert_eq!(approved.ready_at.is_some(), approvals == 2);
    }
    let early = complete(&alice.browser, &passkey, &user, &recovery).await;
    assert_eq!(refusal(early), "recovery-not-ready");
    advance(&stack, &mut alice, DELAYED_S).await;
    complete(&alice.browser, &passkey, &user, &recovery)
        .await
        .unwrap();
    alice.browser.login(&passkey).await.unwrap();
}

#[tokio::test]
async fn only_a_guardian_approves_a_recovery() {
    let stack = people();
    let (alice, _) = guarded(&stack).await;
    let mallory = person(&stack).await;
    let mut passkey = Authenticator::new();
    let recovery = recover(&alice.browser, &mut passkey, alice.id(), None)
        .await
        .unwrap();
    for stranger in [&mallory, &alice] {
        let refused = approve(stranger, alice.id(), &recovery).await;
        assert_eq!(refusal(refused), "recovery-not-found");
    }
}

#[tokio::test]
async fn recoveries_that_a_stranger_begins_take_no_room_from_a_real_one() {
    let stack = people();
    let (alice, [bob, carol]) = guarded(&stack).await;
    let mallory = person(&stack).await;
    let user = alice.id();
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
    let user = alice.id();
    let mut passkey = Authenticator::new();
    let recovery = recover(&alice.browser, &mut passkey, user, None)
        .await
        .unwrap();
    let early = complete(&alice.browser, &passkey, user, &recovery).await;
    assert_eq!(refusal(early), "recovery-not-ready");
}

#[tokio::test]
async fn a_user_who_knows_the_id_cancels_a_recovery_before_any_guardian_approves_it() {
    let stack = people();
    let (alice, [bob, _]) = guarded(&stack).await;
    let user = alice.id();
    let mut passkey = Authenticator::new();
    let recovery = recover(&alice.browser, &mut passkey, user, None)
        .await
        .unwrap();
    let cancel = Wanted::empty(&format!("/v1/recoveries/{}/cancel", recovery.id));
    let of_another = bob.browser.ask::<User>(&cancel, None).await;
    assert_eq!(refusal(of_another), "recovery-not-found");
    let cancelled: User = alice.browser.ask(&cancel, None).await.unwrap();
    assert_eq!(cancelled.activity[0].what, "recovery_cancelled");
    let approved = approve(&bob, user, &recovery).await;
    assert_eq!(refusal(approved), "recovery-not-found");
    let completed = complete(&alice.browser, &passkey, user, &recovery).await;
    assert_eq!(refusal(completed), "recovery-not-found");
    let again = alice.browser.ask::<User>(&cancel, None).await;
    assert_eq!(refusal(again), "recovery-not-found");
}

#[tokio::test]
async fn a_cancelled_recovery_does_not_come_back_with_the_next_guardian() {
    let stack = people();
    let (alice, [bob, carol]) = guarded(&stack).await;
    let user = alice.id();
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
async fn the_approval_of_a_removed_guardian_does_not_count() {
    let stack = people();
    let (alice, [bob, carol]) = guarded(&stack).await;
    let dora = person(&stack).await;
    let user = alice.id();
    let recovery = recover(&alice.browser, &mut Authenticator::new(), user, None)
        .await
        .unwrap();
    approve(&bob, user, &recovery).await.unwrap();
    guard(&alice, [&carol, &dora]).await;
    let approved = approve(&carol, user, &recovery).await.unwrap();
    assert_eq!((approved.approvals, approved.ready_at), (1, None));
    let approved = approve(&dora, user, &recovery).await.unwrap();
    assert_eq!((approved.approvals, approved.ready_at.is_some()), (2, true));
}

#[tokio::test]
async fn a_delay_ends_when_the_guardians_who_began_it_are_removed() {
    let stack = people();
    let (alice, [bob, carol]) = guarded(&stack).await;
    let dora = person(&stack).await;
    let user = alice.id();
    let recovery = recover(&alice.browser, &mut Authenticator::new(), user, None)
        .await
        .unwrap();
    approve(&bob, user, &recovery).await.unwrap();
    let approved = approve(&carol, user, &recovery).await.unwrap();
    assert!(approved.ready_at.is_some());
    let set = guard(&alice, [&carol, &dora]).await;
    let [left] = set.recoveries.as_slice() else {
        panic!("{:?}", set.recoveries);
    };
    assert_eq!((left.approvals, left.ready_at), (1, None));
}

#[tokio::test]
async fn a_recovery_by_code_goes_on_when_guardians_approve_it_and_are_removed() {
    let stack = people();
    let (alice, [bob, carol]) = guarded(&stack).await;
    let dora = person(&stack).await;
    let user = alice.id();
    let code = codes(&alice).await.remove(0);
    let mut passkey = Authenticator::new();
    let recovery = recover(&alice.browser, &mut passkey, user, Some(&code))
        .await
        .unwrap();
    approve(&bob, user, &recovery).await.unwrap();
    let set = guard(&alice, [&carol, &dora]).await;
    assert_eq!(set.recoveries[0].ready_at, recovery.ready_at);
    assert!(recovery.ready_at.is_some());
}

#[tokio::test]
async fn a_guardian_approves_no_recovery_of_another_user_or_another_key() {
    let stack = people();
    let (alice, [bob, _]) = guarded(&stack).await;
    let (dora, [erin, _]) = guarded(&stack).await;
    let user = alice.id();
    let recovery = recover(&alice.browser, &mut Authenticator::new(), user, None)
        .await
        .unwrap();
    let mut other = recovery.clone();
    other.public_key_digest = "0".repeat(64);
    for (guardian, user, recovery) in [
        (&erin, user, &recovery),
        (&erin, dora.id(), &recovery),
        (&bob, user, &other),
    ] {
        let refused = approve(guardian, user, recovery).await;
        assert_eq!(refusal(refused), "recovery-not-found");
        assert_eq!(recoveries(&alice).await, 0);
    }
    approve(&bob, user, &recovery).await.unwrap();
}
