//! People on real processes: passkeys, sessions, links and recovery, through `permafrost serve`.

use std::fs;
use std::time::{Duration, Instant};

use nostr::event::Event;
use permafrost_common::api::people::{
    ApprovePasskey, Guardians, Link, LinkOpened, OfferPasskey, OpenLink, Passkey, PasskeyStatus,
    Recovery, RecoveryCodes, RecoveryOf, Registered, Scope, StartRecovery, User,
};
use permafrost_common::api::{Key, ResealRecords, SignRequest, Signed};
use permafrost_tests::{
    Authenticator, Browser, HonestStack, Measured, Wanted, refusal, with_nonce,
};
use serde_json::json;

/// A user, at a stack that has people.
struct Alice {
    browser: Browser,
    passkey: Authenticator,
    registered: Registered,
}

async fn alice(stack: &HonestStack) -> Alice {
    let mut browser = Browser::new(stack.verified().await);
    let mut passkey = Authenticator::new();
    let registered = browser.register(&mut passkey).await.unwrap();
    Alice {
        browser,
        passkey,
        registered,
    }
}

fn people() -> HonestStack {
    HonestStack::start(Measured::new("test").people(""))
}

fn note(kind: u16) -> SignRequest {
    serde_json::from_value(json!({
        "type": "nostr_event",
        "event": {"created_at": 1_700_000_000, "kind": kind, "tags": [], "content": "from a person"},
    }))
    .unwrap()
}

async fn sign(browser: &Browser, key: &Key, kind: u16) -> Result<Signed, permafrost_client::Error> {
    let wanted = Wanted::post(&format!("/v1/keys/{}/sign", key.id), &note(kind));
    browser.ask(&wanted, None).await
}

/// Whether the event is whole, and signed by this key.
fn is_the_event_of(signed: &Signed, key: &Key) -> bool {
    let event = serde_json::to_string(signed.event.as_ref().unwrap()).unwrap();
    let event = Event::from_json(event).unwrap();
    event.verify().is_ok() && event.pubkey.to_hex() == key.group_public_key
}

#[tokio::test]
async fn a_person_registers_signs_logs_out_and_logs_in_again() {
    let mut stack = people();
    let mut alice = alice(&stack).await;
    let key = alice.registered.key.clone();
    assert_eq!(key.owner, alice.registered.user.owner);
    let signed = sign(&alice.browser, &key, 1).await.unwrap();
    assert!(is_the_event_of(&signed, &key));

    let path = format!("/v1/sessions/{}/end", alice.browser.session());
    let user: User = alice
        .browser
        .ask(&Wanted::empty(&path), None)
        .await
        .unwrap();
    assert!(user.sessions.is_empty());
    let ended = sign(&alice.browser, &key, 1).await;
    assert_eq!(refusal(ended), "session-ended");

    // Another enclave of the deployment serves the same people.
    stack.enclave.restart();
    alice.browser = Browser::new(stack.verified().await);
    let logged_in = alice.browser.login(&alice.passkey).await.unwrap();
    assert_eq!(logged_in.user.id, alice.registered.user.id);
    let signed = sign(&alice.browser, &key, 1).await.unwrap();
    assert!(is_the_event_of(&signed, &key));
    let what: Vec<_> = logged_in
        .user
        .activity
        .iter()
        .map(|one| one.what.as_str())
        .collect();
    assert_eq!(what, ["logged_in", "session_ended", "registered"]);
}

#[tokio::test]
async fn a_person_touches_no_key_but_their_own() {
    let stack = people();
    let (alice, bob) = (alice(&stack).await, alice_too(&stack).await);
    let theirs = sign(&bob.browser, &alice.registered.key, 1).await;
    assert_eq!(refusal(theirs), "key-not-found");
    let service = stack.principal("alice").await;
    let theirs = service.key(&alice.registered.key.id).await;
    assert_eq!(refusal(theirs), "key-not-found");
}

async fn alice_too(stack: &HonestStack) -> Alice {
    alice(stack).await
}

#[tokio::test]
async fn what_cannot_be_undone_needs_a_passkey_that_signs_just_that() {
    let stack = people();
    let alice = alice(&stack).await;
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
    let mut alice = alice(&stack).await;
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
    let mut alice = alice(&stack).await;
    let bob = alice_too(&stack).await;
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
    let mut alice = alice(&stack).await;
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
async fn a_session_is_narrowed_by_its_scope_and_by_the_users_policy() {
    let stack = people();
    let mut alice = alice(&stack).await;
    let key = alice.registered.key.clone();
    alice.browser.scope = Some(Scope {
        nostr_kinds: Some(vec![1, 7]),
        ..Scope::default()
    });
    alice.browser.login(&alice.passkey).await.unwrap();
    sign(&alice.browser, &key, 1).await.unwrap();
    assert_eq!(
        refusal(sign(&alice.browser, &key, 30023).await),
        "not-permitted"
    );

    let policy = Wanted::post("/v1/user/policy", &json!({"nostr_kinds": [7]}));
    let _user: User = alice
        .browser
        .approved("set_policy", &policy, &alice.passkey)
        .await
        .unwrap();
    sign(&alice.browser, &key, 7).await.unwrap();
    assert_eq!(
        refusal(sign(&alice.browser, &key, 1).await),
        "not-permitted"
    );
}

#[tokio::test]
async fn a_session_ends_after_15_minutes_and_with_another_device() {
    let stack = people();
    let mut alice = alice(&stack).await;
    let key = alice.registered.key.clone();
    let device = std::mem::replace(&mut alice.browser.device, "another device".to_owned());
    assert_eq!(
        refusal(sign(&alice.browser, &key, 1).await),
        "device-changed"
    );
    alice.browser.device = device;
    advance(&stack, &mut alice, 890).await;
    sign(&alice.browser, &key, 1).await.unwrap();
    advance(&stack, &mut alice, 905).await;
    assert_eq!(
        refusal(sign(&alice.browser, &key, 1).await),
        "session-ended"
    );
}

#[tokio::test]
async fn a_second_device_is_linked_by_a_code_and_the_approval_of_its_very_key() {
    let stack = people();
    let alice = alice(&stack).await;
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

#[tokio::test]
async fn a_lost_device_is_recovered_by_a_code_after_the_delay() {
    let stack = people();
    let mut alice = alice(&stack).await;
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
    let mut alice = alice(&stack).await;
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
    let alice = alice(&stack).await;
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
    let mut alice = alice(&stack).await;
    let (bob, carol) = (alice_too(&stack).await, alice_too(&stack).await);
    let mallory = alice_too(&stack).await;
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

#[tokio::test]
async fn a_deployment_without_people_has_none() {
    let stack = HonestStack::start(Measured::new("test"));
    let mut browser = Browser::new(stack.verified().await);
    let refused = browser.register(&mut Authenticator::new()).await;
    assert_eq!(refusal(refused), "no-people");
}

/// Offers a passkey by a link code, as another device does.
async fn offer(
    browser: &Browser,
    passkey: &mut Authenticator,
    code: &str,
) -> Result<Passkey, permafrost_client::Error> {
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

async fn recover(
    browser: &Browser,
    passkey: &mut Authenticator,
    user: &str,
    code: Option<&str>,
) -> Result<Recovery, permafrost_client::Error> {
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

async fn complete(
    browser: &Browser,
    passkey: &Authenticator,
    user: &str,
    recovery: &Recovery,
) -> Result<User, permafrost_client::Error> {
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

async fn with_new_passkey<T: serde::de::DeserializeOwned>(
    browser: &Browser,
    purpose: &str,
    wanted: &Wanted,
    passkey: &mut Authenticator,
    handle: &[u8],
) -> Result<T, permafrost_client::Error> {
    let nonce = browser.nonce(purpose).await?.nonce;
    let response = passkey.register(&wanted.challenge(purpose, &nonce, ""), handle);
    browser
        .ask(wanted, Some(&with_nonce(&nonce, &response)))
        .await
}

/// Moves the emulated NSM's clock, and waits until the enclave has looked at it.
async fn advance(stack: &HonestStack, alice: &mut Alice, seconds: u64) {
    fs::write(
        stack.enclave.state().join("clock-ahead"),
        seconds.to_string(),
    )
    .unwrap();
    alice.browser.set_ahead(seconds);
    let started = Instant::now();
    // A request dated by the new clock is from the future by the old one.
    while refusal_or_none(&alice.browser).await.as_deref() == Some("request-expired") {
        assert!(started.elapsed() < Duration::from_secs(30));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn refusal_or_none(browser: &Browser) -> Option<String> {
    match browser.get::<User>("/v1/user").await {
        Ok(_) => None,
        refused => Some(refusal(refused)),
    }
}

#[tokio::test]
async fn peoples_records_are_sealed_anew_like_keys_in_pages_of_any_size() {
    let stack = people();
    let mut alice = alice(&stack).await;
    let bob = alice_too(&stack).await;
    let _link: Link = bob
        .browser
        .ask(&Wanted::empty("/v1/links"), None)
        .await
        .unwrap();
    let service = stack.principal("alice").await;
    service.rotate_root(1).await.unwrap();
    // Two keys, two users, two credentials and a link.
    let (mut page, mut resealed, mut left) = (ResealRecords::default(), 0, 0);
    page.limit = Some(2);
    loop {
        let done = service.reseal(&page).await.unwrap();
        assert!(done.examined <= 2);
        resealed += done.resealed;
        left += done.left;
        match done.next {
            Some(next) => page.after = next,
            None => break,
        }
    }
    assert_eq!((resealed, left), (7, 0));
    page = ResealRecords::default();
    let again = service.reseal(&page).await.unwrap();
    assert_eq!((again.examined, again.resealed, again.next), (7, 0, None));
    alice.browser.login(&alice.passkey).await.unwrap();
    sign(&bob.browser, &bob.registered.key, 1).await.unwrap();
}
