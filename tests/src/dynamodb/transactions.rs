//! `TransactWriteItems` for a server that has none: its own calls, one after the other, while it gets no others.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::Mutex;

use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::{Value, json};

use super::front::plain;
use super::server::unsigned;

/// The tokens of those that were executed, which are not executed again.
#[derive(Default)]
pub(super) struct Transactions(Mutex<HashSet<String>>);

impl Transactions {
    /// Executes one of which only the first write has a condition, as the enclave's are: once it holds, nothing fails.
    pub(super) async fn execute(&self, server: SocketAddr, body: &Value) -> Response<Bytes> {
        let token = body["ClientRequestToken"].as_str().unwrap().to_owned();
        assert!((1..=36).contains(&token.len()), "{token}");
        if self.0.lock().unwrap().contains(&token) {
            return response(StatusCode::OK, &json!({}));
        }
        let writes = body["TransactItems"].as_array().unwrap();
        assert!((1..=100).contains(&writes.len()), "{writes:?}");
        for (n, write) in writes.iter().enumerate() {
            let (name, write) = write.as_object().unwrap().iter().next().unwrap();
            assert_eq!(write["ConditionExpression"].is_string(), n == 0, "{write}");
            let done = send(server, &format!("{name}Item"), write).await;
            let text = String::from_utf8_lossy(done.body());
            if n == 0 && text.contains("#ConditionalCheckFailedException") {
                let found = found(server, write).await;
                return response(StatusCode::BAD_REQUEST, &cancelled(writes.len(), found));
            }
            assert!(done.status().is_success(), "{text}");
        }
        self.0.lock().unwrap().insert(token);
        response(StatusCode::OK, &json!({}))
    }
}

fn cancelled(writes: usize, found: Option<Value>) -> Value {
    let mut reasons = vec![json!({"Code": "None"}); writes];
    reasons[0] = json!({
        "Code": "ConditionalCheckFailed",
        "Message": "The conditional request failed",
    });
    if let Some(found) = found {
        reasons[0]["Item"] = found;
    }
    json!({
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "Message": "Transaction cancelled",
        "CancellationReasons": reasons,
    })
}

/// The item that did not meet the condition.
async fn found(server: SocketAddr, write: &Value) -> Option<Value> {
    let place = write.get("Item").or(write.get("Key")).unwrap();
    let get = json!({
        "TableName": write["TableName"],
        "Key": {"kind": place["kind"], "id": place["id"]},
        "ConsistentRead": true,
    });
    let read = send(server, "GetItem", &get).await;
    let read: Value = serde_json::from_slice(read.body()).unwrap();
    read.get("Item").cloned()
}

async fn send(server: SocketAddr, call: &str, body: &Value) -> Response<Bytes> {
    let Ok(response) = plain(server, &unsigned(call), body.to_string().into()).await;
    response
}

fn response(status: StatusCode, body: &Value) -> Response<Bytes> {
    let mut response = Response::new(body.to_string().into());
    *response.status_mut() = status;
    response
}
