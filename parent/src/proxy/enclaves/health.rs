//! What an enclave says of itself: whether it is ready, which boot it runs, and which keys requests to it are sealed to.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, Bytes};
use http::header::{HOST, HeaderValue};
use http::{Request, StatusCode, Uri};
use http_body_util::{BodyExt, Limited};
use permafrost_common::api::Health;
use permafrost_common::problem::{Problem, ProblemType};

use super::Enclave;
use super::enclave::KnownBoot;
use crate::proxy::body::RequestBody;
use crate::proxy::upstream::UpstreamError;

/// How long the enclave may take to respond whether it is ready.
const READY_TIMEOUT: Duration = Duration::from_secs(2);

/// How many bytes of a response to the parent itself are read at most.
const RESPONSE_MAX: usize = 64 * 1024;

impl Enclave {
    /// Asks again and again, for ever.
    pub(super) async fn watch(self: Arc<Self>, interval: Duration) {
        loop {
            if self.ask().await.is_ok() {
                self.learn_key_ids().await;
            }
            tokio::select! {
                () = tokio::time::sleep(interval) => {}
                () = self.doubted.notified() => {}
            }
        }
    }

    /// Asks whether it is ready; at most [`READY_TIMEOUT`].
    pub(super) async fn ask(&self) -> Result<(), Problem> {
        let health = tokio::time::timeout(READY_TIMEOUT, self.health()).await;
        let not_ready = match health {
            Ok(Ok(health)) if health.ready => {
                self.set_ready(true);
                return Ok(());
            }
            Ok(Ok(health)) => Problem::new(
                ProblemType::NotReady,
                health
                    .reason
                    .unwrap_or_else(|| "the enclave gave no reason".to_owned()),
            ),
            Ok(Err(why)) => Problem::new(ProblemType::EnclaveUnreachable, why),
            Err(_) => {
                self.timed_out();
                Problem::new(
                    ProblemType::EnclaveUnreachable,
                    format!(
                        "the enclave did not report its health within {} ms",
                        READY_TIMEOUT.as_millis()
                    ),
                )
            }
        };
        self.set_ready(false);
        Err(not_ready.retry_after(1))
    }

    async fn health(&self) -> Result<Health, String> {
        let (status, body) = self.get("/v1/health").await?;
        serde_json::from_slice(&body).map_err(|_| {
            format!("the enclave responded to /v1/health with {status} and without its health")
        })
    }

    /// Learns the ids of the boot's Oblivious HTTP keys, once for each boot.
    async fn learn_key_ids(&self) {
        let Some(KnownBoot {
            digest,
            key_ids: None,
        }) = self.known_boot()
        else {
            return;
        };
        let fetching = tokio::time::timeout(READY_TIMEOUT, self.get("/v1/oblivious-keys"));
        let Ok(Ok((StatusCode::OK, list))) = fetching.await else {
            return;
        };
        // If another boot responded, the next round sees to it.
        if self.known_boot().is_some_and(|boot| boot.digest == digest) {
            self.set_boot(KnownBoot {
                digest,
                key_ids: Some(key_ids(&list)),
            });
        }
    }

    async fn get(&self, path: &'static str) -> Result<(StatusCode, Bytes), String> {
        // A kept connection may lead to a boot that has just ended; asking again is harmless.
        let response = match self.send(request(path)).await {
            Err(UpstreamError::Broken(_)) => self.send(request(path)).await,
            other => other,
        }
        .map_err(|error| error.to_string())?;
        let status = response.status();
        let body = Limited::new(response.into_body(), RESPONSE_MAX)
            .collect()
            .await
            .map_err(|error| format!("the enclave's response to {path} ended early: {error}"))?;
        Ok((status, body.to_bytes()))
    }
}

fn request(path: &'static str) -> Request<RequestBody> {
    let mut request = Request::new(RequestBody::empty());
    *request.uri_mut() = Uri::from_static(path);
    request
        .headers_mut()
        .insert(HOST, HeaderValue::from_static("enclave"));
    request
}

/// The key ids in a list of key configurations (RFC 9458 section 3.2): each is the first byte after a length of two bytes.
fn key_ids(mut list: &[u8]) -> Vec<u8> {
    let mut ids = Vec::new();
    while let Ok(length) = list.try_get_u16() {
        let Some((configuration, rest)) = list.split_at_checked(length.into()) else {
            break;
        };
        ids.extend(configuration.first());
        list = rest;
    }
    ids
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_configuration_of_a_list_has_its_key_id() {
        assert_eq!(key_ids(&[0, 2, 7, 0, 0, 1, 9]), [7, 9]);
        for broken in [&[][..], &[0], &[0, 0], &[0, 2, 7], &[255, 255, 7]] {
            assert!(key_ids(broken).is_empty(), "{broken:?}");
        }
    }
}
