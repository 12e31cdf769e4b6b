//! What a passkey approves, and which passkey.

use permafrost_client::Error;
use permafrost_common::api::Key;
use permafrost_common::api::people::{
    ApprovePasskey, Link, LinkOpened, OfferPasskey, OpenLink, Passkey, PasskeyStatus, User,
};
use permafrost_tests::{Authenticator, Browser, Wanted, refusal, with_nonce};
use serde_json::json;

use crate::steps::{advance, people, person, sign, with_new_passkey};

#[tokio::test]
async fn what_cannot_be_undone_needs_a_passkey_that_signs_just_that() {
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
    let rotated: Key = alice
        .browser
        .approved("rotate_key", &rotate, &alice.passkey)
        .await
        .unwrap();
    assert_eq!(rotated.generation, 2);
}

#[tokio::test]
async fn a_nonce_is_good_for_one_approval_of_its_purpose() {
    let stack = people();
    let mut alice = person(&stack).await;
    let rotate = Wanted::empty(&format!("/v1/keys/{}/rotate", alice.registered.key.id));
    let keyid = alice.browser.session().to_owned();

    let nonce = alice.browser.nonce("rotate_key").await.unwrap().nonce;
    let challenge = rotate.challenge("rotate_key", &nonce, &keyid);
    let passkey = with_nonce(&nonce, &alice.passkey.assert(&challenge));
    let _rotated: Key = alice.browser.ask(&rotate, Some(&passkey)).await.unwrap();
    let again = alice.browser.ask::<Key>(&rotate, Some(&passkey)).await;
    assert_eq!(refusal(again), "challenge-used");

    let login = alice.browser.nonce("login").await.unwrap().nonce;
    let challenge = rotate.challenge("rotate_key", &login, &keyid);
    let passkey = with_nonce(&login, &alice.passkey.assert(&challenge));
    let foreign = alice.browser.ask::<Key>(&rotate, Some(&passkey)).await;
    assert_eq!(refusal(foreign), "challenge-invalid");

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
    let bob = person(&stack).await;
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
        let refused = alice.browser.login(&alice.passkey).await;
        assert_eq!(refusal(refused), named);
        truth(&mut alice.passkey);
    }

    // Another user's handle, and a key that is not the credential's.
    let handle = std::mem::replace(
        &mut alice.passkey.user_handle,
        bob.passkey.user_handle.clone(),
    );
    assert_eq!(
        refusal(alice.browser.login(&alice.passkey).await),
        "passkey-unknown"
    );
    alice.passkey.user_handle = handle;
    let mut forged = Authenticator::new();
    forged
        .credential_id
        .clone_from(&alice.passkey.credential_id);
    forged.user_handle.clone_from(&alice.passkey.user_handle);
    assert_eq!(
        refusal(alice.browser.login(&forged).await),
        "passkey-signature"
    );

    alice.passkey.sign_count = 7;
    alice.browser.login(&alice.passkey).await.unwrap();
    assert_eq!(
        refusal(alice.browser.login(&alice.passkey).await),
        "passkey-counter"
    );
}

#[tokio::test]
async fn a_credential_is_registered_once_by_whomever() {
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

#[tokio::test]
async fn a_second_device_is_linked_by_a_code_and_the_approval_of_its_very_key() {
    let stack = people();
    let alice = person(&stack).await;
    let link: Link = alice
        .browser
        .ask(&Wanted::empty("/v1/links"), None)
        .await
        .unwrap();

    let mut phone = Browser::new(stack.verified().await);
    let mut passkey = Authenticator::new();
    let offered = offer(&phone, &mut passkey, &link.code).await.unwrap();
    assert_eq!(offered.status, PasskeyStatus::Pending);
    assert_eq!(refusal(phone.login(&passkey).await), "passkey-unknown");
    let again = offer(&phone, &mut Authenticator::new(), &link.code).await;
    assert_eq!(refusal(again), "link-invalid");

    let path = format!("/v1/passkeys/{}/approve", offered.id);
    let approve = |digest: String| {
        let public_key_digest = digest;
        Wanted::post(&path, &ApprovePasskey { public_key_digest })
    };
    let other = approve("0".repeat(64));
    let refused = alice
        .browser
        .approved::<User>("approve_passkey", &other, &alice.passkey)
        .await;
    assert_eq!(refusal(refused), "passkey-unknown");
    let same = approve(offered.public_key_digest);
    let user: User = alice
        .browser
        .approved("approve_passkey", &same, &alice.passkey)
        .await
        .unwrap();
    assert_eq!(user.passkeys.len(), 2);

    let logged_in = phone.login(&passkey).await.unwrap();
    assert_eq!(logged_in.user.id, alice.registered.user.id);
    sign(&phone, &alice.registered.key, 1).await.unwrap();

    // Either device ends the other, and the sessions that it opened.
    let path = format!(
        "/v1/passkeys/{}/revoke",
        alice.registered.user.passkeys[0].id
    );
    let user: User = phone
        .approved("revoke_passkey", &Wanted::empty(&path), &passkey)
        .await
        .unwrap();
    assert_eq!(user.passkeys.len(), 1);
    let ended = sign(&alice.browser, &alice.registered.key, 1).await;
    assert_eq!(refusal(ended), "session-ended");
    let mut browser = Browser::new(stack.verified().await);
    assert_eq!(
        refusal(browser.login(&alice.passkey).await),
        "passkey-unknown"
    );
    let path = format!("/v1/passkeys/{}/revoke", offered.id);
    let last = phone
        .approved::<User>("revoke_passkey", &Wanted::empty(&path), &passkey)
        .await;
    assert_eq!(refusal(last), "last-passkey");
}

/// Offers a passkey by a link code, as another device does.
pub(crate) async fn offer(
    browser: &Browser,
    passkey: &mut Authenticator,
    code: &str,
) -> Result<Passkey, Error> {
    let open = Wanted::post(
        "/v1/links/open",
        &OpenLink {
            code: code.to_owned(),
        },
    );
    let opened: LinkOpened = browser.ask(&open, None).await?;
    let wanted = Wanted::post(
        "/v1/links/passkey",
        &OfferPasskey {
            code: code.to_owned(),
            passkey_name: "phone".to_owned(),
        },
    );
    let handle = hex::decode(opened.user_handle).unwrap();
    with_new_passkey(browser, "offer_passkey", &wanted, passkey, &handle).await
}
