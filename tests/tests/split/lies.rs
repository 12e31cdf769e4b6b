//! The lying parent and the lying participant: each of them loses.

use std::collections::BTreeSet;

use permafrost_client::{Error, IdempotencyKey, Principal, Seat};
use permafrost_common::api::split::{Ceremony, CosignRequest, Cosigned};
use permafrost_frost::{Board, Member, Message, ParticipantKey, sign};
use permafrost_tests::{
    LyingParent, Measured, StoreRequest, StoreResponse, message, problem_of, refusal,
};
use rand_core::OsRng;
use serde_json::json;

use crate::steps::{copies, post, refreshed, signs, split_key, unconfirmed};

#[tokio::test]
async fn the_enclaves_share_from_before_a_refresh_does_not_come_back() {
    let parent = LyingParent::start().await;
    let alice = parent.principal("alice").await;
    let (id, old) = split_key(&alice, 2, &["alice", "server"]).await;
    let old_record = parent.store.version(&id, 1);
    let new = refreshed(&alice, &old).await;
    for (version, refused_as) in [(1, "record-rolled-back"), (2, "record-invalid")] {
        let bytes = old_record.clone();
        parent.store.lie(move |request, honest| match request {
            StoreRequest::Get { .. } => StoreResponse::Record(version, bytes.clone()),
            _ => honest,
        });
        assert_eq!(
            refusal(alice.sign_split(&old, &message()).await),
            refused_as
        );
        parent.store.be_honest();
    }
    signs(&alice, &new).await;
}

#[tokio::test]
async fn a_cosign_request_is_answered_once_however_often_the_parent_sends_it() {
    let parent = LyingParent::start().await;
    let alice = parent.principal("alice").await;
    let (_, shares) = split_key(&alice, 2, &["alice", "server"]).await;
    parent.proxy.take_seen();
    signs(&alice, &shares).await;
    let (request, response) = parent.proxy.take_seen().pop().unwrap();
    for _ in 0..3 {
        let replayed = parent.proxy.send(request.clone()).await;
        assert_eq!(problem_of(&replayed), "request-replayed");
        assert_ne!(replayed.body(), response.body());
    }
}

#[tokio::test]
async fn no_nonce_of_the_enclave_is_used_twice_in_parallel_or_after_a_restart() {
    let mut parent = LyingParent::start().await;
    let alice = parent.principal("alice").await;
    let (id, shares) = split_key(&alice, 2, &["alice", "server"]).await;
    // The same commitments of the client each time, as one would send who is after the enclave's share.
    let nonces = sign::commit(vec![shares[0].share().clone()], &mut OsRng).unwrap();
    let request = CosignRequest {
        payload: message(),
        commitments: nonces.commitments(),
    };
    let mut seen = BTreeSet::new();
    for _ in 0..2 {
        let calls = (0..32).map(|_| {
            let (alice, id, request) = (alice.clone(), id.clone(), request.clone());
            tokio::spawn(async move { cosigned(&alice, &id, &request).await })
        });
        for call in calls.collect::<Vec<_>>() {
            let part = call.await.unwrap().parts.remove(0);
            seen.insert(part.hiding);
            seen.insert(part.binding);
        }
        parent.enclave.restart();
    }
    assert_eq!(seen.len(), 2 * 2 * 32);
}

#[tokio::test]
async fn a_response_that_the_parent_altered_makes_no_share() {
    let parent = LyingParent::start().await;
    let alice = parent.principal("alice").await;
    parent.proxy.change_responses(|request, mut response| {
        if request.uri().path().starts_with("/v1/ceremonies") {
            let text = String::from_utf8(response.body().to_vec()).unwrap();
            let changed = text.replacen("\"generation\":1", "\"generation\":2", 1);
            *response.body_mut() = changed.into();
        }
        response
    });
    let once = IdempotencyKey::random().unwrap();
    let participants = crate::steps::participants(&["alice", "server"]);
    let refused = alice.generate_split_key(2, participants, &once).await;
    assert!(matches!(
        refused.unwrap_err(),
        Error::ResponseNotAuthentic(_)
    ));
    parent.proxy.be_honest();
    assert!(alice.list_keys(None, None).await.unwrap().keys.is_empty());
}

#[tokio::test]
async fn a_participant_whose_share_is_wrong_is_named_and_the_ceremony_is_over() {
    let parent = LyingParent::start().await;
    let alice = parent.principal("alice").await;
    let mut side = Side::start(&alice).await;
    let commitments = side.board.messages();
    let response = side.advance(&alice, commitments).await.unwrap();
    side.take(response);
    side.member
        .share(&mut side.board, Some(&side.key), &mut OsRng)
        .unwrap();
    // The participant encrypts something else, and signs it.
    let honest = side.messages_of("alice").pop().unwrap();
    let Message::Shares(mut wrong) = honest else {
        panic!("the last message has the shares");
    };
    wrong.shares.get_mut("server").unwrap().0[31] ^= 1;
    wrong.signature = None;
    let signed = side.signed(wrong);
    let refused = side.advance(&alice, vec![signed]).await.unwrap_err();
    let problem = refused.problem().unwrap().clone();
    assert_eq!(problem.type_uri, "urn:permafrost:problem:ceremony-failed");
    assert!(
        problem.detail.starts_with("alice broke the protocol"),
        "{}",
        problem.detail
    );
    let gone = side.advance(&alice, Vec::new()).await;
    assert_eq!(refusal(gone), "ceremony-not-found");
    assert!(alice.list_keys(None, None).await.unwrap().keys.is_empty());
}

#[tokio::test]
async fn messages_of_another_ceremony_are_refused_and_the_ceremony_goes_on() {
    let parent = LyingParent::start().await;
    let alice = parent.principal("alice").await;
    let (first, mut second) = (Side::start(&alice).await, Side::start(&alice).await);
    let mixed = second.advance(&alice, first.board.messages()).await;
    assert_eq!(refusal(mixed), "ceremony-message-refused");
    let own = second.board.messages();
    let response = second.advance(&alice, own.clone()).await.unwrap();
    let repeated = second.advance(&alice, own).await.unwrap();
    assert_eq!(response, repeated);
    second.take(response);
}

#[tokio::test]
async fn the_enclave_shows_nothing_of_itself_before_all_others_have_committed() {
    let parent = LyingParent::start().await;
    let alice = parent.principal("alice").await;
    let side = Side::start(&alice).await;
    let shown = side.advance(&alice, Vec::new()).await.unwrap();
    assert!(shown.messages.is_empty());
    assert_eq!(shown.waits_for, ["alice", "server"]);
}

#[tokio::test]
async fn a_refresh_whose_write_the_store_hides_is_confirmed_again_and_signs() {
    let parent = LyingParent::start().await;
    let alice = parent.principal("alice").await;
    let (id, mut shares) = split_key(&alice, 2, &["alice", "server"]).await;
    // The store writes, and cuts the connection or says that it failed: the enclave cannot know.
    let lies: [fn() -> StoreResponse; 2] = [
        || StoreResponse::Cut,
        || StoreResponse::Raw(500, Vec::new()),
    ];
    for (lie, generation) in lies.into_iter().zip(2..) {
        let begun = alice.refresh_split_key(copies(&shares)).await.unwrap();
        parent.store.lie(move |request, honest| match request {
            StoreRequest::Put { .. } => lie(),
            _ => honest,
        });
        let confirmed = begun.confirm().await;
        assert!(confirmed.is_ok() || refusal(confirmed) == "store-unavailable");
        parent.store.be_honest();
        begun.confirm().await.unwrap();
        assert_eq!(alice.key(&id).await.unwrap().generation, generation);
        shares = copies(begun.shares());
        signs(&alice, &shares).await;
    }
}

#[tokio::test]
async fn a_key_that_needs_the_enclave_cannot_be_reshared_out_of_it() {
    let parent = LyingParent::start().await;
    let alice = parent.principal("alice").await;
    let (id, shares) = split_key(&alice, 2, &["alice", "server"]).await;
    let seats = |second: Seat| {
        let all = [
            ("alice", Seat::Stays),
            ("second", second),
            ("server", Seat::Enclave),
        ];
        let all = all.into_iter().map(|(name, seat)| (name.to_owned(), seat));
        all.collect::<Vec<_>>()
    };
    let comes = || Seat::Comes(ParticipantKey::random(&mut OsRng));
    // Two participants outside would sign without the enclave, whatever its policies say.
    let out = alice
        .reshare_split_key(copies(&shares), 2, seats(comes()))
        .await;
    let problem = out.unwrap_err().problem().unwrap().clone();
    assert_eq!(problem.errors[0].field, "/participants");
    assert!(problem.detail.contains("at most 1"), "{}", problem.detail);
    signs(&alice, &shares).await;
    // By a threshold of three they need it as before.
    let kept = alice
        .reshare_split_key(copies(&shares), 3, seats(comes()))
        .await
        .unwrap();
    kept.confirm().await.unwrap();
    signs(&alice, kept.shares()).await;
    assert_eq!(alice.key(&id).await.unwrap().threshold, 3);
    // A key that its participants can use without the enclave stays theirs.
    let (_, shares) = split_key(&alice, 2, &["alice", "second", "server"]).await;
    let same = alice.reshare_split_key(copies(&shares[..1]), 2, seats(comes()));
    same.await.unwrap().confirm().await.unwrap();
}

#[tokio::test]
async fn commitments_in_the_name_of_the_enclave_are_refused() {
    let parent = LyingParent::start().await;
    let alice = parent.principal("alice").await;
    let mut side = Side::start(&alice).await;
    Member::join(&mut side.board, "server", None, None, &mut OsRng).unwrap();
    let forged = side.messages_of("server");
    let refused = side.advance(&alice, forged).await;
    assert_eq!(refusal(refused), "ceremony-message-refused");
}

#[tokio::test]
async fn a_ceremony_of_one_deployment_is_none_of_another() {
    let parent = LyingParent::start().await;
    let neighbour = parent.neighbour(Measured::new("other")).await;
    let (alice, other) = (
        parent.principal("alice").await,
        neighbour.principal("alice").await,
    );
    let ceremony = unconfirmed(&alice, 2, &["alice", "server"]).await;
    let id = ceremony.outcome().parameters.id;
    let refused = other.advance_ceremony(&id, Vec::new()).await;
    assert_eq!(refusal(refused), "ceremony-not-found");
}

async fn cosigned(principal: &Principal, id: &str, request: &CosignRequest) -> Cosigned {
    let path = format!("/v1/keys/{id}/cosign");
    post(principal, &path, request).await.unwrap()
}

/// The participant `alice` of a ceremony with `server`, message by message.
struct Side {
    board: Board,
    member: Member,
    key: ParticipantKey,
}

impl Side {
    async fn start(principal: &Principal) -> Self {
        let key = ParticipantKey::random(&mut OsRng);
        let body = json!({"threshold": 2, "participants": [
            {"name": "alice", "public_key": key.public_key()},
            {"name": "server"},
        ]});
        let begun: Ceremony = post(principal, "/v1/ceremonies", &body).await.unwrap();
        let mut board = Board::new(begun.parameters).unwrap();
        let member = Member::join(&mut board, "alice", Some(&key), None, &mut OsRng).unwrap();
        Self { board, member, key }
    }

    async fn advance(
        &self,
        principal: &Principal,
        messages: Vec<Message>,
    ) -> Result<Ceremony, Error> {
        let id = self.board.parameters().id;
        principal.advance_ceremony(&id, messages).await
    }

    /// Takes the enclave's messages.
    fn take(&mut self, ceremony: Ceremony) {
        for message in ceremony.messages {
            if message.participant() == "server" {
                self.board.add_of_the_enclave(message).unwrap();
            }
        }
    }

    fn messages_of(&self, name: &str) -> Vec<Message> {
        let mut messages = self.board.messages();
        messages.retain(|message| message.participant() == name);
        messages
    }

    /// The participant's signature over shares that it did not make by the protocol.
    fn signed(&self, shares: permafrost_frost::Shares) -> Message {
        Message::Shares(shares.signed(&self.board, &self.key, &mut OsRng).unwrap())
    }
}
