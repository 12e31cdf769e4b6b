//! One request to KMS: AWS JSON 1.1 over TLS over the parent's egress.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use permafrost_common::egress::Credentials;
use serde_json::Value;
use tokio_rustls::client::TlsStream;

use super::config::KmsConfig;
use super::egress::Egress;
use super::error::Fault;
use super::signature::sign_request;
use super::tls::{Tls, TlsSetupError};
use crate::clock::Clock;

/// The longest response, in bytes: a ciphertext has at most 6144, a `CiphertextForRecipient` about 700, both in base64.
const RESPONSE_MAX: usize = 64 * 1024;

/// How much of a KMS error message is passed on, in characters.
const MESSAGE_MAX: usize = 400;

/// Connects to the KMS of a configuration. Each request has a connection of its own.
pub struct Connector {
    config: KmsConfig,
    egress: Egress,
    tls: Tls,
    clock: Arc<Clock>,
}

/// A connection that carries one call.
pub(super) struct Connection<'a> {
    connector: &'a Connector,
    credentials: Credentials,
    stream: TlsStream<TokioIo<Upgraded>>,
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
        Ok(Self {
            tls: Tls::new(&config.host, config.roots.clone(), Arc::clone(&clock))?,
            config,
            egress,
            clock,
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
        let config = &self.config;
        let credentials = self.egress.credentials().await?;
        let stream = self.egress.connect(&config.host, config.port).await?;
        let stream = self.tls.over(stream).await.map_err(|error| Fault::Tls {
            host: config.host.clone(),
            error,
        })?;
        Ok(Connection {
            connector: self,
            credentials,
            stream,
        })
    }
}

impl Connection<'_> {
    /// Sends the call, and gives the response's JSON object.
    pub(super) async fn send(self, call: &str, body: &Value) -> Result<Value, Fault> {
        let config = &self.connector.config;
        let now = self.connector.clock.now().as_secs();
        let request = request(config, call, body, &self.credentials, now)?;
        let broken_off = |error| Fault::BrokenOff {
            host: config.host.clone(),
            error,
        };
        let (mut sender, connection) = http1::handshake(TokioIo::new(self.stream))
            .await
            .map_err(broken_off)?;
        let connection = tokio::spawn(connection);
        let answered = match sender.send_request(request).await {
            Ok(response) => read(response).await,
            Err(error) => Err(broken_off(error)),
        };
        connection.abort();
        answered
    }
}

fn request(
    config: &KmsConfig,
    call: &str,
    body: &Value,
    credentials: &Credentials,
    now: u64,
) -> Result<Request<Full<Bytes>>, Fault> {
    let unsendable =
        || Fault::Internal("the request has a header field that cannot be sent".into());
    let host = match config.port {
        443 => config.host.clone(),
        port => format!("{}:{port}", config.host),
    };
    let target = format!("TrentService.{call}");
    let body = Bytes::from(body.to_string());
    let mut headers = HeaderMap::new();
    headers.insert(
        HOST,
        HeaderValue::from_str(&host).map_err(|_| unsendable())?,
    );
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/x-amz-json-1.1"),
    );
    headers.insert(
        "x-amz-target",
        HeaderValue::from_str(&target).map_err(|_| unsendable())?,
    );
    sign_request(&mut headers, &body, credentials, config.key.region(), now)
        .ok_or_else(unsendable)?;
    let mut request = Request::post("/")
        .body(Full::new(body))
        .map_err(|_| unsendable())?;
    *request.headers_mut() = headers;
    Ok(request)
}

async fn read(response: Response<Incoming>) -> Result<Value, Fault> {
    let status = response.status();
    let request_id = response
        .headers()
        .get("x-amzn-requestid")
        .and_then(|id| id.to_str().ok())
        .unwrap_or("unknown")
        .chars()
        .take(64)
        .collect();
    let bytes = Limited::new(response.into_body(), RESPONSE_MAX)
        .collect()
        .await
        .map_err(|_| Fault::Response(format!("cut off, or longer than {RESPONSE_MAX} bytes")))?
        .to_bytes();
    let body: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    if status == StatusCode::OK {
        if body.is_object() {
            return Ok(body);
        }
        return Err(Fault::Response("it is not a JSON object".to_owned()));
    }
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    let kind = text("__type").unwrap_or("an error without a name");
    let message = text("message").or(text("Message")).unwrap_or_default();
    Err(Fault::Refused {
        status: status.as_u16(),
        // Some services put a namespace before the name.
        kind: clean(kind.rsplit('#').next().unwrap_or(kind)),
        message: clean(message),
        request_id,
    })
}

fn clean(text: &str) -> String {
    let start: String = text.chars().take(MESSAGE_MAX).collect();
    start.escape_debug().to_string()
}
