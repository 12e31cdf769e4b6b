//! Names of hosts that can be allowed, and what the enclave asks for.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;

/// The most bytes of a refused text that an error shows.
const SHOWN_MAX: usize = 300;

/// A DNS name in lower case, without a trailing dot, that cannot be read as an address: at most 253 bytes, labels of
/// 1 to 63 letters, digits and hyphens (RFC 1123 section 2.1), the last of which begins with a letter.
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq)]
#[serde(try_from = "String")]
pub struct HostName(String);

/// Why a text is no [`HostName`].
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{host:?} is not accepted as a host: {rule}")]
pub struct HostNameError {
    host: String,
    rule: &'static str,
}

impl HostName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for HostName {
    type Err = HostNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match broken_rule(text) {
            None => Ok(Self(text.to_owned())),
            Some(rule) => Err(HostNameError {
                host: shown(text),
                rule,
            }),
        }
    }
}

impl TryFrom<String> for HostName {
    type Error = HostNameError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

/// `HOST:PORT`, as a CONNECT request names it (RFC 9110 section 9.3.6).
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Target {
    pub(super) host: HostName,
    pub(super) port: u16,
}

/// Why a text is no [`Target`].
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub(super) enum TargetError {
    #[error("{0:?} is not accepted: HOST:PORT is, with the port in decimal, 1 to 65535")]
    Form(String),
    #[error(transparent)]
    Host(#[from] HostNameError),
}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let form = || TargetError::Form(shown(text));
        let (host, port) = text.rsplit_once(':').ok_or_else(form)?;
        let host = host.parse()?;
        let decimal = port.bytes().all(|byte| byte.is_ascii_digit()) && !port.starts_with('0');
        match port.parse() {
            Ok(port) if decimal => Ok(Self { host, port }),
            _ => Err(form()),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

fn broken_rule(text: &str) -> Option<&'static str> {
    if text.contains('*') {
        return Some("there are no wildcards, each host is named");
    }
    if text.contains('@') {
        return Some("there is no user information");
    }
    if text.contains(['[', ':']) {
        return Some("an address is none, only a DNS name is");
    }
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Some("a host name is in lower case");
    }
    if text.ends_with('.') {
        return Some("a host name has no trailing dot");
    }
    if text.is_empty() || text.len() > 253 {
        return Some("a host name has 1 to 253 bytes");
    }
    if !text.split('.').all(is_label) {
        return Some(
            "a label has 1 to 63 letters, digits and hyphens, a hyphen neither first nor last",
        );
    }
    // No top-level domain begins with a digit, and whatever the system's resolver reads as an IPv4 address ends in a
    // number: 127.1, 0x7f000001, 2130706433.
    match text.rsplit('.').next().and_then(|last| last.bytes().next()) {
        Some(first) if first.is_ascii_lowercase() => None,
        _ => Some("an address is none, only a DNS name is: its last label begins with a letter"),
    }
}

fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

fn shown(text: &str) -> String {
    let mut end = text.len().min(SHOWN_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dns_names_in_lower_case_are_accepted() {
        let long = format!("{}.com", ["a".repeat(62).as_str(); 3].join("."));
        for name in [
            "kms.eu-central-1.amazonaws.com",
            "kms.us-east-1.localhost",
            "localhost",
            "1.2.3.example",
            "xn--bcher-kva.example",
            "a--b.c",
            long.as_str(),
        ] {
            assert_eq!(name.parse::<HostName>().unwrap().as_str(), name);
        }
    }

    #[test]
    fn what_is_no_dns_name_in_lower_case_is_refused_by_its_rule() {
        let long = "a.".repeat(126) + "aa";
        let label = "a".repeat(64) + ".com";
        for (text, rule) in [
            ("", "1 to 253"),
            (long.as_str(), "1 to 253"),
            ("*.amazonaws.com", "wildcard"),
            ("kms.*.amazonaws.com", "wildcard"),
            ("KMS.eu-central-1.amazonaws.com", "lower case"),
            ("kms.eu-central-1.amazonaws.com.", "trailing dot"),
            ("user@kms.amazonaws.com", "user information"),
            ("user:pass@kms.amazonaws.com", "user information"),
            ("127.0.0.1", "address"),
            ("127.1", "address"),
            ("2130706433", "address"),
            ("0x7f000001", "address"),
            ("0177.0.0.1", "address"),
            ("127.0.0.0x1", "address"),
            ("::1", "address"),
            ("[::1]", "address"),
            ("[fd00:ec2::254]", "address"),
            ("a..b", "label"),
            (".a", "label"),
            ("-a.b", "label"),
            ("a-.b", "label"),
            ("a_b.c", "label"),
            ("a b.c", "label"),
            ("b\u{fc}cher.example", "label"),
            ("a\0.com", "label"),
            ("a%2e.com", "label"),
            ("a/b.com", "label"),
            (label.as_str(), "label"),
        ] {
            let error = text.parse::<HostName>().unwrap_err();
            assert!(error.rule.contains(rule), "{text:?}: {error}");
        }
    }

    #[test]
    fn a_target_is_a_host_and_a_decimal_port() {
        let target: Target = "localhost:4443".parse().unwrap();
        assert_eq!((target.host.as_str(), target.port), ("localhost", 4443));
        assert_eq!(target.to_string(), "localhost:4443");
        for text in [
            "localhost",
            "localhost:",
            "localhost:0",
            "localhost:65536",
            "localhost:+443",
            "localhost:0443",
            "localhost:443 ",
            "localhost:-1",
            "localhost:https",
            "localhost:443:443",
            "http://localhost:443",
            "http://localhost:443/",
            "/credentials",
            "*",
            ":443",
        ] {
            assert!(text.parse::<Target>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_refused_text_is_shown_shortened() {
        let error = "\u{e9}".repeat(1000).parse::<HostName>().unwrap_err();
        assert_eq!(error.host, "\u{e9}".repeat(150));
    }
}
