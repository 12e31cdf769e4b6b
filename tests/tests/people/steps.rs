//! What the tests share: a person, an event, a moved clock.

use std::fs;
use std::time::{Duration, Instant};

use nostr::event::Event;
use permafrost_client::Error;
use permafrost_common::api::people::{RecoveryCodes, User};
use permafrost_common::api::{Key, SignRequest, Signed};
pub(crate) use permafrost_tests::Person;
use permafrost_tests::{Browser, HonestStack, Measured, Wanted, refusal};
use serde_json::json;

/// Registers a person.
pub(crate) async fn person(stack: &HonestStack) -> Person {
    Person::register(stack.verified().await).await.unwrap()
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

/// Ten recovery codes of this person.
pub(crate) async fn codes(person: &Person) -> Vec<String> {
    let wanted = Wanted::empty("/v1/recovery-codes");
    let made = person.approved("create_recovery_codes", &wanted).await;
    let RecoveryCodes { codes } = made.unwrap();
    assert_eq!(codes.len(), 10);
    codes
}

/// Moves the emulated NSM's clock, and waits until the enclave has compared its clock with it.
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
