//! Where the enclave is reached.

use std::{fmt, str::FromStr};

use http::Uri;
use permafrost_common::transport::{Address, AddressError};

/// Where requests go: the parent's HTTP port, or the enclave itself.
///
/// ```
/// use permafrost_client::Endpoint;
///
/// for text in ["http://127.0.0.1:8080", "vsock://16:5000", "unix:/run/permafrost.sock", "vsock+unix:/run/vm.sock:5000"] {
///     assert_eq!(text.parse::<Endpoint>()?.to_string(), text);
/// }
/// # Ok::<(), permafrost_client::EndpointError>(())
/// ```
///
/// The path need not be trusted, and none of these is encrypted: anyone on it can read requests and
/// responses and refuse service, but can neither alter nor forge them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Endpoint {
    /// `http://HOST:PORT` of the parent; the port defaults to 80.
    Http {
        /// A name, an IPv4 address, or an IPv6 address in brackets.
        host: String,
        /// The TCP port.
        port: u16,
    },
    /// `vsock://CID:PORT`, `unix:PATH` or `vsock+unix:PATH:PORT`: any stream that speaks HTTP/1.1.
    Transport(Address),
}

/// Why a text is not an [`Endpoint`].
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum EndpointError {
    /// It is an `https` URL.
    #[error(
        "{0:?}: https is not supported; a proxy in front of the parent ends TLS, so give the http://HOST:PORT behind that proxy"
    )]
    Https(String),
    /// It is an `http` URL of another form.
    #[error("{0:?} is not an endpoint; accepted: http://HOST:PORT without a path, query or user")]
    Url(String),
    /// It is not the address of a transport.
    #[error("not an endpoint; accepted: http://HOST:PORT or a transport: {0}")]
    Transport(#[from] AddressError),
}

impl Endpoint {
    /// The value of the `Host` field. Transports have no host name; theirs is `localhost`.
    pub(crate) fn host_field(&self) -> String {
        match self {
            Self::Http { host, port } => format!("{host}:{port}"),
            Self::Transport(_) => "localhost".to_owned(),
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http { host, port } => write!(f, "http://{host}:{port}"),
            Self::Transport(address) => address.fmt(f),
        }
    }
}

impl From<Address> for Endpoint {
    fn from(address: Address) -> Self {
        Self::Transport(address)
    }
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let scheme = text
            .split_once("://")
            .map(|(scheme, _)| scheme.to_ascii_lowercase());
        match scheme.as_deref() {
            Some("https") => Err(EndpointError::Https(text.to_owned())),
            Some("http") => parse_http(text).ok_or_else(|| EndpointError::Url(text.to_owned())),
            _ => Ok(Self::Transport(text.parse()?)),
        }
    }
}

fn parse_http(text: &str) -> Option<Endpoint> {
    let uri: Uri = text.parse().ok()?;
    let authority = uri.authority()?;
    let plain = matches!(uri.path(), "" | "/")
        && uri.query().is_none()
        && !text.contains('#')
        && !authority.as_str().contains('@')
        && !authority.host().is_empty()
        && !authority.as_str().ends_with(':');
    // A port that is out of range reads as absent: only the text tells the two apart.
    let port = match authority.port_u16() {
        Some(port) => port,
        None if authority.as_str() == authority.host() => 80,
        None => return None,
    };
    (plain && port != 0).then(|| Endpoint::Http {
        host: authority.host().to_owned(),
        port,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read() {
        for (text, host, port) in [
            ("http://127.0.0.1:8080", "127.0.0.1", 8080),
            ("http://localhost:8080/", "localhost", 8080),
            ("HTTP://parent", "parent", 80),
            ("http://[::1]:8080", "[::1]", 8080),
            ("http://[::1]", "[::1]", 80),
        ] {
            let host = host.to_owned();
            assert_eq!(text.parse(), Ok(Endpoint::Http { host, port }), "{text}");
        }
        assert!(matches!("unix:/run/x".parse(), Ok(Endpoint::Transport(_))));
    }

    #[test]
    fn https_is_refused_in_words() {
        let error = "https://example.com".parse::<Endpoint>().unwrap_err();
        assert_eq!(
            error,
            EndpointError::Https("https://example.com".to_owned())
        );
        assert!(error.to_string().contains("proxy"));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "http://",
            "http://host/path",
            "http://host?query",
            "http://host#fragment",
            "http://user@host",
            "http://host:0",
            "http://host:65536",
            "http://host:",
            "http://:80",
            "http:host:80",
            "host:80",
            "ftp://host",
            "",
        ] {
            assert!(text.parse::<Endpoint>().is_err(), "{text}");
        }
    }
}
