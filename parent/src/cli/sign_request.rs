//! `permafrost sign-request`.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Args;
use http::header::{CONTENT_TYPE, HOST, HeaderValue};
use http::{HeaderMap, Method, Request, Uri};
use permafrost_client::IdempotencyKey;
use permafrost_common::api::IDEMPOTENCY_HEADER;
use permafrost_common::http_signature::{fresh_nonce, sign_request};

use super::outcome::{Outcome, say};
use super::profile_option::ProfileOption;

/// The longest body that this program reads, in bytes.
const BODY_MAX: u64 = 16 * 1024 * 1024;

const EXAMPLES: &str = r#"Examples:
  permafrost sign-request GET /v1/keys | curl -H @- http://127.0.0.1:8080/v1/keys

  echo '{"threshold":2,"participants":["alice","bob","carol"]}' > create.json
  permafrost sign-request POST /v1/keys --body create.json |
    curl -H @- --data-binary @create.json http://127.0.0.1:8080/v1/keys

Prints one line for each header field, as `curl -H @FILE` reads them. They are valid for one request to this boot of the
enclave, for about a minute: every request needs new ones. Responses are signed, too; `permafrost keys` checks them."#;

/// Sign a request for curl or another program, and print the header fields to add.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct SignRequest {
    #[command(flatten)]
    profile: ProfileOption,

    /// The method: GET, POST, ...
    #[arg(value_name = "METHOD")]
    method: Method,

    /// The path and query, exactly as they will be sent: /v1/keys?limit=10
    #[arg(value_name = "PATH")]
    target: String,

    /// The body, exactly as it will be sent; - for standard input. Default: none.
    #[arg(long, value_name = "FILE")]
    body: Option<PathBuf>,

    /// The content type of the body.
    #[arg(long, default_value = "application/json", value_name = "TYPE")]
    content_type: String,

    /// The idempotency key. Default: a random one for POST.
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<IdempotencyKey>,
}

impl SignRequest {
    pub(super) async fn run(self) -> Result<(), Outcome> {
        let body = match &self.body {
            Some(path) => read(path)?,
            None => Vec::new(),
        };
        let mut parts = self.parts()?;
        let profile = self.profile.read()?;
        let key = profile.signing_key()?;
        let enclave = profile.enclave().await?;
        sign_request(
            &mut parts,
            &body,
            &key,
            &profile.principal,
            now(),
            &fresh_nonce().map_err(Outcome::failed)?,
            enclave.boot().attestation(),
        )
        .map_err(Outcome::wrong_call)?;
        say(lines(&parts.headers))
    }

    /// The request as it will be sent, without its signature.
    fn parts(&self) -> Result<http::request::Parts, Outcome> {
        let uri: Uri = self
            .target
            .parse()
            .ok()
            .filter(|_| self.target.starts_with('/') && !self.target.contains('#'))
            .ok_or_else(|| {
                Outcome::wrong_call(format!(
                    "{:?}; accepted: a path with its query, such as /v1/keys?limit=10",
                    self.target
                ))
            })?;
        let mut headers = HeaderMap::new();
        if self.body.is_some() {
            headers.insert(CONTENT_TYPE, value("--content-type", &self.content_type)?);
        }
        if let Some(key) = self.idempotency_key()? {
            headers.insert(
                IDEMPOTENCY_HEADER,
                value("--idempotency-key", key.as_str())?,
            );
        }
        let mut request = Request::new(());
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        Ok(request.into_parts().0)
    }

    fn idempotency_key(&self) -> Result<Option<IdempotencyKey>, Outcome> {
        match &self.idempotency_key {
            Some(given) => Ok(Some(given.clone())),
            None if self.method == Method::POST => {
                IdempotencyKey::random().map(Some).map_err(Outcome::failed)
            }
            None => Ok(None),
        }
    }
}

/// One `name: value` for each field; all of them are ASCII here.
fn lines(headers: &HeaderMap) -> String {
    headers
        .iter()
        .filter(|(name, _)| *name != HOST)
        .map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value.as_bytes())))
        .collect::<Vec<_>>()
        .join("\n")
}

fn value(argument: &str, text: &str) -> Result<HeaderValue, Outcome> {
    HeaderValue::from_str(text)
        .map_err(|_| Outcome::wrong_call(format!("{argument}: accepted: visible ASCII")))
}

fn read(path: &Path) -> Result<Vec<u8>, Outcome> {
    let unreadable = |error| Outcome::wrong_call(format!("{}: {error}", path.display()));
    if path != Path::new("-") {
        return fs::read(path).map_err(unreadable);
    }
    let mut bytes = Vec::new();
    io::stdin()
        .lock()
        .take(BODY_MAX)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    Ok(bytes)
}

fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
