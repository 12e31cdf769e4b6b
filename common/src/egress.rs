//! The egress proxy's protocol: HTTP/1.1 between the enclave (client) and the parent (server).
//!
//! | request | meaning | responses |
//! |---|---|---|
//! | `CONNECT HOST:PORT` (RFC 9110 section 9.3.6) | TCP to that host and port | 200, then bytes both ways; 403 not on the allow-list, or its addresses are refused; 502 not reachable; 503 too many connections; 504 not connected in time |
//! | `GET /credentials` | the credentials that sign AWS requests | 200 with [`Credentials`] as JSON; 503 the parent has none |
//! | anything else | | 404; 405 for [`CREDENTIALS_PATH`] |
//!
//! - `HOST` is a DNS name (never an address) and `PORT` decimal: the parent connects only to hosts on its allow-list. The enclave
//!   does not rely on that: it checks the host by its TLS certificate.
//! - The connection ends when both sides have closed their direction, or when it reaches a limit of the parent's.
//! - Every response other than 200 is `text/plain`: one line for people.

use std::fmt;

use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// The path of [`Credentials`].
pub const CREDENTIALS_PATH: &str = "/credentials";

/// The longest [`Credentials`] as JSON, in bytes. AWS gives no bound for session tokens; those seen have up to 2 KiB.
pub const CREDENTIALS_TEXT_MAX: usize = 16 * 1024;

/// AWS credentials, under the names of the container credentials endpoint (AWS SDKs reference guide).
///
/// They identify the AWS principal of a request and who pays for it, but unseal nothing: the parent has them anyway.
#[derive(Clone, Deserialize, Eq, PartialEq, Serialize, Zeroize, ZeroizeOnDrop)]
#[serde(rename_all = "PascalCase")]
pub struct Credentials {
    /// The access key's id: 16 to 128 letters and digits.
    pub access_key_id: String,
    /// The access key's secret.
    pub secret_access_key: String,
    /// The session token of temporary credentials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// When they expire, RFC 3339; absent if they do not expire.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expiration: Option<String>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("access_key_id", &self.access_key_id)
            .field("expiration", &self.expiration)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_have_the_names_of_the_container_endpoint() {
        let text = r#"{"AccessKeyId":"AKIAEXAMPLE","SecretAccessKey":"s3cret","Token":"t0ken","Expiration":"2026-01-01T00:00:00Z"}"#;
        let credentials: Credentials = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&credentials).unwrap(), text);
        let lasting = r#"{"AccessKeyId":"AKIAEXAMPLE","SecretAccessKey":"s3cret"}"#;
        let credentials: Credentials = serde_json::from_str(lasting).unwrap();
        assert_eq!(serde_json::to_string(&credentials).unwrap(), lasting);
    }

    #[test]
    fn credentials_are_not_printed() {
        let text = r#"{"AccessKeyId":"AKIAEXAMPLE","SecretAccessKey":"s3cret","Token":"t0ken"}"#;
        let credentials: Credentials = serde_json::from_str(text).unwrap();
        let printed = format!("{credentials:?}");
        assert!(printed.contains("AKIAEXAMPLE"), "{printed}");
        assert!(
            !printed.contains("s3cret") && !printed.contains("t0ken"),
            "{printed}"
        );
    }
}
