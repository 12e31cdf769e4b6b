//! The malicious parent and the sweeping of what has expired: records brought back, kept, hidden, swapped, and deletions denied.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

use std::time::{Duration, Instant};

use permafrost_client::{Client, Error};
use permafrost_common::api::people::{Guardians, Link, LinkOpened, OpenLink, Recovery, User};
use permafrost_common::store::{Entry, Listing};
use permafrost_tests::{
    Authenticator, Browser, EnclaveProcess, LyingParent, Measured, Person, StoreRequest,
    StoreResponse, Wanted, binaries, refusal,
};

/// How long a link is valid, in seconds.
const LINK_S: u64 = 600;

/// How long a recovery waits for guardians, in seconds.
const RECOVERY_S: u64 = 7 * 86_400;

/// How long a record stays after it has expired, in seconds.
const MARGIN_S: u64 = 3_600;

#[tokio::test]
#[cfg_attr(feature = "booted", ignore = "moves the emulated clock")]
async fn what_is_live_or_has_just_expired_is_not_swept() {
    let parent = people().await;
    let mut alice = person(&parent).await;
    let first = link(&alice).await;
    alice
        .browser
        .advance(&parent.enclave, LINK_S + MARGIN_S - 60)
        .await;
    alice.login().await.unwrap();
    let second = link(&alice).await;
    two_passes(&parent).await;
    assert_eq!(parent.store.count("link"), 2);
    assert_eq!(refusal(open(&alice.browser, &first).await), "link-invalid");
    open(&alice.browser, &second).await.unwrap();

    // The first goes, and the second stays.
    alice
        .browser
        .advance(&parent.enclave, LINK_S + MARGIN_S + 5)
        .await;
    becomes(&parent, ("link", 1)).await;
    two_passes(&parent).await;
    assert_eq!(parent.store.count("link"), 1);
    open(&alice.browser, &second).await.unwrap();
}

#[tokio::test]
#[cfg_attr(feature = "booted", ignore = "moves the emulated clock")]
async fn a_pass_goes_over_all_listings() {
    let parent = people().await;
    let mut alice = person(&parent).await;
    for _ in 0..3 {
        link(&alice).await;
    }
    // Nothing leaves, so that only the end of the pass has the others.
    parent.store.keep_deleted();
    parent.store.lie(|_, honest| match honest {
        StoreResponse::Listing(mut listing) => {
            listing.more |= listing.records.len() > 1;
            listing.records.truncate(1);
            StoreResponse::Listing(listing)
        }
        honest => honest,
    });
    alice
        .browser
        .advance(&parent.enclave, LINK_S + MARGIN_S + 5)
        .await;
    for (id, _) in parent.store.all_of("link") {
        let deletion = StoreRequest::Delete { id, version: 1 };
        until("a deletion", || parent.store.requests().contains(&deletion)).await;
    }
}

#[tokio::test]
#[cfg_attr(feature = "booted", ignore = "moves the emulated clock")]
async fn what_was_swept_and_is_brought_back_stays_expired_also_for_an_enclave_that_never_saw_it() {
    let parent = people().await;
    let mut alice = guarded(&parent).await;
    let (other, mut there) = another_enclave(&parent, &alice).await;
    let code = link(&alice).await;
    let recovery = waiting(&alice).await;
    let kept = ["link", "recovery"].map(|kind| (kind, parent.store.all_of(kind)));

    let ahead = RECOVERY_S + MARGIN_S + 5;
    alice.browser.advance(&parent.enclave, ahead).await;
    becomes(&parent, ("link", 0)).await;
    becomes(&parent, ("recovery", 0)).await;
    parent.store.keep_deleted();
    for (kind, records) in &kept {
        for (id, versions) in records {
            parent.store.put_back_of(kind, id, versions.clone());
        }
    }

    there.advance(&other, ahead).await;
    there.login(&alice.passkey).await.unwrap();
    alice.login().await.unwrap();
    for browser in [&alice.browser, &there] {
        assert_eq!(parent.store.count("link"), 1);
        assert_eq!(parent.store.count("recovery"), 1);
        assert_eq!(refusal(open(browser, &code).await), "link-invalid");
        let mut phone = Authenticator::new();
        let offered = browser.offer_passkey(&mut phone, &code.code).await;
        assert_eq!(refusal(offered), "link-invalid");
        let cancelled = cancel(browser, &recovery).await;
        assert_eq!(refusal(cancelled), "recovery-not-found");
    }
    // Nothing prevents the next pass from sweeping them again.
    parent.store.be_honest();
    becomes(&parent, ("link", 0)).await;
    becomes(&parent, ("recovery", 0)).await;
}

#[tokio::test]
#[cfg_attr(feature = "booted", ignore = "moves the emulated clock")]
async fn a_store_that_keeps_what_it_says_it_has_deleted_revives_nothing_and_is_asked_again() {
    let parent = people().await;
    let mut alice = person(&parent).await;
    let code = link(&alice).await;
    parent.store.keep_deleted();
    alice
        .browser
        .advance(&parent.enclave, LINK_S + MARGIN_S + 5)
        .await;
    for _ in 0..2 {
        deletion(&parent).await;
        assert_eq!(parent.store.count("link"), 1);
        assert_eq!(refusal(open(&alice.browser, &code).await), "link-invalid");
    }
    parent.store.be_honest();
    becomes(&parent, ("link", 0)).await;
    assert_eq!(refusal(open(&alice.browser, &code).await), "link-invalid");
}

#[tokio::test]
#[cfg_attr(feature = "booted", ignore = "moves the emulated clock")]
async fn a_deletion_whose_response_is_lost_leaves_the_rest_to_the_next_pass() {
    let parent = people().await;
    let mut alice = person(&parent).await;
    let codes = [link(&alice).await, link(&alice).await];
    let mut lost = false;
    parent.store.lie(move |request, honest| match request {
        StoreRequest::Delete { .. } if !std::mem::replace(&mut lost, true) => StoreResponse::Cut,
        _ => honest,
    });
    alice
        .browser
        .advance(&parent.enclave, LINK_S + MARGIN_S + 5)
        .await;
    becomes(&parent, ("link", 0)).await;
    for code in &codes {
        assert_eq!(refusal(open(&alice.browser, code).await), "link-invalid");
    }
    alice.login().await.unwrap();
    open(&alice.browser, &link(&alice).await).await.unwrap();
}

#[tokio::test]
#[cfg_attr(feature = "booted", ignore = "moves the emulated clock")]
async fn a_live_link_or_recovery_that_the_parent_deletes_is_lost_until_it_expires() {
    let parent = people().await;
    let mut alice = guarded(&parent).await;
    let code = link(&alice).await;
    let recovery = waiting(&alice).await;
    for kind in ["link", "recovery"] {
        for (id, _) in parent.store.all_of(kind) {
            parent.store.put_back_of(kind, &id, Vec::new());
        }
    }
    assert_eq!(refusal(open(&alice.browser, &code).await), "record-lost");
    let cancelled = cancel(&alice.browser, &recovery).await;
    assert_eq!(refusal(cancelled), "record-lost");

    alice
        .browser
        .advance(&parent.enclave, RECOVERY_S - 60)
        .await;
    alice.login().await.unwrap();
    assert_eq!(refusal(open(&alice.browser, &code).await), "link-invalid");
    let cancelled = cancel(&alice.browser, &recovery).await;
    assert_eq!(refusal(cancelled), "record-lost");

    alice.browser.advance(&parent.enclave, RECOVERY_S + 5).await;
    alice.login().await.unwrap();
    let cancelled = cancel(&alice.browser, &recovery).await;
    assert_eq!(refusal(cancelled), "recovery-not-found");
}

#[tokio::test]
#[cfg_attr(feature = "booted", ignore = "moves the emulated clock")]
async fn what_another_enclave_swept_has_expired_to_one_that_saw_it() {
    let parent = people().await;
    let mut alice = person(&parent).await;
    let (other, mut there) = another_enclave(&parent, &alice).await;
    let code = link(&alice).await;
    open(&there, &code).await.unwrap();
    let ahead = LINK_S + MARGIN_S + 5;
    alice.browser.advance(&parent.enclave, ahead).await;
    becomes(&parent, ("link", 0)).await;
    there.advance(&other, ahead).await;
    assert_eq!(refusal(open(&there, &code).await), "link-invalid");
}

#[tokio::test]
#[cfg_attr(feature = "booted", ignore = "moves the emulated clock")]
async fn an_expired_link_in_the_place_of_a_live_one_deletes_neither() {
    let parent = people().await;
    let mut alice = person(&parent).await;
    link(&alice).await;
    let (id, versions) = parent.store.all_of("link").pop().unwrap();
    let expired = entry(&id, &versions);
    let ahead = LINK_S + MARGIN_S + 5;
    parent.store.put_back_of("link", &id, Vec::new());
    alice.browser.advance(&parent.enclave, ahead).await;
    alice.login().await.unwrap();
    let code = link(&alice).await;
    let mut all = parent.store.all_of("link").into_iter();
    let (id, _) = all.find(|(_, versions)| !versions.is_empty()).unwrap();
    parent.store.lie(move |_, honest| match honest {
        StoreResponse::Listing(mut listing) if is_listed(&listing, &id) => {
            listing.records[0].record = expired.record.clone();
            StoreResponse::Listing(listing)
        }
        honest => honest,
    });
    two_passes(&parent).await;
    let requests = parent.store.take_requests();
    let deletes = |one: &StoreRequest| matches!(one, StoreRequest::Delete { .. });
    assert!(!requests.iter().any(deletes), "{requests:?}");
    open(&alice.browser, &code).await.unwrap();
}

async fn people() -> LyingParent {
    let measured = Measured::new("test").limits("sweep_interval_ms = 200");
    LyingParent::with(measured.people("")).await
}

async fn person(parent: &LyingParent) -> Person {
    Person::register(parent.verified().await).await.unwrap()
}

/// A person with a guardian.
async fn guarded(parent: &LyingParent) -> Person {
    let (alice, bob) = (person(parent).await, person(parent).await);
    let guardians = Guardians {
        threshold: 1,
        users: vec![bob.id().to_owned()],
    };
    let wanted = Wanted::post("/v1/guardians", &guardians);
    let _set: User = alice.approved("set_guardians", &wanted).await.unwrap();
    alice
}

/// Another enclave of the deployment, and a browser of this person there.
async fn another_enclave(parent: &LyingParent, person: &Person) -> (EnclaveProcess, Browser) {
    let other = parent.second_enclave("second", &binaries::enclave(), &parent.configuration());
    other.wait_until_ready();
    let client = Client::new(other.address().parse().unwrap());
    let verified = client.verify(&parent.expectation()).await.unwrap();
    let mut browser = Browser::new(verified);
    browser.login(&person.passkey).await.unwrap();
    (other, browser)
}

async fn link(person: &Person) -> Link {
    let wanted = Wanted::empty("/v1/links");
    person.browser.ask(&wanted, None).await.unwrap()
}

async fn open(browser: &Browser, link: &Link) -> Result<LinkOpened, Error> {
    let code = link.code.clone();
    let wanted = Wanted::post("/v1/links/open", &OpenLink { code });
    browser.ask_without_session(&wanted, None).await
}

/// A recovery that waits for guardians.
async fn waiting(person: &Person) -> Recovery {
    let mut phone = Authenticator::new();
    let started = person.browser.start_recovery(&mut phone, person.id(), None);
    started.await.unwrap()
}

async fn cancel(browser: &Browser, recovery: &Recovery) -> Result<User, Error> {
    let wanted = Wanted::empty(&format!("/v1/recoveries/{}/cancel", recovery.id));
    browser.ask(&wanted, None).await
}

fn entry(id: &str, versions: &[Vec<u8>]) -> Entry {
    use base64::Engine;
    Entry {
        id: id.to_owned(),
        version: versions.len() as u64,
        record: base64::engine::general_purpose::STANDARD.encode(versions.last().unwrap()),
    }
}

fn is_listed(listing: &Listing, id: &str) -> bool {
    listing.records.first().is_some_and(|first| first.id == id)
}

async fn until(what: &str, holds: impl Fn() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < Duration::from_secs(30), "{what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Waits until the store has so many records of this kind.
async fn becomes(parent: &LyingParent, (kind, count): (&str, usize)) {
    let holds = || parent.store.count(kind) == count;
    until(&format!("{count} of {kind}"), holds).await;
}

/// Waits for a deletion that the enclave requests from now on.
async fn deletion(parent: &LyingParent) {
    parent.store.take_requests();
    until("a deletion", || {
        let requests = parent.store.take_requests();
        let mut requests = requests.iter();
        requests.any(|one| matches!(one, StoreRequest::Delete { .. }))
    })
    .await;
}

/// Waits until the enclave has gone over both kinds at least once, from beginning to end.
async fn two_passes(parent: &LyingParent) {
    let listings = || {
        let requests = parent.store.requests();
        let listings = requests
            .iter()
            .filter(|one| matches!(one, StoreRequest::List));
        listings.count()
    };
    let before = listings();
    until("two passes", || listings() >= before + 4).await;
}
