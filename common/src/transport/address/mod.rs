//! `vsock://CID:PORT`, `unix:PATH` and `vsock+unix:PATH:PORT` as one type.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The longest path of a Unix socket in bytes: `sun_path` has 108, the last one for the terminating zero (unix(7)).
pub const UNIX_PATH_MAX: usize = 107;

/// Where to connect to, or to listen on.
///
/// As text (and so in JSON and TOML) each has one form, in which it also prints:
///
/// ```
/// use permafrost_common::transport::{Address, Cid};
///
/// let address: Address = "vsock://any:5000".parse()?;
/// assert_eq!(address, Address::Vsock { cid: Cid::Any, port: 5000 });
/// assert_eq!(address.to_string(), "vsock://any:5000");
/// assert!("vsock://0:5000".parse::<Address>().is_err());
/// # Ok::<(), permafrost_common::transport::AddressError>(())
/// ```
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(into = "String", try_from = "String")]
pub enum Address {
    /// `vsock://CID:PORT`: AF_VSOCK (vsock(7)).
    Vsock {
        /// The peer's CID to connect to, or the own CID to listen on.
        cid: Cid,
        /// 1 to 4294967294.
        port: u32,
    },
    /// `unix:PATH`: a stream socket at a path of 1 to [`UNIX_PATH_MAX`] bytes, absolute or relative.
    Unix(PathBuf),
    /// `vsock+unix:PATH:PORT`: a vsock port of a guest whose monitor carries vsock over Unix sockets.
    VsockOverUnix {
        /// The monitor's socket. `PATH_PORT`, the path for what the guest connects to, is at most
        /// [`UNIX_PATH_MAX`] bytes.
        path: PathBuf,
        /// 1 to 4294967294.
        port: u32,
    },
}

/// A vsock context identifier (vsock(7)).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Cid {
    /// Every CID of this machine: only for listening.
    Any,
    /// 1 is this machine, 2 the host, 3 a Nitro enclave's parent instance, others are guests.
    /// 0 (reserved) and 4294967295 ("any") are never parsed.
    Number(u32),
}

/// Why a text is not an [`Address`]: what came, and what would have been accepted.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum AddressError {
    /// None of the three forms.
    #[error(
        "address {0:?} has no known scheme; accepted: vsock://CID:PORT, unix:PATH, vsock+unix:PATH:PORT"
    )]
    Scheme(String),
    /// No colon before the port.
    #[error("address {0:?} has no port; accepted: vsock://CID:PORT, vsock+unix:PATH:PORT")]
    NoPort(String),
    /// The port is not a number in range.
    #[error("port {came:?} of address {address:?}; accepted: 1 to 4294967294, in decimal digits")]
    Port {
        /// The whole text.
        address: String,
        /// The part that should be a port.
        came: String,
    },
    /// The CID is not a number in range: 0 is reserved, and 4294967295 is written `any`.
    #[error(
        "CID {came:?} of address {address:?}; accepted: 1 to 4294967294, in decimal digits, or `any` to listen on"
    )]
    Cid {
        /// The whole text.
        address: String,
        /// The part that should be a CID.
        came: String,
    },
    /// The path is empty or has a zero byte.
    #[error(
        "path {came:?} of address {address:?}; accepted: 1 to {max} bytes without a zero byte",
        max = UNIX_PATH_MAX
    )]
    Path {
        /// The whole text.
        address: String,
        /// The part that should be a path.
        came: String,
    },
    /// The path begins with `//`, as in a URL: what would be a host name there is part of the path here.
    #[error(
        "path {came:?} of address {address:?} begins with two slashes; accepted: unix:PATH without //"
    )]
    DoubleSlash {
        /// The whole text.
        address: String,
        /// The part that should be a path.
        came: String,
    },
    /// The path does not fit into a socket address.
    #[error(
        "the socket path of {address:?} takes {length} bytes; accepted: at most {max}, _PORT of vsock+unix included",
        max = UNIX_PATH_MAX
    )]
    PathTooLong {
        /// The whole text.
        address: String,
        /// The length of the path, with `_PORT` where the address has a port.
        length: usize,
    },
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        if let Some(rest) = text.strip_prefix("vsock://") {
            let (cid, port) = split_port(text, rest)?;
            return Ok(Self::Vsock {
                cid: parse_cid(text, cid)?,
                port: parse_port(text, port)?,
            });
        }
        if let Some(rest) = text.strip_prefix("vsock+unix:") {
            let (path, port) = split_port(text, rest)?;
            let port = parse_port(text, port)?;
            check_path(text, path, &guest_socket(Path::new(path), port))?;
            return Ok(Self::VsockOverUnix {
                path: path.into(),
                port,
            });
        }
        if let Some(path) = text.strip_prefix("unix:") {
            check_path(text, path, Path::new(path))?;
            return Ok(Self::Unix(path.into()));
        }
        Err(AddressError::Scheme(text.to_owned()))
    }
}

impl fmt::Display for Address {
    /// The form that parses. A path that is not UTF-8 (which no text gives) prints with replacement characters.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Vsock { cid, port } => write!(f, "vsock://{cid}:{port}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::VsockOverUnix { path, port } => {
                write!(f, "vsock+unix:{}:{port}", path.display())
            }
        }
    }
}

impl TryFrom<String> for Address {
    type Error = AddressError;

    fn try_from(text: String) -> Result<Self, AddressError> {
        text.parse()
    }
}

impl From<Address> for String {
    fn from(address: Address) -> Self {
        address.to_string()
    }
}

impl fmt::Display for Cid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("any"),
            Self::Number(number) => number.fmt(f),
        }
    }
}

/// Where a guest's connections to `port` arrive: `PATH_PORT`.
pub(super) fn guest_socket(path: &Path, port: u32) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!("_{port}"));
    name.into()
}

fn split_port<'a>(address: &str, rest: &'a str) -> Result<(&'a str, &'a str), AddressError> {
    rest.rsplit_once(':')
        .ok_or_else(|| AddressError::NoPort(address.to_owned()))
}

fn parse_port(address: &str, text: &str) -> Result<u32, AddressError> {
    parse_number(text).ok_or_else(|| AddressError::Port {
        address: address.to_owned(),
        came: text.to_owned(),
    })
}

fn parse_cid(address: &str, text: &str) -> Result<Cid, AddressError> {
    if text == "any" {
        return Ok(Cid::Any);
    }
    parse_number(text)
        .map(Cid::Number)
        .ok_or_else(|| AddressError::Cid {
            address: address.to_owned(),
            came: text.to_owned(),
        })
}

/// 1 to 4294967294 in the form in which it prints: no sign, no leading zero.
fn parse_number(text: &str) -> Option<u32> {
    let number = text.parse::<u32>().ok()?;
    ((1..u32::MAX).contains(&number) && number.to_string() == text).then_some(number)
}

/// `path` is the path as written; `longest` the longest socket path derived from it.
fn check_path(address: &str, path: &str, longest: &Path) -> Result<(), AddressError> {
    if path.is_empty() || path.contains('\0') {
        return Err(AddressError::Path {
            address: address.to_owned(),
            came: path.to_owned(),
        });
    }
    if path.starts_with("//") {
        return Err(AddressError::DoubleSlash {
            address: address.to_owned(),
            came: path.to_owned(),
        });
    }
    let length = longest.as_os_str().len();
    if length > UNIX_PATH_MAX {
        return Err(AddressError::PathTooLong {
            address: address.to_owned(),
            length,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
