//! Expired links and recoveries leave the store; nothing else does.

use std::time::{Duration, Instant};

use permafrost_common::api::people::{Link, LinkOpened, OpenLink};
use permafrost_tests::{Authenticator, HonestStack, Measured, Wanted, refusal};

use crate::guardians::guarded;
use crate::recovery::recover;
use crate::steps::{Person, advance};

/// Later than a link is valid and stays in the store afterwards, in seconds.
const LINK_SWEPT_S: u64 = 600 + 3_600 + 5;

/// Later than a recovery waits for guardians and stays in the store afterwards, in seconds.
const RECOVERY_SWEPT_S: u64 = 7 * 86_400 + 3_600 + 5;

#[tokio::test]
#[cfg_attr(feature = "booted", ignore = "moves the emulated clock")]
async fn expired_links_and_recoveries_leave_the_store_and_users_and_claims_stay() {
    let measured = Measured::new("test").limits("sweep_interval_ms = 200");
    let stack = HonestStack::start(measured.people(""));
    let (mut alice, _guardians) = guarded(&stack).await;
    let user = alice.id().to_owned();
    let mut phone = Authenticator::new();
    let recovery = recover(&alice.browser, &mut phone, &user, None)
        .await
        .unwrap();
    let (first, used) = (link(&alice).await, link(&alice).await);
    let mut tablet = Authenticator::new();
    let offered = alice.browser.offer_passkey(&mut tablet, &used.code).await;
    offered.unwrap();
    assert_eq!(counts(&stack), [3, 5, 2, 1]);

    advance(&stack, &mut alice, LINK_SWEPT_S).await;
    becomes(&stack, [3, 5, 0, 1]).await;
    for swept in [&first, &used] {
        assert_eq!(refusal(open(&alice, swept).await), "link-invalid");
    }
    alice.login().await.unwrap();
    let second = link(&alice).await;
    open(&alice, &second).await.unwrap();

    advance(&stack, &mut alice, RECOVERY_SWEPT_S).await;
    becomes(&stack, [3, 5, 0, 0]).await;
    alice.login().await.unwrap();
    let cancel = Wanted::empty(&format!("/v1/recoveries/{}/cancel", recovery.id));
    let cancelled = alice.browser.ask::<serde_json::Value>(&cancel, None).await;
    assert_eq!(refusal(cancelled), "recovery-not-found");
    let mut phone = Authenticator::new();
    recover(&alice.browser, &mut phone, &user, None)
        .await
        .unwrap();
    assert_eq!(counts(&stack), [3, 6, 0, 1]);
}

async fn link(person: &Person) -> Link {
    let wanted = Wanted::empty("/v1/links");
    person.browser.ask(&wanted, None).await.unwrap()
}

async fn open(person: &Person, link: &Link) -> Result<LinkOpened, permafrost_client::Error> {
    let code = link.code.clone();
    let wanted = Wanted::post("/v1/links/open", &OpenLink { code });
    person.browser.ask_without_session(&wanted, None).await
}

/// How many users, claims, links and recoveries the store has.
fn counts(stack: &HonestStack) -> [usize; 4] {
    ["user", "credential", "link", "recovery"].map(|kind| stack.count(kind))
}

async fn becomes(stack: &HonestStack, expected: [usize; 4]) {
    let started = Instant::now();
    while counts(stack) != expected {
        assert!(
            started.elapsed() < Duration::from_secs(30),
            "{:?}",
            counts(stack)
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
