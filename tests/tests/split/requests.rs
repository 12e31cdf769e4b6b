//! Which requests about split keys are refused before anything begins, and which are the same request again.

use permafrost_client::{Error, IdempotencyKey};
use permafrost_common::api::split::{Ceremony, StartReshare};
use permafrost_common::http_signature::Algorithm;
use permafrost_frost::{CeremonyParticipant, Hex, ParticipantKey};
use permafrost_tests::{HonestStack, Measured, message, refusal};
use rand_core::OsRng;
use serde_json::{Value, json};

use crate::steps::{generation, participants, post, post_once, split_key};

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
async fn the_same_request_finds_its_ceremony_again_and_a_different_one_does_not() {
    let stack = HonestStack::start(Measured::new("test"));
    let alice = stack.principal("alice").await;
    let once = IdempotencyKey::random().unwrap();
    let names = ["alice", "drawer", "server"];
    let others = || participants(&names);
    let begun = alice.generate_split_key(2, others(), &once).await.unwrap();
    let mut same = generation(2, &names);
    for (index, share) in begun.shares().iter().enumerate() {
        same["participants"][index]["public_key"] = json!(share.public_key());
    }
    let changed = |change: fn(&mut Value)| {
        let mut other = same.clone();
        change(&mut other);
        other
    };
    let changes = [
        changed(|it| it["threshold"] = json!(3)),
        changed(|it| it["participants"][0]["name"] = json!("phone")),
        changed(|it| it["participants"].as_array_mut().unwrap().swap(0, 1)),
        changed(|it| drop(it["participants"].as_array_mut().unwrap().remove(0))),
    ];
    // While it is under way, and after it has made the key.
    for refused_as in ["key-conflict", "idempotency-key-reused"] {
        let other_keys = alice.generate_split_key(2, others(), &once).await;
        assert_eq!(refusal(other_keys), refused_as);
        for other in &changes {
            let begun: Result<Ceremony, Error> =
                post_once(&alice, "/v1/ceremonies", &once, other).await;
            assert_eq!(refusal(begun), refused_as, "{other}");
        }
        let found: Ceremony = post_once(&alice, "/v1/ceremonies", &once, &same)
            .await
            .unwrap();
        assert_eq!(found.parameters.id, begun.outcome().parameters.id);
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
