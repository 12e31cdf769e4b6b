//! Participants at several clients, each with its own share.

use permafrost_client::{Error, HeldShare, IdempotencyKey, Part, Principal, Seat, Unconfirmed};
use permafrost_frost::ParticipantKey;
use permafrost_tests::{HonestStack, Measured, message, refusal};
use rand_core::OsRng;

use crate::steps::{copies, signs, split_key};

/// A ceremony of one participant at each of two clients, confirmed by both.
async fn confirmed(
    begun: impl Future<Output = Result<Unconfirmed, Error>>,
    joined: impl Future<Output = Result<Unconfirmed, Error>>,
) -> (Vec<HeldShare>, Vec<HeldShare>, String) {
    let (one, other) = tokio::try_join!(begun, joined).unwrap();
    assert_eq!(one.outcome(), other.outcome());
    let (first, second) = tokio::try_join!(one.confirm(), other.confirm()).unwrap();
    assert_eq!(first, second);
    let id = one.outcome().parameters.key_id.to_string();
    (copies(one.shares()), copies(other.shares()), id)
}

/// A key of alice at one client, bob at another, and the enclave; two of them sign.
async fn made(alice: &Principal, bob: &Principal) -> (Vec<HeldShare>, Vec<HeldShare>, String) {
    let (alices, bobs) = (key(), key());
    let once = IdempotencyKey::random().unwrap();
    let participants = vec![
        ("alice".to_owned(), Seat::Comes(alices)),
        ("bob".to_owned(), Seat::Elsewhere(bobs.public_key())),
        ("server".to_owned(), Seat::Enclave),
    ];
    let begun = alice.begin_split_key(2, participants, &once).await.unwrap();
    let parts = vec![Part::comes("bob", bobs)];
    let joined = bob.join_ceremony(&begun.id(), parts).await.unwrap();
    assert_eq!(begun.parameters(), joined.parameters());
    confirmed(begun.take_part(), joined.take_part()).await
}

fn key() -> ParticipantKey {
    ParticipantKey::random(&mut OsRng)
}

#[tokio::test]
async fn two_clients_and_the_enclave_make_refresh_and_reshare_a_key_and_each_has_its_share_alone() {
    let stack = HonestStack::start(Measured::new("test"));
    let (alice, bob) = (stack.principal("alice").await, stack.principal("bob").await);
    let (alices, bobs, id) = made(&alice, &bob).await;
    let names = |shares: &[HeldShare]| {
        let names = shares.iter().map(|share| share.participant().to_owned());
        names.collect::<Vec<_>>()
    };
    assert_eq!(
        (names(&alices), names(&bobs)),
        (vec!["alice".to_owned()], vec!["bob".to_owned()])
    );
    signs(&alice, &alices).await;
    signs(&alice, &bobs).await;
    assert_eq!(alice.key(&id).await.unwrap().owner, "alice");

    let begun = alice.begin_refresh(copies(&alices)).await.unwrap();
    let parts = vec![Part::has(copies(&bobs).remove(0))];
    let joined = bob.join_ceremony(&begun.id(), parts).await.unwrap();
    let (alices_new, bobs_new, _) = confirmed(begun.take_part(), joined.take_part()).await;
    signs(&alice, &alices_new).await;
    signs(&alice, &bobs_new).await;
    assert!(alice.sign_split(&alices, &message()).await.is_err());

    // Bob deals a share to carol, who comes at a third client, and leaves.
    let carol = stack.principal("bob").await;
    let carols = key();
    let participants = vec![
        ("alice".to_owned(), Seat::Comes(key())),
        ("carol".to_owned(), Seat::Elsewhere(carols.public_key())),
        ("server".to_owned(), Seat::Enclave),
    ];
    let begun = alice
        .begin_reshare(copies(&alices_new), 2, participants)
        .await;
    // Alice stays with another key than before: refused.
    assert!(begun.is_err());
    let participants = vec![
        ("alice".to_owned(), Seat::Stays),
        ("carol".to_owned(), Seat::Elsewhere(carols.public_key())),
        ("server".to_owned(), Seat::Enclave),
    ];
    let begun = alice
        .begin_reshare(copies(&alices_new), 2, participants)
        .await
        .unwrap();
    let parts = vec![Part::comes("carol", carols)];
    let joined = carol.join_ceremony(&begun.id(), parts).await.unwrap();
    let (alices, carols, _) = confirmed(begun.take_part(), joined.take_part()).await;
    signs(&alice, &alices).await;
    signs(&alice, &carols).await;
    assert!(alice.sign_split(&bobs_new, &message()).await.is_err());
}

#[tokio::test]
async fn a_client_joins_only_the_ceremony_of_its_key_with_the_key_that_was_named() {
    let stack = HonestStack::start(Measured::new("test"));
    let (alice, bob) = (stack.principal("alice").await, stack.principal("bob").await);
    let (alices, bobs, _) = made(&alice, &bob).await;
    let (others, _, _) = made(&alice, &bob).await;
    let begun = alice.begin_refresh(copies(&alices)).await.unwrap();

    let id = begun.id();
    let of_other_key = vec![Part::has(copies(&others).remove(0))];
    let refused = bob.join_ceremony(&id, of_other_key).await;
    assert!(matches!(refused, Err(Error::UnexpectedResponse { .. })));
    for name in ["bob", "mallory"] {
        let refused = bob.join_ceremony(&id, vec![Part::comes(name, key())]).await;
        assert!(matches!(refused, Err(Error::Ceremony(_))));
    }
    let mut unknown = id;
    unknown.0[31] ^= 1;
    let parts = vec![Part::has(copies(&bobs).remove(0))];
    let nowhere = bob.join_ceremony(&unknown, parts).await;
    assert_eq!(refusal(nowhere.map(|_| ())), "ceremony-not-found");

    // Nobody was harmed: the right one joins, and both have new shares.
    let parts = vec![Part::has(copies(&bobs).remove(0))];
    let joined = bob.join_ceremony(&id, parts).await.unwrap();
    let (new, _, _) = confirmed(begun.take_part(), joined.take_part()).await;
    signs(&alice, &new).await;
}

#[tokio::test]
async fn last_confirmations_sent_at_the_same_time_all_succeed() {
    let stack = HonestStack::start(Measured::new("test"));
    let alice = stack.principal("alice").await;
    let (_, mut shares) = split_key(&alice, 2, &["alice", "server"]).await;
    for _ in 0..5 {
        let new = alice.refresh_split_key(shares).await.unwrap();
        let confirmed = tokio::try_join!(new.confirm(), new.confirm(), new.confirm());
        let (first, second, third) = confirmed.unwrap();
        assert!(first == second && second == third);
        shares = copies(new.shares());
    }
    signs(&alice, &shares).await;
}
