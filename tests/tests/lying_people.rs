//! The malicious parent and people: logins forged and replayed, records swapped and rolled back, codes given to the wrong person.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

use bytes::Bytes;
use permafrost_client::Error;
use permafrost_common::api::people::{Link, NewSession, PasskeyStatus, User};
use permafrost_common::http_signature::{Algorithm, SigningKey};
use permafrost_common::problem::Problem;
use permafrost_tests::{
    Authenticator, Browser, LyingParent, Measured, Person, SharedParent, StoreRequest,
    StoreResponse, Wanted, WholeRequest, WholeResponse, refusal, with_nonce,
};

async fn people() -> SharedParent {
    LyingParent::shared(Measured::new("test").people("")).await
}

async fn person(parent: &LyingParent) -> Person {
    Person::register(parent.verified().await).await.unwrap()
}

fn problem_of(response: &WholeResponse) -> String {
    let problem: Problem = serde_json::from_slice(response.body()).expect("a problem");
    problem.kind().expect("a known type").slug().to_owned()
}

/// The parent's own session key in place of the person's, everywhere in the body.
fn with_the_parents_key(request: WholeRequest) -> WholeRequest {
    let key = SigningKey::generate(Algorithm::EcdsaP256).unwrap();
    let mut body: serde_json::Value = serde_json::from_slice(request.body()).unwrap();
    let session = match body.get_mut("session") {
        Some(session) => session,
        None => &mut body,
    };
    let mut forged: NewSession = serde_json::from_value(session.clone()).unwrap();
    forged.public_key = key.public_key().unwrap().to_string();
    *session = serde_json::to_value(forged).unwrap();
    request.map(|_| Bytes::from(serde_json::to_vec(&body).unwrap()))
}

fn is_login(request: &WholeRequest) -> bool {
    request.method() == "POST" && request.uri().path() == "/v1/sessions"
}

#[tokio::test]
async fn a_login_with_the_parents_own_session_key_is_refused() {
    let parent = people().await;
    let mut alice = person(&parent).await;
    parent
        .proxy
        .change_requests(|request| match is_login(&request) {
            true => with_the_parents_key(request),
            false => request,
        });
    parent.proxy.take_seen();
    let _ = alice.login().await.unwrap_err();
    let (_, response) = parent.proxy.take_seen().pop().unwrap();
    assert_eq!(problem_of(&response), "passkey-challenge");
    parent.proxy.be_honest();
    let logged_in = alice.login().await.unwrap();
    assert_eq!(logged_in.user.sessions.len(), 2);
}

#[tokio::test]
async fn a_registration_with_the_parents_own_session_key_is_refused() {
    let parent = people().await;
    let mut browser = Browser::new(parent.verified().await);
    parent
        .proxy
        .change_requests(|request| match request.uri().path() {
            "/v1/users" => with_the_parents_key(request),
            _ => request,
        });
    let _ = browser
        .register(&mut Authenticator::new())
        .await
        .unwrap_err();
    let (_, response) = parent.proxy.take_seen().pop().unwrap();
    assert_eq!(problem_of(&response), "passkey-challenge");
}

#[tokio::test]
async fn a_replayed_login_opens_no_second_session() {
    let parent = people().await;
    let mut alice = person(&parent).await;
    parent.proxy.take_seen();
    alice.login().await.unwrap();
    let seen = parent.proxy.take_seen();
    let (login, response) = seen
        .into_iter()
        .find(|(request, _)| is_login(request))
        .unwrap();
    assert_eq!(response.status(), 201);
    for request in [login.clone(), with_the_parents_key(login)] {
        let refused = problem_of(&parent.proxy.send(request).await);
        assert_eq!(refused, "challenge-used");
    }
    let user: User = alice.browser.get("/v1/user").await.unwrap();
    assert_eq!(user.sessions.len(), 2);
}

#[tokio::test]
async fn an_approval_of_one_request_does_not_carry_another() {
    let parent = people().await;
    let alice = person(&parent).await;
    // The parent lets the passkey approve a harmless request, and attaches its response to a grave one of the same session.
    let policy = Wanted::post("/v1/user/policy", &serde_json::json!({}));
    let nonce = alice.browser.nonce("set_policy").await.unwrap().nonce;
    let challenge = policy.challenge("set_policy", &nonce, alice.browser.session());
    let approval = with_nonce(&nonce, &alice.passkey.assert(&challenge));
    let codes = Wanted::empty("/v1/recovery-codes");
    let refused = alice.browser.ask::<User>(&codes, Some(&approval)).await;
    assert_eq!(refusal(refused), "challenge-invalid");
    let narrower = Wanted::post("/v1/user/policy", &serde_json::json!({"nostr_kinds": []}));
    let refused = alice.browser.ask::<User>(&narrower, Some(&approval)).await;
    assert_eq!(refusal(refused), "passkey-challenge");
    let _user: User = alice.browser.ask(&policy, Some(&approval)).await.unwrap();
}

#[tokio::test]
async fn a_users_record_swapped_with_anothers_is_refused() {
    let parent = people().await;
    let (mut alice, bob) = (person(&parent).await, person(&parent).await);
    let his = parent.store.versions_of("user", bob.place());
    let hers = parent.store.versions_of("user", alice.place());
    // As her newest version: the enclave does not fetch again what it has in its cache.
    let swapped = hers.iter().chain(&his).cloned().collect();
    parent.store.put_back_of("user", alice.place(), swapped);
    let refused = alice.browser.get::<User>("/v1/user").await;
    assert_eq!(refusal(refused), "record-invalid");
    assert_eq!(refusal(alice.login().await), "record-invalid");
    parent.store.put_back_of("user", alice.place(), hers);
    alice.login().await.unwrap();
}

#[tokio::test]
async fn a_record_from_before_a_revocation_is_refused_by_the_enclave_that_saw_the_revocation() {
    let parent = people().await;
    let mut alice = person(&parent).await;
    let before = parent.store.versions_of("user", alice.place());
    let path = format!("/v1/sessions/{}/end", alice.browser.session());
    let _user: User = alice
        .browser
        .ask(&Wanted::empty(&path), None)
        .await
        .unwrap();
    parent.store.put_back_of("user", alice.place(), before);
    let refused = alice.browser.get::<User>("/v1/user").await;
    assert_eq!(refusal(refused), "record-rolled-back");
    assert_eq!(refusal(alice.login().await), "record-rolled-back");
}

#[tokio::test]
async fn a_user_whom_the_store_denies_is_lost_and_not_made_again() {
    let parent = people().await;
    let alice = person(&parent).await;
    parent.store.lie(|request, honest| match request {
        StoreRequest::Get { .. } => StoreResponse::Absent,
        _ => honest,
    });
    let refused = alice.browser.get::<User>("/v1/user").await;
    assert_eq!(refusal(refused), "record-lost");
}

#[tokio::test]
async fn an_offer_by_another_users_link_code_is_decided_by_that_user_alone() {
    let parent = people().await;
    let (alice, mallory) = (person(&parent).await, person(&parent).await);
    // Alice requested a code for her phone. The parent gives her phone Mallory's code instead.
    let link: Link = mallory
        .browser
        .ask(&Wanted::empty("/v1/links"), None)
        .await
        .unwrap();
    let phone = Browser::new(parent.verified().await);
    let mut passkey = Authenticator::new();
    let offered = phone.offer_passkey(&mut passkey, &link.code).await.unwrap();
    assert_ne!(hex::encode(&passkey.user_handle), alice.id());
    assert_eq!(offered.status, PasskeyStatus::Pending);
    // Alice sees no such passkey, and cannot approve it; nor can the parent on her behalf.
    let hers: User = alice.browser.get("/v1/user").await.unwrap();
    assert_eq!(hers.passkeys.len(), 1);
    let path = format!("/v1/passkeys/{}/approve", offered.id);
    let approve = serde_json::json!({"public_key_digest": offered.public_key_digest});
    let approve = Wanted::post(&path, &approve);
    let refused: Result<User, Error> = alice.approved("approve_passkey", &approve).await;
    assert_eq!(refusal(refused), "passkey-not-found");
}

#[tokio::test]
async fn a_dropped_cancellation_has_no_response_that_the_client_believes() {
    let parent = people().await;
    let alice = person(&parent).await;
    let other: User = alice.browser.get("/v1/user").await.unwrap();
    let pretended = serde_json::to_vec(&other).unwrap();
    parent.proxy.change_responses(move |request, response| {
        match request.uri().path().ends_with("/cancel") {
            true => {
                let mut response = response.map(|_| Bytes::from(pretended.clone()));
                *response.status_mut() = http::StatusCode::OK;
                response
            }
            false => response,
        }
    });
    let cancel = Wanted::empty("/v1/recoveries/00/cancel");
    let refused = alice.browser.ask::<User>(&cancel, None).await.unwrap_err();
    assert!(
        matches!(refused, Error::ResponseNotAuthentic(_)),
        "{refused}"
    );
}
