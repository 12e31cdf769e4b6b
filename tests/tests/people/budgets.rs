//! What one person or one stranger uses up, and what is left for others.

use permafrost_common::api::people::{Guardians, Link, LinkOpened, OpenLink, User};
use permafrost_tests::{Authenticator, Browser, HonestStack, Measured, Wanted, refusal};
use serde_json::Value;

use crate::recovery::recover;
use crate::steps::{codes, people, person};

fn open(code: &str) -> Wanted {
    let code = code.to_owned();
    Wanted::post("/v1/links/open", &OpenLink { code })
}

#[tokio::test]
async fn wrong_link_codes_of_a_stranger_use_up_no_budget() {
    // A burst of one.
    let stack = HonestStack::start(Measured::new("test").people("arrivals_per_minute = 10"));
    let alice = person(&stack).await;
    let link: Link = alice
        .browser
        .ask(&Wanted::empty("/v1/links"), None)
        .await
        .unwrap();
    let stranger = Browser::new(stack.verified().await);
    let wrong = open("AAAAA-AAAAA-AAAAA-AAAAA");
    for _ in 0..20 {
        let refused = stranger
            .ask_without_session::<LinkOpened>(&wrong, None)
            .await;
        assert_eq!(refusal(refused), "link-invalid");
    }
    let opened: LinkOpened = stranger
        .ask_without_session(&open(&link.code), None)
        .await
        .unwrap();
    assert_eq!(opened.user_handle, alice.id());
    let again = stranger
        .ask_without_session::<LinkOpened>(&open(&link.code), None)
        .await;
    assert_eq!(refusal(again), "rate-limited", "a right one is charged");
}

#[tokio::test]
async fn registrations_use_up_nothing_of_links_and_recoveries() {
    let stack = HonestStack::start(Measured::new("test").people("arrivals_per_minute = 10"));
    let alice = person(&stack).await;
    let codes = codes(&alice).await;
    let mut stranger = Browser::new(stack.verified().await);
    let mut phone = Authenticator::new();
    let refused = stranger.register(&mut phone).await;
    assert_eq!(refusal(refused), "rate-limited");
    recover(&stranger, &mut phone, alice.id(), Some(&codes[0]))
        .await
        .unwrap();
    let link: Link = alice
        .browser
        .ask(&Wanted::empty("/v1/links"), None)
        .await
        .unwrap();
    stranger
        .ask_without_session::<LinkOpened>(&open(&link.code), None)
        .await
        .unwrap();
}

#[tokio::test]
async fn one_persons_logins_keep_no_other_person_out() {
    let stack = people();
    let (mut alice, mut bob) = (person(&stack).await, person(&stack).await);
    let mut refused = None;
    for _ in 0..20 {
        refused = refused.or(match alice.login().await {
            Ok(_) => None,
            limited => Some(refusal(limited)),
        });
    }
    assert_eq!(refused.as_deref(), Some("rate-limited"));
    bob.login().await.unwrap();
}

#[tokio::test]
async fn all_sessions_of_a_person_share_one_rate_and_ending_one_has_a_reserve() {
    let lines = "requests_per_minute = 60";
    let stack = HonestStack::start(Measured::new("test").people(lines));
    let mut alice = person(&stack).await;
    let stolen = alice.login().await.unwrap().session.id;
    // The thief's session floods the enclave.
    let mut refused = None;
    for _ in 0..20 {
        refused = refused.or(match alice.browser.get::<User>("/v1/user").await {
            Ok(_) => None,
            limited => Some(refusal(limited)),
        });
    }
    assert_eq!(refused.as_deref(), Some("rate-limited"));
    // Another session of the same person shares the rate, and can end the thief's all the same.
    alice.login().await.unwrap();
    let shared = alice.browser.get::<User>("/v1/user").await;
    assert_eq!(refusal(shared), "rate-limited");
    let end = Wanted::empty(&format!("/v1/sessions/{stolen}/end"));
    let user: User = alice.browser.ask(&end, None).await.unwrap();
    assert!(user.sessions.iter().all(|session| session.id != stolen));
    let link = Wanted::empty("/v1/links");
    let refused = alice.browser.ask::<Value>(&link, None).await;
    assert_eq!(refusal(refused), "rate-limited");
}

#[tokio::test]
async fn recoveries_without_a_code_share_a_budget_and_those_with_a_right_code_need_none() {
    // A burst of two.
    let stack = HonestStack::start(Measured::new("test").people("arrivals_per_minute = 20"));
    let (alice, bob) = (person(&stack).await, person(&stack).await);
    let codes = codes(&alice).await;
    let guardians = Guardians {
        threshold: 1,
        users: vec![bob.id().to_owned()],
    };
    let guardians = Wanted::post("/v1/guardians", &guardians);
    let _user: User = alice.approved("set_guardians", &guardians).await.unwrap();
    let stranger = Browser::new(stack.verified().await);
    let begin = async |code| {
        let mut passkey = Authenticator::new();
        recover(&stranger, &mut passkey, alice.id(), code).await
    };
    let mut refused = None;
    for _ in 0..20 {
        refused = refused.or(match begin(None).await {
            Ok(_) => None,
            limited => Some(refusal(limited)),
        });
    }
    assert_eq!(refused.as_deref(), Some("rate-limited"));
    begin(Some(&codes[0])).await.unwrap();
}
