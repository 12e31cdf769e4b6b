//! The client of the parent's egress proxy (protocol: [`permafrost_common::egress`]).

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use permafrost_common::egress::{CREDENTIALS_PATH, CREDENTIALS_TEXT_MAX, Credentials};
use permafrost_common::transport::{Address, TransportError, connect};

/// The longest refusal that is read, in bytes.
const REFUSAL_MAX: usize = 1024;

/// The parent's egress proxy.
#[derive(Clone, Debug)]
pub struct Egress {
    address: Address,
}

/// Why the egress proxy gave no connection or no credentials. None of it is evidence: the parent may say anything.
#[derive(Debug, thiserror::Error)]
pub enum EgressError {
    /// The egress proxy cannot be reached.
    #[error("the egress proxy is not reachable: {0}")]
    Unreachable(#[from] TransportError),
    /// The connection failed, or the response is not HTTP.
    #[error("the connection to the egress proxy failed: {0}")]
    BrokenOff(#[from] hyper::Error),
    /// It refuses.
    #[error("the egress proxy responded to {asked} with status {status}: {reason}")]
    Refused {
        /// The request.
        asked: String,
        /// The status of its response.
        status: u16,
        /// The text of its response.
        reason: String,
    },
    /// Its response is not credentials.
    #[error("the parent's credentials are not of the expected form: {0}")]
    Credentials(String),
}

impl Egress {
    /// The egress proxy at an address.
    pub fn new(address: Address) -> Self {
        Self { address }
    }

    /// A byte stream to a host, through the parent. Only TLS shows which host it really reaches.
    pub async fn connect(&self, host: &str, port: u16) -> Result<TokioIo<Upgraded>, EgressError> {
        let target = format!("{host}:{port}");
        let response = self.send(Method::CONNECT, &target, &target).await?;
        if response.status() != StatusCode::OK {
            return Err(refused(format!("CONNECT {target}"), response).await);
        }
        Ok(TokioIo::new(hyper::upgrade::on(response).await?))
    }

    /// The credentials that sign AWS requests.
    pub async fn credentials(&self) -> Result<Credentials, EgressError> {
        let response = self.send(Method::GET, CREDENTIALS_PATH, "egress").await?;
        if response.status() != StatusCode::OK {
            return Err(refused(format!("GET {CREDENTIALS_PATH}"), response).await);
        }
        let text = Limited::new(response.into_body(), CREDENTIALS_TEXT_MAX)
            .collect()
            .await
            .map_err(|_| {
                let rule = format!("cut off, or longer than {CREDENTIALS_TEXT_MAX} bytes");
                EgressError::Credentials(rule)
            })?
            .to_bytes();
        let credentials: Credentials = serde_json::from_slice(&text).map_err(|error| {
            // The parser's message may quote the credentials.
            let place = format!("line {}, column {}", error.line(), error.column());
            EgressError::Credentials(format!("not the JSON of credentials at {place}"))
        })?;
        let id = &credentials.access_key_id;
        if (16..=128).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Ok(credentials);
        }
        let rule = "the access key's id is not 16 to 128 letters and digits";
        Err(EgressError::Credentials(rule.to_owned()))
    }

    async fn send(
        &self,
        method: Method,
        target: &str,
        host: &str,
    ) -> Result<Response<Incoming>, EgressError> {
        let stream = connect(&self.address).await?;
        let (mut sender, connection): (SendRequest<Empty<Bytes>>, _) =
            http1::handshake(TokioIo::new(stream)).await?;
        // The task that awaits the response gets its errors; it ends with the stream.
        tokio::spawn(connection.with_upgrades());
        let request = Request::builder()
            .method(method)
            .uri(target)
            .header(header::HOST, host)
            .body(Empty::new())
            .map_err(|error| EgressError::Refused {
                asked: target.to_owned(),
                status: 400,
                reason: error.to_string(),
            })?;
        Ok(sender.send_request(request).await?)
    }
}

async fn refused(asked: String, response: Response<Incoming>) -> EgressError {
    let status = response.status().as_u16();
    let text = match Limited::new(response.into_body(), REFUSAL_MAX)
        .collect()
        .await
    {
        Ok(text) => text.to_bytes(),
        Err(_) => Bytes::from_static(b"(no text, or too much of it)"),
    };
    EgressError::Refused {
        asked,
        status,
        reason: String::from_utf8_lossy(&text)
            .trim()
            .escape_debug()
            .to_string(),
    }
}
