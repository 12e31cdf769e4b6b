//! Rights of people: of their passkeys, sessions, links and recoveries.

use permafrost_client::Error;
use permafrost_common::api::people::{Link, Recovery, RecoveryCodes, RecoveryOf, User};
use permafrost_tests::{Authenticator, Browser, Person, Wanted, with_nonce};
use serde::Serialize;
use serde_json::json;

use super::{Right, Side};

/// A passkey that is revoked.
pub(crate) struct RevokedPasskey(Person);

/// A session that is ended.
pub(crate) struct EndedSession {
    person: Person,
    /// The session's, which somebody else has.
    elsewhere: Browser,
}

/// Signing of any kind, until the user's policy is narrowed to one.
pub(crate) struct NarrowedPolicy(Person);

/// A recovery that is cancelled.
pub(crate) struct CancelledRecovery {
    person: Person,
    passkey: Authenticator,
    recovery: Recovery,
}

/// A recovery code that is used.
pub(crate) struct UsedRecoveryCode {
    person: Person,
    code: String,
}

/// A code with which one other device offers a passkey.
pub(crate) struct UsedLink {
    person: Person,
    code: String,
}

/// Later than the delay of a recovery, in seconds.
const DELAYED_S: u64 = 72 * 3600 + 5;

impl Right for RevokedPasskey {
    const REFUSAL: &'static str = "passkey-unknown";

    async fn granted(at: &Side<'_>) -> Self {
        Self(registered(at).await)
    }

    async fn take_away(&self, at: &Side<'_>) {
        // The last passkey cannot be revoked.
        let mut another = Authenticator::new();
        let code = link(&self.0).await;
        let offered = self.0.browser.offer_passkey(&mut another, &code).await;
        let offered = offered.unwrap();
        let digest = json!({ "public_key_digest": offered.public_key_digest });
        let path = format!("/v1/passkeys/{}/approve", offered.id);
        approved(&self.0, "approve_passkey", &path, &digest).await;
        let mut browser = Browser::new(at.verified().await);
        browser.login(&another).await.unwrap();
        let first = &self.0.registered.user.passkeys[0].id;
        let revoke = Wanted::empty(&format!("/v1/passkeys/{first}/revoke"));
        let revoked = browser.approved::<User>("revoke_passkey", &revoke, &another);
        assert_eq!(revoked.await.unwrap().passkeys.len(), 1);
    }

    async fn used(&mut self, at: &Side<'_>) -> Result<(), Error> {
        let mut browser = Browser::new(at.verified().await);
        browser.login(&self.0.passkey).await.map(|_| ())
    }
}

impl Right for EndedSession {
    const REFUSAL: &'static str = "session-ended";

    async fn granted(at: &Side<'_>) -> Self {
        let mut person = registered(at).await;
        let elsewhere = person.browser.at(at.verified().await);
        person.login().await.unwrap();
        Self { person, elsewhere }
    }

    async fn take_away(&self, _: &Side<'_>) {
        let end = format!("/v1/sessions/{}/end", self.elsewhere.session());
        let end = Wanted::empty(&end);
        let _user: User = self.person.browser.ask(&end, None).await.unwrap();
    }

    async fn used(&mut self, at: &Side<'_>) -> Result<(), Error> {
        let browser = self.elsewhere.at(at.verified().await);
        browser.get::<User>("/v1/user").await.map(|_| ())
    }
}

impl Right for NarrowedPolicy {
    const REFUSAL: &'static str = "not-permitted";

    async fn granted(at: &Side<'_>) -> Self {
        Self(registered(at).await)
    }

    async fn take_away(&self, _: &Side<'_>) {
        let policy = json!({ "nostr_kinds": [7] });
        approved(&self.0, "set_policy", "/v1/user/policy", &policy).await;
    }

    async fn used(&mut self, at: &Side<'_>) -> Result<(), Error> {
        let note = json!({
            "type": "nostr_event",
            "event": { "created_at": 1_700_000_000, "kind": 1, "tags": [], "content": "" },
        });
        let path = format!("/v1/keys/{}/sign", self.0.registered.key.id);
        let browser = self.0.browser.at(at.verified().await);
        let signed = browser.send(&Wanted::post(&path, &note), None).await?;
        signed.json::<serde_json::Value>().map(|_| ())
    }
}

impl Right for CancelledRecovery {
    const REFUSAL: &'static str = "recovery-not-found";

    async fn granted(at: &Side<'_>) -> Self {
        let person = registered(at).await;
        let mut passkey = Authenticator::new();
        let code = code(&person).await;
        let begun = person
            .browser
            .start_recovery(&mut passkey, person.id(), Some(&code));
        let recovery = begun.await.unwrap();
        Self {
            person,
            passkey,
            recovery,
        }
    }

    async fn take_away(&self, _: &Side<'_>) {
        let cancel = format!("/v1/recoveries/{}/cancel", self.recovery.id);
        let cancel = Wanted::empty(&cancel);
        let _user: User = self.person.browser.ask(&cancel, None).await.unwrap();
    }

    async fn used(&mut self, at: &Side<'_>) -> Result<(), Error> {
        let mut browser = self.person.browser.at(at.verified().await);
        browser.advance(at.enclave, DELAYED_S).await;
        let of = RecoveryOf {
            user: self.person.id().to_owned(),
            public_key_digest: self.recovery.public_key_digest.clone(),
        };
        let path = format!("/v1/recoveries/{}/complete", self.recovery.id);
        let wanted = Wanted::post(&path, &of);
        let nonce = browser.nonce("complete_recovery").await?.nonce;
        let challenge = wanted.challenge("complete_recovery", &nonce, "");
        let passkey = with_nonce(&nonce, &self.passkey.assert(&challenge));
        let completed = browser.ask_without_session::<User>(&wanted, Some(&passkey));
        completed.await.map(|_| ())
    }
}

impl Right for UsedRecoveryCode {
    const REFUSAL: &'static str = "recovery-code-invalid";

    async fn granted(at: &Side<'_>) -> Self {
        let person = registered(at).await;
        let code = code(&person).await;
        Self { person, code }
    }

    async fn take_away(&self, at: &Side<'_>) {
        self.recover(at).await.unwrap();
    }

    async fn used(&mut self, at: &Side<'_>) -> Result<(), Error> {
        self.recover(at).await
    }
}

impl UsedRecoveryCode {
    async fn recover(&self, at: &Side<'_>) -> Result<(), Error> {
        let browser = Browser::new(at.verified().await);
        let mut passkey = Authenticator::new();
        let user = self.person.id();
        let begun = browser.start_recovery(&mut passkey, user, Some(&self.code));
        begun.await.map(|_| ())
    }
}

impl Right for UsedLink {
    const REFUSAL: &'static str = "link-invalid";

    async fn granted(at: &Side<'_>) -> Self {
        let person = registered(at).await;
        let code = link(&person).await;
        Self { person, code }
    }

    async fn take_away(&self, _: &Side<'_>) {
        let mut passkey = Authenticator::new();
        let offered = self.person.browser.offer_passkey(&mut passkey, &self.code);
        offered.await.unwrap();
    }

    async fn used(&mut self, at: &Side<'_>) -> Result<(), Error> {
        let browser = Browser::new(at.verified().await);
        let mut passkey = Authenticator::new();
        let offered = browser.offer_passkey(&mut passkey, &self.code);
        offered.await.map(|_| ())
    }
}

async fn registered(at: &Side<'_>) -> Person {
    Person::register(at.verified().await).await.unwrap()
}

async fn approved(person: &Person, purpose: &str, path: &str, body: &impl Serialize) {
    let wanted = Wanted::post(path, body);
    let _user: User = person.approved(purpose, &wanted).await.unwrap();
}

/// A recovery code.
async fn code(person: &Person) -> String {
    let wanted = Wanted::empty("/v1/recovery-codes");
    let made = person.approved("create_recovery_codes", &wanted).await;
    let RecoveryCodes { codes } = made.unwrap();
    codes[0].clone()
}

/// The code of a link.
async fn link(person: &Person) -> String {
    let made: Link = person
        .browser
        .ask(&Wanted::empty("/v1/links"), None)
        .await
        .unwrap();
    made.code
}
