//! The client of IAM Roles Anywhere.

use std::time::Duration;

use tokio::time::timeout;

use super::authority::Authority;
use super::resources::Resources;
use super::session::{self, Session};
use crate::aws::{Connector, Fault, Signer, Unread};

/// The longest response, in bytes: one with a token of 2 KiB has about 3 KiB.
const RESPONSE_MAX: usize = 32 * 1024;

/// Creates sessions. Each call has a connection of its own, since hardly two are made in an hour.
pub struct RolesAnywhere {
    connector: Connector,
    resources: Resources,
    attempt: Duration,
}

impl RolesAnywhere {
    /// Does not connect yet. `connector` is for [`Resources::service`]; a call ends after `attempt`.
    pub fn new(connector: Connector, resources: Resources, attempt: Duration) -> Self {
        Self {
            connector,
            resources,
            attempt,
        }
    }

    /// Calls `CreateSession` once, with an identity that the authority issues for this call.
    ///
    /// # Errors
    /// [`Fault::Refused`] says why AWS gives no credentials; the others, what failed on the way.
    pub async fn create_session(&self, authority: &Authority) -> Result<Session, Fault> {
        timeout(self.attempt, self.attempt(authority))
            .await
            .unwrap_or_else(|_| {
                let limit = u64::try_from(self.attempt.as_millis()).unwrap_or(u64::MAX);
                Err(Fault::TimedOut(limit))
            })
    }

    async fn attempt(&self, authority: &Authority) -> Result<Session, Fault> {
        let connector = &self.connector;
        let identity = authority
            .issue(connector.now())
            .map_err(|error| Fault::Internal(error.to_string()))?;
        let body = session::body(&self.resources);
        let request = connector.request("sessions", &body, Signer::Certificate(&identity))?;
        let mut sender = connector.open(connector.connect().await?).await?;
        let response = sender
            .send_request(request)
            .await
            .map_err(|error| connector.broken_off(error))?;
        let response =
            Connector::read(response, RESPONSE_MAX)
                .await
                .map_err(|unread| match unread {
                    Unread::CutOff(error) => connector.broken_off(error),
                    Unread::TooLong => {
                        connector.invalid(format!("it is longer than {RESPONSE_MAX} bytes"))
                    }
                })?;
        let result = connector.object(&response)?;
        session::session(&result, self.resources.role(), connector.now())
            .map_err(|error| connector.invalid(error.to_string()))
    }
}
