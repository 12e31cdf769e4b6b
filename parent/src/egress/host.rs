//! Names of hosts that can be allowed, and what the enclave asks for.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;

/// How many bytes of a refused text an error shows at most.
const SHOWN_MAX: usize = 300;

/// A DNS name in lower case, without a trailing dot, that cannot be mistaken for an address: at most 253 bytes, with labels
/// of 1 to 63 letters, digits and hyphens (RFC 1123 section 2.1), the last of which begins with a letter.
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq)]
#[serde(try_from = "String")]
pub struct HostName(String);

/// Why a text is not a [`HostName`].
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

/// Why a text is not a [`Target`].
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub(super) enum TargetError {
    #[error("the target is {0:?}; accepted: HOST:PORT, with the port in decimal, 1 to 65535")]
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
        return Some("wildcards are not allowed, name each host");
    }
    if text.contains('@') {
        return Some("user information is not allowed");
    }
    if text.contains(['[', ':']) {
        return Some("a host is a DNS name, not an address");
    }
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Some("a host name must be in lower case");
    }
    if text.ends_with('.') {
        return Some("a host name must not have a trailing dot");
    }
    if text.is_empty() || text.len() > 253 {
        return Some("a host name must have 1 to 253 bytes");
    }
    if !text.split('.').all(is_label) {
        return Some(
            "a label must have 1 to 63 letters, digits and hyphens, with a hyphen neither first nor last",
        );
    }
    // No top-level domain begins with a digit, and whatever the system's resolver reads as an IPv4 address ends in a
    // number: 127.1, 0x7f000001, 2130706433.
    match text.rsplit('.').next().and_then(|last| last.bytes().next()) {
        Some(first) if first.is_ascii_lowercase() => None,
        _ => Some("a host is a DNS name, not an address: its last label must begin with a letter"),
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
    fn what_is_not_a_dns_name_in_lower_case_is_refused_by_the_rule_it_breaks() {
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
    fn an_error_shortens_the_refused_text() {
        let error = "\u{e9}".repeat(1000).parse::<HostName>().unwrap_err();
        assert_eq!(error.host, "\u{e9}".repeat(150));
    }
}
