//! One call, tried until it is answered or the time is over.

use std::time::Duration;

use http::StatusCode;
use serde_json::Value;
use tokio::time::{Instant, timeout};

use super::checksum;
use super::client::DynamoDb;
use super::error::Fault;
use super::transaction;
use crate::aws::{self, Backoff, Connector, Signer, Unread};

/// DynamoDB's own clients begin with 25 ms.
pub(super) const BACKOFF: Backoff = Backoff {
    first: Duration::from_millis(25),
    max: Duration::from_secs(1),
};

/// What DynamoDB decided.
pub(super) enum Answer {
    /// It has executed the call.
    Done(Value),
    /// The condition did not hold; the JSON object that has the item which did not meet it.
    ConditionFailed(Value),
}

/// How a call ended.
pub(super) struct Called {
    /// That of the last attempt.
    pub(super) outcome: Result<Answer, Fault>,
    /// Whether the call may have been executed without its response having been read: by an earlier attempt, or by the last one if it
    /// failed.
    pub(super) uncertain: bool,
}

impl DynamoDb {
    /// Makes a call; its response may have `max` bytes.
    pub(super) async fn call(&self, call: &'static str, body: &Value, max: usize) -> Called {
        let deadline = Instant::now() + self.times.whole;
        let (mut attempts, mut uncertain) = (0, false);
        loop {
            attempts += 1;
            let left = deadline.saturating_duration_since(Instant::now());
            let limit = self.times.attempt.min(left);
            let mut sent = false;
            let attempt = self.attempt(call, body, max, &mut sent);
            let fault = match timeout(limit, attempt).await {
                Ok(Ok(answer)) => {
                    let outcome = Ok(answer);
                    return Called { outcome, uncertain };
                }
                Ok(Err(fault)) => fault,
                Err(_) => aws::Fault::TimedOut(millis(limit)).into(),
            };
            uncertain |= sent && !fault.was_refused();
            if fault.is_denial() {
                self.denied.notify_one();
            }
            let wait = BACKOFF.wait(attempts);
            if !fault.is_passing() || Instant::now() + wait >= deadline {
                let outcome = Err(fault);
                return Called { outcome, uncertain };
            }
            tracing::debug!(call, attempts, %fault, "retrying a DynamoDB call");
            tokio::time::sleep(wait).await;
        }
    }

    /// Sends a call once. `sent` tells whether DynamoDB may have received it.
    async fn attempt(
        &self,
        call: &str,
        body: &Value,
        max: usize,
        sent: &mut bool,
    ) -> Result<Answer, Fault> {
        let credentials = self.credentials();
        let signer = Signer::AccessKey(&credentials);
        let mut request = self.connector.request(call, body, signer)?;
        let mut kept = self.kept.take().await;
        loop {
            let (mut sender, is_fresh) = match kept.take() {
                Some(sender) => (sender, false),
                None => (
                    self.connector.open(self.connector.connect().await?).await?,
                    true,
                ),
            };
            *sent = true;
            let response = match sender.try_send_request(request).await {
                Ok(response) => response,
                Err(mut error) => {
                    let unsent = error.take_message();
                    *sent = unsent.is_none();
                    match unsent {
                        // DynamoDB had just closed the kept connection.
                        Some(unsent) if !is_fresh => request = unsent,
                        _ => return Err(self.connector.broken_off(error.into_error()).into()),
                    }
                    continue;
                }
            };
            let response = Connector::read(response, max)
                .await
                .map_err(|unread| match unread {
                    Unread::CutOff(error) => Fault::CutOff(error),
                    Unread::TooLong => Fault::Form(format!("it is longer than {max} bytes")),
                })?;
            checksum::check(&response)?;
            self.kept.keep(sender);
            return match self.connector.object(&response) {
                Ok(object) => Ok(Answer::Done(object)),
                Err(aws::Fault::Refused { kind, .. })
                    if DECISIONS.contains(&kind.as_str())
                        && response.status == StatusCode::BAD_REQUEST =>
                {
                    let error = serde_json::from_slice(&response.text).unwrap_or_default();
                    let failed = match kind == CANCELLED {
                        true => transaction::failed_condition(&error, transaction::len(body))?,
                        false => error,
                    };
                    Ok(Answer::ConditionFailed(failed))
                }
                Err(fault) => Err(fault.into()),
            };
        }
    }
}

const CONDITION_FAILED: &str = "ConditionalCheckFailedException";
const CANCELLED: &str = "TransactionCanceledException";

/// The errors that may say that a condition did not hold.
const DECISIONS: &[&str] = &[CONDITION_FAILED, CANCELLED];

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
