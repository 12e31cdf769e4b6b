//! What a passkey approves, and which passkey.

use permafrost_client::Error;
use permafrost_common::api::Key;
use permafrost_common::api::people::{ApprovePasskey, Link, Passkey, PasskeyStatus, User};
use permafrost_tests::{Authenticator, Browser, HonestStack, Wanted, refusal, with_nonce};
use serde_json::json;

use crate::steps::{Person, advance, codes, people, person, sign};

#[tokio::test]
async fn an_irreversible_operation_needs_a_passkey_that_signs_exactly_it() {
    let stack = people();
    let alice = person(&stack).await;
    let key = &alice.registered.key;
    let rotate = Wanted::empty(&format!("/v1/keys/{}/rotate", key.id));
    let bare = alice.browser.ask::<Key>(&rotate, None).await;
    assert_eq!(refusal(bare), "passkey-required");

    // An approval of something else: another request, another purpose, another session.
    let nonce = alice.browser.nonce("rotate_key").await.unwrap().nonce;
    let keyid = alice.browser.session();
    let other = Wanted::post("/v1/user/policy", &json!({}));
    for challenge in [
        other.challenge("rotate_key", &nonce, keyid),
        rotate.challenge("set_policy", &nonce, keyid),
        rotate.challenge("rotate_key", &nonce, "session.other"),
        rotate.challenge("rotate_key", &nonce, ""),
    ] {
        let passkey = with_nonce(&nonce, &alice.passkey.assert(&challenge));
        let refused = alice.browser.ask::<Key>(&rotate, Some(&passkey)).await;
        assert_eq!(refusal(refused), "passkey-challenge");
    }
    let rotated: Key = alice.approved("rotate_key", &rotate).await.unwrap();
    assert_eq!(rotated.generation, 2);
}

#[tokio::test]
async fn a_nonce_is_valid_for_one_approval_of_its_purpose() {
    let stack = people();
    let alice = person(&stack).await;
    let rotate = Wanted::empty(&format!("/v1/keys/{}/rotate", alice.registered.key.id));
    let keyid = alice.browser.session();

    let nonce = alice.browser.nonce("rotate_key").await.unwrap().nonce;
    let challenge = rotate.challenge("rotate_key", &nonce, keyid);
    let passkey = with_nonce(&nonce, &alice.passkey.assert(&challenge));
    let _rotated: Key = alice.browser.ask(&rotate, Some(&passkey)).await.unwrap();
    let again = alice.browser.ask::<Key>(&rotate, Some(&passkey)).await;
    assert_eq!(refusal(again), "challenge-used");

    let login = alice.browser.nonce("login").await.unwrap().nonce;
    let challenge = rotate.challenge("rotate_key", &login, keyid);
    let passkey = with_nonce(&login, &alice.passkey.assert(&challenge));
    let foreign = alice.browser.ask::<Key>(&rotate, Some(&passkey)).await;
    assert_eq!(refusal(foreign), "challenge-invalid");
}

#[tokio::test]
#[cfg_attr(feature = "booted", ignore = "moves the emulated clock")]
async fn a_nonce_is_valid_for_two_minutes() {
    let stack = people();
    let mut alice = person(&stack).await;
    let rotate = Wanted::empty(&format!("/v1/keys/{}/rotate", alice.registered.key.id));
    let keyid = alice.browser.session().to_owned();
    let late = alice.browser.nonce("rotate_key").await.unwrap().nonce;
    advance(&stack, &mut alice, 121).await;
    let challenge = rotate.challenge("rotate_key", &late, &keyid);
    let passkey = with_nonce(&late, &alice.passkey.assert(&challenge));
    let expired = alice.browser.ask::<Key>(&rotate, Some(&passkey)).await;
    assert_eq!(refusal(expired), "challenge-expired");
}

#[tokio::test]
async fn an_authenticator_that_lies_is_refused_by_the_name_of_the_lie() {
    let stack = people();
    let mut alice = person(&stack).await;
    type Lie = fn(&mut Authenticator);
    let lies: [(&str, Lie, Lie); 6] = [
        (
            "passkey-origin",
            |passkey| passkey.origin = "http://localhost:1".to_owned(),
            |passkey| passkey.origin = "http://localhost".to_owned(),
        ),
        (
            "passkey-origin",
            |passkey| passkey.cross_origin = true,
            |passkey| passkey.cross_origin = false,
        ),
        (
            "passkey-relying-party",
            |passkey| passkey.rp_id = "example.org".to_owned(),
            |passkey| passkey.rp_id = "localhost".to_owned(),
        ),
        (
            "passkey-user-verification",
            |passkey| passkey.user_verified = false,
            |passkey| passkey.user_verified = true,
        ),
        (
            "passkey-ceremony",
            |passkey| passkey.ceremony = Some("webauthn.create"),
            |passkey| passkey.ceremony = None,
        ),
        (
            "passkey-unknown",
            |passkey| passkey.credential_id[0] ^= 1,
            |passkey| passkey.credential_id[0] ^= 1,
        ),
    ];
    for (named, lie, truth) in lies {
        lie(&mut alice.passkey);
        assert_eq!(refusal(alice.login().await), named);
        truth(&mut alice.passkey);
    }
}

#[tokio::test]
async fn a_credential_under_another_users_handle_is_refused() {
    let stack = people();
    let (mut alice, bob) = (person(&stack).await, person(&stack).await);
    alice.passkey.user_handle = bob.passkey.user_handle;
    assert_eq!(refusal(alice.login().await), "passkey-unknown");
}

#[tokio::test]
async fn an_assertion_by_a_key_that_is_not_the_credentials_is_refused() {
    let stack = people();
    let mut alice = person(&stack).await;
    let honest = std::mem::take(&mut alice.passkey);
    alice.passkey.credential_id = honest.credential_id;
    alice.passkey.user_handle = honest.user_handle;
    assert_eq!(refusal(alice.login().await), "passkey-signature");
}

#[tokio::test]
async fn a_counter_that_does_not_grow_is_refused() {
    let stack = people();
    let mut alice = person(&stack).await;
    alice.passkey.sign_count = 7;
    alice.login().await.unwrap();
    for old in [7, 6, 0] {
        alice.passkey.sign_count = old;
        assert_eq!(refusal(alice.login().await), "passkey-counter");
    }
    alice.passkey.sign_count = 8;
    alice.login().await.unwrap();
}

#[tokio::test]
async fn a_credential_is_registered_only_once_by_any_user() {
    let stack = people();
    let mut alice = person(&stack).await;
    let mut other = Authenticator::new();
    other.credential_id.clone_from(&alice.passkey.credential_id);
    let mut browser = Browser::new(stack.verified().await);
    assert_eq!(
        refusal(browser.register(&mut other).await),
        "passkey-exists"
    );
    assert_eq!(
        refusal(browser.register(&mut alice.passkey).await),
        "passkey-exists"
    );
}

/// A second device of a person, approved by a passkey of the first.
async fn linked(stack: &HonestStack, alice: &Person) -> Person {
    let mut browser = Browser::new(stack.verified().await);
    let mut passkey = Authenticator::new();
    let code = link(alice).await;
    let offered = browser.offer_passkey(&mut passkey, &code).await.unwrap();
    let _user: User = approve(alice, &offered, &offered.public_key_digest)
        .await
        .unwrap();
    browser.login(&passkey).await.unwrap();
    Person {
        browser,
        passkey,
        registered: alice.registered.clone(),
    }
}

async fn link(alice: &Person) -> String {
    let wanted = Wanted::empty("/v1/links");
    let link: Link = alice.browser.ask(&wanted, None).await.unwrap();
    link.code
}

async fn approve(alice: &Person, offered: &Passkey, digest: &str) -> Result<User, Error> {
    let approve = ApprovePasskey {
        public_key_digest: digest.to_owned(),
    };
    let wanted = Wanted::post(&format!("/v1/passkeys/{}/approve", offered.id), &approve);
    alice.approved("approve_passkey", &wanted).await
}

async fn revoke(alice: &Person, passkey: &str) -> Result<User, Error> {
    let wanted = Wanted::empty(&format!("/v1/passkeys/{passkey}/revoke"));
    alice.approved("revoke_passkey", &wanted).await
}

#[tokio::test]
async fn a_second_device_is_linked_by_a_code_and_the_approval_of_its_very_key() {
    let stack = people();
    let alice = person(&stack).await;
    let mut phone = Browser::new(stack.verified().await);
    let mut passkey = Authenticator::new();
    let code = link(&alice).await;
    let offered = phone.offer_passkey(&mut passkey, &code).await.unwrap();
    assert_eq!(offered.status, PasskeyStatus::Pending);
    assert_eq!(refusal(phone.login(&passkey).await), "passkey-unknown");

    let other = approve(&alice, &offered, &"0".repeat(64)).await;
    assert_eq!(refusal(other), "passkey-unknown");
    let same = approve(&alice, &offered, &offered.public_key_digest).await;
    assert_eq!(same.unwrap().passkeys.len(), 2);

    let logged_in = phone.login(&passkey).await.unwrap();
    assert_eq!(logged_in.user.id, alice.id());
    sign(&phone, &alice.registered.key, 1).await.unwrap();
}

#[tokio::test]
async fn a_response_about_another_passkey_than_the_one_made_here_is_refused() {
    let stack = people();
    let alice = person(&stack).await;
    let phone = Browser::new(stack.verified().await);
    let mut passkey = Authenticator::new();
    passkey.changes_key = true;
    let code = link(&alice).await;
    let offered = phone.offer_passkey(&mut passkey, &code).await.map(drop);
    let mut other = Authenticator::new();
    other.changes_key = true;
    let code = &codes(&alice).await[0];
    let begun = phone.start_recovery(&mut other, alice.id(), Some(code));
    for (refused, made) in [(offered, &passkey), (begun.await.map(drop), &other)] {
        let Err(Error::UnexpectedResponse { reason, .. }) = refused else {
            panic!("{refused:?}");
        };
        assert!(reason.contains(&made.public_key_digest()), "{reason}");
    }
}

#[tokio::test]
async fn a_link_code_is_valid_for_one_offer() {
    let stack = people();
    let alice = person(&stack).await;
    let code = link(&alice).await;
    let phone = Browser::new(stack.verified().await);
    let mut passkey = Authenticator::new();
    phone.offer_passkey(&mut passkey, &code).await.unwrap();
    let again = phone.offer_passkey(&mut Authenticator::new(), &code).await;
    assert_eq!(refusal(again), "link-invalid");
}

#[tokio::test]
async fn a_revoked_passkey_opens_no_session_and_its_sessions_are_ended() {
    let stack = people();
    let mut alice = person(&stack).await;
    let phone = linked(&stack, &alice).await;
    let user = revoke(&phone, &alice.registered.user.passkeys[0].id).await;
    assert_eq!(user.unwrap().passkeys.len(), 1);
    let ended = sign(&alice.browser, &alice.registered.key, 1).await;
    assert_eq!(refusal(ended), "session-ended");
    assert_eq!(refusal(alice.login().await), "passkey-unknown");
    sign(&phone.browser, &alice.registered.key, 1)
        .await
        .unwrap();
}

#[tokio::test]
async fn the_last_passkey_is_not_revoked_without_a_way_to_recover() {
    let stack = people();
    let mut alice = person(&stack).await;
    let only = alice.registered.user.passkeys[0].id.clone();
    assert_eq!(refusal(revoke(&alice, &only).await), "last-passkey");
    alice.login().await.unwrap();
    codes(&alice).await;
    revoke(&alice, &only).await.unwrap();
    assert_eq!(refusal(alice.login().await), "passkey-unknown");
}
