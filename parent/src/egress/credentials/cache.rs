//! One fetch for all who ask, and none while the credentials are fresh.

use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use permafrost_common::egress::{CREDENTIALS_TEXT_MAX, Credentials};
use tokio::sync::Mutex;
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::aws::Aws;
use super::config::{CredentialsConfig, CredentialsSource};
use crate::metrics;

/// How long the outcome of a fetch stands, whatever it was: all requests that waited for it share it, and frequent requests
/// cannot flood the source.
const REST: Duration = Duration::from_secs(1);

/// A source of credentials.
pub(super) trait Fetch: Send + Sync {
    /// Fetches the credentials; an error says why that failed, in one line without secrets.
    fn fetch(&self) -> Fetching<'_>;
}

pub(super) type Fetching<'a> = Pin<Box<dyn Future<Output = Result<Fetched, String>> + Send + 'a>>;

/// Credentials and their expiration.
pub(super) struct Fetched {
    pub(super) credentials: Credentials,
    pub(super) expires: Option<SystemTime>,
}

/// Credentials from a source, kept while they are fresh.
pub(crate) struct CredentialsCache {
    source: Source,
    timeout: Duration,
    refresh_before: Duration,
    state: Mutex<State>,
}

enum Source {
    None,
    Fixed(Credentials),
    Fetched(Box<dyn Fetch>),
}

#[derive(Default)]
struct State {
    held: Option<Fetched>,
    /// When the last fetch ended, and why it failed.
    last: Option<(Instant, Option<String>)>,
}

/// Why there are no credentials.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("no credentials: {0}")]
pub(crate) struct NoCredentials(String);

impl CredentialsCache {
    pub(crate) fn new(config: &CredentialsConfig) -> Self {
        let source = match &config.source {
            CredentialsSource::None => Source::None,
            CredentialsSource::Fixed(credentials) => Source::Fixed(credentials.clone()),
            CredentialsSource::Aws => Source::Fetched(Box::new(Aws {
                profile: config.profile.clone(),
            })),
        };
        Self {
            source,
            timeout: config.timeout,
            refresh_before: config.refresh_before,
            state: Mutex::default(),
        }
    }

    /// The credentials as JSON, at most [`CREDENTIALS_TEXT_MAX`] bytes.
    ///
    /// Fetches them if there are none, or if those at hand expire within the configured time. If the fetch fails, those at hand
    /// serve until they expire. Requests that arrive during a fetch share its outcome.
    pub(crate) async fn json(&self) -> Result<Bytes, NoCredentials> {
        let source = match &self.source {
            Source::None => {
                let why = "the parent has no source of credentials (credentials.source = \"none\")";
                return Err(NoCredentials(why.to_owned()));
            }
            Source::Fixed(credentials) => return json(credentials),
            Source::Fetched(source) => source,
        };
        let mut state = self.state.lock().await;
        if state.is_due(self.refresh_before) {
            let outcome = self.fetch(source.as_ref()).await;
            state.note(outcome);
        }
        state.current()
    }

    async fn fetch(&self, source: &dyn Fetch) -> Result<Fetched, String> {
        let outcome = match tokio::time::timeout(self.timeout, source.fetch()).await {
            Ok(outcome) => outcome.and_then(refuse_ended),
            Err(_) => Err(format!(
                "the source did not respond within {} ms",
                self.timeout.as_millis()
            )),
        };
        metrics::credentials_fetched(outcome.is_ok());
        match &outcome {
            Ok(fetched) => tracing::info!(
                target: "egress",
                access_key_id = fetched.credentials.access_key_id,
                expires = fetched.credentials.expiration,
                "credentials were fetched"
            ),
            Err(why) => tracing::warn!(target: "egress", why, "credentials were not fetched"),
        }
        outcome
    }
}

impl State {
    fn is_due(&self, refresh_before: Duration) -> bool {
        let fresh = self
            .held
            .as_ref()
            .is_some_and(|held| held.lasts(refresh_before));
        let just_tried = self
            .last
            .as_ref()
            .is_some_and(|(ended, _)| ended.elapsed() < REST);
        !fresh && !just_tried
    }

    fn note(&mut self, outcome: Result<Fetched, String>) {
        let failure = match outcome {
            Ok(fetched) => {
                self.held = Some(fetched);
                None
            }
            Err(why) => Some(why),
        };
        self.last = Some((Instant::now(), failure));
    }

    fn current(&self) -> Result<Bytes, NoCredentials> {
        let held = self.held.as_ref().filter(|held| held.lasts(Duration::ZERO));
        if let Some(held) = held {
            return json(&held.credentials);
        }
        let why = match &self.last {
            Some((_, Some(why))) => why,
            _ => "the last ones have expired",
        };
        Err(NoCredentials(why.to_owned()))
    }
}

impl Fetched {
    /// Whether the credentials are valid for longer than this.
    fn lasts(&self, time: Duration) -> bool {
        self.expires
            .is_none_or(|expires| expires > SystemTime::now() + time)
    }
}

fn refuse_ended(fetched: Fetched) -> Result<Fetched, String> {
    if fetched.lasts(Duration::ZERO) {
        return Ok(fetched);
    }
    let ended = fetched.credentials.expiration.clone().unwrap_or_default();
    Err(format!(
        "the source returned credentials that expired at {ended}"
    ))
}

fn json(credentials: &Credentials) -> Result<Bytes, NoCredentials> {
    // Allocated in full from the start: a buffer that grows leaves copies behind.
    let mut text = Zeroizing::new(Vec::with_capacity(CREDENTIALS_TEXT_MAX));
    serde_json::to_writer(&mut *text, credentials)
        .map_err(|error| NoCredentials(format!("they cannot be written as JSON: {error}")))?;
    if text.len() > CREDENTIALS_TEXT_MAX {
        return Err(NoCredentials(format!(
            "they have {} bytes as JSON; accepted: at most {CREDENTIALS_TEXT_MAX}",
            text.len()
        )));
    }
    Ok(Bytes::from_owner(text))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Returns credentials of this lifetime after this time, or fails.
    #[derive(Clone)]
    struct Source {
        takes: Duration,
        lifetime: Option<Duration>,
        token: usize,
        fetched: Arc<AtomicUsize>,
    }

    impl Source {
        fn new(takes: Duration, lifetime: Option<Duration>) -> Self {
            Self {
                takes,
                lifetime,
                token: 10,
                fetched: Arc::default(),
            }
        }

        fn cache(&self) -> CredentialsCache {
            CredentialsCache {
                source: super::Source::Fetched(Box::new(self.clone())),
                timeout: Duration::from_millis(2500),
                refresh_before: Duration::from_secs(600),
                state: Mutex::default(),
            }
        }

        fn fetched(&self) -> usize {
            self.fetched.load(Ordering::SeqCst)
        }
    }

    impl Fetch for Source {
        fn fetch(&self) -> Fetching<'_> {
            Box::pin(async {
                let number = self.fetched.fetch_add(1, Ordering::SeqCst) + 1;
                tokio::time::sleep(self.takes).await;
                let lifetime = self.lifetime.ok_or("the source is down")?;
                Ok(Fetched {
                    credentials: Credentials {
                        access_key_id: format!("ASIAEXAMPLE{number:09}"),
                        secret_access_key: "s3cret".to_owned(),
                        token: Some("t".repeat(self.token)),
                        expiration: Some("2026-01-01T00:00:00Z".to_owned()),
                    },
                    expires: Some(SystemTime::now() + lifetime),
                })
            })
        }
    }

    const HOUR: Duration = Duration::from_secs(3600);

    #[tokio::test]
    async fn requests_during_a_fetch_share_its_outcome() {
        for lifetime in [Some(HOUR), None] {
            let source = Source::new(REST * 2, lifetime);
            let cache = source.cache();
            let first = cache.json();
            let second = async {
                tokio::time::sleep(REST / 2).await;
                cache.json().await
            };
            let (first, second) = tokio::join!(first, second);
            assert_eq!(first, second);
            assert_eq!(first.is_ok(), lifetime.is_some());
            assert_eq!(source.fetched(), 1);
        }
    }

    #[tokio::test]
    async fn a_fetch_whose_requester_has_left_is_started_anew() {
        let source = Source::new(Duration::from_millis(500), Some(HOUR));
        let cache = source.cache();
        let left = tokio::time::timeout(Duration::from_millis(100), cache.json()).await;
        assert!(left.is_err());
        assert!(cache.json().await.is_ok());
        assert_eq!(source.fetched(), 2);
    }

    #[tokio::test]
    async fn a_fetch_is_given_up_after_the_timeout() {
        let cache = Source::new(Duration::from_secs(60), Some(HOUR)).cache();
        let error = cache.json().await.unwrap_err();
        assert!(error.0.contains("within 2500 ms"), "{error}");
    }

    #[tokio::test]
    async fn a_source_is_asked_once_a_second_however_many_requests_arrive() {
        let near_its_end = Some(Duration::from_secs(599));
        for lifetime in [None, near_its_end] {
            let source = Source::new(Duration::ZERO, lifetime);
            let cache = source.cache();
            let began = Instant::now();
            let asked = async {
                while source.fetched() < 3 {
                    assert_eq!(cache.json().await.is_ok(), lifetime.is_some());
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            };
            let patience = Duration::from_secs(20);
            tokio::time::timeout(patience, asked).await.unwrap();
            assert!(began.elapsed() >= REST * 2);
        }
    }

    #[tokio::test]
    async fn credentials_that_have_expired_are_refused() {
        let cache = Source::new(Duration::ZERO, Some(Duration::ZERO)).cache();
        let error = cache.json().await.unwrap_err();
        assert!(error.0.contains("expired at 2026"), "{error}");
    }

    #[tokio::test]
    async fn credentials_too_long_for_the_enclave_to_read_are_refused() {
        let mut source = Source::new(Duration::ZERO, Some(HOUR));
        source.token = CREDENTIALS_TEXT_MAX;
        let error = source.cache().json().await.unwrap_err();
        assert!(error.0.contains("at most 16384"), "{error}");
    }
}
