//! Shares that their holders have encrypted, which the enclave keeps beside its own.

use permafrost_client::{Error, Principal};
use permafrost_common::api::split::{Ceremony, WrappedShare};
use permafrost_frost::Hex;
use permafrost_tests::{HonestStack, Measured, refusal};

use crate::steps::{copies, refreshed, signs, unconfirmed};

#[tokio::test]
async fn wrapped_shares_are_stored_with_the_enclaves_own_and_go_with_them() {
    let mut stack = HonestStack::start(Measured::new("test"));
    let alice = stack.principal("alice").await;
    let made = unconfirmed(&alice, 2, &["alice", "drawer", "server"]).await;
    let id = made.outcome().parameters.key_id.to_string();
    let sent = vec![wrapped("drawer", "0d"), wrapped("alice", "a1")];
    made.confirm_with(sent).await.unwrap();
    stack.enclave.restart();
    let kept = alice.wrapped_shares(&id).await.unwrap();
    assert_eq!((kept.key_id, kept.generation), (id.clone(), 1));
    assert_eq!(
        kept.wrapped_shares,
        [wrapped("alice", "a1"), wrapped("drawer", "0d")]
    );

    // A ceremony that comes to nothing changes nothing of them.
    let lost = alice
        .refresh_split_key(copies(made.shares()))
        .await
        .unwrap();
    stack.enclave.restart();
    assert_eq!(
        refusal(lost.confirm_with(vec![wrapped("alice", "a2")]).await),
        "ceremony-not-found"
    );
    let kept = alice.wrapped_shares(&id).await.unwrap();
    assert_eq!((kept.generation, kept.wrapped_shares.len()), (1, 2));

    let new = alice
        .refresh_split_key(copies(made.shares()))
        .await
        .unwrap();
    new.confirm_with(vec![wrapped("alice", "a3")])
        .await
        .unwrap();
    let kept = alice.wrapped_shares(&id).await.unwrap();
    assert_eq!(kept.generation, 2);
    assert_eq!(kept.wrapped_shares, [wrapped("alice", "a3")]);
    // What is not sent again is of no use, and gone.
    let newest = refreshed(&alice, new.shares()).await;
    assert_eq!(alice.wrapped_shares(&id).await.unwrap().wrapped_shares, []);
    signs(&alice, &newest[..1]).await;
}

#[tokio::test]
async fn wrapped_shares_sent_again_before_the_end_replace_those_of_the_same_participant() {
    let stack = HonestStack::start(Measured::new("test"));
    let alice = stack.principal("alice").await;
    let made = unconfirmed(&alice, 2, &["alice", "drawer", "server"]).await;
    let id = made.outcome().parameters.id;
    for early in [wrapped("alice", "01"), wrapped("drawer", "02")] {
        send(&alice, &id, vec![early]).await.unwrap();
    }
    made.confirm_with(vec![wrapped("alice", "03")])
        .await
        .unwrap();
    let key = made.outcome().parameters.key_id.to_string();
    let kept = alice.wrapped_shares(&key).await.unwrap().wrapped_shares;
    assert_eq!(kept, [wrapped("alice", "03"), wrapped("drawer", "02")]);
}

#[tokio::test]
async fn only_the_participants_that_hold_shares_have_them_wrapped_and_only_for_who_began() {
    let stack = HonestStack::start(Measured::new("test"));
    let (alice, bob) = (stack.principal("alice").await, stack.principal("bob").await);
    let made = unconfirmed(&alice, 2, &["alice", "server"]).await;
    let id = made.outcome().parameters.id;
    let refused = [
        vec![wrapped("server", "00")],
        vec![wrapped("mallory", "00")],
        vec![wrapped("alice", "00"), wrapped("alice", "01")],
        vec![wrapped("alice", "")],
        vec![wrapped("alice", "0")],
        vec![wrapped("alice", "0A")],
        vec![wrapped("alice", &"00".repeat(4_097))],
    ];
    for shares in refused {
        let shown = format!("{:?}", shares.first());
        assert!(
            refusal(send(&alice, &id, shares).await).contains("invalid-request"),
            "{shown}"
        );
    }
    let of_another = send(&bob, &id, vec![wrapped("alice", "0b")]).await;
    assert!(refusal(of_another).contains("invalid-request"));
    made.confirm_with(vec![wrapped("alice", &"ff".repeat(4_096))])
        .await
        .unwrap();
    let key = made.outcome().parameters.key_id.to_string();
    let kept = alice.wrapped_shares(&key).await.unwrap().wrapped_shares;
    assert_eq!(kept, [wrapped("alice", &"ff".repeat(4_096))]);
    assert_eq!(refusal(bob.wrapped_shares(&key).await), "key-not-found");
}

async fn send(
    principal: &Principal,
    id: &Hex<32>,
    shares: Vec<WrappedShare>,
) -> Result<Ceremony, Error> {
    principal
        .advance_ceremony_with(id, Vec::new(), shares)
        .await
}

fn wrapped(participant: &str, ciphertext: &str) -> WrappedShare {
    WrappedShare {
        participant: participant.to_owned(),
        wrapped: ciphertext.to_owned(),
    }
}
