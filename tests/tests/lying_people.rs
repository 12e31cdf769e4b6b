//! The malicious parent and people: logins forged and replayed, records swapped and rolled back, codes given to the wrong person.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use permafrost_client::Error;
use permafrost_common::api::REQUEST_NONCE_HEADER;
use permafrost_common::api::people::{
    Guardians, Link, NewChallenge, NewSession, OfferPasskey, PASSKEY_HEADER, Passkey,
    PasskeyStatus, Recovery, RecoveryCodes, StartRecovery, User,
};
use permafrost_common::http_signature::{
    Algorithm, CONTENT_DIGEST, SigningKey, bind_response, content_digest, fresh_nonce,
};
use permafrost_tests::{
    Authenticator, Browser, LyingParent, Measured, Person, SharedParent, StoreRequest,
    StoreResponse, Wanted, WholeRequest, WholeResponse, problem_of, refusal, with_nonce,
};
use serde::Serialize;
use tokio::sync::Semaphore;

async fn people() -> SharedParent {
    LyingParent::shared(Measured::new("test").people("")).await
}

async fn person(parent: &LyingParent) -> Person {
    Person::register(parent.verified().await).await.unwrap()
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
    let body = serde_json::to_vec(&body).unwrap();
    let digest = content_digest(&body).parse().unwrap();
    let mut request = request.map(|_| Bytes::from(body));
    request.headers_mut().insert(CONTENT_DIGEST, digest);
    request
}

/// A request of the parent's own, bound to its response as a client binds it.
fn own_request(path: &str, body: &impl Serialize, passkey: Option<&str>) -> WholeRequest {
    let body = serde_json::to_vec(body).unwrap();
    let (mut parts, ()) = http::Request::post(path)
        .header("content-type", "application/json")
        .body(())
        .unwrap()
        .into_parts();
    bind_response(&mut parts, &body, &fresh_nonce().unwrap()).unwrap();
    if let Some(passkey) = passkey {
        let value = passkey.parse().unwrap();
        parts.headers.insert(PASSKEY_HEADER, value);
    }
    http::Request::from_parts(parts, body.into())
}

/// Two lies about a request that a new passkey approves: the parent's own request in its place, and the very same request (body, nonce)
/// with the parent's own passkey.
async fn with_the_parents_passkey(
    parent: &LyingParent,
    (purpose, path): (&str, &str),
    body: &impl Serialize,
    user_handle: &str,
) -> [Box<dyn FnMut(WholeRequest) -> WholeRequest + Send>; 2] {
    let mallory = Browser::new(parent.verified().await);
    let mut approvals = Vec::new();
    for _ in 0..2 {
        let nonce = mallory.nonce(purpose).await.unwrap().nonce;
        let challenge = Wanted::post(path, body).challenge(purpose, &nonce, "");
        let handle = hex::decode(user_handle).unwrap();
        let response = Authenticator::new().register(&challenge, &handle);
        approvals.push(with_nonce(&nonce, &response));
    }
    let own = own_request(path, body, Some(&approvals[0]));
    let (one, other) = (path.to_owned(), path.to_owned());
    [
        Box::new(move |request| match request.uri().path() == one {
            true => own.clone(),
            false => request,
        }),
        Box::new(move |mut request| {
            if request.uri().path() == other {
                let passkey = approvals[1].parse().unwrap();
                request.headers_mut().insert(PASSKEY_HEADER, passkey);
            }
            request
        }),
    ]
}

fn is_refused_as_not_authentic<T: std::fmt::Debug>(result: Result<T, Error>) {
    let refused = result.unwrap_err();
    assert!(
        matches!(refused, Error::ResponseNotAuthentic(_)),
        "{refused}"
    );
}

/// What the enclave responded last to a request to this path.
fn responded(parent: &LyingParent, path: &str) -> WholeResponse {
    let seen = parent.proxy.take_seen().into_iter();
    seen.rev()
        .find(|(request, _)| request.uri().path() == path)
        .expect("a response")
        .1
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
async fn a_request_that_the_store_holds_up_beyond_its_time_is_not_carried_out_again() {
    let measured = Measured::new("test").limits("request_max_age_s = 2");
    let parent = LyingParent::with(measured.people("")).await;
    let alice = person(&parent).await;
    parent.proxy.take_seen();
    let _user: User = alice.browser.get("/v1/user").await.unwrap();
    let (request, response) = parent.proxy.take_seen().pop().unwrap();
    assert_eq!(response.status(), 200);
    let created = created(&request);

    // Sent again in the last second of its time, it waits for the user's record.
    wait_until(created + 2).await;
    let gate = Arc::new(Semaphore::new(0));
    let (held, place) = (Arc::clone(&gate), alice.place().to_owned());
    let mut first = true;
    parent.store.lie(move |request, honest| match request {
        StoreRequest::Get { id, .. } if *id == place && std::mem::take(&mut first) => {
            StoreResponse::Held(Arc::clone(&held), Box::new(honest))
        }
        _ => honest,
    });
    let proxy = parent.proxy.clone();
    let again = tokio::spawn(async move { proxy.send(request).await });
    // Another request, judged later, makes the enclave forget the nonces of that second.
    wait_until(created + 3).await;
    let _user: User = alice.browser.get("/v1/user").await.unwrap();
    gate.add_permits(1);
    assert_eq!(problem_of(&again.await.unwrap()), "request-expired");
}

/// When a request was signed, in seconds since 1970.
fn created(request: &WholeRequest) -> u64 {
    let input = request.headers()["signature-input"].to_str().unwrap();
    let (_, rest) = input.split_once(";created=").unwrap();
    rest.split(';').next().unwrap().parse().unwrap()
}

/// Waits until the clock shows this time, in seconds since 1970.
async fn wait_until(time: u64) {
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(time);
    if let Ok(remaining) = time.duration_since(SystemTime::now()) {
        tokio::time::sleep(remaining + Duration::from_millis(50)).await;
    }
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
    let _codes: RecoveryCodes = alice
        .approved(
            "create_recovery_codes",
            &Wanted::empty("/v1/recovery-codes"),
        )
        .await
        .unwrap();
    let before = parent.store.versions_of("user", alice.place());
    let passkey = &alice.registered.user.passkeys[0].id;
    let revoke = Wanted::empty(&format!("/v1/passkeys/{passkey}/revoke"));
    let revoked: User = alice.approved("revoke_passkey", &revoke).await.unwrap();
    assert!(revoked.passkeys.is_empty());
    let after = parent.store.versions_of("user", alice.place());

    // In the older record the passkey is active and its session open.
    parent.store.put_back_of("user", alice.place(), before);
    assert_eq!(refusal(alice.login().await), "record-rolled-back");
    let refused = alice.browser.get::<User>("/v1/user").await;
    assert_eq!(refusal(refused), "record-rolled-back");
    parent.store.put_back_of("user", alice.place(), after);
    assert_eq!(refusal(alice.login().await), "passkey-unknown");
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
    let codes: RecoveryCodes = alice
        .approved(
            "create_recovery_codes",
            &Wanted::empty("/v1/recovery-codes"),
        )
        .await
        .unwrap();
    let start = StartRecovery {
        user: alice.id().to_owned(),
        code: codes.codes.first().cloned(),
        passkey_name: "a stranger's".to_owned(),
    };
    let handle = hex::decode(alice.id()).unwrap();
    let recovery: Recovery = alice
        .browser
        .with_new_passkey(
            "start_recovery",
            &Wanted::post("/v1/recoveries", &start),
            &mut Authenticator::new(),
            &handle,
        )
        .await
        .unwrap();

    // The parent sends something else to the enclave, and gives the client the user as after a cancellation, signed or not.
    parent.proxy.change_requests(|mut request| {
        if request.uri().path().ends_with("/cancel") {
            *request.uri_mut() = "/v1/health".parse().unwrap();
            *request.method_mut() = http::Method::GET;
        }
        request
    });
    let mut cancelled: User = alice.browser.get("/v1/user").await.unwrap();
    cancelled.recoveries.clear();
    let pretended = serde_json::to_vec(&cancelled).unwrap();
    parent.proxy.change_responses(move |request, response| {
        match request.uri().path().ends_with("/cancel") {
            true => response.map(|_| Bytes::from(pretended.clone())),
            false => response,
        }
    });
    let cancel = Wanted::empty(&format!("/v1/recoveries/{}/cancel", recovery.id));
    let refused = alice.browser.ask::<User>(&cancel, None).await.unwrap_err();
    assert!(
        matches!(refused, Error::ResponseNotAuthentic(_)),
        "{refused}"
    );

    // The user knows that it is not cancelled, and cancels it once the parent lets the request through.
    parent.proxy.be_honest();
    let user: User = alice.browser.get("/v1/user").await.unwrap();
    assert_eq!(user.recoveries.len(), 1);
    let user: User = alice.browser.ask(&cancel, None).await.unwrap();
    assert!(user.recoveries.is_empty());
}

#[tokio::test]
async fn the_response_to_the_parents_own_recovery_is_not_believed() {
    let parent = people().await;
    let (alice, bob) = (person(&parent).await, person(&parent).await);
    let guardians = Guardians {
        threshold: 1,
        users: vec![bob.id().to_owned()],
    };
    let guardians = Wanted::post("/v1/guardians", &guardians);
    let _user: User = alice.approved("set_guardians", &guardians).await.unwrap();
    // Alice has lost her passkey, and begins a recovery in a browser without a session.
    let browser = Browser::new(parent.verified().await);
    let path = "/v1/recoveries";
    let start = StartRecovery {
        user: alice.id().to_owned(),
        code: None,
        passkey_name: "new phone".to_owned(),
    };
    for lie in with_the_parents_passkey(&parent, ("start_recovery", path), &start, alice.id()).await
    {
        parent.proxy.change_requests(lie);
        let mut passkey = Authenticator::new();
        let begun = browser.start_recovery(&mut passkey, alice.id(), None).await;
        is_refused_as_not_authentic(begun);
        // The parent's recovery has begun, and Alice does not hand its digest to Bob.
        let response = responded(&parent, path);
        let theirs: Recovery = serde_json::from_slice(response.body()).unwrap();
        assert_ne!(theirs.public_key_digest, passkey.public_key_digest());
    }
    parent.proxy.be_honest();
    let mut passkey = Authenticator::new();
    let begun = browser.start_recovery(&mut passkey, alice.id(), None).await;
    assert_eq!(
        begun.unwrap().public_key_digest,
        passkey.public_key_digest()
    );
}

#[tokio::test]
async fn the_response_to_the_parents_own_offer_is_not_believed() {
    let parent = people().await;
    let alice = person(&parent).await;
    let path = "/v1/links/passkey";
    for which in 0..2 {
        let link = Wanted::empty("/v1/links");
        let link: Link = alice.browser.ask(&link, None).await.unwrap();
        let offer = OfferPasskey {
            code: link.code.clone(),
            passkey_name: "phone".to_owned(),
        };
        let lies =
            with_the_parents_passkey(&parent, ("offer_passkey", path), &offer, alice.id()).await;
        let lie = lies.into_iter().nth(which).unwrap();
        let phone = Browser::new(parent.verified().await);
        parent.proxy.change_requests(lie);
        let mut passkey = Authenticator::new();
        is_refused_as_not_authentic(phone.offer_passkey(&mut passkey, &link.code).await);
        // The parent's passkey is pending, and the phone does not show its digest for comparison.
        let response = responded(&parent, path);
        let theirs: Passkey = serde_json::from_slice(response.body()).unwrap();
        assert_ne!(theirs.public_key_digest, passkey.public_key_digest());
        parent.proxy.be_honest();
    }
}

#[tokio::test]
async fn the_response_to_the_parents_own_challenge_is_not_believed() {
    let parent = people().await;
    let browser = Browser::new(parent.verified().await);
    let path = "/v1/challenges";
    let purpose = NewChallenge {
        purpose: "offer_passkey".to_owned(),
    };
    let own = own_request(path, &purpose, None);
    parent
        .proxy
        .change_requests(move |request| match request.uri().path() == path {
            true => own.clone(),
            false => request,
        });
    is_refused_as_not_authentic(browser.nonce("login").await);
    assert_eq!(responded(&parent, path).status(), 201);
    parent.proxy.be_honest();
    browser.nonce("login").await.unwrap();
}

#[tokio::test]
async fn an_older_response_to_an_equal_request_is_not_believed() {
    let parent = people().await;
    let browser = Browser::new(parent.verified().await);
    browser.nonce("login").await.unwrap();
    let older = responded(&parent, "/v1/challenges");
    parent.proxy.change_responses(move |_, _| older.clone());
    // Only its nonce tells the second request from the first.
    is_refused_as_not_authentic(browser.nonce("login").await);
    let seen = parent.proxy.take_seen();
    assert_eq!(seen[0].0.body(), r#"{"purpose":"login"}"#);
}

#[tokio::test]
async fn a_request_that_the_parent_strips_of_what_binds_its_response_is_refused() {
    let parent = people().await;
    let browser = Browser::new(parent.verified().await);
    for (field, problem) in [
        (REQUEST_NONCE_HEADER, "invalid-request"),
        (CONTENT_DIGEST, "content-digest-mismatch"),
    ] {
        parent.proxy.change_requests(move |mut request| {
            request.headers_mut().remove(field);
            request
        });
        is_refused_as_not_authentic(browser.nonce("login").await);
        let response = responded(&parent, "/v1/challenges");
        assert_eq!(problem_of(&response), problem);
        let said = std::str::from_utf8(response.body()).unwrap();
        assert!(said.contains(field), "{said}");
    }
}
