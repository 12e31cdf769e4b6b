//! Who gets a session, and which the enclave takes.

use permafrost_enclave::aws::Fault;
use permafrost_enclave::aws::roles_anywhere::{Authority, SESSION_S};
use permafrost_tests::RolesAnywhere;
use serde_json::json;

use crate::{DEPLOYMENT, Setting, now, pem};

fn rule(error: Fault) -> String {
    match error {
        Fault::Refused { kind, message, .. } => {
            assert_eq!(kind, "AccessDeniedException");
            message
        }
        other => panic!("{other}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_identities_of_the_uploaded_authority_get_credentials() {
    let setting = Setting::new();
    let authority = Authority::create(DEPLOYMENT, now()).unwrap();
    let early = setting.client.create_session(&authority).await;
    assert!(rule(early.unwrap_err()).contains("trust anchor is not there"));

    setting
        .stand_in
        .upload(RolesAnywhere::ANCHOR, &pem(&authority));
    let one = setting.client.create_session(&authority).await.unwrap();
    let two = setting.client.create_session(&authority).await.unwrap();
    assert_ne!(one.credentials.access_key_id, two.credentials.access_key_id);
    assert!(one.credentials.token.is_some());
    assert!((now()..=now() + SESSION_S).contains(&one.expires_at));

    // The same name, another key: what the parent can make.
    let other = Authority::create(DEPLOYMENT, now()).unwrap();
    let refused = setting.client.create_session(&other).await.unwrap_err();
    assert!(rule(refused).contains("does not lead to the trust anchor"));

    setting.stand_in.disable(RolesAnywhere::ANCHOR);
    let after = setting.client.create_session(&authority).await;
    assert!(rule(after.unwrap_err()).contains("disabled"));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_deployments_identities_do_not_get_this_roles_credentials() {
    let setting = Setting::new();
    let other = Authority::create("other", now()).unwrap();
    setting.stand_in.upload(RolesAnywhere::ANCHOR, &pem(&other));
    let refused = setting.client.create_session(&other).await.unwrap_err();
    assert!(rule(refused).contains("another common name"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_and_its_renewed_certificate_vouch_for_the_same_identities() {
    let setting = Setting::new();
    let authority = Authority::create(DEPLOYMENT, now()).unwrap();
    let renewed = authority.renewed(now()).unwrap();
    assert_ne!(authority.certificate(), renewed.certificate());
    for (uploaded, issuing) in [(&authority, &renewed), (&renewed, &authority)] {
        setting
            .stand_in
            .upload(RolesAnywhere::ANCHOR, &pem(uploaded));
        setting.client.create_session(issuing).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_of_the_past_is_not_taken() {
    let setting = Setting::new();
    let authority = Authority::create(DEPLOYMENT, now()).unwrap();
    setting
        .stand_in
        .upload(RolesAnywhere::ANCHOR, &pem(&authority));
    for (seconds, rule) in [(-1, "have expired"), (7200, "longer than")] {
        setting.stand_in.command(json!({"expire": seconds}));
        match setting.client.create_session(&authority).await.unwrap_err() {
            Fault::Response { rule: found, .. } => assert!(found.contains(rule), "{found}"),
            other => panic!("{other}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parent_with_another_certificate_gives_no_credentials() {
    let setting = Setting::new();
    let authority = Authority::create(DEPLOYMENT, now()).unwrap();
    setting
        .stand_in
        .upload(RolesAnywhere::ANCHOR, &pem(&authority));
    let impostor = RolesAnywhere::start(DEPLOYMENT);
    impostor.upload(RolesAnywhere::ANCHOR, &pem(&authority));
    setting.egress.redirect(impostor.address());
    let refused = setting.client.create_session(&authority).await.unwrap_err();
    assert!(matches!(refused, Fault::Tls { .. }), "{refused}");
    assert_eq!(impostor.command(json!({"seen": true})), json!([]));
    setting.egress.be_honest();
    setting.client.create_session(&authority).await.unwrap();
}
