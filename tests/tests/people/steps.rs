//! What the tests share: a person, an event, a moved clock.

use std::fs;
use std::time::{Duration, Instant};

use nostr::event::Event;
use permafrost_client::Error;
use permafrost_common::api::people::{Registered, User};
use permafrost_common::api::{Key, SignRequest, Signed};
use permafrost_tests::{
    Authenticator, Browser, HonestStack, Measured, Wanted, refusal, with_nonce,
};
use serde::de::DeserializeOwned;
use serde_json::json;

/// A user, with the browser and the passkey that registered.
pub(crate) struct Person {
    pub(crate) browser: Browser,
    pub(crate) passkey: Authenticator,
    pub(crate) registered: Registered,
}

/// Registers somebody.
pub(crate) async fn person(stack: &HonestStack) -> Person {
    let mut browser = Browser::new(stack.verified().await);
    let mut passkey = Authenticator::new();
    let registered = browser.register(&mut passkey).await.unwrap();
    Person {
        browser,
        passkey,
        registered,
    }
}

/// A stack that has people.
pub(crate) fn people() -> HonestStack {
    HonestStack::start(Measured::new("test").people(""))
}

fn note(kind: u16) -> SignRequest {
    serde_json::from_value(json!({
        "type": "nostr_event",
        "event": {"created_at": 1_700_000_000, "kind": kind, "tags": [], "content": "from a person"},
    }))
    .unwrap()
}

/// Has a Nostr event of this kind signed.
pub(crate) async fn sign(browser: &Browser, key: &Key, kind: u16) -> Result<Signed, Error> {
    let wanted = Wanted::post(&format!("/v1/keys/{}/sign", key.id), &note(kind));
    browser.ask(&wanted, None).await
}

/// Whether the event is whole, and signed by this key.
pub(crate) fn is_the_event_of(signed: &Signed, key: &Key) -> bool {
    let event = serde_json::to_string(signed.event.as_ref().unwrap()).unwrap();
    let event = Event::from_json(event).unwrap();
    event.verify().is_ok() && event.pubkey.to_hex() == key.group_public_key
}

/// Sends a request that a new passkey was made for, for the user of this handle.
pub(crate) async fn with_new_passkey<T: DeserializeOwned>(
    browser: &Browser,
    purpose: &str,
    wanted: &Wanted,
    passkey: &mut Authenticator,
    handle: &[u8],
) -> Result<T, Error> {
    let nonce = browser.nonce(purpose).await?.nonce;
    let response = passkey.register(&wanted.challenge(purpose, &nonce, ""), handle);
    browser
        .ask(wanted, Some(&with_nonce(&nonce, &response)))
        .await
}

/// Moves the emulated NSM's clock, and waits until the enclave has looked at it.
pub(crate) async fn advance(stack: &HonestStack, person: &mut Person, seconds: u64) {
    fs::write(
        stack.enclave.state().join("clock-ahead"),
        seconds.to_string(),
    )
    .unwrap();
    person.browser.set_ahead(seconds);
    let started = Instant::now();
    // A request dated by the new clock is from the future by the old one.
    while refusal_or_none(&person.browser).await.as_deref() == Some("request-expired") {
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
