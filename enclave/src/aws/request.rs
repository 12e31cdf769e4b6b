//! One request to a service: JSON over TLS over the parent's egress.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST};
use http::{HeaderMap, HeaderValue, Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use permafrost_common::egress::Credentials;
use rustls::RootCertStore;
use serde_json::Value;
use tokio_rustls::client::TlsStream;

use super::egress::Egress;
use super::error::Fault;
use super::signature::{Scope, Signer, sign_request};
use super::tls::{Tls, TlsSetupError};
use crate::clock::Clock;

/// How much of a service's error message is passed on, in characters.
const MESSAGE_MAX: usize = 400;

/// A service whose calls are JSON in `POST` requests.
#[derive(Clone, Debug)]
pub struct Service {
    /// The name for people: `KMS`.
    pub title: &'static str,
    /// The name that signatures have: `kms`.
    pub name: &'static str,
    /// The region that signatures have, e.g. `eu-central-1`.
    pub region: String,
    /// The host name that the service's certificate must be for.
    pub host: String,
    /// The TCP port.
    pub port: u16,
    /// How it names its calls.
    pub protocol: Protocol,
}

/// How a service names its calls.
#[derive(Clone, Copy, Debug)]
pub enum Protocol {
    /// AWS JSON: every call is `POST /`, named by `x-amz-target`, and its result has the status 200.
    Json {
        /// What `x-amz-target` has before the name of the call: `TrentService`.
        target: &'static str,
        /// The version of the protocol: `application/x-amz-json-1.1`.
        content_type: &'static str,
    },
    /// REST: a call is `POST` to a path of its own and makes something, so that its result has the status 201.
    Rest,
}

/// Connects to a service.
pub struct Connector {
    service: Service,
    egress: Egress,
    tls: Tls,
    clock: Arc<Clock>,
}

/// TLS with a service, over a connection that the parent carries.
pub(crate) type Stream = TlsStream<TokioIo<Upgraded>>;

/// A connection that can take a request.
pub(crate) type Sender = SendRequest<Full<Bytes>>;

/// A whole response. Nothing of it is checked yet.
pub struct Response {
    /// The HTTP status.
    pub status: StatusCode,
    /// `x-amzn-RequestId`, which AWS support needs; `unknown` without one.
    pub request_id: String,
    /// `x-amzn-ErrorType`, in which REST names an error.
    pub error_type: Option<HeaderValue>,
    /// `x-amz-crc32`.
    pub crc32: Option<HeaderValue>,
    /// The body.
    pub text: Bytes,
}

/// Why a response was not read to its end.
pub(crate) enum Unread {
    /// The connection failed.
    CutOff(hyper::Error),
    /// It is longer than anything the service gives.
    TooLong,
}

impl Connector {
    /// Does not connect yet. The service's certificate must lead to one of `roots` and be valid at the time of `clock`.
    ///
    /// # Errors
    /// The host or the root certificates do not make a TLS client.
    pub fn new(
        service: Service,
        roots: RootCertStore,
        egress: Egress,
        clock: Arc<Clock>,
    ) -> Result<Self, TlsSetupError> {
        Ok(Self {
            tls: Tls::new(&service.host, roots, Arc::clone(&clock))?,
            service,
            egress,
            clock,
        })
    }

    /// The service.
    pub fn service(&self) -> &Service {
        &self.service
    }

    /// The enclave's time, in seconds since 1970.
    pub(crate) fn now(&self) -> u64 {
        self.clock.now().as_secs()
    }

    /// The credentials that the parent has.
    pub(crate) async fn credentials_of_the_parent(&self) -> Result<Credentials, Fault> {
        Ok(self.egress.credentials().await?)
    }

    /// A new connection, with the handshake of TLS done.
    pub(crate) async fn connect(&self) -> Result<Stream, Fault> {
        let (host, port) = (&self.service.host, self.service.port);
        let stream = self.egress.connect(host, port).await?;
        self.tls.over(stream).await.map_err(|error| Fault::Tls {
            host: host.clone(),
            error,
        })
    }

    /// HTTP over a connection. It ends when the sender is dropped.
    pub(crate) async fn open(&self, stream: Stream) -> Result<Sender, Fault> {
        let (sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| self.broken_off(error))?;
        // The task that awaits a response gets its errors.
        tokio::spawn(connection);
        Ok(sender)
    }

    /// A call, signed now: `Decrypt`, or for REST the path, `sessions`.
    pub(crate) fn request(
        &self,
        call: &str,
        body: &Value,
        signer: Signer<'_>,
    ) -> Result<Request<Full<Bytes>>, Fault> {
        signed(&self.service, call, body, signer, self.now()).ok_or_else(|| {
            Fault::Internal("the request has a header field that cannot be sent".into())
        })
    }

    /// Reads a response to its end.
    pub(crate) async fn read(
        response: http::Response<Incoming>,
        max: usize,
    ) -> Result<Response, Unread> {
        let headers = response.headers();
        let request_id = headers
            .get("x-amzn-requestid")
            .and_then(|id| id.to_str().ok())
            .unwrap_or("unknown")
            .chars()
            .take(64)
            .collect();
        let crc32 = headers.get("x-amz-crc32").cloned();
        let error_type = headers.get("x-amzn-errortype").cloned();
        let status = response.status();
        let text = Limited::new(response.into_body(), max)
            .collect()
            .await
            .map_err(|error| match error.downcast::<hyper::Error>() {
                Ok(error) => Unread::CutOff(*error),
                Err(_) => Unread::TooLong,
            })?
            .to_bytes();
        Ok(Response {
            status,
            request_id,
            error_type,
            crc32,
            text,
        })
    }

    /// The JSON object of a response with the status of a result.
    pub(crate) fn object(&self, response: &Response) -> Result<Value, Fault> {
        let body: Value = serde_json::from_slice(&response.text).unwrap_or_default();
        let done = match self.service.protocol {
            Protocol::Json { .. } => StatusCode::OK,
            Protocol::Rest => StatusCode::CREATED,
        };
        if response.status == done {
            return match body.is_object() {
                true => Ok(body),
                false => Err(self.invalid("it is not a JSON object".to_owned())),
            };
        }
        let text = |name: &str| body.get(name).and_then(Value::as_str);
        let named = response.error_type.as_ref();
        // REST may have a URL after the name.
        let named = named.and_then(|name| name.to_str().ok()?.split(':').next());
        let kind = named
            .or(text("__type"))
            .unwrap_or("an error without a name");
        let message = text("message").or(text("Message")).unwrap_or_default();
        Err(Fault::Refused {
            service: self.service.title,
            status: response.status.as_u16(),
            // Some services put a namespace before the name.
            kind: clean(kind.rsplit('#').next().unwrap_or(kind)),
            message: clean(message),
            request_id: response.request_id.clone(),
        })
    }

    /// The connection failed after the handshake of TLS.
    pub(crate) fn broken_off(&self, error: hyper::Error) -> Fault {
        Fault::BrokenOff {
            host: self.service.host.clone(),
            error,
        }
    }

    /// The response is not one that the service gives.
    pub(crate) fn invalid(&self, rule: String) -> Fault {
        Fault::Response {
            service: self.service.title,
            rule,
        }
    }
}

fn signed(
    service: &Service,
    call: &str,
    body: &Value,
    signer: Signer<'_>,
    now: u64,
) -> Option<Request<Full<Bytes>>> {
    let host = match service.port {
        443 => service.host.clone(),
        port => format!("{}:{port}", service.host),
    };
    let body = Bytes::from(body.to_string());
    let mut headers = HeaderMap::new();
    headers.insert(HOST, HeaderValue::from_str(&host).ok()?);
    let (path, content_type) = match service.protocol {
        Protocol::Json {
            target,
            content_type,
        } => {
            let target = HeaderValue::from_str(&format!("{target}.{call}")).ok()?;
            headers.insert("x-amz-target", target);
            ("/".to_owned(), content_type)
        }
        Protocol::Rest => (format!("/{call}"), "application/json"),
    };
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    let scope = Scope {
        region: &service.region,
        service: service.name,
    };
    sign_request(&mut headers, &path, &body, signer, scope, now)?;
    let mut request = Request::post(path).body(Full::new(body)).ok()?;
    *request.headers_mut() = headers;
    Some(request)
}

fn clean(text: &str) -> String {
    let start: String = text.chars().take(MESSAGE_MAX).collect();
    start.escape_debug().to_string()
}
