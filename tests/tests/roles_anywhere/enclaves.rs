//! Enclaves whose table gives access for temporary credentials alone.

use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use permafrost_client::Principal;
use permafrost_common::api::Key;
use permafrost_common::api::derived::KeyPath;
use permafrost_tests::dynamodb::moto;
use permafrost_tests::{
    RolesAnywhere, TableDeployment, TableEnclave, binaries, credentials, is_signed_by, message,
    refusal,
};
use serde_json::{Value, json};

use crate::DEPLOYMENT;

/// The id of the authority's record: that of the trust anchor.
const ID: &str = "41c0bae6-6783-40d4-ab20-65dc5d922e45";

struct Setting {
    stand_in: RolesAnywhere,
    deployment: TableDeployment,
}

impl Setting {
    async fn new() -> Self {
        let stand_in = RolesAnywhere::start(DEPLOYMENT);
        let [anchor, profile, role] = [
            RolesAnywhere::ANCHOR,
            RolesAnywhere::PROFILE,
            RolesAnywhere::ROLE,
        ];
        let lines = format!(
            "trust_anchor_arn = \"{anchor}\"\nprofile_arn = \"{profile}\"\nrole_arn = \"{role}\"\n\
             roles_anywhere_endpoint = \"{}:443\"\n",
            RolesAnywhere::HOST
        );
        let table = moto().new_table(json!({})).await;
        let roots = stand_in.authority();
        let deployment = TableDeployment::trusting(moto(), table, &lines, roots).await;
        Self {
            stand_in,
            deployment,
        }
    }

    /// An enclave that waits for its trust anchor.
    fn waiting(&self, name: &str) -> TableEnclave {
        let started = self.deployment.start(name);
        let address = self.stand_in.address();
        started.egress.route(RolesAnywhere::HOST, address);
        started
            .enclave
            .refuses_with("the trust anchor is not there");
        started
    }

    /// One whose authority has been uploaded.
    async fn ready(&self) -> (TableEnclave, Principal) {
        let only = self.waiting("first");
        let alice = self.deployment.principal(&only, "alice").await;
        self.stand_in
            .upload(RolesAnywhere::ANCHOR, &certificate(&alice).await);
        only.enclave.wait_until_ready();
        (only, alice)
    }

    /// The access keys that have signed requests to the table since the last call.
    fn used(&self) -> Vec<String> {
        let seen = self.deployment.front.take_seen();
        assert!(
            seen.iter()
                .all(|seen| seen.headers.contains_key("x-amz-security-token"))
        );
        seen.iter().map(|seen| seen.access_key_id()).collect()
    }
}

async fn certificate(principal: &Principal) -> String {
    let state = principal.store().await.unwrap();
    state.authority.unwrap().certificate
}

async fn key_of(principal: &Principal) -> Key {
    let path = KeyPath {
        purpose: "users".to_owned(),
        name: "carol".to_owned(),
        ..KeyPath::default()
    };
    let derived = principal.derive_keys(&[path]).await.unwrap();
    derived.keys.into_iter().next().unwrap()
}

async fn signs(principal: &Principal, key: &Key) {
    let signed = principal.sign(&key.id, &message()).await.unwrap();
    assert!(is_signed_by(&signed, &key.group_public_key));
}

async fn access_key_in_use(principal: &Principal) -> String {
    principal.store().await.unwrap().access_key_id.unwrap()
}

/// Waits until another access key than this one is in use, and gives it.
async fn next_access_key(principal: &Principal, before: &str) -> String {
    let started = Instant::now();
    loop {
        let now = access_key_in_use(principal).await;
        if now != before {
            return now;
        }
        assert!(started.elapsed() < Duration::from_secs(60), "still {now}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_enclave_serves_from_its_table_without_any_lasting_secret_of_aws() {
    let setting = Setting::new().await;
    let only = setting.waiting("first");
    let told = only.enclave.waits_for().unwrap();
    assert!(told.contains("IAM Roles Anywhere refuses"), "{told}");
    let alice = setting.deployment.principal(&only, "alice").await;
    let state = alice.store().await.unwrap();
    assert_eq!(state.access_key_id, None);
    let authority = state.authority.unwrap();
    assert_eq!(authority.trust_anchor_arn, RolesAnywhere::ANCHOR);
    assert_eq!(authority.profile_arn, RolesAnywhere::PROFILE);
    assert_eq!(authority.role_arn, RolesAnywhere::ROLE);

    // No access key stands in for it.
    let given = alice.set_store_credentials(&credentials("FIRST")).await;
    assert_eq!(refusal(given), "no-access-keys");
    assert!(setting.deployment.front.take_seen().is_empty());

    setting
        .stand_in
        .upload(RolesAnywhere::ANCHOR, &authority.certificate);
    only.enclave.wait_until_ready();
    let key = key_of(&alice).await;
    signs(&alice, &key).await;
    let state = alice.store().await.unwrap();
    let in_use = state.access_key_id.unwrap();
    assert!(in_use.starts_with("ASIA"), "{in_use}");
    assert!(state.credentials_expire_at.unwrap() > crate::now());
    let used = setting.used();
    assert!(!used.is_empty() && used.iter().all(|used| *used == in_use));
    assert_eq!(only.store.count("store-authority"), 1);
    assert_eq!(only.store.count("store-credentials"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_are_renewed_under_way_and_the_old_ones_serve_until_then() {
    let setting = Setting::new().await;
    setting.stand_in.command(json!({"expire": 12}));
    let (_only, alice) = setting.ready().await;
    let key = key_of(&alice).await;
    let first = access_key_in_use(&alice).await;
    let second = next_access_key(&alice, &first).await;
    signs(&alice, &key).await;

    // While AWS gives none, what the table still accepts stays in use; then the next is obtained.
    setting.stand_in.disable(RolesAnywhere::ANCHOR);
    setting.stand_in.command(json!({"seen": true}));
    while setting.stand_in.command(json!({"seen": true})) == json!([]) {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    signs(&alice, &key).await;
    assert_eq!(access_key_in_use(&alice).await, second);
    setting
        .stand_in
        .upload(RolesAnywhere::ANCHOR, &certificate(&alice).await);
    next_access_key(&alice, &second).await;
    signs(&alice, &key).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_that_the_table_calls_expired_are_replaced_at_once() {
    let setting = Setting::new().await;
    let (_only, alice) = setting.ready().await;
    let key = key_of(&alice).await;
    let first = access_key_in_use(&alice).await;
    setting
        .deployment
        .front
        .deny(&first, "ExpiredTokenException");
    let _refused_or_served = alice.sign(&key.id, &message()).await;
    next_access_key(&alice, &first).await;
    signs(&alice, &key).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_authority_outlives_a_crash_and_no_certificate_is_uploaded_again() {
    let setting = Setting::new().await;
    let (mut only, alice) = setting.ready().await;
    let (key, before) = (key_of(&alice).await, certificate(&alice).await);
    only.enclave.restart();
    let alice = setting.deployment.principal(&only, "alice").await;
    assert_eq!(certificate(&alice).await, before);
    signs(&alice, &key).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parent_that_loses_or_exchanges_the_authoritys_record_gains_no_credentials() {
    let setting = Setting::new().await;
    let (mut only, _) = setting.ready().await;
    let kept = only.store.versions_of("store-authority", ID);

    // Hidden: the enclave makes another authority, which AWS does not trust.
    only.store.put_back_of("store-authority", ID, Vec::new());
    only.enclave.restart_unready();
    only.enclave
        .refuses_with("does not lead to the trust anchor");
    let told = only.enclave.waits_for().unwrap();
    assert!(told.contains("IAM Roles Anywhere refuses"), "{told}");

    // Another parent's, or an altered one: it does not open.
    let other = setting.deployment.start("second");
    let address = setting.stand_in.address();
    other.egress.route(RolesAnywhere::HOST, address);
    other
        .enclave
        .refuses_with("does not lead to the trust anchor");
    let theirs = other.store.versions_of("store-authority", ID);
    let mut altered = kept.clone();
    *altered[0].last_mut().unwrap() ^= 1;
    for record in [theirs, altered] {
        only.store.put_back_of("store-authority", ID, record);
        only.enclave.restart_unready();
        only.enclave.refuses_with("store-authority/");
        let told = only.enclave.waits_for().unwrap();
        assert!(told.contains("the store's authority is invalid"), "{told}");
    }

    only.store.put_back_of("store-authority", ID, kept);
    only.enclave.restart();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parent_that_stands_in_for_iam_roles_anywhere_fails_at_tls() {
    let setting = Setting::new().await;
    let (mut only, alice) = setting.ready().await;
    let certificate = certificate(&alice).await;
    let impostor = RolesAnywhere::start(DEPLOYMENT);
    impostor.upload(RolesAnywhere::ANCHOR, &certificate);
    only.egress.route(RolesAnywhere::HOST, impostor.address());
    only.enclave.restart_unready();
    only.enclave.refuses_with("TLS with rolesanywhere.");
    let told = only.enclave.waits_for().unwrap();
    assert!(told.contains("TLS with IAM Roles Anywhere fails"), "{told}");
    assert_eq!(impostor.command(json!({"seen": true})), json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_of_the_past_brings_no_enclave_up() {
    let setting = Setting::new().await;
    let (mut only, _) = setting.ready().await;
    // Whoever could replay it: the last session, after its end.
    setting.stand_in.command(json!({"expire": -1}));
    only.enclave.restart_unready();
    only.enclave.refuses_with("its credentials have expired");
    let told = only.enclave.waits_for().unwrap();
    assert!(
        told.contains("the response of IAM Roles Anywhere is invalid"),
        "{told}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_gives_the_certificate_for_the_trust_anchor() {
    let setting = Setting::new().await;
    let only = setting.waiting("first");
    let alice = setting.deployment.principal(&only, "alice").await;
    let profile = setting.deployment.profile(&only, "alice");
    let file = profile.with_file_name("ca.pem");
    let given = call(&profile, &["authority", "--out", file.to_str().unwrap()]);
    assert!(
        given.status.success(),
        "{}",
        String::from_utf8_lossy(&given.stderr)
    );
    let written = std::fs::read_to_string(&file).unwrap();
    assert_eq!(written, certificate(&alice).await);
    let printed = call(&profile, &["authority"]);
    assert_eq!(String::from_utf8(printed.stdout).unwrap(), written);
    let json: Value =
        serde_json::from_slice(&call(&profile, &["authority", "--json"]).stdout).unwrap();
    assert_eq!(json["trust_anchor_arn"], RolesAnywhere::ANCHOR);

    // What the operator uploads brings the enclave up.
    setting.stand_in.upload(RolesAnywhere::ANCHOR, &written);
    only.enclave.wait_until_ready();
    let shown = String::from_utf8(call(&profile, &["show"]).stdout).unwrap();
    assert!(
        shown.contains(RolesAnywhere::ANCHOR) && shown.contains("expires"),
        "{shown}"
    );
}

fn call(profile: &Path, arguments: &[&str]) -> Output {
    Command::new(binaries::parent())
        .args(["store", "credentials"])
        .args(arguments)
        .arg("--profile")
        .arg(profile)
        .output()
        .unwrap()
}
