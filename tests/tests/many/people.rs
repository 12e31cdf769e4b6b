//! People whose enclave goes away: what they have made at one boot is good at another.

use permafrost_common::api::people::{ApprovePasskey, Link, Recovery, User};
use permafrost_tests::{Authenticator, Browser, Person, Wanted, new_key, refusal, with_nonce};
use serde_json::json;

use crate::steps::Deployment;

impl Deployment {
    /// From now on, this place gets every request and the other one none.
    fn leave_only(&self, place: usize) {
        let other = format!("enclave-{}", 3 - place);
        self.stack
            .enclaves(&["resume", &format!("enclave-{place}")]);
        self.stack.enclaves(&["remove", &other]);
    }

    /// A person who registered with the enclave in the first place, which is gone by now.
    async fn person_of_the_other(&self) -> Person {
        self.leave_only(1);
        let person = Person::register(self.stack.verified().await).await.unwrap();
        self.leave_only(2);
        person
    }
}

#[tokio::test]
async fn a_session_goes_on_at_another_enclave_and_ends_at_both() {
    let deployment = Deployment::start(2).await;
    let alice = deployment.person_of_the_other().await;
    let user: User = alice.browser.get("/v1/user").await.unwrap();
    assert_eq!(user.id, alice.id());
    let path = format!("/v1/sessions/{}/end", alice.browser.session());
    let _user: User = alice
        .browser
        .ask(&Wanted::empty(&path), None)
        .await
        .unwrap();
    deployment.leave_only(1);
    let ended = alice.browser.get::<User>("/v1/user").await;
    assert_eq!(refusal(ended), "session-ended");
}

#[tokio::test]
async fn an_approval_by_a_passkey_is_asked_of_the_enclave_that_is_there() {
    let deployment = Deployment::start(2).await;
    let alice = deployment.person_of_the_other().await;
    let policy = Wanted::post("/v1/user/policy", &json!({"nostr_kinds": [7]}));
    let set: User = alice.approved("set_policy", &policy).await.unwrap();
    assert!(set.policy.is_some());
}

#[tokio::test]
async fn an_approval_for_one_boot_is_none_for_another() {
    let deployment = Deployment::start(2).await;
    deployment.leave_only(1);
    let alice = Person::register(deployment.stack.verified().await)
        .await
        .unwrap();
    let policy = Wanted::post("/v1/user/policy", &json!({"nostr_kinds": [7]}));
    let nonce = alice.browser.nonce("set_policy").await.unwrap().nonce;
    let challenge = policy.challenge("set_policy", &nonce, alice.browser.session());
    let approval = with_nonce(&nonce, &alice.passkey.assert(&challenge));
    deployment.leave_only(2);
    let refused = alice.browser.ask::<User>(&policy, Some(&approval)).await;
    assert_eq!(refusal(refused), "challenge-invalid");
    deployment.leave_only(1);
    let user: User = alice.browser.get("/v1/user").await.unwrap();
    assert!(user.policy.is_none());
}

#[tokio::test]
async fn a_link_that_one_enclave_made_is_opened_and_used_up_at_another() {
    let deployment = Deployment::start(2).await;
    deployment.leave_only(1);
    let alice = Person::register(deployment.stack.verified().await)
        .await
        .unwrap();
    let made = alice.browser.ask(&Wanted::empty("/v1/links"), None).await;
    let link: Link = made.unwrap();
    deployment.leave_only(2);
    let mut phone = Browser::new(deployment.stack.verified().await);
    let mut passkey = Authenticator::new();
    let offered = phone.offer_passkey(&mut passkey, &link.code).await.unwrap();
    deployment.leave_only(1);
    let approve = ApprovePasskey {
        public_key_digest: offered.public_key_digest.clone(),
    };
    let path = format!("/v1/passkeys/{}/approve", offered.id);
    let approve = Wanted::post(&path, &approve);
    let approved: User = alice.approved("approve_passkey", &approve).await.unwrap();
    assert_eq!(approved.passkeys.len(), 2);
    let again = phone
        .offer_passkey(&mut Authenticator::new(), &link.code)
        .await;
    assert_eq!(refusal(again), "link-invalid");
    deployment.leave_only(2);
    let logged_in = phone.login(&passkey).await.unwrap();
    assert_eq!(logged_in.user.id, alice.id());
}

#[tokio::test]
async fn a_recovery_that_began_at_one_enclave_is_cancelled_at_another() {
    let deployment = Deployment::start(2).await;
    let alice = deployment.person_of_the_other().await;
    let codes = Wanted::empty("/v1/recovery-codes");
    let codes: permafrost_common::api::people::RecoveryCodes = alice
        .approved("create_recovery_codes", &codes)
        .await
        .unwrap();
    deployment.leave_only(1);
    let browser = Browser::new(deployment.stack.verified().await);
    let begun = browser
        .start_recovery(&mut Authenticator::new(), alice.id(), Some(&codes.codes[0]))
        .await;
    let recovery: Recovery = begun.unwrap();
    deployment.leave_only(2);
    let user: User = alice.browser.get("/v1/user").await.unwrap();
    assert_eq!(user.recoveries.len(), 1);
    let cancel = Wanted::empty(&format!("/v1/recoveries/{}/cancel", recovery.id));
    let user: User = alice.browser.ask(&cancel, None).await.unwrap();
    assert!(user.recoveries.is_empty());
    // The code is used up, at both.
    deployment.leave_only(1);
    let again = browser
        .start_recovery(&mut Authenticator::new(), alice.id(), Some(&codes.codes[0]))
        .await;
    assert_eq!(refusal(again), "recovery-code-invalid");
}

#[tokio::test]
async fn a_key_that_is_disabled_at_one_enclave_is_disabled_at_the_other() {
    let deployment = Deployment::start(2).await;
    let here = deployment.principal_at("alice", 1).await;
    let there = deployment.principal_at("alice", 2).await;
    let key = new_key(&here).await;
    let message = permafrost_tests::message();
    there.sign(&key.id, &message).await.unwrap();
    here.disable(&key.id).await.unwrap();
    let refused = there.sign(&key.id, &message).await;
    assert_eq!(refusal(refused), "key-disabled");
}
