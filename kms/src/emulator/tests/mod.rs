//! The emulator as its clients see it: signed requests in, responses out.

mod aliases;
mod calls;
mod ciphertexts;
mod keys;
mod policies;
mod recipients;
mod signatures;
mod wire;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Request;
use http::request::Parts;
use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;

use super::*;

const ADMIN_ARN: &str = "arn:aws:iam::111122223333:user/administrator";
const ENCLAVE_ARN: &str = "arn:aws:iam::111122223333:role/enclave";

/// A running emulator, with a state directory of its own and a clock that can be moved.
struct Kms {
    emulator: Emulator,
    state: Arc<TempDir>,
    moved_s: Arc<AtomicI64>,
}

/// An error response.
#[derive(Debug, Eq, PartialEq)]
struct Refused {
    status: u16,
    name: String,
    message: String,
}

impl Kms {
    async fn start() -> Self {
        Self::start_with(Arc::new(TempDir::new().unwrap()), Vec::new()).await
    }

    async fn start_with(state: Arc<TempDir>, roots: Vec<PathBuf>) -> Self {
        let moved_s = Arc::new(AtomicI64::new(0));
        let by = moved_s.clone();
        let clock: Clock = Arc::new(move || moved(SystemTime::now(), by.load(Ordering::SeqCst)));
        let options = EmulatorOptions {
            roots,
            ..EmulatorOptions::new(state.path())
        };
        Self {
            emulator: Emulator::start_at(options, clock).await.unwrap(),
            state,
            moved_s,
        }
    }

    /// Stops and starts again, with the same state.
    async fn restart(self) -> Self {
        let state = self.state.clone();
        self.emulator.stop().await;
        Self::start_with(state, Vec::new()).await
    }

    fn move_clock(&self, by: Duration) {
        let by = i64::try_from(by.as_secs()).unwrap();
        self.moved_s.fetch_add(by, Ordering::SeqCst);
    }

    fn now(&self) -> SystemTime {
        (self.emulator.server.service.clock)()
    }

    /// Calls as the administrator.
    fn admin(&self, action: &str, body: Value) -> Result<Value, Refused> {
        self.call(ADMINISTRATOR, action, body)
    }

    /// Calls as the enclave.
    fn enclave(&self, action: &str, body: Value) -> Result<Value, Refused> {
        self.call(ENCLAVE, action, body)
    }

    fn call(&self, who: &str, action: &str, body: Value) -> Result<Value, Refused> {
        let identity = self.emulator.identity(who).unwrap();
        let body = body.to_string();
        let request = Signed::by(identity)
            .at(self.now())
            .request(action, body.as_bytes());
        self.response(request.into_parts().0, body.as_bytes())
    }

    fn response(&self, head: Parts, body: &[u8]) -> Result<Value, Refused> {
        let response = self.emulator.server.service.respond(&head, body);
        assert!(response.headers().contains_key("x-amzn-requestid"));
        assert_eq!(
            response.headers()["content-type"],
            "application/x-amz-json-1.1"
        );
        let status = response.status().as_u16();
        let body: Value = match response.body().is_empty() {
            true => Value::Null,
            false => serde_json::from_slice(response.body()).unwrap(),
        };
        match status {
            200 => Ok(body),
            status => Err(Refused {
                status,
                name: body["__type"].as_str().unwrap().to_owned(),
                message: ["message", "Message"]
                    .iter()
                    .find_map(|member| body[*member].as_str())
                    .unwrap_or_default()
                    .to_owned(),
            }),
        }
    }

    /// A key with the default policy: its ARN.
    fn key(&self) -> String {
        self.key_with(json!({}))
    }

    fn key_with(&self, input: Value) -> String {
        let made = self.admin("CreateKey", input).unwrap();
        made["KeyMetadata"]["Arn"].as_str().unwrap().to_owned()
    }

    /// A key that lets the enclave do all that the statement, without its principal, says.
    fn key_for_enclave(&self, statement: Value) -> String {
        self.key_with(json!({"Policy": policy(&[statement])}))
    }

    fn encrypt(&self, key: &str, plaintext: &[u8]) -> String {
        let input = json!({"KeyId": key, "Plaintext": STANDARD.encode(plaintext)});
        let made = self.admin("Encrypt", input).unwrap();
        made["CiphertextBlob"].as_str().unwrap().to_owned()
    }
}

/// A key policy that leaves everything to IAM, and allows the enclave what these statements say.
fn policy(statements: &[Value]) -> String {
    let root = json!({
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
        "Action": "kms:*",
        "Resource": "*",
    });
    let of_enclave = statements.iter().cloned().map(|mut statement| {
        for (member, value) in [
            ("Effect", json!("Allow")),
            ("Principal", json!({"AWS": ENCLAVE_ARN})),
            ("Resource", json!("*")),
        ] {
            let members = statement.as_object_mut().unwrap();
            members.entry(member).or_insert(value);
        }
        statement
    });
    let statements: Vec<Value> = std::iter::once(root).chain(of_enclave).collect();
    json!({"Version": "2012-10-17", "Statement": statements}).to_string()
}

/// The statement by which a role may do everything that the tests do.
fn everything() -> Value {
    json!({"Action": "kms:*"})
}

/// How a request is signed: right, unless changed.
struct Signed {
    access_key_id: String,
    secret: String,
    token: Option<String>,
    region: String,
    service: String,
    time: SystemTime,
    settings: SigningSettings,
}

impl Signed {
    fn by(identity: &Identity) -> Self {
        Self {
            access_key_id: identity.access_key_id.clone(),
            secret: identity.secret_access_key.to_string(),
            token: identity
                .session_token
                .as_ref()
                .map(|token| token.to_string()),
            region: REGION.to_owned(),
            service: "kms".to_owned(),
            time: SystemTime::now(),
            settings: SigningSettings::default(),
        }
    }

    fn at(self, time: SystemTime) -> Self {
        Self { time, ..self }
    }

    fn request(&self, action: &str, body: &[u8]) -> Request<()> {
        self.request_to("localhost", action, body)
    }

    fn request_to(&self, host: &str, action: &str, body: &[u8]) -> Request<()> {
        let mut request = Request::post("/")
            .header("host", host)
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amz-target", format!("TrentService.{action}"))
            .body(())
            .unwrap();
        let credentials = Credentials::new(
            &self.access_key_id,
            &self.secret,
            self.token.clone(),
            None,
            "test",
        );
        let identity = credentials.into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(&self.service)
            .time(self.time)
            .settings(self.settings.clone())
            .build()
            .unwrap()
            .into();
        let headers: Vec<(&str, &str)> = request
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
            .collect();
        let signable = SignableRequest::new(
            "POST",
            "https://localhost/",
            headers.into_iter(),
            SignableBody::Bytes(body),
        );
        let (instructions, _) = sign(signable.unwrap(), &params).unwrap().into_parts();
        instructions.apply_to_request_http1x(&mut request);
        request
    }
}

fn moved(time: SystemTime, by_s: i64) -> SystemTime {
    match by_s >= 0 {
        true => time + Duration::from_secs(by_s.unsigned_abs()),
        false => time - Duration::from_secs(by_s.unsigned_abs()),
    }
}

#[track_caller]
fn refused<T: std::fmt::Debug>(response: Result<T, Refused>, name: &str) -> String {
    let refused = response.unwrap_err();
    assert_eq!(refused.name, name, "{}", refused.message);
    refused.message
}
