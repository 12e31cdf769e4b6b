//! The connection to KMS.

use std::sync::Arc;

use serde_json::Value;

use super::config::KmsConfig;
use super::error::Fault;
use crate::aws::{self, Credentials, Egress, Signer, Stream, TlsSetupError};
use crate::clock::Clock;

/// The longest response, in bytes: a ciphertext has at most 6144, a `CiphertextForRecipient` about 700, both in base64.
const RESPONSE_MAX: usize = 64 * 1024;

/// Connects to the KMS of a configuration. Each request has a connection of its own.
pub struct Connector {
    config: KmsConfig,
    aws: aws::Connector,
}

/// A connection that carries one call.
pub(super) struct Connection<'a> {
    aws: &'a aws::Connector,
    credentials: Credentials,
    stream: Stream,
}

impl Connector {
    /// Does not connect yet.
    ///
    /// # Errors
    /// The configuration does not make a TLS client.
    pub fn new(
        config: KmsConfig,
        egress: Egress,
        clock: Arc<Clock>,
    ) -> Result<Self, TlsSetupError> {
        let (service, roots) = (config.service(), config.roots.clone());
        Ok(Self {
            aws: aws::Connector::new(service, roots, egress, clock)?,
            config,
        })
    }

    /// The configuration.
    pub fn config(&self) -> &KmsConfig {
        &self.config
    }

    /// Sends a call, for example `Decrypt`, and gives the response's JSON object. Never retries.
    ///
    /// # Errors
    /// [`Fault`]: no connection, no TLS, a refusal by KMS, or a response that is invalid.
    pub async fn send(&self, call: &str, body: &Value) -> Result<Value, Fault> {
        self.connect().await?.send(call, body).await
    }

    /// A connection to KMS, with the credentials to sign a call.
    pub(super) async fn connect(&self) -> Result<Connection<'_>, Fault> {
        let credentials = self.aws.credentials_of_the_parent().await?;
        Ok(Connection {
            aws: &self.aws,
            credentials,
            stream: self.aws.connect().await?,
        })
    }
}

impl Connection<'_> {
    /// Sends the call, and gives the response's JSON object.
    pub(super) async fn send(self, call: &str, body: &Value) -> Result<Value, Fault> {
        let request = self
            .aws
            .request(call, body, Signer::AccessKey(&self.credentials))?;
        let mut sender = self.aws.open(self.stream).await?;
        let response = sender
            .send_request(request)
            .await
            .map_err(|error| self.aws.broken_off(error))?;
        let response = aws::Connector::read(response, RESPONSE_MAX)
            .await
            .map_err(|_| invalid(format!("cut off, or longer than {RESPONSE_MAX} bytes")))?;
        Ok(self.aws.object(&response)?)
    }
}

/// The response is not one that KMS gives.
pub(super) fn invalid(rule: String) -> Fault {
    let service = "KMS";
    aws::Fault::Response { service, rule }.into()
}
