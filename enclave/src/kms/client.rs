//! The two KMS calls.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use permafrost_common::kms::{KeyArn, encryption_context};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::config::KmsConfig;
use super::connector::{Connector, invalid};
use super::error::{Fault, KmsError};
use super::recipient::PendingRecipientKey;
use crate::attestor::Attestor;
use crate::aws::{self, Backoff};
use crate::sealing::{Epoch, ROOT_SECRET_LEN, RootSecret};

/// The longest ciphertext that KMS makes, in bytes (KMS API reference, `Decrypt`).
pub const BLOB_MAX: usize = 6144;

const BACKOFF: Backoff = Backoff {
    first: Duration::from_millis(100),
    max: Duration::from_secs(2),
};

/// A client of KMS for one key and one deployment.
pub struct Kms {
    connector: Connector,
    deployment: String,
    attestor: Arc<Attestor>,
    recipient: PendingRecipientKey,
}

/// A data key: the root secret of an epoch, and the ciphertext that KMS decrypts to it.
#[derive(Debug)]
pub struct DataKey {
    /// The secret.
    pub secret: RootSecret,
    /// KMS's ciphertext of the secret, 1 to 6144 bytes.
    pub blob: Vec<u8>,
}

impl Kms {
    /// Does not connect yet; `recipient` is the boot's RSA key.
    pub fn new(
        connector: Connector,
        deployment: String,
        attestor: Arc<Attestor>,
        recipient: PendingRecipientKey,
    ) -> Self {
        Self {
            connector,
            deployment,
            attestor,
            recipient,
        }
    }

    /// The key of the measured configuration.
    pub fn key(&self) -> &KeyArn {
        &self.config().key
    }

    /// The measured configuration of KMS.
    pub fn config(&self) -> &KmsConfig {
        self.connector.config()
    }

    /// A new data key of 32 bytes for an epoch (KMS API reference, `GenerateDataKey`).
    pub async fn generate_data_key(&self, epoch: Epoch) -> Result<DataKey, KmsError> {
        let parameters = json!({"KeySpec": "AES_256"});
        self.call("GenerateDataKey", epoch, parameters, |response, secret| {
            let blob = bytes(response, "CiphertextBlob")
                .ok()
                .filter(|blob| (1..=BLOB_MAX).contains(&blob.len()))
                .ok_or_else(|| {
                    let rule = format!("CiphertextBlob is not base64 of 1 to {BLOB_MAX} bytes");
                    invalid(rule)
                })?;
            Ok(DataKey { secret, blob })
        })
        .await
    }

    /// The data key of an epoch, from the ciphertext that came with it (KMS API reference, `Decrypt`).
    pub async fn decrypt(&self, epoch: Epoch, blob: &[u8]) -> Result<RootSecret, KmsError> {
        let parameters = json!({
            "CiphertextBlob": STANDARD.encode(blob),
            "EncryptionAlgorithm": "SYMMETRIC_DEFAULT",
        });
        self.call("Decrypt", epoch, parameters, |_, secret| Ok(secret))
            .await
    }

    async fn call<T>(
        &self,
        call: &'static str,
        epoch: Epoch,
        parameters: Value,
        interpret: impl Fn(&Value, RootSecret) -> Result<T, Fault>,
    ) -> Result<T, KmsError> {
        let limit = Duration::from_millis(self.config().attempt_timeout_ms);
        let mut attempts = 1;
        loop {
            let attempt = tokio::time::timeout(limit, self.attempt(call, epoch, &parameters));
            let answered = match attempt.await {
                Ok(Ok((response, secret))) => interpret(&response, secret),
                Ok(Err(fault)) => Err(fault),
                Err(_) => Err(aws::Fault::TimedOut(self.config().attempt_timeout_ms).into()),
            };
            let fault = match answered {
                Ok(value) => return Ok(value),
                Err(fault) => fault,
            };
            if attempts >= self.config().attempts || !fault.is_passing() {
                return Err(KmsError {
                    call,
                    key: self.config().key.clone(),
                    attempts,
                    attempts_max: self.config().attempts,
                    fault,
                });
            }
            tracing::warn!(call, attempts, %fault, "retrying a KMS call");
            tokio::time::sleep(BACKOFF.wait(attempts)).await;
            attempts += 1;
        }
    }

    async fn attempt(
        &self,
        call: &str,
        epoch: Epoch,
        parameters: &Value,
    ) -> Result<(Value, RootSecret), Fault> {
        let (document, connection) = tokio::try_join!(self.document(), self.connector.connect())?;
        let mut body = parameters.clone();
        if let Some(fields) = body.as_object_mut() {
            fields.insert("KeyId".to_owned(), self.config().key.as_str().into());
            let context = encryption_context(&self.deployment, epoch);
            fields.insert("EncryptionContext".to_owned(), json!(context));
            fields.insert(
                "Recipient".to_owned(),
                json!({"AttestationDocument": STANDARD.encode(document), "KeyEncryptionAlgorithm": "RSAES_OAEP_SHA_256"}),
            );
        }
        let response = connection.send(call, &body).await?;
        self.check_key(&response)?;
        if response
            .get("Plaintext")
            .is_some_and(|value| !value.is_null())
        {
            return Err(Fault::Plaintext);
        }
        let envelope = bytes(&response, "CiphertextForRecipient")
            .map_err(|rule| invalid(format!("CiphertextForRecipient {rule}")))?;
        Ok((response, self.open(envelope).await?))
    }

    /// A fresh document for this attempt.
    async fn document(&self) -> Result<Vec<u8>, Fault> {
        let (attestor, recipient) = (Arc::clone(&self.attestor), self.recipient.get().await?);
        blocking(move || attestor.attest(None, Some(recipient.public_key_der())))
            .await?
            .map_err(Fault::from)
    }

    async fn open(&self, envelope: Vec<u8>) -> Result<RootSecret, Fault> {
        let recipient = self.recipient.get().await?;
        let opened = blocking(move || recipient.open(&envelope)).await??;
        let mut secret = Zeroizing::new([0; ROOT_SECRET_LEN]);
        if opened.len() != ROOT_SECRET_LEN {
            let found = opened.len();
            let rule = format!("the data key has {found} bytes, expected {ROOT_SECRET_LEN}");
            return Err(invalid(rule));
        }
        secret.copy_from_slice(&opened);
        Ok(RootSecret::new(secret))
    }

    fn check_key(&self, response: &Value) -> Result<(), Fault> {
        let found = response
            .get("KeyId")
            .and_then(Value::as_str)
            .ok_or_else(|| invalid("it has no KeyId".to_owned()))?;
        if found == self.config().key.as_str() {
            return Ok(());
        }
        let part = found
            .parse::<KeyArn>()
            .ok()
            .and_then(|other| self.config().key.difference(&other))
            .unwrap_or("form");
        Err(Fault::OtherKey {
            found: found.chars().take(128).collect(),
            part,
        })
    }
}

/// The NSM and RSA take milliseconds, which would delay every connection of the worker.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Fault> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| aws::Fault::Internal(error.to_string()).into())
}

fn bytes(response: &Value, name: &str) -> Result<Vec<u8>, &'static str> {
    let text = response
        .get(name)
        .and_then(Value::as_str)
        .ok_or("is missing: the Recipient was stripped or ignored")?;
    STANDARD.decode(text).map_err(|_| "is not base64")
}
