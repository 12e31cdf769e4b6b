//! A sealed secret is of use at one boot, for one request of one principal.

use bytes::Bytes;
use permafrost_client::{Client, Error, Expectation, Principal};
use permafrost_common::api::ImportKey;
use permafrost_common::import::ImportContext;
use permafrost_common::oblivious::GatewayKey;
use permafrost_tests::{
    LyingParent, Measured, WholeRequest, binaries, is_signed_by, message, problem_of, refusal,
};

use crate::steps::{
    PATH, another_boot, body, check_stored, import, key_of, order, participants, public_key,
    random, sealed_for, secret, send,
};

/// The request of an import as the parent has carried it.
fn carried(parent: &LyingParent) -> WholeRequest {
    let mut seen = parent.proxy.take_seen().into_iter();
    let import = seen.find(|(request, _)| request.uri().path() == PATH);
    import.unwrap().0
}

#[tokio::test]
async fn an_imported_key_signs_and_says_that_it_was_imported() {
    let parent = LyingParent::start().await;
    let alice = parent.principal("alice").await;
    let secret = secret();
    let key = import(&alice, &secret, &random()).await.unwrap();
    assert!(key.imported);
    assert_eq!(key.owner, "alice");
    assert_eq!(key.group_public_key, public_key(&secret).to_string());
    let rotated = alice.rotate(&key.id).await.unwrap();
    assert!(rotated.imported && rotated.generation == 2);
    let signed = alice.sign(&key.id, &message()).await.unwrap();
    assert!(is_signed_by(&signed, &key.group_public_key));
    let listed = alice.list_keys(None, None).await.unwrap().keys;
    assert_eq!(listed, [rotated]);
    let log = parent.enclave.log();
    let line = log.lines().find(|line| line.contains("imported a key"));
    assert!(line.unwrap().contains(&key.id), "{log}");
}

#[tokio::test]
async fn an_import_replayed_by_the_parent_is_refused() {
    let mut parent = LyingParent::start().await;
    let alice = parent.principal("alice").await;
    let secret = secret();
    let key = import(&alice, &secret, &random()).await.unwrap();
    let request = carried(&parent);
    let neighbour = parent.neighbour(Measured::new("other")).await;
    let replayed = parent.proxy.send(request.clone()).await;
    assert_eq!(problem_of(&replayed), "request-replayed");
    let elsewhere = neighbour.proxy.send(request.clone()).await;
    assert_eq!(problem_of(&elsewhere), "wrong-enclave");
    parent.enclave.restart();
    let restarted = parent.proxy.send(request).await;
    assert_eq!(problem_of(&restarted), "wrong-enclave");
    check_stored(&parent, 1, 1);
    check_stored(&neighbour, 0, 0);
    let alice = parent.principal("alice").await;
    assert_eq!(alice.key(&key.id).await.unwrap(), key);
}

/// A sealed secret under a signature of whoever wants it: a principal that helps the parent, or the same one again.
#[tokio::test]
async fn a_sealed_secret_opens_at_no_other_boot_and_in_no_other_deployment() {
    let mut parent = LyingParent::start().await;
    let alice = parent.principal("alice").await;
    let secret = secret();
    let sealed = body(
        &alice,
        &secret.to_secret_bytes(),
        public_key(&secret),
        "once",
    )
    .await;

    let neighbour = parent.neighbour(Measured::new("other")).await;
    let namesake = neighbour.principal("alice").await;
    assert_eq!(send(&namesake, &sealed, "once").await, "import-not-opened");
    let second = parent.second_enclave("second", &binaries::enclave(), &parent.configuration());
    second.wait_until_ready();
    let elsewhere = parent.principal_at(&second, "alice").await;
    assert_eq!(send(&elsewhere, &sealed, "once").await, "import-not-opened");
    parent.enclave.restart();
    let alice = parent.principal("alice").await;
    assert_eq!(send(&alice, &sealed, "once").await, "import-not-opened");
    check_stored(&parent, 0, 0);
    check_stored(&neighbour, 0, 0);
}

#[tokio::test]
async fn a_sealed_secret_opens_for_no_other_principal_and_no_other_request() {
    let parent = LyingParent::start().await;
    let (alice, bob) = (
        parent.principal("alice").await,
        parent.principal("bob").await,
    );
    let secret = secret();
    let own = body(
        &alice,
        &secret.to_secret_bytes(),
        public_key(&secret),
        "once",
    )
    .await;
    assert_eq!(send(&bob, &own, "once").await, "import-not-opened");
    assert_eq!(send(&alice, &own, "again").await, "import-not-opened");
    let mut names = own.participants.clone();
    names.swap(0, 1);
    for changed in [
        ImportKey {
            threshold: 3,
            ..own.clone()
        },
        ImportKey {
            participants: names,
            ..own.clone()
        },
        ImportKey {
            participants: own.participants[..2].to_vec(),
            ..own.clone()
        },
        ImportKey {
            public_key: public_key(&self::secret()),
            ..own.clone()
        },
    ] {
        let refused = send(&alice, &changed, "once").await;
        assert_eq!(refused, "import-not-opened", "{changed:?}");
    }
    check_stored(&parent, 0, 0);
    assert_eq!(send(&alice, &own, "once").await, "imported");
    check_stored(&parent, 1, 1);
}

/// The same key, and another word for it in the context: what would open if the context were not all in it.
#[tokio::test]
async fn a_secret_sealed_to_this_key_for_another_deployment_or_boot_is_not_opened() {
    let parent = LyingParent::start().await;
    let alice = parent.principal("alice").await;
    let (secret, key) = (secret(), key_of(&alice).await);
    let (public_key, participants) = (public_key(&secret), participants());
    let boot = alice.enclave().boot();
    let (boot, other_boot) = (boot.attestation(), another_boot());
    let right = ImportContext {
        deployment: "test",
        boot,
        principal: "alice",
        idempotency_key: "once",
        public_key: &public_key,
        threshold: 2,
        participants: &participants,
    };
    for (context, expected) in [
        (
            ImportContext {
                deployment: "other",
                ..right
            },
            "import-not-opened",
        ),
        (
            ImportContext {
                boot: &other_boot,
                ..right
            },
            "import-not-opened",
        ),
        (right, "imported"),
    ] {
        let request = ImportKey {
            threshold: 2,
            participants: participants.clone(),
            public_key,
            sealed: sealed_for(context, &key, &secret),
        };
        assert_eq!(send(&alice, &request, "once").await, expected);
    }
}

#[tokio::test]
async fn zero_the_group_order_and_the_secret_of_another_key_are_refused_by_name() {
    let parent = LyingParent::start().await;
    let alice = parent.principal("alice").await;
    let (secret, other) = (secret(), secret());
    for (bytes, named, expected) in [
        ([0; 32], &secret, "import-secret-invalid"),
        (order(), &secret, "import-secret-invalid"),
        ([0xff; 32], &secret, "import-secret-invalid"),
        (
            secret.to_secret_bytes(),
            &other,
            "import-public-key-mismatch",
        ),
    ] {
        let request = body(&alice, &bytes, public_key(named), "once").await;
        assert_eq!(send(&alice, &request, "once").await, expected);
    }
    check_stored(&parent, 0, 0);
}

/// The parent gives the client a key of its own, or another enclave's, in the place of the enclave's.
#[tokio::test]
async fn a_secret_is_sealed_to_no_key_that_the_document_does_not_bind() {
    let parent = LyingParent::start().await;
    let alice = parent.principal("alice").await;
    let neighbour = parent.neighbour(Measured::new("other")).await;
    neighbour.principal("alice").await.key("0").await.ok();
    key_of(&neighbour.principal("alice").await).await;
    let (_, theirs) = neighbour.proxy.take_seen().pop().unwrap();
    let own = GatewayKey::generate().unwrap().key_configurations();
    for list in [Bytes::from(own), theirs.into_body()] {
        parent.proxy.take_seen();
        parent.proxy.change_responses(move |request, response| {
            match request.uri().path() == "/v1/oblivious-keys" {
                true => response.map(|_| list.clone()),
                false => response,
            }
        });
        let refused = import(&alice, &secret(), &random()).await;
        assert_eq!(refusal(refused), "attestation-refused");
        let seen = parent.proxy.take_seen();
        assert!(seen.iter().all(|(request, _)| request.uri().path() != PATH));
    }
    parent.proxy.be_honest();
    assert!(import(&alice, &secret(), &random()).await.is_ok());
}

/// A client that trusts another root, as one does whom the parent leads to an enclave of its own.
#[tokio::test]
async fn nothing_is_sealed_to_an_enclave_whose_document_is_foreign() {
    let parent = LyingParent::start().await;
    let elsewhere = LyingParent::start().await;
    parent.proxy.take_seen();
    let client = Client::new(parent.proxy.endpoint().parse().unwrap());
    let strangers: [Expectation; 2] = [
        elsewhere.expectation(),
        parent.expectation().deployment("another"),
    ];
    for expectation in strangers {
        let refused = client.verify(&expectation).await;
        assert!(matches!(refused, Err(Error::AttestationRefused(_))));
    }
    let seen = parent.proxy.take_seen();
    assert!(
        seen.iter()
            .all(|(request, _)| request.uri().path() == "/v1/attestation")
    );
}

/// The client's own answer to a boot that it did not know: it seals again, to the new one.
#[tokio::test]
async fn a_client_whose_enclave_restarts_seals_again_to_the_new_boot() {
    let mut parent = LyingParent::start().await;
    let alice: Principal = parent.principal("alice").await;
    parent.enclave.restart();
    let secret = secret();
    let key = import(&alice, &secret, &random()).await.unwrap();
    assert_eq!(key.group_public_key, public_key(&secret).to_string());
}
