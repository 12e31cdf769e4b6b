//! Signatures that the enclave puts together, where its service has to see them.

use http::{HeaderMap, HeaderValue, Method};
use permafrost_client::{HeldShare, Principal};
use permafrost_common::api::split::{AggregateRequest, CosignRequest, Cosigned};
use permafrost_common::api::{SignRequest, Signed, UnsignedEvent};
use permafrost_frost::sign::{self, By, PartialSignature, ToSign};
use permafrost_tests::{HonestStack, Measured, is_signed_by, message};
use rand_core::OsRng;
use serde::Serialize;

use crate::steps::{refreshed, signs, split_key};

#[tokio::test]
async fn the_enclave_puts_the_parts_together_and_gives_what_it_would_sign_alone() {
    let stack = HonestStack::start(Measured::new("test"));
    let alice = stack.principal("alice").await;
    let (_, shares) = split_key(&alice, 3, &["alice", "drawer", "server"]).await;
    let key = shares[0].share().group_public_key().to_string();
    let signed = alice
        .sign_split_aggregated(&shares, &message())
        .await
        .unwrap();
    assert!(is_signed_by(&signed, &key));

    let event = UnsignedEvent {
        pubkey: None,
        id: None,
        created_at: 1_700_000_000,
        kind: 1,
        tags: Vec::new(),
        content: "seen by the service".to_owned(),
    };
    let what = SignRequest::NostrEvent { event };
    let signed = alice.sign_split_aggregated(&shares, &what).await.unwrap();
    let json = serde_json::to_string(&signed.event.unwrap()).unwrap();
    let event: nostr::event::Event = serde_json::from_str(&json).unwrap();
    event.verify().unwrap();

    let spend = SignRequest::TaprootSpend {
        sighash: "5e".repeat(32),
        merkle_root: None,
    };
    let signed = alice.sign_split_aggregated(&shares, &spend).await.unwrap();
    assert_eq!(signed.taproot.unwrap().output_key, signed.public_key);
}

#[tokio::test]
async fn parts_that_make_no_signature_are_refused_and_the_participant_is_named() {
    let stack = HonestStack::start(Measured::new("test"));
    let alice = stack.principal("alice").await;
    let (id, shares) = split_key(&alice, 2, &["alice", "drawer", "server"]).await;
    let parts = parts(&alice, &id, &shares[..1], b"a message").await;
    let text = |text: &str| SignRequest::Message {
        message: hex::encode(text),
    };
    let refused = async |payload, parts: Vec<PartialSignature>| {
        let request = AggregateRequest { payload, parts };
        post::<Signed>(&alice, &format!("/v1/keys/{id}/aggregate"), &request)
            .await
            .unwrap_err()
    };
    let with = |change: fn(&mut Vec<PartialSignature>)| {
        let mut changed = parts.clone();
        change(&mut changed);
        changed
    };

    let (kind, detail) = refused(text("a message"), with(|parts| parts[0].share.0[31] ^= 1)).await;
    assert_eq!(kind, "invalid-request");
    assert!(detail.contains(&parts[0].participant), "{detail}");
    let (_, detail) = refused(text("a message"), with(|parts| parts[1].share.0[31] ^= 1)).await;
    assert!(detail.contains(&parts[1].participant), "{detail}");
    for wrong in [
        with(|parts| parts.truncate(1)),
        with(|parts| parts.push(parts[0].clone())),
        with(|parts| parts[1] = parts[0].clone()),
        with(|parts| "drawer".clone_into(&mut parts[0].participant)),
        with(|parts| "mallory".clone_into(&mut parts[0].participant)),
        with(|parts| parts[0].hiding = parts[1].hiding),
        with(|parts| parts[0].hiding.0 = [0; 33]),
        Vec::new(),
    ] {
        assert_eq!(refused(text("a message"), wrong).await.0, "invalid-request");
    }
    // The parts of one message make no signature of another.
    assert_eq!(
        refused(text("another"), parts.clone()).await.0,
        "invalid-request"
    );
    // As they are, they make one, and again the same one: no nonce is behind it.
    let mut made = Vec::new();
    for _ in 0..2 {
        let request = AggregateRequest {
            payload: text("a message"),
            parts: parts.clone(),
        };
        let path = format!("/v1/keys/{id}/aggregate");
        let signed: Signed = post(&alice, &path, &request).await.unwrap();
        made.push(signed.signature);
    }
    assert_eq!(made[0], made[1]);

    // Old parts together with a new one make none.
    let new = refreshed(&alice, &shares).await;
    let mixed = self::parts(&alice, &id, &new[..1], b"a message").await;
    let mixed = vec![parts[0].clone(), mixed[1].clone()];
    assert_eq!(refused(text("a message"), mixed).await.0, "invalid-request");
    signs(&alice, &new[..1]).await;
    alice.disable(&id).await.unwrap();
    assert_eq!(
        refused(text("a message"), Vec::new()).await.0,
        "key-disabled"
    );
}

/// The parts of both sides for a message.
async fn parts(
    alice: &Principal,
    id: &str,
    shares: &[HeldShare],
    text: &[u8],
) -> Vec<PartialSignature> {
    let signers = shares.iter().map(|held| held.share().clone()).collect();
    let nonces = sign::commit(signers, &mut OsRng).unwrap();
    let request = CosignRequest {
        payload: SignRequest::Message {
            message: hex::encode(text),
        },
        commitments: nonces.commitments(),
    };
    let cosigned: Cosigned = post(alice, &format!("/v1/keys/{id}/cosign"), &request)
        .await
        .unwrap();
    let what = ToSign {
        message: text.to_vec(),
        by: By::GroupKey,
    };
    nonces.join(&what, &cosigned.parts).unwrap()
}

/// The response, or the kind and the text of the problem.
async fn post<T: serde::de::DeserializeOwned>(
    principal: &Principal,
    path: &str,
    body: &impl Serialize,
) -> Result<T, (String, String)> {
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("application/json"));
    let body = serde_json::to_vec(body).unwrap();
    let response = principal.request(Method::POST, path, body, headers).await;
    let response = response.unwrap();
    match response.problem() {
        Some(problem) => {
            let kind = problem.kind().unwrap().slug().to_owned();
            Err((kind, format!("{problem:?}")))
        }
        None => Ok(response.json().unwrap()),
    }
}
