//! What the enclave holds to in a ceremony, whatever requests come.

use std::fs;
use std::time::{Duration, Instant};

use permafrost_client::{Error, IdempotencyKey, Principal, Seat};
use permafrost_common::api::split::{Ceremony, StartReshare};
use permafrost_common::http_signature::Algorithm;
use permafrost_frost::{
    Board, CeremonyParticipant, Hex, Member, Message, ParticipantKey, Share, State,
};
use permafrost_tests::{
    HonestStack, LyingParent, Measured, StoreRequest, StoreResponse, binaries, message, refusal,
};
use rand_core::OsRng;
use serde_json::{Value, json};

use crate::steps::{copies, participants, post, post_once, signs, split_key};

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
async fn a_ceremony_that_cannot_become_a_split_key_does_not_begin() {
    let stack = HonestStack::start(Measured::new("test"));
    let alice = stack.principal("alice").await;
    let refused = async |path: &str, body: &Value| {
        let begun: Result<Ceremony, Error> = post(&alice, path, body).await;
        let problem = begun.unwrap_err().problem().unwrap().clone();
        (problem.errors[0].field.clone(), problem.detail)
    };
    let wrong = [
        (2, ["alice", "drawer", "phone"]),
        (2, ["alice", "server", "server-2"]),
        (3, ["server-1", "server-2", "server-3"]),
    ];
    let (id, _) = split_key(&alice, 2, &["alice", "drawer", "server"]).await;
    let reshare = format!("/v1/keys/{id}/reshare");
    let add = |mut body: Value, dealers: &[&str]| {
        body["dealers"] = json!(dealers);
        body
    };
    for (threshold, names) in wrong {
        let body = generation(threshold, &names);
        let (field, detail) = refused("/v1/ceremonies", &body).await;
        assert_eq!(field, "/participants", "{detail}");
        assert!(detail.contains("without a public key"), "{detail}");
        let (field, detail) = refused(&reshare, &add(body, &["alice", "server"])).await;
        assert_eq!(field, "/participants", "{detail}");
        assert!(detail.contains("without a public key"), "{detail}");
    }
    let good = generation(2, &["phone", "server"]);
    let (field, detail) = refused(&reshare, &add(good.clone(), &["alice"])).await;
    assert_eq!(field, "/dealers");
    assert!(detail.contains("2 to 3 names"), "{detail}");
    for twice in [["alice", "alice"], ["alice", "stranger"]] {
        let (field, detail) = refused(&reshare, &add(good.clone(), &twice)).await;
        assert_eq!(field, "/dealers/1");
        assert!(detail.contains("each once"), "{detail}");
    }
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

#[tokio::test]
async fn the_same_request_finds_its_ceremony_again_and_a_different_one_does_not() {
    let stack = HonestStack::start(Measured::new("test"));
    let alice = stack.principal("alice").await;
    let once = IdempotencyKey::random().unwrap();
    let names = ["alice", "server", "server-2"];
    let others = || participants(&names);
    let begun = alice.generate_split_key(3, others(), &once).await.unwrap();
    // While it is under way, and after it has made the key.
    for refused_as in ["key-conflict", "idempotency-key-reused"] {
        let other_keys = alice.generate_split_key(3, others(), &once).await;
        assert_eq!(refusal(other_keys), refused_as);
        let same_keys = begun.shares()[0].public_key();
        let mut body = generation(3, &["server-3", "alice", "server"]);
        body["participants"][1]["public_key"] = json!(same_keys);
        let renamed: Result<Ceremony, Error> =
            post_once(&alice, "/v1/ceremonies", &once, &body).await;
        assert_eq!(refusal(renamed), refused_as);
        let mut same = generation(3, &names);
        same["participants"][0]["public_key"] = json!(same_keys);
        let found: Ceremony = post_once(&alice, "/v1/ceremonies", &once, &same)
            .await
            .unwrap();
        assert_eq!(found.parameters.id, begun.outcome().parameters.id);
        let fewer = json!({"threshold": 2, "participants": [
            same["participants"][0], same["participants"][1],
        ]});
        let fewer: Result<Ceremony, Error> =
            post_once(&alice, "/v1/ceremonies", &once, &fewer).await;
        assert_eq!(refusal(fewer), refused_as);
        if refused_as == "key-conflict" {
            begun.confirm().await.unwrap();
        }
    }
}

#[tokio::test]
async fn the_same_reshare_finds_its_ceremony_again_and_a_different_one_does_not() {
    let stack = HonestStack::start(Measured::new("test"));
    let alice = stack.principal("alice").await;
    let (id, shares) = split_key(&alice, 2, &["alice", "drawer", "phone", "server"]).await;
    let path = format!("/v1/keys/{id}/reshare");
    let key = shares[0].public_key();
    let comes = |name: &str| CeremonyParticipant {
        name: name.to_owned(),
        public_key: Some(ParticipantKey::random(&mut OsRng).public_key()),
    };
    let server = CeremonyParticipant {
        name: "server".to_owned(),
        public_key: None,
    };
    let stays = CeremonyParticipant {
        name: "alice".to_owned(),
        public_key: Some(key),
    };
    let wanted = StartReshare {
        threshold: 2,
        participants: vec![stays, comes("tablet"), server.clone()],
        dealers: vec!["alice".to_owned(), "server".to_owned()],
    };
    let first: Ceremony = post(&alice, &path, &wanted).await.unwrap();
    let again: Ceremony = post(&alice, &path, &wanted).await.unwrap();
    assert_eq!(first.parameters, again.parameters);
    let changes: [&dyn Fn(&mut StartReshare); 5] = [
        &|it| it.threshold = 3,
        &|it| it.participants[1].name = "laptop".to_owned(),
        &|it| it.participants[1] = comes("tablet"),
        &|it| it.participants.push(comes("laptop")),
        &|it| it.dealers.push("phone".to_owned()),
    ];
    for change in changes {
        let mut other = wanted.clone();
        change(&mut other);
        let begun: Result<Ceremony, Error> = post(&alice, &path, &other).await;
        assert_eq!(refusal(begun), "key-conflict", "{other:?}");
    }
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
async fn each_request_of_a_split_key_needs_its_own_operation_and_the_payload_its_policy() {
    let all = ["create_key", "rotate_key", "take_part", "show_key", "sign"];
    let mut measured = Measured::new("test");
    for missing in all {
        let others: Vec<_> = all.into_iter().filter(|one| *one != missing).collect();
        let policy = format!(
            "operations = {others:?}\nkeys = \"all\"\npayloads = [\"nostr_event\"]\n\
             requests_per_minute = 60000000\n"
        );
        let algorithm = Algorithm::Ed25519;
        measured.principal(&format!("without-{missing}"), algorithm, &policy);
    }
    let stack = HonestStack::start(measured);
    let alice = stack.principal("alice").await;
    let (id, shares) = split_key(&alice, 2, &["alice", "server"]).await;
    let body = generation(2, &["alice", "server"]);
    let mut reshare = body.clone();
    reshare["dealers"] = json!(["alice", "server"]);
    let nonces = permafrost_frost::sign::commit(vec![shares[0].share().clone()], &mut OsRng);
    let cosign = json!({
        "payload": message(),
        "commitments": nonces.unwrap().commitments(),
    });
    let ceremony = Hex([7_u8; 32]);
    let requests = [
        ("create_key", "/v1/ceremonies".to_owned(), &body),
        ("rotate_key", format!("/v1/keys/{id}/refresh"), &Value::Null),
        ("rotate_key", format!("/v1/keys/{id}/reshare"), &reshare),
        (
            "take_part",
            format!("/v1/ceremonies/{ceremony}"),
            &json!({"messages": []}),
        ),
        (
            "take_part",
            format!("/v1/ceremonies/{ceremony}/abort"),
            &Value::Null,
        ),
        ("sign", format!("/v1/keys/{id}/cosign"), &cosign),
    ];
    for (missing, path, body) in requests {
        let service = stack.principal(&format!("without-{missing}")).await;
        let refused: Result<Value, Error> = post(&service, &path, body).await;
        let problem = refused.unwrap_err().problem().unwrap().clone();
        assert_eq!(problem.status, 403, "{path}: {problem}");
        assert!(problem.detail.contains(missing), "{path}: {problem}");
    }
    // One that may sign with the key, but not messages.
    let service = stack.principal("without-take_part").await;
    let refused = service.sign_split(&shares, &message()).await.unwrap_err();
    let problem = refused.problem().unwrap().clone();
    assert_eq!(problem.status, 403);
    assert!(
        problem.detail.contains("payloads of kind message"),
        "{problem}"
    );
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

/// The body of a request for a key.
fn generation(threshold: u16, names: &[&str]) -> Value {
    let named = participants(names).into_iter().map(|(name, key)| {
        let public_key = key.map(|key| key.public_key());
        CeremonyParticipant { name, public_key }
    });
    json!({"threshold": threshold, "participants": named.collect::<Vec<_>>()})
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
