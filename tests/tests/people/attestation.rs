//! Deployments whose measured configuration requires a vendor's attestation.

use std::sync::Arc;

use permafrost_common::api::people::{Conveyance, Link, RecoveryCodes};
use permafrost_tests::{Authenticator, Browser, HonestStack, Measured, Vendor, Wanted, refusal};

use crate::recovery::recover;
use crate::steps::people;

/// A stack that accepts new passkeys only from this vendor's authenticators.
fn only(vendor: &Vendor) -> HonestStack {
    let lines = format!("[people.attestation]\nroots = '''{}'''", vendor.root());
    HonestStack::start(Measured::new("test").people(&lines))
}

fn made_by(vendor: &Arc<Vendor>) -> Authenticator {
    let mut passkey = Authenticator::new();
    passkey.vendor = Some(vendor.clone());
    passkey
}

#[tokio::test]
async fn a_challenge_says_whether_attestation_is_required() {
    for (stack, asked) in [
        (people(), Conveyance::None),
        (only(&Vendor::new()), Conveyance::Direct),
    ] {
        let browser = Browser::new(stack.verified().await);
        assert_eq!(browser.nonce("register").await.unwrap().attestation, asked);
    }
}

#[tokio::test]
async fn only_authenticators_of_a_configured_vendor_make_passkeys() {
    let (vendor, other) = (Arc::new(Vendor::new()), Arc::new(Vendor::new()));
    let stack = only(&vendor);
    let mut browser = Browser::new(stack.verified().await);
    for mut unknown in [Authenticator::new(), made_by(&other)] {
        let refused = browser.register(&mut unknown).await;
        assert_eq!(refusal(refused), "passkey-attestation");
    }
    let mut passkey = made_by(&vendor);
    browser.register(&mut passkey).await.unwrap();
    browser.login(&passkey).await.unwrap();
}

#[tokio::test]
async fn a_vendors_statement_is_refused_where_none_is_asked_for() {
    let stack = people();
    let mut browser = Browser::new(stack.verified().await);
    let refused = browser
        .register(&mut made_by(&Arc::new(Vendor::new())))
        .await;
    assert_eq!(refusal(refused), "passkey-attestation");
}

#[tokio::test]
async fn a_passkey_of_an_unknown_vendor_is_refused_in_a_link_and_uses_up_no_code() {
    let vendor = Arc::new(Vendor::new());
    let stack = only(&vendor);
    let mut alice = Browser::new(stack.verified().await);
    alice.register(&mut made_by(&vendor)).await.unwrap();
    let link: Link = alice.ask(&Wanted::empty("/v1/links"), None).await.unwrap();

    let phone = Browser::new(stack.verified().await);
    let refused = phone
        .offer_passkey(&mut Authenticator::new(), &link.code)
        .await;
    assert_eq!(refusal(refused), "passkey-attestation");
    phone
        .offer_passkey(&mut made_by(&vendor), &link.code)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_passkey_of_an_unknown_vendor_is_refused_in_a_recovery_and_uses_up_no_code() {
    let vendor = Arc::new(Vendor::new());
    let stack = only(&vendor);
    let mut alice = Browser::new(stack.verified().await);
    let mut passkey = made_by(&vendor);
    let user = alice.register(&mut passkey).await.unwrap().user.id;
    let wanted = Wanted::empty("/v1/recovery-codes");
    let codes: RecoveryCodes = alice
        .approved("create_recovery_codes", &wanted, &passkey)
        .await
        .unwrap();
    let code = Some(codes.codes[0].as_str());

    let refused = recover(&alice, &mut Authenticator::new(), &user, code).await;
    assert_eq!(refusal(refused), "passkey-attestation");
    recover(&alice, &mut made_by(&vendor), &user, code)
        .await
        .unwrap();
}
