//! Every kind of request to a deployment, valid and invalid, with everything that is said about it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::time::Duration;

use http::{HeaderMap, HeaderValue, Method};
use permafrost_client::{
    Client, Enclave, Error, Expectation, IdempotencyKey, Principal, SigningKey,
};
use permafrost_common::api::{CreateKey, Key, ReplaceKey, SignRequest, UnsignedEvent};
use permafrost_common::problem::{Problem, ProblemType};
use permafrost_enclave::store::{Fetched, StoreClient};
use permafrost_tests::{HonestStack, message};

use crate::wire::Wire;

/// Names that are not in anything else.
pub(crate) const PARTICIPANTS: [&str; 3] = [
    "first-shareholder",
    "second-shareholder",
    "third-shareholder",
];

/// The refusals that the job must have met at least once.
const REFUSALS: [&str; 17] = [
    "attestation-refused",
    "body-too-large",
    "enclave-unreachable",
    "idempotency-key-missing",
    "idempotency-key-reused",
    "interrupted",
    "invalid-argument",
    "invalid-request",
    "key-replaced",
    "key-disabled",
    "key-not-found",
    "method-not-allowed",
    "not-found",
    "signature-invalid",
    "unknown-principal",
    "unreachable",
    "unsupported-media-type",
];

/// What was done, and everything that was said about it.
pub(crate) struct Job {
    store: StoreClient,
    /// Every version of every sealed record, by the key's id.
    pub(crate) records: BTreeMap<(String, u64), Vec<u8>>,
    /// For each principal in turn a key, as it was when it was replaced, and the key that replaced it.
    pub(crate) keys: Vec<Key>,
    /// Everything that the client library gave, as it prints it.
    pub(crate) printed: String,
    idempotency_keys: Vec<IdempotencyKey>,
    met: BTreeSet<&'static str>,
}

impl Job {
    pub(crate) fn new(stack: &HonestStack) -> Self {
        let address = format!("unix:{}/store.sock", stack.folder().display());
        Self {
            store: StoreClient::new(address.parse().unwrap(), Duration::from_secs(10)),
            records: BTreeMap::new(),
            keys: Vec::new(),
            printed: String::new(),
            idempotency_keys: Vec::new(),
            met: BTreeSet::new(),
        }
    }

    pub(crate) fn print(&mut self, value: &impl Debug) {
        self.printed += &format!("{value:?} {value:#?}\n");
    }

    pub(crate) fn check_that_all_refusals_were_met(&self) {
        let missing: Vec<_> = REFUSALS
            .iter()
            .filter(|slug| !self.met.contains(*slug))
            .collect();
        assert!(
            missing.is_empty(),
            "{missing:?} were not met: {:?}",
            self.met
        );
    }

    fn refused<T: Debug>(&mut self, result: Result<T, Error>) {
        let error = result.unwrap_err();
        self.met.insert(slug(&error));
        self.printed += &format!("{error}\n");
        self.print(&error);
    }

    /// Keeps the sealed record as it is now: the store forgets it with the next change.
    async fn keep(&mut self, id: &str) {
        let Fetched::Record { version, bytes } = self.store.get("key", id, None).await.unwrap()
        else {
            panic!("{id} has no record");
        };
        self.records
            .insert((id.to_owned(), version), bytes.to_vec());
    }

    pub(crate) fn check_that_no_version_is_missing(&self) {
        let mut versions: BTreeMap<_, Vec<u64>> = BTreeMap::new();
        for (id, version) in self.records.keys() {
            versions.entry(id).or_default().push(*version);
        }
        // Made, rotated and replaced; made and disabled.
        for (index, key) in self.keys.iter().enumerate() {
            let expected = if index % 2 == 0 {
                &[1, 2, 3][..]
            } else {
                &[1, 2]
            };
            assert_eq!(versions[&key.id], expected);
        }
        assert_eq!(versions.len(), self.keys.len());
    }

    /// A key is made, signs everything, is rotated, replaced and disabled.
    pub(crate) async fn whole_life(&mut self, principal: &Principal) {
        let idempotency_key = random();
        let key = principal
            .create_key(&wanted(), &idempotency_key)
            .await
            .unwrap();
        self.idempotency_keys.push(idempotency_key);
        self.keep(&key.id).await;
        self.sign_everything(principal, &key).await;
        let rotated = principal.rotate(&key.id).await.unwrap();
        self.keep(&key.id).await;
        self.sign_everything(principal, &rotated).await;
        let how = ReplaceKey { disable_old: true };
        let replaced = principal.replace(&key.id, &how, &random()).await;
        let new = replaced.unwrap().key;
        self.keep(&key.id).await;
        self.keep(&new.id).await;
        self.sign_everything(principal, &new).await;
        principal.disable(&new.id).await.unwrap();
        self.keep(&new.id).await;
        self.print(&principal.key(&key.id).await.unwrap());
        self.print(&principal.list_keys(None, None).await.unwrap());
        self.keys.extend([rotated, new]);
    }

    async fn sign_everything(&mut self, principal: &Principal, key: &Key) {
        let event = UnsignedEvent {
            pubkey: Some(key.group_public_key.clone()),
            id: None,
            created_at: 1_700_000_000,
            kind: 1,
            tags: Vec::new(),
            content: "signed by shares".to_owned(),
        };
        let digest = "5a".repeat(32);
        for what in [
            message(),
            SignRequest::Digest {
                digest: digest.clone(),
            },
            SignRequest::NostrEvent { event },
            SignRequest::TaprootSpend {
                sighash: digest.clone(),
                merkle_root: None,
            },
            SignRequest::TaprootSpend {
                sighash: digest.clone(),
                merkle_root: Some(digest),
            },
        ] {
            let signed = principal.sign(&key.id, &what).await.unwrap();
            self.print(&signed);
        }
    }

    /// The requests that are refused, of principals and of strangers.
    pub(crate) async fn refusals(
        &mut self,
        enclave: &Enclave,
        alice: &SigningKey,
        bob: &SigningKey,
    ) {
        let principal = |name, key: &SigningKey| enclave.as_principal(name, key.clone()).unwrap();
        let (strange, wrong) = (principal("mallory", bob), principal("alice", bob));
        let (alice, bob) = (principal("alice", alice), principal("bob", bob));
        let id = self.keys[0].id.clone();
        self.refused(strange.sign(&id, &message()).await);
        self.refused(wrong.sign(&id, &message()).await);
        self.refused(bob.sign(&id, &message()).await);
        self.refused(alice.sign(&id, &message()).await);
        self.refused(alice.rotate(&id).await);
        self.refused(alice.key("../keys").await);
        self.refused(alice.key(&"0".repeat(44)).await);
        let how = ReplaceKey { disable_old: false };
        self.refused(alice.replace(&id, &how, &random()).await);
        let (used, mut other) = (self.idempotency_keys[0].clone(), wanted());
        other.threshold = 3;
        self.refused(alice.create_key(&other, &used).await);
        other.threshold = 4;
        self.refused(alice.create_key(&other, &random()).await);
        for message in ["not hex", &"00".repeat(70_000)] {
            let what = SignRequest::Message {
                message: message.to_owned(),
            };
            self.refused(alice.sign(&id, &what).await);
        }
        self.odd_requests(&alice).await;

        let client = Client::new(enclave.endpoint().clone());
        self.refused(client.verify(&Expectation::any_measurements()).await);
        let nowhere = Client::new("http://127.0.0.1:1".parse().unwrap());
        self.refused(nowhere.attestation(None).await);
    }

    /// Signed requests that no client library would make.
    async fn odd_requests(&mut self, principal: &Principal) {
        let json = HeaderMap::from_iter([(
            http::header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        )]);
        let mut creating = json.clone();
        creating.insert("idempotency-key", HeaderValue::from_static("odd"));
        let (post, get) = (Method::POST, Method::GET);
        let long = "x".repeat(2 * 1024 * 1024);
        for (method, target, body, headers) in [
            (&post, "/v1/keys", "{", &creating),
            (
                &post,
                "/v1/keys",
                "{\"threshold\":2,\"secret\":1}",
                &creating,
            ),
            (&post, "/v1/keys", "{\"threshold\":-2}", &creating),
            (&post, "/v1/keys", "{}", &json),
            (&post, "/v1/keys", "{}", &HeaderMap::new()),
            (&post, "/v1/keys", &long, &creating),
            (&get, "/v1/keys?secret=1", "", &HeaderMap::new()),
            (&get, "/v1/keys?limit=0", "", &HeaderMap::new()),
            (&get, "/v1/keys", "a body", &HeaderMap::new()),
            (&get, "/v1/shares", "", &HeaderMap::new()),
            (&Method::DELETE, "/v1/keys", "", &HeaderMap::new()),
        ] {
            let response = principal
                .request(method.clone(), target, body.to_owned(), headers.clone())
                .await;
            match response {
                Ok(response) => {
                    let problem = response.problem().expect("a refusal");
                    self.met.insert(problem.kind().unwrap().slug());
                    self.print(&response);
                }
                refused => self.refused(refused),
            }
        }
    }

    /// Bytes that are not a request, or not a principal's.
    pub(crate) async fn malformed(&mut self, wire: &Wire) {
        let large = format!(
            "GET / HTTP/1.1\r\nhost: h\r\nlarge: {}\r\n\r\n",
            "x".repeat(80_000)
        );
        let chunked = "POST /v1/keys HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\nnot a length\r\n";
        for bytes in [
            "\0\x01\x02\r\n\r\n",
            "SECRETS PLEASE\r\n\r\n",
            &large,
            chunked,
        ] {
            wire.send(bytes.as_bytes()).await;
        }
        let paths = [
            "/",
            "/v1/keys",
            "/v1/health",
            "/v1/attestation?nonce=zz",
            "/openapi.json",
            "/metrics",
            "/healthz",
            "/readyz",
            "/v1/keys/development-root-secret",
            "/../store.sqlite",
        ];
        for path in paths {
            for method in ["GET", "POST"] {
                let request = format!(
                    "{method} {path} HTTP/1.1\r\nhost: h\r\nconnection: close\r\ncontent-length: 0\r\n\
                     signature: permafrost=:AAAA:\r\nsignature-input: permafrost=()\r\n\r\n"
                );
                wire.send(request.as_bytes()).await;
            }
        }
    }

    /// What is said while the enclave or the parent is down; both run again afterwards.
    pub(crate) async fn outages(&mut self, stack: &mut HonestStack, principal: &Principal) {
        let id = self.keys[0].id.clone();
        stack.enclave.kill();
        self.refused(principal.sign(&id, &message()).await);
        stack.enclave.restart();
        self.print(&principal.key(&id).await.unwrap());
        stack.kill_parent();
        self.refused(principal.rotate(&id).await);
        stack.restart_parent();
        self.print(&principal.key(&id).await.unwrap());
    }
}

/// The slug of the problem, whether of the enclave or of the parent; otherwise that of the error.
pub(crate) fn slug(error: &Error) -> &'static str {
    let problem = match error {
        Error::Unauthenticated(problem) => Some(problem.as_ref()),
        _ => error.problem(),
    };
    let kind = problem.and_then(Problem::kind);
    kind.map_or(error.slug(), ProblemType::slug)
}

fn wanted() -> CreateKey {
    CreateKey {
        threshold: 2,
        participants: PARTICIPANTS.map(String::from).to_vec(),
        label: None,
    }
}

fn random() -> IdempotencyKey {
    IdempotencyKey::random().unwrap()
}
