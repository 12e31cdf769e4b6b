//! Whether the target that the enclave asks for is allowed: host and port must match exactly.

use super::config::{AllowConfig, AllowError, check};
use super::host::{Target, TargetError};

/// The entries of `[[egress.allow]]`, checked.
#[derive(Debug)]
pub(super) struct AllowList(Vec<AllowConfig>);

/// Why a target is not allowed.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotAllowed {
    #[error(transparent)]
    Target(#[from] TargetError),
    #[error("{0} is not allowed: its host is not on the parent's allow-list (egress.allow)")]
    Host(Target),
    #[error(
        "{target} is not allowed: for its host, the parent's allow-list (egress.allow) has only port {ports}"
    )]
    Port { target: Target, ports: String },
}

impl AllowList {
    pub(super) fn new(entries: Vec<AllowConfig>) -> Result<Self, AllowError> {
        check(&entries)?;
        Ok(Self(entries))
    }

    /// The entry for what a CONNECT request names.
    pub(super) fn find(&self, asked: &str) -> Result<&AllowConfig, NotAllowed> {
        let target: Target = asked.parse()?;
        let of_host = || self.0.iter().filter(|entry| entry.host == target.host);
        if let Some(entry) = of_host().find(|entry| entry.port == target.port) {
            return Ok(entry);
        }
        let ports: Vec<String> = of_host().map(|entry| entry.port.to_string()).collect();
        Err(if ports.is_empty() {
            NotAllowed::Host(target)
        } else {
            NotAllowed::Port {
                target,
                ports: ports.join(", "),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list() -> AllowList {
        let entry = |host: &str, port| AllowConfig::new(host.parse().unwrap(), port);
        AllowList::new(vec![
            entry("kms.example", 443),
            entry("kms.example", 8443),
            entry("other.example", 444),
        ])
        .unwrap()
    }

    #[test]
    fn a_listed_host_with_its_port_is_found() {
        let list = list();
        let found = list.find("kms.example:8443").unwrap();
        assert_eq!((found.host.as_str(), found.port), ("kms.example", 8443));
    }

    #[test]
    fn a_listed_host_with_another_port_is_not_allowed() {
        let error = list().find("kms.example:444").unwrap_err();
        assert!(matches!(error, NotAllowed::Port { .. }));
        assert!(error.to_string().contains("port 443, 8443"), "{error}");
    }

    #[test]
    fn what_merely_resembles_a_listed_host_is_not_allowed() {
        for asked in [
            "kms.example.evil.example:443",
            "evil-kms.example:443",
            "a.kms.example:443",
            "example:443",
            "kms.exampl:443",
            "kms-example:443",
        ] {
            let error = list().find(asked).unwrap_err();
            assert!(matches!(error, NotAllowed::Host(_)), "{asked}: {error}");
        }
    }

    #[test]
    fn what_is_not_a_host_and_port_is_not_allowed() {
        for asked in [
            "KMS.example:443",
            "kms.example.:443",
            "user@kms.example:443",
            "kms.example",
            "*:443",
            "127.0.0.1:443",
        ] {
            let error = list().find(asked).unwrap_err();
            assert!(matches!(error, NotAllowed::Target(_)), "{asked}: {error}");
        }
    }

    #[test]
    fn an_empty_list_allows_nothing() {
        let empty = AllowList::new(Vec::new()).unwrap();
        assert!(matches!(
            empty.find("kms.example:443"),
            Err(NotAllowed::Host(_))
        ));
    }
}
