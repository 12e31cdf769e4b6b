//! What the enclave holds to in a ceremony, whatever requests come.

use std::fs;
use std::time::{Duration, Instant};

use permafrost_client::{Error, IdempotencyKey, Principal, Seat};
use permafrost_common::api::split::Ceremony;
use permafrost_common::http_signature::Algorithm;
use permafrost_frost::{Board, CeremonyParticipant, Member, Message, ParticipantKey, Share, State};
use permafrost_tests::{
    HonestStack, LyingParent, Measured, StoreRequest, StoreResponse, binaries, message, refusal,
};
use rand_core::OsRng;
use serde_json::json;

use crate::steps::{copies, generation, participants, post, signs, split_key};

#[tokio::test]
async fn the_enclave_commits_only_when_every_other_participant_has() {
    let stack = HonestStack::start(Measured::new("test"));
    let alice = stack.principal("alice").await;
    let mut side = Sides::begin(&alice, &["alice", "drawer", "server"]).await;
    let [first, last] = side.join();
    let begun = side.send(&alice, vec![first]).await;
    assert_eq!(begun.messages.len(), 1, "{:?}", begun.messages);
    assert_eq!(begun.waits_for, ["drawer", "server"]);
    let committed = side.send(&alice, vec![last]).await;
    assert!(committed.messages.iter().any(is_of_the_enclave));
}

#[tokio::test]
async fn the_key_exists_from_the_last_confirmation_on_and_not_before() {
    let stack = HonestStack::start(Measured::new("test"));
    let alice = stack.principal("alice").await;
    let mut side = Sides::begin(&alice, &["alice", "drawer", "server"]).await;
    let id = side.board.parameters().key_id.to_string();
    let commitments = side.join().to_vec();
    let committed = side.send(&alice, commitments).await;
    side.take(committed);
    let shares = side.share();
    side.send(&alice, shares).await;
    assert_eq!(refusal(alice.key(&id).await), "key-not-found");
    let [first, last] = side.conclude();
    let one = side.send(&alice, vec![first]).await;
    assert_eq!((one.state, one.certificate), (State::Confirmations, None));
    assert_eq!(refusal(alice.key(&id).await), "key-not-found");
    let both = side.send(&alice, vec![last]).await;
    assert!(both.certificate.is_some());
    assert_eq!(alice.key(&id).await.unwrap().generation, 1);
}

#[tokio::test]
async fn all_principals_together_have_bounded_room_for_ceremonies() {
    let mut measured = Measured::new("test");
    let everyone: Vec<String> = (0..17).map(|number| format!("service-{number}")).collect();
    let policy = "operations = [\"create_key\"]\nrequests_per_minute = 60000000\n";
    for name in &everyone {
        measured.principal(name, Algorithm::Ed25519, policy);
    }
    let stack = HonestStack::start(measured);
    let body = generation(2, &many());
    for (number, name) in everyone.iter().enumerate() {
        let service = stack.principal(name).await;
        let begun: Result<Ceremony, Error> = post(&service, "/v1/ceremonies", &body).await;
        if number == 16 {
            assert_eq!(refusal(begun), "overloaded");
            return;
        }
        begun.unwrap();
        for _ in 1..4 {
            let begun: Result<Ceremony, Error> = post(&service, "/v1/ceremonies", &body).await;
            begun.unwrap();
        }
    }
}

#[tokio::test]
async fn a_key_has_one_ceremony_at_a_time_whoever_begins_the_other() {
    let mut measured = Measured::new("test");
    let policy = "operations = [\"rotate_key\", \"take_part\"]\nkeys = \"all\"\n\
         requests_per_minute = 60000000\n";
    measured.principal("carol", Algorithm::Ed25519, policy);
    let stack = HonestStack::start(measured);
    let (alice, carol) = (
        stack.principal("alice").await,
        stack.principal("carol").await,
    );
    let (id, shares) = split_key(&alice, 2, &["alice", "server"]).await;
    let refresh = format!("/v1/keys/{id}/refresh");
    let first: Ceremony = post(&alice, &refresh, &()).await.unwrap();
    let again: Ceremony = post(&alice, &refresh, &()).await.unwrap();
    assert_eq!(first.parameters.id, again.parameters.id);
    let of_carol: Result<Ceremony, Error> = post(&carol, &refresh, &()).await;
    assert_eq!(refusal(of_carol), "key-conflict");
    let reshared = alice.reshare_split_key(copies(&shares), 2, seats()).await;
    assert_eq!(refusal(reshared), "key-conflict");
    alice.abort_ceremony(&first.parameters.id).await.unwrap();
    let of_carol: Ceremony = post(&carol, &refresh, &()).await.unwrap();
    assert_ne!(of_carol.parameters.id, first.parameters.id);
}

#[tokio::test]
async fn a_ceremony_is_over_after_ten_minutes_and_another_one_of_the_key_may_begin() {
    let mut stack = HonestStack::start(Measured::new("test"));
    let alice = stack.principal("alice").await;
    let (id, shares) = split_key(&alice, 2, &["alice", "server"]).await;
    let refresh = format!("/v1/keys/{id}/refresh");
    let first: Ceremony = post(&alice, &refresh, &()).await.unwrap();
    let alice = later(&mut stack, &alice, 601).await;
    // Nothing but the start of another one has looked for it since.
    let begun = alice.reshare_split_key(copies(&shares), 2, seats()).await;
    let begun = begun.unwrap();
    let parameters = &begun.outcome().parameters;
    assert!(parameters.expires_at > first.parameters.expires_at);
    let alice = later(&mut stack, &alice, 1202).await;
    let late = alice.advance_ceremony(&parameters.id, Vec::new()).await;
    assert_eq!(refusal(late), "ceremony-not-found");
    let refreshed: Ceremony = post(&alice, &refresh, &()).await.unwrap();
    assert!(refreshed.parameters.expires_at > parameters.expires_at);
    let shown = alice.advance_ceremony(&refreshed.parameters.id, Vec::new());
    shown.await.unwrap();
}

#[tokio::test]
async fn a_participant_of_the_enclave_deals_and_leaves() {
    let mut stack = HonestStack::start(Measured::new("test"));
    let alice = stack.principal("alice").await;
    let (_, shares) = split_key(&alice, 3, &["alice", "server-2", "server"]).await;
    // The boot that made the key is not the one that reshares it.
    stack.enclave.restart();
    let begun = alice
        .reshare_split_key(copies(&shares), 2, seats())
        .await
        .unwrap();
    begun.confirm().await.unwrap();
    signs(&alice, begun.shares()).await;
    let refused = alice.sign_split(&shares, &message()).await;
    assert!(refused.is_err());
}

#[tokio::test]
async fn a_disabled_key_is_not_reshared_and_its_ceremony_is_forgotten() {
    let stack = HonestStack::start(Measured::new("test"));
    let alice = stack.principal("alice").await;
    let (id, shares) = split_key(&alice, 2, &["alice", "server"]).await;
    let begun = alice.refresh_split_key(copies(&shares)).await.unwrap();
    alice.disable(&id).await.unwrap();
    assert_eq!(refusal(begun.confirm().await), "key-disabled");
    let ceremony = begun.outcome().parameters.id;
    let gone = alice.advance_ceremony(&ceremony, Vec::new()).await;
    assert_eq!(refusal(gone), "ceremony-not-found");
    let reshared = alice.reshare_split_key(shares, 2, seats()).await;
    assert_eq!(refusal(reshared), "key-disabled");
}

#[tokio::test]
async fn of_two_enclaves_with_a_ceremony_of_the_same_key_the_first_one_decides() {
    let parent = LyingParent::start().await;
    let alice = parent.principal("alice").await;
    let program = binaries::enclave();
    let second = parent.second_enclave("second", &program, &parent.configuration());
    second.wait_until_ready();
    let there = parent.principal_at(&second, "alice").await;
    // Both make the key of the same request.
    let once = IdempotencyKey::random().unwrap();
    let key = ParticipantKey::random(&mut OsRng);
    let all = || {
        let same = ParticipantKey::from_bytes(&key.to_bytes()).unwrap();
        vec![
            ("alice".to_owned(), Some(same)),
            ("server".to_owned(), None),
        ]
    };
    let late = alice.generate_split_key(2, all(), &once).await.unwrap();
    let made = there.generate_split_key(2, all(), &once).await.unwrap();
    made.confirm().await.unwrap();
    assert_eq!(refusal(late.confirm().await), "key-conflict");
    let shares = copies(made.shares());
    signs(&alice, &shares).await;
    // Both refresh it.
    let late = alice.refresh_split_key(copies(&shares)).await.unwrap();
    let first = there.refresh_split_key(copies(&shares)).await.unwrap();
    first.confirm().await.unwrap();
    assert_eq!(refusal(late.confirm().await), "key-conflict");
    signs(&alice, first.shares()).await;
    // The enclave that lost has forgotten its ceremony, and joins in the next generation.
    let next = alice
        .refresh_split_key(copies(first.shares()))
        .await
        .unwrap();
    next.confirm().await.unwrap();
    signs(&there, next.shares()).await;
}

#[tokio::test]
async fn a_confirmation_is_repeated_until_the_store_has_written_and_says_so() {
    let parent = LyingParent::start().await;
    let alice = parent.principal("alice").await;
    let (id, shares) = split_key(&alice, 2, &["alice", "server"]).await;
    // It does not write, and says so.
    let begun = alice.refresh_split_key(copies(&shares)).await.unwrap();
    parent.store.drop_writes();
    parent.store.lie(|request, honest| match request {
        StoreRequest::Put { .. } => StoreResponse::Raw(500, Vec::new()),
        _ => honest,
    });
    assert_eq!(refusal(begun.confirm().await), "store-unavailable");
    parent.store.be_honest();
    signs(&alice, &shares).await;
    begun.confirm().await.unwrap();
    signs(&alice, begun.shares()).await;
    // It writes, and says nothing more.
    let shares = copies(begun.shares());
    let begun = alice.refresh_split_key(copies(&shares)).await.unwrap();
    let mut is_written = false;
    parent.store.lie(move |request, honest| {
        is_written |= matches!(request, StoreRequest::Put { .. });
        match is_written {
            true => StoreResponse::Cut,
            false => honest,
        }
    });
    assert_eq!(refusal(begun.confirm().await), "store-unavailable");
    parent.store.be_honest();
    begun.confirm().await.unwrap();
    assert_eq!(alice.key(&id).await.unwrap().generation, 3);
    signs(&alice, begun.shares()).await;
}

#[tokio::test]
async fn a_store_that_writes_and_says_conflict_does_not_make_a_client_drop_its_new_shares() {
    let parent = LyingParent::start().await;
    let alice = parent.principal("alice").await;
    let (_, shares) = split_key(&alice, 2, &["alice", "server"]).await;
    let begun = alice.refresh_split_key(shares).await.unwrap();
    parent.store.lie(|request, honest| match request {
        StoreRequest::Put { after, .. } => StoreResponse::Conflict(Some(after + 1)),
        _ => honest,
    });
    begun.confirm().await.unwrap();
    signs(&alice, begun.shares()).await;
}

#[tokio::test]
async fn more_messages_than_participants_can_send_are_refused() {
    let stack = HonestStack::start(Measured::new("test"));
    let alice = stack.principal("alice").await;
    let mut side = Sides::begin(&alice, &["alice", "drawer", "server"]).await;
    let [first, _] = side.join();
    let id = side.board.parameters().id;
    let refused = alice.advance_ceremony(&id, vec![first; 97]).await;
    let problem = refused.unwrap_err().problem().unwrap().clone();
    assert_eq!(problem.errors[0].field, "/messages");
}

/// Waits until the enclave's clock is ahead by so many seconds, and gives the principal that is, too.
async fn later(stack: &mut HonestStack, principal: &Principal, seconds: u64) -> Principal {
    fs::write(
        stack.enclave.state().join("clock-ahead"),
        seconds.to_string(),
    )
    .unwrap();
    let ahead = principal.clone().with_enclave_ahead(seconds);
    let started = Instant::now();
    while ahead.list_keys(None, None).await.is_err() {
        assert!(started.elapsed() < Duration::from_secs(20));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    ahead
}

fn seats() -> Vec<(String, Seat)> {
    vec![
        ("alice".to_owned(), Seat::Stays),
        ("server".to_owned(), Seat::Enclave),
    ]
}

fn many() -> Vec<&'static str> {
    let mut names = vec!["server"];
    names.extend([
        "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p", "q", "r",
        "s", "t", "u", "v", "w", "x", "y", "z", "aa", "bb", "cc", "dd", "ee",
    ]);
    names
}

fn is_of_the_enclave(message: &Message) -> bool {
    message.participant().starts_with("server")
}

/// Two participants outside, message by message.
struct Sides {
    board: Board,
    keys: Vec<(String, ParticipantKey)>,
    members: Vec<Member>,
    shares: Vec<Share>,
}

impl Sides {
    async fn begin(principal: &Principal, names: &[&str]) -> Self {
        let all = participants(names);
        let named = all.iter().map(|(name, key)| CeremonyParticipant {
            name: name.clone(),
            public_key: key.as_ref().map(ParticipantKey::public_key),
        });
        let body = json!({"threshold": 2, "participants": named.collect::<Vec<_>>()});
        let begun: Ceremony = post(principal, "/v1/ceremonies", &body).await.unwrap();
        let keys = all.into_iter().filter_map(|(name, key)| Some((name, key?)));
        Self {
            board: Board::new(begun.parameters).unwrap(),
            keys: keys.collect(),
            members: Vec::new(),
            shares: Vec::new(),
        }
    }

    /// The commitments of both.
    fn join(&mut self) -> [Message; 2] {
        for (name, key) in &self.keys {
            let member = Member::join(&mut self.board, name, Some(key), None, &mut OsRng);
            self.members.push(member.unwrap());
        }
        self.board.messages().try_into().unwrap()
    }

    fn share(&mut self) -> Vec<Message> {
        for (member, (_, key)) in self.members.iter_mut().zip(&self.keys) {
            member
                .share(&mut self.board, Some(key), &mut OsRng)
                .unwrap();
        }
        let messages = self.board.messages().into_iter();
        messages
            .filter(|one| matches!(one, Message::Shares(_)) && !is_of_the_enclave(one))
            .collect()
    }

    /// The confirmations of both.
    fn conclude(&mut self) -> [Message; 2] {
        for (member, (_, key)) in self.members.iter().zip(&self.keys) {
            let share = member.conclude(&mut self.board, Some(key), &mut OsRng);
            self.shares.push(share.unwrap());
        }
        let messages = self.board.messages().into_iter();
        let confirmations = messages.filter(|one| matches!(one, Message::Confirmation(_)));
        confirmations.collect::<Vec<_>>().try_into().unwrap()
    }

    async fn send(&self, principal: &Principal, messages: Vec<Message>) -> Ceremony {
        let id = self.board.parameters().id;
        principal.advance_ceremony(&id, messages).await.unwrap()
    }

    fn take(&mut self, ceremony: Ceremony) {
        for message in ceremony.messages {
            if is_of_the_enclave(&message) {
                self.board.add_of_the_enclave(message).unwrap();
            }
        }
    }
}
