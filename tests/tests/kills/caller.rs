//! Makes, shows, uses, labels, rotates and disables keys through both enclaves, and records what it is told.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method};
use permafrost_client::{Error, IdempotencyKey, Principal};
use permafrost_common::api::Key;
use permafrost_common::problem::{Problem, ProblemType};
use permafrost_tests::{Random, is_signed_by, message, two_of_three};

use crate::keys::{Call, Keys, Known, Seen, Told};
use crate::pair::PAIRS;

/// The only errors that a caller may get while everything dies, beside `key-disabled`. In particular no record is ever reported as
/// invalid, rolled back or lost. These say that nothing was done,
const NOTHING_DONE: [&str; 4] = ["key-conflict", "not-ready", "unreachable", "wrong-enclave"];

/// and after these nobody knows; but the parent says it where it had no connection to the enclave.
const UNKNOWN: [&str; 5] = [
    "enclave-unreachable",
    "interrupted",
    "response-not-authentic",
    "store-unavailable",
    "timed-out",
];

pub(crate) struct Caller {
    enclaves: [Principal; PAIRS],
    keys: Arc<Keys>,
    random: Random,
    refusals: Refusals,
}

/// How often each error occurred.
#[derive(Default)]
pub(crate) struct Refusals(BTreeMap<String, u32>);

impl Caller {
    pub(crate) fn new(enclaves: [Principal; PAIRS], keys: Arc<Keys>, random: Random) -> Self {
        Self {
            enclaves,
            keys,
            random,
            refusals: Refusals::default(),
        }
    }

    /// Continues until told to stop.
    pub(crate) async fn run(mut self, going_on: Arc<AtomicBool>) -> Refusals {
        while going_on.load(Ordering::Relaxed) {
            match self.keys.one(&mut self.random) {
                Some(known) => {
                    let call = self.call();
                    self.ask(&known, call).await;
                }
                None => self.make_a_key().await,
            }
        }
        self.refusals
    }

    fn call(&mut self) -> Call {
        match self.random.below(100) {
            0..25 => Call::Show,
            25..45 => Call::Sign,
            45..75 => Call::Label(format!("l{:x}", self.random.below(1 << 60))),
            75..97 => Call::Rotate,
            _ => Call::Disable,
        }
    }

    /// Until it is acknowledged, by whichever enclave.
    async fn make_a_key(&mut self) {
        let idempotency_key = IdempotencyKey::random().unwrap();
        loop {
            let enclave = self.random.one_of(&self.enclaves);
            match enclave.create_key(&two_of_three(), &idempotency_key).await {
                Ok(key) => return self.keys.add(key),
                Err(error) => {
                    self.refused(&error).await;
                }
            }
        }
    }

    async fn ask(&mut self, known: &Known, call: Call) {
        let enclave = self.random.one_of(&self.enclaves).clone();
        let requested = known.history.request();
        match carried_out(&enclave, known, &call).await {
            Ok(told) => known.told(requested, call, told),
            Err(error) => match self.refused(&error).await {
                Refused::Disabled => known.told(requested, call, Told::IsDisabled),
                Refused::Unknown if call.changes() => known.history.unknown(requested, call),
                Refused::Unknown | Refused::NothingDone => {}
            },
        }
    }

    async fn refused(&mut self, error: &Error) -> Refused {
        let problem = match error {
            Error::Unauthenticated(problem) => Some(problem.as_ref()),
            _ => error.problem(),
        };
        let said = problem
            .and_then(Problem::kind)
            .map_or(error.slug(), ProblemType::slug);
        *self.refusals.0.entry(said.to_owned()).or_default() += 1;
        if said == "key-disabled" {
            return Refused::Disabled;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        let unsent = error
            .to_string()
            .contains("no part of the request was sent");
        if NOTHING_DONE.contains(&said) || unsent {
            return Refused::NothingDone;
        }
        assert!(UNKNOWN.contains(&said), "{said}: {error}");
        Refused::Unknown
    }
}

/// What an error says of the request.
enum Refused {
    Disabled,
    NothingDone,
    Unknown,
}

async fn carried_out(enclave: &Principal, known: &Known, call: &Call) -> Result<Told, Error> {
    let id = &known.key.id;
    let key = match call {
        Call::Sign => {
            let signed = enclave.sign(id, &message()).await?;
            assert!(is_signed_by(&signed, &known.key.group_public_key));
            return Ok(Told::SignedBy {
                generation: signed.generation,
            });
        }
        Call::Show => enclave.key(id).await?,
        Call::Label(label) => {
            let body = format!("{{\"label\":\"{label}\"}}");
            changed_once(enclave, id, "label", Some(body)).await?
        }
        Call::Rotate => changed_once(enclave, id, "rotate", None).await?,
        Call::Disable => changed_once(enclave, id, "disable", None).await?,
    };
    Ok(Told::Key(Seen::from(&key)))
}

/// By one request. The client's own methods repeat some where a connection breaks: a label is then there twice, with another between, and an
/// error says what became of the second request, though the first may have been carried out.
async fn changed_once(
    enclave: &Principal,
    id: &str,
    how: &str,
    body: Option<String>,
) -> Result<Key, Error> {
    let json = HeaderValue::from_static("application/json");
    let headers = body.iter().map(|_| (CONTENT_TYPE, json.clone())).collect();
    let path = format!("/v1/keys/{id}/{how}");
    let response = enclave.request(Method::POST, &path, body.unwrap_or_default(), headers);
    response.await?.json()
}

impl Refusals {
    pub(crate) fn add(&mut self, others: Self) {
        for (said, times) in others.0 {
            *self.0.entry(said).or_default() += times;
        }
    }

    pub(crate) fn of(&self, said: &str) -> u32 {
        self.0.get(said).copied().unwrap_or_default()
    }
}

impl fmt::Display for Refusals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "refused: {:?}", self.0)
    }
}
