//! A store that stalls: the parent has one request twice, lets the enclave carry one of them out, and has the store's response to the
//! other wait until the enclave could have forgotten the first.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

use std::fs;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Request;
use permafrost_common::api::people::{Guardians, Recovery, RecoveryOf, StartRecovery, User};
use permafrost_tests::{
    Authenticator, LyingParent, Measured, Person, StoreRequest, StoreResponse, Wanted,
    WholeRequest, WholeResponse, message, new_key, problem_of, refusal,
};
use serde_json::json;
use tokio::sync::Semaphore;

/// The store may take its time, and the request with it.
const PATIENT: &str = "store_timeout_ms = 60000\nrequest_timeout_ms = 120000";

/// Beyond the time of every request and of every nonce.
const LATER_S: u64 = 300;

async fn parent() -> LyingParent {
    LyingParent::with(Measured::new("test").limits(PATIENT).people("")).await
}

async fn person(parent: &LyingParent) -> Person {
    Person::register(parent.verified().await).await.unwrap()
}

/// The request for this path that a client sends meanwhile: the enclave does not get it.
async fn kept_back(
    parent: &LyingParent,
    path: &str,
    client: impl Future<Output = bool>,
) -> WholeRequest {
    let kept = Arc::<Mutex<Option<WholeRequest>>>::default();
    let (keep, path) = (Arc::clone(&kept), path.to_owned());
    parent.proxy.change_requests(move |request| {
        if request.uri().path() != path {
            return request;
        }
        *keep.lock().unwrap() = Some(request);
        Request::get("/v1/health").body(Bytes::new()).unwrap()
    });
    assert!(!client.await, "the client believes another response");
    parent.proxy.be_honest();
    kept.lock().unwrap().take().expect("a kept request")
}

/// Sends a request of this user twice. Both wait for the user's record; the first is let through, then time passes in which the user and
/// another one send further requests and log in, then the second is let through. Gives both responses.
async fn twice(
    parent: &LyingParent,
    request: WholeRequest,
    sender: &mut Person,
    other: &mut Person,
) -> [WholeResponse; 2] {
    let place = sender.place().to_owned();
    let gates = [0, 1].map(|_| Arc::new(Semaphore::new(0)));
    let waiting = Arc::<Mutex<usize>>::default();
    let (held, count) = (gates.clone(), Arc::clone(&waiting));
    parent.store.lie(move |asked, honest| match asked {
        StoreRequest::Get { id, .. } if *id == place => {
            let mut count = count.lock().unwrap();
            *count += 1;
            match held.get(*count - 1) {
                Some(gate) => StoreResponse::Held(Arc::clone(gate), Box::new(honest)),
                None => honest,
            }
        }
        _ => honest,
    });
    let send = |request: WholeRequest| {
        let proxy = parent.proxy.clone();
        tokio::spawn(async move { proxy.send(request).await })
    };
    let both = [send(request.clone()), send(request)];
    let started = Instant::now();
    while *waiting.lock().unwrap() < 2 {
        assert!(started.elapsed() < Duration::from_secs(20), "both wait");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    gates[0].add_permits(1);
    let [mut one, mut two] = both;
    let (first, late) = tokio::select! {
        first = &mut one => (first, two),
        first = &mut two => (first, one),
    };
    fs::write(
        parent.enclave.state().join("clock-ahead"),
        LATER_S.to_string(),
    )
    .unwrap();
    for person in [&mut *sender, other] {
        person.browser.set_ahead(LATER_S);
        let started = Instant::now();
        while person.browser.get::<User>("/v1/user").await.is_err() {
            assert!(started.elapsed() < Duration::from_secs(20));
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
        person.login().await.unwrap();
    }
    gates[1].add_permits(1);
    [first.unwrap(), late.await.unwrap()]
}

/// A recovery of this user that waits for its only guardian.
async fn recovery_by(user: &Person, guardian: &Person) -> Recovery {
    let guardians = Guardians {
        threshold: 1,
        users: vec![guardian.id().to_owned()],
    };
    let wanted = Wanted::post("/v1/guardians", &guardians);
    let _set: User = user.approved("set_guardians", &wanted).await.unwrap();
    let start = StartRecovery {
        user: user.id().to_owned(),
        code: None,
        passkey_name: "phone".to_owned(),
    };
    let start = Wanted::post("/v1/recoveries", &start);
    let handle = hex::decode(user.id()).unwrap();
    user.browser
        .with_new_passkey("start_recovery", &start, &mut Authenticator::new(), &handle)
        .await
        .unwrap()
}

fn approval(user: &Person, recovery: &Recovery) -> Wanted {
    let of = RecoveryOf {
        user: user.id().to_owned(),
        public_key_digest: recovery.public_key_digest.clone(),
    };
    Wanted::post(&format!("/v1/recoveries/{}/approve", recovery.id), &of)
}

/// How often this is in the user's activity.
async fn times(person: &Person, what: &str) -> usize {
    let user: User = person.browser.get("/v1/user").await.unwrap();
    user.activity.iter().filter(|one| one.what == what).count()
}

#[tokio::test]
#[cfg_attr(feature = "booted", ignore = "moves the emulated clock")]
async fn a_login_that_the_store_holds_up_opens_no_second_session() {
    let parent = parent().await;
    let (mut alice, mut bob) = (person(&parent).await, person(&parent).await);
    let login = kept_back(&parent, "/v1/sessions", async {
        alice.login().await.is_ok()
    });
    let login = login.await;
    let [first, second] = twice(&parent, login, &mut alice, &mut bob).await;
    assert_eq!(first.status(), 201);
    assert_eq!(problem_of(&second), "challenge-expired");
    // The parent's, and the one after it.
    assert_eq!(times(&alice, "logged_in").await, 2);
}

#[tokio::test]
#[cfg_attr(feature = "booted", ignore = "moves the emulated clock")]
async fn an_approval_that_the_store_holds_up_changes_nothing_again() {
    let parent = parent().await;
    let (mut alice, mut bob) = (person(&parent).await, person(&parent).await);
    let wanted = Wanted::post("/v1/user/policy", &json!({}));
    let set = kept_back(&parent, "/v1/user/policy", async {
        let set = alice.approved::<User>("set_policy", &wanted);
        set.await.is_ok()
    });
    let set = set.await;
    let [first, second] = twice(&parent, set, &mut alice, &mut bob).await;
    assert_eq!(first.status(), 200);
    assert_eq!(problem_of(&second), "request-expired");
    assert_eq!(times(&alice, "policy_set").await, 1);
}

#[tokio::test]
#[cfg_attr(feature = "booted", ignore = "moves the emulated clock")]
async fn a_guardians_approval_that_the_store_holds_up_is_not_given_again() {
    let parent = parent().await;
    let (alice, mut bob) = (person(&parent).await, person(&parent).await);
    let mut carol = person(&parent).await;
    let recovery = recovery_by(&alice, &bob).await;
    let path = format!("/v1/recoveries/{}/approve", recovery.id);
    let wanted = approval(&alice, &recovery);
    let approve = kept_back(&parent, &path, async {
        let approve = bob.approved::<Recovery>("approve_recovery", &wanted);
        approve.await.is_ok()
    });
    let approve = approve.await;
    let [first, second] = twice(&parent, approve, &mut bob, &mut carol).await;
    assert_eq!(first.status(), 200);
    assert_eq!(problem_of(&second), "request-expired");
    assert_eq!(times(&bob, "guardian_approved").await, 1);
}

#[tokio::test]
async fn a_services_request_is_carried_out_once_however_long_the_store_holds_it_up() {
    let parent = parent().await;
    let service = parent.principal("alice").await;
    let key = new_key(&service).await;
    let path = format!("/v1/keys/{}/sign", key.id);
    let sign = kept_back(&parent, &path, async {
        service.sign(&key.id, &message()).await.is_ok()
    });
    let sign = sign.await;
    let gate = Arc::new(Semaphore::new(0));
    let held = Arc::clone(&gate);
    parent.store.lie(move |asked, honest| match asked {
        StoreRequest::Get { .. } => StoreResponse::Held(Arc::clone(&held), Box::new(honest)),
        _ => honest,
    });
    let proxy = parent.proxy.clone();
    let request = sign.clone();
    let first = tokio::spawn(async move { proxy.send(request).await });
    tokio::time::sleep(Duration::from_millis(200)).await;
    // It was judged before the store was asked for the key, so its nonce is used.
    let second = parent.proxy.send(sign.clone()).await;
    assert_eq!(problem_of(&second), "request-replayed");
    gate.add_permits(1);
    assert_eq!(first.await.unwrap().status(), 200);
    let third = parent.proxy.send(sign).await;
    assert_eq!(problem_of(&third), "request-replayed");
}

#[tokio::test]
async fn a_recovery_whose_storing_the_store_denies_stays_cancelled() {
    let parent = parent().await;
    let (alice, bob) = (person(&parent).await, person(&parent).await);
    let recovery = recovery_by(&alice, &bob).await;
    // The store writes the recovery into the user's record, and says much later that it did not.
    let gate = Arc::new(Semaphore::new(0));
    let (held, place) = (Arc::clone(&gate), alice.place().to_owned());
    let mut first = true;
    parent.store.lie(move |asked, honest| match asked {
        StoreRequest::Put { id, .. } if *id == place && std::mem::take(&mut first) => {
            StoreResponse::Held(Arc::clone(&held), Box::new(StoreResponse::Conflict(None)))
        }
        _ => honest,
    });
    let wanted = approval(&alice, &recovery);
    let approve = bob.approved::<Recovery>("approve_recovery", &wanted);
    let cancel = async {
        let started = Instant::now();
        loop {
            let user: User = alice.browser.get("/v1/user").await.unwrap();
            if !user.recoveries.is_empty() {
                break;
            }
            assert!(started.elapsed() < Duration::from_secs(20));
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        let cancel = Wanted::empty(&format!("/v1/recoveries/{}/cancel", recovery.id));
        let _cancelled: User = alice.browser.ask(&cancel, None).await.unwrap();
        gate.add_permits(1);
    };
    let (approved, ()) = tokio::join!(approve, cancel);
    assert_eq!(refusal(approved), "recovery-not-found");
    let user: User = alice.browser.get("/v1/user").await.unwrap();
    assert!(user.recoveries.is_empty());
}
