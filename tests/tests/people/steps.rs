//! What the tests share: a person, an event, a moved clock.

use nostr::event::Event;
use permafrost_client::Error;
use permafrost_common::api::people::RecoveryCodes;
use permafrost_common::api::{Key, SignRequest, Signed};
pub(crate) use permafrost_tests::Person;
use permafrost_tests::{Browser, HonestStack, Measured, Wanted};
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

/// Moves the enclave's clock ahead of the true time.
pub(crate) async fn advance(stack: &HonestStack, person: &mut Person, seconds: u64) {
    person.browser.advance(&stack.enclave, seconds).await;
}
