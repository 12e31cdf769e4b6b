//! `vsock://CID:PORT`, `unix:PATH` and `vsock+unix:PATH:PORT` as one type.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The longest path of a Unix socket in bytes: `sun_path` has 108, the last one for the terminating zero (unix(7)).
pub const UNIX_PATH_MAX: usize = 107;

/// Where to connect to, or to listen on.
///
/// As text (and so in JSON and TOML) it has one form each, in which it also prints:
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
        /// Whose: the peer's to connect to, one's own to listen on.
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
    /// The path begins with `//`, as in a URL: what would have been a host name is part of the path here.
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

/// 1 to 4294967294 in the one way that prints so: no sign, no leading zero.
fn parse_number(text: &str) -> Option<u32> {
    let number = text.parse::<u32>().ok()?;
    ((1..u32::MAX).contains(&number) && number.to_string() == text).then_some(number)
}

/// `path` is what was written; `longest` the longest socket path that comes of it.
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
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn refusal(text: &str) -> AddressError {
        text.parse::<Address>().unwrap_err()
    }

    #[test]
    fn each_form_parses_to_its_parts() {
        for (text, address) in [
            (
                "vsock://16:5000",
                Address::Vsock {
                    cid: Cid::Number(16),
                    port: 5000,
                },
            ),
            (
                "vsock://1:4294967294",
                Address::Vsock {
                    cid: Cid::Number(1),
                    port: u32::MAX - 1,
                },
            ),
            (
                "vsock://any:1",
                Address::Vsock {
                    cid: Cid::Any,
                    port: 1,
                },
            ),
            ("unix:a", Address::Unix("a".into())),
            ("unix:/run/x:1.sock", Address::Unix("/run/x:1.sock".into())),
            (
                "vsock+unix:./a:b:7",
                Address::VsockOverUnix {
                    path: "./a:b".into(),
                    port: 7,
                },
            ),
        ] {
            assert_eq!(text.parse(), Ok(address.clone()), "{text}");
            assert_eq!(address.to_string(), text);
        }
    }

    #[test]
    fn a_text_of_no_known_scheme_is_refused() {
        for text in [
            "",
            "tcp://1:2",
            "vsock:3:4",
            "VSOCK://3:4",
            " unix:a",
            "/run/x",
        ] {
            assert_eq!(refusal(text), AddressError::Scheme(text.to_owned()));
        }
    }

    #[test]
    fn a_missing_port_is_refused() {
        for text in ["vsock://3", "vsock+unix:path"] {
            assert_eq!(refusal(text), AddressError::NoPort(text.to_owned()));
        }
    }

    #[test]
    fn ports_that_are_not_a_plain_number_in_range_are_refused() {
        for came in [
            "",
            "0",
            "4294967295",
            "4294967296",
            "+5",
            "05",
            "-1",
            "5 ",
            "0x5",
            "x",
        ] {
            for text in [format!("vsock://3:{came}"), format!("vsock+unix:p:{came}")] {
                let came = came.to_owned();
                assert_eq!(
                    refusal(&text),
                    AddressError::Port {
                        address: text.clone(),
                        came
                    }
                );
            }
        }
    }

    #[test]
    fn reserved_and_malformed_cids_are_refused() {
        for came in ["", "0", "4294967295", "-1", "+3", "03", "Any", "*", "3:3"] {
            let address = format!("vsock://{came}:5000");
            let came = came.to_owned();
            assert_eq!(refusal(&address), AddressError::Cid { address, came });
        }
    }

    #[test]
    fn paths_that_no_socket_can_have_are_refused() {
        assert!(matches!(refusal("unix:"), AddressError::Path { .. }));
        assert!(matches!(refusal("unix:a\0b"), AddressError::Path { .. }));
        assert!(matches!(
            refusal("vsock+unix::5"),
            AddressError::Path { .. }
        ));
        assert!(matches!(
            refusal("unix:///run/x"),
            AddressError::DoubleSlash { .. }
        ));
    }

    #[test]
    fn a_path_may_fill_sun_path_and_not_a_byte_more() {
        let fits = "p".repeat(UNIX_PATH_MAX);
        assert!(format!("unix:{fits}").parse::<Address>().is_ok());
        assert!(matches!(
            refusal(&format!("unix:{fits}p")),
            AddressError::PathTooLong { length: 108, .. }
        ));
        // `_5000` must fit too.
        let fits = "p".repeat(UNIX_PATH_MAX - 5);
        assert!(format!("vsock+unix:{fits}:5000").parse::<Address>().is_ok());
        assert!(matches!(
            refusal(&format!("vsock+unix:{fits}p:5000")),
            AddressError::PathTooLong { length: 108, .. }
        ));
    }

    #[test]
    fn an_error_names_what_came_and_what_is_accepted() {
        let said = refusal("vsock://0:5000").to_string();
        assert!(
            said.contains("\"0\"") && said.contains("1 to 4294967294"),
            "{said}"
        );
    }

    #[test]
    fn in_json_an_address_is_a_string() {
        let address: Address = serde_json::from_str("\"unix:/run/x\"").unwrap();
        assert_eq!(serde_json::to_string(&address).unwrap(), "\"unix:/run/x\"");
        assert!(serde_json::from_str::<Address>("\"unix:\"").is_err());
    }

    fn addresses() -> impl Strategy<Value = Address> {
        let port = 1..u32::MAX;
        let path = "[^\0/][^\0]{0,20}".prop_map(PathBuf::from);
        prop_oneof![
            (prop::option::of(1..u32::MAX), port.clone()).prop_map(|(cid, port)| Address::Vsock {
                cid: cid.map_or(Cid::Any, Cid::Number),
                port
            }),
            path.clone().prop_map(Address::Unix),
            (path, port).prop_map(|(path, port)| Address::VsockOverUnix { path, port }),
        ]
    }

    proptest! {
        #[test]
        fn what_prints_parses_back(address in addresses()) {
            prop_assert_eq!(address.to_string().parse(), Ok(address));
        }

        #[test]
        fn what_parses_prints_back(text in "(vsock://|unix:|vsock\\+unix:)?[a-z0-9:/_+]{0,24}") {
            if let Ok(address) = text.parse::<Address>() {
                prop_assert_eq!(address.to_string(), text);
            }
        }
    }
}
