//! What honest participants can do.

use permafrost_client::{Error, IdempotencyKey, Seat};
use permafrost_common::api::split::{Ceremony, CosignRequest, Cosigned};
use permafrost_common::api::{Custody, ReplaceKey, SignRequest, UnsignedEvent};
use permafrost_common::attestation::{At, Document};
use permafrost_common::binding::Binding;
use permafrost_common::certificate::CertificateError;
use permafrost_frost::{CeremonyError, ParticipantKey};
use permafrost_tests::{HonestStack, Measured, message, new_key, refusal};
use rand_core::OsRng;

use crate::steps::{copies, post, refreshed, signed, signs, split_key, unconfirmed};

#[tokio::test]
async fn a_key_made_together_signs_messages_events_and_spends() {
    let stack = HonestStack::start(Measured::new("test"));
    let alice = stack.principal("alice").await;
    let (id, shares) = split_key(&alice, 2, &["alice", "server"]).await;
    let key = alice.key(&id).await.unwrap();
    assert_eq!(
        (key.custody, key.threshold, key.generation),
        (Custody::Split, 2, 1)
    );
    assert!(key.participants[0].public_key.is_some() && key.participants[1].public_key.is_none());
    assert_eq!(
        key.group_public_key,
        shares[0].share().group_public_key().to_string()
    );

    signs(&alice, &shares).await;
    let event = UnsignedEvent {
        pubkey: None,
        id: None,
        created_at: 1_700_000_000,
        kind: 1,
        tags: vec![vec!["t".to_owned(), "a \"tag\"".to_owned()]],
        content: "made by\nnobody alone".to_owned(),
    };
    let what = SignRequest::NostrEvent { event };
    let event = signed(&alice, &shares, &what).await.event.unwrap();
    assert_eq!(event.pubkey, key.group_public_key);
    let json = serde_json::to_string(&event).unwrap();
    let event: nostr::event::Event = serde_json::from_str(&json).unwrap();
    event.verify().unwrap();

    for merkle_root in [None, Some("7a".repeat(32))] {
        let has_scripts = merkle_root.is_some();
        let spend = SignRequest::TaprootSpend {
            sighash: "5e".repeat(32),
            merkle_root,
        };
        let signed = signed(&alice, &shares, &spend).await;
        assert_eq!(signed.public_key == key.taproot.output_key, !has_scripts);
        let verifying =
            secp256k1::XOnlyPublicKey::from_byte_array(bytes(&signed.public_key)).unwrap();
        let signature = secp256k1::schnorr::Signature::from_byte_array(bytes(&signed.signature));
        secp256k1::schnorr::verify(&signature, &[0x5e; 32], &verifying).unwrap();
    }
}

fn bytes<const N: usize>(hex: &str) -> [u8; N] {
    let mut bytes = [0; N];
    hex::decode_to_slice(hex, &mut bytes).unwrap();
    bytes
}

#[tokio::test]
async fn every_quorum_with_the_enclave_signs_and_none_without_it_needs_the_enclave() {
    let stack = HonestStack::start(Measured::new("test"));
    let alice = stack.principal("alice").await;
    let (_, shares) = split_key(&alice, 2, &["alice", "drawer", "server"]).await;
    signs(&alice, &shares[..1]).await;
    signs(&alice, &shares[1..]).await;
    let both = alice.sign_split(&shares, &message()).await;
    assert!(refusal(both).contains("invalid-request"));

    let (_, shares) = split_key(&alice, 3, &["alice", "server", "server-2", "drawer"]).await;
    signs(&alice, &shares[..1]).await;
    signs(&alice, &shares).await;
}

#[tokio::test]
async fn nothing_exists_before_the_last_confirmation_and_the_confirmation_may_be_repeated() {
    let mut stack = HonestStack::start(Measured::new("test"));
    let alice = stack.principal("alice").await;
    let ceremony = unconfirmed(&alice, 2, &["alice", "server"]).await;
    let id = ceremony.outcome().parameters.key_id.to_string();
    assert_eq!(refusal(alice.key(&id).await), "key-not-found");
    assert!(alice.list_keys(None, None).await.unwrap().keys.is_empty());

    let certificate = ceremony.confirm().await.unwrap();
    assert_eq!(ceremony.confirm().await.unwrap(), certificate);
    stack.enclave.restart();
    // The ceremony is gone, what it came to is not.
    assert_eq!(ceremony.confirm().await.unwrap(), certificate);
    assert_eq!(alice.certificate(&id).await.unwrap(), certificate);
    signs(&alice, ceremony.shares()).await;
}

#[tokio::test]
async fn a_ceremony_that_a_restart_ends_leaves_nothing_and_another_one_succeeds() {
    let mut stack = HonestStack::start(Measured::new("test"));
    let alice = stack.principal("alice").await;
    let lost = unconfirmed(&alice, 2, &["alice", "server"]).await;
    stack.enclave.restart();
    assert_eq!(refusal(lost.confirm().await), "ceremony-not-found");
    let id = lost.outcome().parameters.key_id.to_string();
    assert_eq!(refusal(alice.key(&id).await), "key-not-found");
    let (_, shares) = split_key(&alice, 2, &["alice", "server"]).await;
    signs(&alice, &shares).await;
}

#[tokio::test]
async fn a_refresh_keeps_the_public_key_and_either_the_old_shares_or_the_new_ones_sign() {
    let mut stack = HonestStack::start(Measured::new("test"));
    let alice = stack.principal("alice").await;
    let (id, old) = split_key(&alice, 2, &["alice", "drawer", "server"]).await;

    let lost = alice.refresh_split_key(copies(&old)).await.unwrap();
    signs(&alice, &old[..1]).await;
    stack.enclave.restart();
    assert_eq!(refusal(lost.confirm().await), "ceremony-not-found");
    signs(&alice, &old[1..]).await;

    let new = refreshed(&alice, &old).await;
    stack.enclave.restart();
    for share in &new {
        signs(&alice, std::slice::from_ref(share)).await;
    }
    let key = alice.key(&id).await.unwrap();
    assert_eq!(key.generation, 2);
    assert_eq!(
        key.group_public_key,
        old[0].share().group_public_key().to_string()
    );
    let refused = alice.sign_split(&old[..1], &message()).await.unwrap_err();
    assert!(
        matches!(refused, Error::InvalidArgument { what: "share", .. }),
        "{refused}"
    );
    // Nor do the old shares of this side take part in the next refresh.
    assert!(alice.refresh_split_key(copies(&old)).await.is_err());
    signs(&alice, &refreshed(&alice, &new).await[..1]).await;
}

#[tokio::test]
async fn a_lost_share_is_replaced_and_participants_come_and_go_while_the_key_stays() {
    let mut stack = HonestStack::start(Measured::new("test"));
    let alice = stack.principal("alice").await;
    let (id, old) = split_key(&alice, 2, &["alice", "drawer", "server"]).await;
    // The share of alice is lost: the drawer's and the enclave's make up for it.
    let comes = || Seat::Comes(ParticipantKey::random(&mut OsRng));
    let seats = |named: Vec<(&str, Seat)>| {
        let seats = named.into_iter();
        seats
            .map(|(name, seat)| (name.to_owned(), seat))
            .collect::<Vec<_>>()
    };
    let drawer = copies(&old[1..]);
    let same = seats(vec![
        ("alice", comes()),
        ("drawer", Seat::Stays),
        ("server", Seat::Enclave),
    ]);
    let begun = alice.reshare_split_key(drawer, 2, same).await.unwrap();
    signs(&alice, &old[..1]).await;
    begun.confirm().await.unwrap();
    let new = copies(begun.shares());
    for share in &new {
        signs(&alice, std::slice::from_ref(share)).await;
    }
    let stale = alice.sign_split(&old[..1], &message()).await.unwrap_err();
    assert!(
        matches!(stale, Error::InvalidArgument { what: "share", .. }),
        "{stale}"
    );

    // The drawer leaves, a phone and a second share of the enclave come, and a signature takes three.
    let more = seats(vec![
        ("alice", Seat::Stays),
        ("phone", comes()),
        ("server", Seat::Enclave),
        ("server-2", Seat::Enclave),
    ]);
    let begun = alice
        .reshare_split_key(copies(&new[..1]), 3, more)
        .await
        .unwrap();
    begun.confirm().await.unwrap();
    stack.enclave.restart();
    let newest = copies(begun.shares());
    signs(&alice, &newest[..1]).await;
    signs(&alice, &newest).await;
    let key = alice.key(&id).await.unwrap();
    assert_eq!(
        (key.generation, key.threshold, key.participants.len()),
        (3, 3, 4)
    );
    assert_eq!(
        key.group_public_key,
        old[0].share().group_public_key().to_string()
    );
    signs(&alice, &refreshed(&alice, &newest).await[..1]).await;

    // The share of the drawer alone deals nothing any more, nor do too few.
    let back = seats(vec![("alice", comes()), ("server", Seat::Enclave)]);
    assert!(
        alice
            .reshare_split_key(copies(&old[1..]), 2, back)
            .await
            .is_err()
    );
}

#[tokio::test]
async fn a_certificate_is_verified_by_anyone_and_no_word_of_it_can_be_changed() {
    let stack = HonestStack::start(Measured::new("test"));
    let alice = stack.principal("alice").await;
    let (id, _) = split_key(&alice, 2, &["alice", "drawer", "server"]).await;
    let certificate = alice.certificate(&id).await.unwrap();
    let pem = stack.enclave.root_pem();
    let root = permafrost_client::RootCertificate::from_pem(&pem).unwrap();
    let document = Document::parse(&certificate.document().unwrap()).unwrap();
    let document = document.verify(&root, At::Signed).unwrap();
    certificate.verify(&document).unwrap();

    let changed = |change: fn(&mut permafrost_common::api::split::Certificate)| {
        let mut changed = certificate.clone();
        change(&mut changed);
        changed.verify(&document).unwrap_err()
    };
    let unsigned = |error| {
        matches!(
            error,
            CertificateError::Ceremony(CeremonyError::Unsigned { .. })
        )
    };
    assert!(unsigned(changed(|c| c.outcome.parameters.generation = 2)));
    assert!(unsigned(changed(|c| c.outcome.parameters.id.0[0] ^= 1)));
    assert!(unsigned(changed(|c| c.outcome.parameters.expires_at += 1)));
    assert!(unsigned(changed(|c| c.outcome.group_public_key.0[5] ^= 1)));
    assert!(unsigned(changed(|c| c.outcome.verifying_shares.swap(0, 1))));
    assert!(unsigned(changed(|c| c.outcome.transcript.0[31] ^= 1)));
    assert!(unsigned(
        changed(|c| c.confirmations[1].signature.0[3] ^= 1)
    ));
    assert!(unsigned(changed(|c| c.confirmations.swap(0, 1))));
    let forged = changed(|c| c.enclave.signature = c.enclave.signature.chars().rev().collect());
    assert_eq!(forged, CertificateError::EnclaveSignature);
    // Nor does it pass for one of another boot or deployment.
    let binding = Binding::from_user_data(document.user_data().unwrap()).unwrap();
    assert_eq!(certificate.verify_by(&binding, document.digest()), Ok(()));
    let other_boot = certificate.verify_by(&binding, &[7; 32]).unwrap_err();
    assert_eq!(other_boot, CertificateError::OtherBoot);
    let other = Binding {
        deployment: "other".to_owned(),
        ..binding
    };
    let other = certificate.verify_by(&other, document.digest());
    assert!(matches!(
        other.unwrap_err(),
        CertificateError::OtherDeployment { .. }
    ));
    let other = changed(|c| c.confirmations.truncate(1));
    assert!(matches!(
        other,
        CertificateError::Ceremony(CeremonyError::Invalid(_))
    ));
}

#[tokio::test]
async fn operations_of_the_other_custody_are_refused_and_say_what_to_use() {
    let stack = HonestStack::start(Measured::new("test"));
    let alice = stack.principal("alice").await;
    let (id, shares) = split_key(&alice, 2, &["alice", "server"]).await;
    let whole = new_key(&alice).await.id;
    let once = IdempotencyKey::random().unwrap();
    assert_eq!(refusal(alice.sign(&id, &message()).await), "key-custody");
    assert_eq!(refusal(alice.rotate(&id).await), "key-custody");
    let replaced = alice.replace(&id, &ReplaceKey::default(), &once).await;
    assert_eq!(refusal(replaced), "key-custody");
    assert_eq!(refusal(alice.certificate(&whole).await), "key-custody");
    let request = CosignRequest {
        payload: message(),
        commitments: Vec::new(),
    };
    let cosigned: Result<Cosigned, Error> =
        post(&alice, &format!("/v1/keys/{whole}/cosign"), &request).await;
    assert_eq!(refusal(cosigned), "key-custody");
    signs(&alice, &shares).await;
}

#[tokio::test]
async fn a_disabled_key_neither_signs_nor_refreshes_not_even_in_a_ceremony_that_began_before() {
    let stack = HonestStack::start(Measured::new("test"));
    let alice = stack.principal("alice").await;
    let (id, shares) = split_key(&alice, 2, &["alice", "server"]).await;
    let begun = alice.refresh_split_key(copies(&shares)).await.unwrap();
    alice.disable(&id).await.unwrap();
    assert_eq!(refusal(begun.confirm().await), "key-disabled");
    assert_eq!(
        refusal(alice.sign_split(&shares, &message()).await),
        "key-disabled"
    );
    assert_eq!(
        refusal(alice.refresh_split_key(copies(&shares)).await),
        "key-disabled"
    );
    assert_eq!(alice.key(&id).await.unwrap().generation, 1);
}

#[tokio::test]
async fn whoever_knows_a_ceremony_carries_messages_but_who_began_it_ends_it_and_has_the_key() {
    let stack = HonestStack::start(Measured::new("test"));
    let (alice, bob) = (stack.principal("alice").await, stack.principal("bob").await);
    let ceremony = unconfirmed(&alice, 2, &["alice", "server"]).await;
    let id = ceremony.outcome().parameters.id;
    let seen = bob.advance_ceremony(&id, Vec::new()).await.unwrap();
    assert_eq!(seen.parameters, ceremony.outcome().parameters);
    assert_eq!(refusal(bob.abort_ceremony(&id).await), "ceremony-not-found");
    let mut unknown = id;
    unknown.0[0] ^= 1;
    assert_eq!(
        refusal(bob.advance_ceremony(&unknown, Vec::new()).await),
        "ceremony-not-found"
    );
    ceremony.confirm().await.unwrap();
    let key = ceremony.outcome().parameters.key_id.to_string();
    assert_eq!(alice.key(&key).await.unwrap().owner, "alice");
    assert_eq!(refusal(bob.certificate(&key).await), "key-not-found");
    let shares = ceremony.shares();
    assert_eq!(
        refusal(bob.sign_split(shares, &message()).await),
        "key-not-found"
    );
    assert_eq!(
        refusal(bob.refresh_split_key(copies(shares)).await),
        "key-not-found"
    );
}

#[tokio::test]
async fn ceremonies_take_bounded_room_and_an_aborted_one_gives_its_room_back() {
    let stack = HonestStack::start(Measured::new("test"));
    let alice = stack.principal("alice").await;
    let names: Vec<String> = (0..31).map(|i| format!("client-{i}")).collect();
    let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
    names.push("server");
    let mut begun = Vec::new();
    for _ in 0..4 {
        begun.push(start(&alice, &names).await.unwrap());
    }
    assert_eq!(refusal(start(&alice, &names).await), "too-many");
    alice.abort_ceremony(&begun[0].parameters.id).await.unwrap();
    start(&alice, &names).await.unwrap();
}

async fn start(
    principal: &permafrost_client::Principal,
    names: &[&str],
) -> Result<Ceremony, Error> {
    let participants = crate::steps::participants(names);
    let body = serde_json::json!({
        "threshold": 2,
        "participants": participants.iter().map(|(name, key)| match key {
            Some(key) => serde_json::json!({"name": name, "public_key": key.public_key()}),
            None => serde_json::json!({"name": name}),
        }).collect::<Vec<_>>(),
    });
    post(principal, "/v1/ceremonies", &body).await
}
