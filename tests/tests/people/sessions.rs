//! Registration, sessions, and what they may do.

use permafrost_common::api::ResealRecords;
use permafrost_common::api::people::{Guardians, Link, Scope, User};
use permafrost_common::http_signature::Algorithm;
use permafrost_tests::{
    Authenticator, Browser, EXCEPTIONS, HonestStack, Measured, Wanted, message, new_key, refusal,
};
use serde_json::json;

use crate::recovery::recover;
use crate::steps::{advance, is_the_event_of, people, person, sign};

#[tokio::test]
async fn a_person_registers_signs_logs_out_and_logs_in_again() {
    let mut stack = people();
    let mut alice = person(&stack).await;
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
    let logged_in = alice.login().await.unwrap();
    assert_eq!(logged_in.user.id, alice.id());
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
async fn a_person_uses_only_their_own_keys() {
    let stack = people();
    let (alice, bob) = (person(&stack).await, person(&stack).await);
    let theirs = sign(&bob.browser, &alice.registered.key, 1).await;
    assert_eq!(refusal(theirs), "key-not-found");
    let service = stack.principal("alice").await;
    let theirs = service.key(&alice.registered.key.id).await;
    assert_eq!(refusal(theirs), "key-not-found");
}

#[tokio::test]
async fn a_principal_who_may_use_all_keys_may_use_none_of_peoples() {
    let mut measured = Measured::new("test").people("");
    measured.principal(
        "admin",
        Algorithm::Ed25519,
        "operations = [\"list_keys\", \"show_key\", \"sign\"]\nkeys = \"all\"\npayloads = [\"message\"]\nrequests_per_minute = 600",
    );
    let stack = HonestStack::start(measured);
    let alice = person(&stack).await;
    let (service, admin) = (stack.principal("bob").await, stack.principal("admin").await);
    let key = new_key(&service).await;
    admin.sign(&key.id, &message()).await.unwrap();
    let hers = &alice.registered.key;
    for refused in [
        refusal(admin.key(&hers.id).await),
        refusal(admin.sign(&hers.id, &message()).await),
    ] {
        assert_eq!(refused, "key-not-found");
    }
    assert_eq!(admin.list_keys(None, None).await.unwrap().keys, [key]);
}

#[tokio::test]
async fn a_session_is_narrowed_by_its_scope_and_by_the_users_policy() {
    let stack = people();
    let mut alice = person(&stack).await;
    let key = alice.registered.key.clone();
    alice.browser.scope = Some(Scope {
        nostr_kinds: Some(vec![1, 7]),
        ..Scope::default()
    });
    alice.login().await.unwrap();
    sign(&alice.browser, &key, 1).await.unwrap();
    assert_eq!(
        refusal(sign(&alice.browser, &key, 30023).await),
        "not-permitted"
    );

    let policy = Wanted::post("/v1/user/policy", &json!({"nostr_kinds": [7]}));
    let _user: User = alice.approved("set_policy", &policy).await.unwrap();
    sign(&alice.browser, &key, 7).await.unwrap();
    assert_eq!(
        refusal(sign(&alice.browser, &key, 1).await),
        "not-permitted"
    );
}

#[tokio::test]
async fn a_policy_that_no_session_could_change_again_is_refused() {
    let stack = people();
    let alice = person(&stack).await;
    for (operations, accepted) in [
        (json!(["list_keys", "sign"]), false),
        (json!([]), false),
        (json!(["set_policy"]), true),
    ] {
        let policy = Wanted::post("/v1/user/policy", &json!({"operations": operations}));
        let set: Result<User, _> = alice.approved("set_policy", &policy).await;
        match accepted {
            true => assert!(set.unwrap().policy.is_some()),
            false => assert_eq!(refusal(set), "invalid-request"),
        }
    }
    let everything = Wanted::post("/v1/user/policy", &json!({}));
    let user: User = alice.approved("set_policy", &everything).await.unwrap();
    assert!(user.policy.is_none());
}

#[tokio::test]
#[cfg_attr(feature = "booted", ignore = "moves the emulated clock")]
async fn a_session_ends_after_15_minutes_and_with_another_device() {
    let stack = people();
    let mut alice = person(&stack).await;
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
async fn a_deployment_without_people_has_none() {
    let stack = HonestStack::start(Measured::new("test"));
    let mut browser = Browser::new(stack.verified().await);
    let refused = browser.register(&mut Authenticator::new()).await;
    assert_eq!(refusal(refused), "no-people");
}

#[tokio::test]
async fn peoples_records_are_resealed_like_keys_in_listings_of_any_size() {
    let stack = people();
    let mut alice = person(&stack).await;
    let bob = person(&stack).await;
    let _link: Link = bob
        .browser
        .ask(&Wanted::empty("/v1/links"), None)
        .await
        .unwrap();
    let guardians = Guardians {
        threshold: 1,
        users: vec![alice.id().to_owned()],
    };
    let wanted = Wanted::post("/v1/guardians", &guardians);
    let set: Result<User, _> = bob
        .browser
        .approved("set_guardians", &wanted, &bob.passkey)
        .await;
    let user = set.unwrap().id;
    recover(&alice.browser, &mut Authenticator::new(), &user, None)
        .await
        .unwrap();
    let service = stack.principal("alice").await;
    service.rotate_root(1).await.unwrap();
    // Two keys, two users, three credentials, a link and a recovery.
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
    assert_eq!((resealed, left), (9 + EXCEPTIONS, 0));
    page = ResealRecords::default();
    let again = service.reseal(&page).await.unwrap();
    assert_eq!(
        (again.examined, again.resealed, again.next),
        (9 + EXCEPTIONS, 0, None)
    );
    alice.login().await.unwrap();
    sign(&bob.browser, &bob.registered.key, 1).await.unwrap();
}
