//! A lost device: recovery by codes and by guardians, and its cancellation.

use permafrost_client::Error;
use permafrost_common::api::people::{
    Guardians, Recovery, RecoveryCodes, RecoveryOf, StartRecovery, User,
};
use permafrost_tests::{Authenticator, Browser, Wanted, refusal, with_nonce};

use crate::steps::{advance, people, person, sign, with_new_passkey};

#[tokio::test]
async fn a_lost_device_is_recovered_by_a_code_after_the_delay() {
    let stack = people();
    let mut alice = person(&stack).await;
    let codes: RecoveryCodes = alice
        .browser
        .approved(
            "create_recovery_codes",
            &Wanted::empty("/v1/recovery-codes"),
            &alice.passkey,
        )
        .await
        .unwrap();
    assert_eq!(codes.codes.len(), 10);
    let user = alice.registered.user.id.clone();

    let mut passkey = Authenticator::new();
    let wrong = recover(
        &alice.browser,
        &mut passkey,
        &user,
        Some("3-AAAAA-AAAAA-AAAAA-AAAAA"),
    )
    .await;
    assert_eq!(refusal(wrong), "recovery-code-invalid");
    let mut passkey = Authenticator::new();
    let recovery = recover(&alice.browser, &mut passkey, &user, Some(&codes.codes[3]))
        .await
        .unwrap();
    let again = recover(
        &alice.browser,
        &mut Authenticator::new(),
        &user,
        Some(&codes.codes[3]),
    )
    .await;
    assert_eq!(refusal(again), "recovery-code-invalid");

    let early = complete(&alice.browser, &passkey, &user, &recovery).await;
    assert_eq!(refusal(early), "recovery-not-ready");
    advance(&stack, &mut alice, 72 * 3600 + 5).await;
    // Nobody else's passkey completes it.
    let other = complete(&alice.browser, &alice.passkey, &user, &recovery).await;
    assert_eq!(refusal(other), "passkey-unknown");
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
async fn any_passkey_that_is_left_cancels_a_recovery() {
    let stack = people();
    let mut alice = person(&stack).await;
    let codes: RecoveryCodes = alice
        .browser
        .approved(
            "create_recovery_codes",
            &Wanted::empty("/v1/recovery-codes"),
            &alice.passkey,
        )
        .await
        .unwrap();
    let user = alice.registered.user.id.clone();
    let mut passkey = Authenticator::new();
    let recovery = recover(&alice.browser, &mut passkey, &user, Some(&codes.codes[0]))
        .await
        .unwrap();
    let path = format!("/v1/recoveries/{}/cancel", recovery.id);
    let cancelled: User = alice
        .browser
        .ask(&Wanted::empty(&path), None)
        .await
        .unwrap();
    assert!(cancelled.recoveries.is_empty());
    advance(&stack, &mut alice, 72 * 3600 + 5).await;
    let refused = complete(&alice.browser, &passkey, &user, &recovery).await;
    assert_eq!(refusal(refused), "recovery-not-found");
}

#[tokio::test]
async fn wrong_recovery_codes_are_counted_and_the_sixth_in_an_hour_is_not_looked_at() {
    let stack = people();
    let alice = person(&stack).await;
    let user = alice.registered.user.id.clone();
    for _ in 0..5 {
        let wrong = recover(&alice.browser, &mut Authenticator::new(), &user, Some("x")).await;
        assert_eq!(refusal(wrong), "recovery-code-invalid");
    }
    let sixth = recover(&alice.browser, &mut Authenticator::new(), &user, Some("x")).await;
    assert_eq!(refusal(sixth), "rate-limited");
}

#[tokio::test]
async fn enough_guardians_begin_the_delay_of_a_recovery() {
    let stack = people();
    let mut alice = person(&stack).await;
    let (bob, carol) = (person(&stack).await, person(&stack).await);
    let mallory = person(&stack).await;
    let user = alice.registered.user.id.clone();
    let none = recover(&alice.browser, &mut Authenticator::new(), &user, None).await;
    assert_eq!(refusal(none), "recovery-impossible");
    let guardians = Guardians {
        threshold: 2,
        users: vec![
            bob.registered.user.id.clone(),
            carol.registered.user.id.clone(),
        ],
    };
    let _user: User = alice
        .browser
        .approved(
            "set_guardians",
            &Wanted::post("/v1/guardians", &guardians),
            &alice.passkey,
        )
        .await
        .unwrap();

    let mut passkey = Authenticator::new();
    let recovery = recover(&alice.browser, &mut passkey, &user, None)
        .await
        .unwrap();
    assert_eq!(recovery.ready_at, None);
    let of = RecoveryOf {
        user: user.clone(),
        public_key_digest: recovery.public_key_digest.clone(),
    };
    let approve = Wanted::post(&format!("/v1/recoveries/{}/approve", recovery.id), &of);
    let stranger =
        mallory
            .browser
            .approved::<Recovery>("approve_recovery", &approve, &mallory.passkey);
    assert_eq!(refusal(stranger.await), "recovery-not-found");
    for (guardian, approvals) in [(&bob, 1), (&bob, 1), (&carol, 2)] {
        let approved: Recovery = guardian
            .browser
            .approved("approve_recovery", &approve, &guardian.passkey)
            .await
            .unwrap();
        assert_eq!(approved.approvals, approvals);
        assert_eq!(approved.ready_at.is_some(), approvals == 2);
    }
    let early = complete(&alice.browser, &passkey, &user, &recovery).await;
    assert_eq!(refusal(early), "recovery-not-ready");
    advance(&stack, &mut alice, 72 * 3600 + 5).await;
    complete(&alice.browser, &passkey, &user, &recovery)
        .await
        .unwrap();
    alice.browser.login(&passkey).await.unwrap();
}

pub(crate) async fn recover(
    browser: &Browser,
    passkey: &mut Authenticator,
    user: &str,
    code: Option<&str>,
) -> Result<Recovery, Error> {
    let wanted = Wanted::post(
        "/v1/recoveries",
        &StartRecovery {
            user: user.to_owned(),
            code: code.map(str::to_owned),
            passkey_name: "new phone".to_owned(),
        },
    );
    let handle = hex::decode(user).unwrap();
    with_new_passkey(browser, "start_recovery", &wanted, passkey, &handle).await
}

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
    browser
        .ask(&wanted, Some(&with_nonce(&nonce, &response)))
        .await
}
