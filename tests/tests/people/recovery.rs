//! A lost device: recovery by codes, and its cancellation.

use std::sync::Arc;

use permafrost_client::Error;
use permafrost_common::api::people::{Recovery, RecoveryOf, User};
use permafrost_tests::{Authenticator, Browser, Wanted, refusal, with_nonce};
use tokio::task::JoinSet;

use crate::steps::{Person, advance, codes, people, person, sign};

/// Later than the delay of a recovery, in seconds.
pub(crate) const DELAYED_S: u64 = 72 * 3600 + 5;

#[tokio::test]
#[cfg_attr(feature = "booted", ignore = "moves the emulated clock")]
async fn a_lost_device_is_recovered_by_a_code_after_the_delay() {
    let stack = people();
    let mut alice = person(&stack).await;
    let code = &codes(&alice).await[3];
    let (passkey, recovery) = begun(&alice, code).await;
    let user = alice.id().to_owned();

    let early = complete(&alice.browser, &passkey, &user, &recovery).await;
    assert_eq!(refusal(early), "recovery-not-ready");
    advance(&stack, &mut alice, DELAYED_S).await;
    let recovered = complete(&alice.browser, &passkey, &user, &recovery)
        .await
        .unwrap();
    assert_eq!(recovered.passkeys.len(), 2);
    assert_eq!(recovered.recovery_codes, 9);
    let logged_in = alice.browser.login(&passkey).await.unwrap();
    assert_eq!(logged_in.user.id, user);
    sign(&alice.browser, &alice.registered.key, 1)
        .await
        .unwrap();
}

#[tokio::test]
#[cfg_attr(feature = "booted", ignore = "moves the emulated clock")]
async fn a_recovery_is_completed_by_the_passkey_that_it_began_with() {
    let stack = people();
    let mut alice = person(&stack).await;
    let code = &codes(&alice).await[0];
    let (_, recovery) = begun(&alice, code).await;
    let user = alice.id().to_owned();
    advance(&stack, &mut alice, DELAYED_S).await;
    let mut unknown = Authenticator::new();
    unknown.user_handle.clone_from(&alice.passkey.user_handle);
    for other in [&alice.passkey, &unknown] {
        let refused = complete(&alice.browser, other, &user, &recovery).await;
        assert_eq!(refusal(refused), "passkey-unknown");
    }
}

#[tokio::test]
async fn a_recovery_code_is_valid_for_one_recovery() {
    let stack = people();
    let alice = person(&stack).await;
    let code = &codes(&alice).await[3];
    begun(&alice, code).await;
    let mut passkey = Authenticator::new();
    let again = recover(&alice.browser, &mut passkey, alice.id(), Some(code)).await;
    assert_eq!(refusal(again), "recovery-code-invalid");
}

#[tokio::test]
#[cfg_attr(feature = "booted", ignore = "moves the emulated clock")]
async fn any_remaining_passkey_cancels_a_recovery() {
    let stack = people();
    let mut alice = person(&stack).await;
    let code = &codes(&alice).await[0];
    let (passkey, recovery) = begun(&alice, code).await;
    let cancel = Wanted::empty(&format!("/v1/recoveries/{}/cancel", recovery.id));
    let cancelled: User = alice.browser.ask(&cancel, None).await.unwrap();
    assert!(cancelled.recoveries.is_empty());
    let user = alice.id().to_owned();
    advance(&stack, &mut alice, DELAYED_S).await;
    let refused = complete(&alice.browser, &passkey, &user, &recovery).await;
    assert_eq!(refusal(refused), "recovery-not-found");
}

#[tokio::test]
async fn wrong_recovery_codes_are_counted_and_the_sixth_in_an_hour_is_not_checked() {
    let stack = people();
    let alice = person(&stack).await;
    for _ in 0..5 {
        let wrong = recover(
            &alice.browser,
            &mut Authenticator::new(),
            alice.id(),
            Some("x"),
        )
        .await;
        assert_eq!(refusal(wrong), "recovery-code-invalid");
    }
    let sixth = recover(
        &alice.browser,
        &mut Authenticator::new(),
        alice.id(),
        Some("x"),
    )
    .await;
    assert_eq!(refusal(sixth), "rate-limited");
}

#[tokio::test]
async fn wrong_recovery_codes_that_come_at_once_are_counted_before_any_is_checked() {
    const WRONG: Option<&str> = Some("3-AAAAA-AAAAA-AAAAA-AAAAA");
    let stack = people();
    let alice = Arc::new(person(&stack).await);
    codes(&alice).await;
    let mut tries = JoinSet::new();
    for _ in 0..12 {
        let alice = Arc::clone(&alice);
        tries.spawn(async move {
            let mut passkey = Authenticator::new();
            refusal(recover(&alice.browser, &mut passkey, alice.id(), WRONG).await)
        });
    }
    let refusals = tries.join_all().await;
    let count = |slug: &str| refusals.iter().filter(|one| *one == slug).count();
    // Those that lost every race for the record were neither counted nor checked.
    let others = count("rate-limited") + count("user-conflict");
    assert_eq!(count("recovery-code-invalid") + others, 12, "{refusals:?}");
    assert!(count("recovery-code-invalid") <= 5, "{refusals:?}");
}

#[tokio::test]
async fn a_right_recovery_code_is_not_counted_among_the_wrong_ones() {
    let stack = people();
    let alice = person(&stack).await;
    let mut right = codes(&alice).await.into_iter();
    for _ in 0..4 {
        let mut phone = Authenticator::new();
        let wrong = recover(&alice.browser, &mut phone, alice.id(), Some("x")).await;
        assert_eq!(refusal(wrong), "recovery-code-invalid");
    }
    for _ in 0..2 {
        let code = right.next().unwrap();
        recover(
            &alice.browser,
            &mut Authenticator::new(),
            alice.id(),
            Some(&code),
        )
        .await
        .unwrap();
    }
}

#[tokio::test]
async fn a_code_that_is_well_formed_and_wrong_recovers_nothing() {
    let stack = people();
    let alice = person(&stack).await;
    codes(&alice).await;
    let mut passkey = Authenticator::new();
    let code = Some("3-AAAAA-AAAAA-AAAAA-AAAAA");
    let wrong = recover(&alice.browser, &mut passkey, alice.id(), code).await;
    assert_eq!(refusal(wrong), "recovery-code-invalid");
}

#[tokio::test]
async fn without_codes_and_guardians_there_is_no_recovery() {
    let stack = people();
    let alice = person(&stack).await;
    let none = recover(&alice.browser, &mut Authenticator::new(), alice.id(), None).await;
    assert_eq!(refusal(none), "recovery-impossible");
}

/// A recovery by a code, and the passkey that it began with.
async fn begun(alice: &Person, code: &str) -> (Authenticator, Recovery) {
    let mut passkey = Authenticator::new();
    let recovery = recover(&alice.browser, &mut passkey, alice.id(), Some(code)).await;
    (passkey, recovery.unwrap())
}

/// Begins a recovery of the user with a new passkey.
pub(crate) async fn recover(
    browser: &Browser,
    passkey: &mut Authenticator,
    user: &str,
    code: Option<&str>,
) -> Result<Recovery, Error> {
    browser.start_recovery(passkey, user, code).await
}

/// Completes a recovery with its passkey.
pub(crate) async fn complete(
    browser: &Browser,
    passkey: &Authenticator,
    user: &str,
    recovery: &Recovery,
) -> Result<User, Error> {
    let of = RecoveryOf {
        user: user.to_owned(),
        public_key_digest: recovery.public_key_digest.clone(),
    };
    let wanted = Wanted::post(&format!("/v1/recoveries/{}/complete", recovery.id), &of);
    let nonce = browser.nonce("complete_recovery").await?.nonce;
    let challenge = wanted.challenge("complete_recovery", &nonce, "");
    let response = passkey.assert(&challenge);
    let passkey = with_nonce(&nonce, &response);
    browser.ask_without_session(&wanted, Some(&passkey)).await
}
