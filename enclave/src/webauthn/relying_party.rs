//! The relying party: its id, and the origins whose pages may use it.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::{AttestationRoots, WebauthnError, error::quoted};

/// What a passkey is for (WebAuthn Level 3 section 4, "Relying Party"), from the measured configuration.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RelyingParty {
    id: String,
    id_hash: [u8; 32],
    origins: Vec<String>,
    attestation_roots: Option<AttestationRoots>,
}

/// Why a relying party is invalid.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RelyingPartyError {
    /// The id is not a domain as browsers write it.
    #[error(
        "the RP ID is {found}; accepted: a domain in lower-case ASCII with at least two labels, such as wallet.example.org, or localhost"
    )]
    Id {
        /// What came, quoted.
        found: String,
    },
    /// No origin, or too many.
    #[error("there are {found} origins; accepted: 1 to {ORIGINS_MAX}")]
    Count {
        /// How many came.
        found: usize,
    },
    /// An origin is not in the form in which browsers send it (RFC 6454 section 6.2).
    #[error(
        "an origin is {found}; accepted: https://HOST or https://HOST:PORT, or http://localhost with or without a port; HOST a domain in lower-case ASCII, PORT not the scheme's default, and nothing after it; or android:apk-key-hash: and the 43 characters of a SHA-256 in base64url"
    )]
    Origin {
        /// What came, quoted.
        found: String,
    },
    /// An origin is named twice.
    #[error("the origin {found} is named twice")]
    Twice {
        /// Which one, quoted.
        found: String,
    },
    /// A browser at this origin may not use the id.
    #[error(
        "the origin {origin} is not at {id:?} or a subdomain of it, so its pages cannot use this RP ID"
    )]
    OutOfScope {
        /// The origin, quoted.
        origin: String,
        /// The RP ID.
        id: String,
    },
}

impl RelyingParty {
    /// A relying party with this id, whose pages and apps are at these origins: 1 to 16 exact texts, `https://host[:port]`,
    /// `http://localhost[:port]` for development, or `android:apk-key-hash:` and the unpadded base64url of the SHA-256 (32 bytes, 43
    /// characters) of the certificate that signs an Android app. An app is bound to the id by the Digital Asset Links that its domain
    /// serves, not by its origin.
    ///
    /// The id must be each origin's host or a parent domain of it (WebAuthn Level 3 section 5.1.3, step on `rp.id`), of at least
    /// two labels unless it is `localhost`. Whether it is a public suffix (`co.uk`) is not checked: browsers refuse those.
    ///
    /// # Errors
    /// [`RelyingPartyError`] names the first problem.
    pub fn new(id: &str, origins: &[String]) -> Result<Self, RelyingPartyError> {
        if !(id == LOCALHOST || (is_domain(id) && id.contains('.'))) {
            return Err(RelyingPartyError::Id { found: quoted(id) });
        }
        if !(1..=ORIGINS_MAX).contains(&origins.len()) {
            return Err(RelyingPartyError::Count {
                found: origins.len(),
            });
        }
        for (index, origin) in origins.iter().enumerate() {
            let found = || quoted(origin);
            if !is_android_app(origin) {
                let host =
                    host(origin).ok_or_else(|| RelyingPartyError::Origin { found: found() })?;
                if !is_at_or_below(host, id) {
                    return Err(RelyingPartyError::OutOfScope {
                        origin: found(),
                        id: id.to_owned(),
                    });
                }
            }
            if origins.iter().take(index).any(|before| before == origin) {
                return Err(RelyingPartyError::Twice { found: found() });
            }
        }
        let mut id_hash = [0; 32];
        id_hash.copy_from_slice(digest(&SHA256, id.as_bytes()).as_ref());
        Ok(Self {
            id: id.to_owned(),
            id_hash,
            origins: origins.to_vec(),
            attestation_roots: None,
        })
    }

    /// The same, but accepting new passkeys only from authenticators for which one of these roots vouches.
    pub fn asking_for_attestation(self, roots: AttestationRoots) -> Self {
        Self {
            attestation_roots: Some(roots),
            ..self
        }
    }

    /// The roots that must vouch for new passkeys; `None` if none must.
    pub fn attestation_roots(&self) -> Option<&AttestationRoots> {
        self.attestation_roots.as_ref()
    }

    /// The RP ID: a domain.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The origins, in the order of the configuration.
    pub fn origins(&self) -> &[String] {
        &self.origins
    }

    pub(super) fn check_origin(&self, origin: &str) -> Result<(), WebauthnError> {
        if self.origins.iter().any(|accepted| accepted == origin) {
            return Ok(());
        }
        Err(WebauthnError::Origin {
            found: quoted(origin),
            accepted: self.origins.join(", "),
        })
    }

    pub(super) fn check_id_hash(&self, hash: &[u8; 32]) -> Result<(), WebauthnError> {
        if *hash == self.id_hash {
            return Ok(());
        }
        Err(WebauthnError::RpId {
            found: hex::encode(hash),
            accepted: self.id.clone(),
        })
    }
}

/// Whether an origin is that of an Android app, in the form in which Android's credential manager states it.
fn is_android_app(origin: &str) -> bool {
    let hash = origin.strip_prefix("android:apk-key-hash:");
    hash.and_then(|hash| URL_SAFE_NO_PAD.decode(hash).ok())
        .is_some_and(|hash| hash.len() == 32)
}

/// The host of an origin, if the origin is in its one accepted form.
fn host(origin: &str) -> Option<&str> {
    let (rest, default_port, local) = match origin.strip_prefix("https://") {
        Some(rest) => (rest, "443", false),
        None => (origin.strip_prefix("http://")?, "80", true),
    };
    let host = match rest.split_once(':') {
        Some((host, port)) if is_port(port) && port != default_port => host,
        Some(_) => return None,
        None => rest,
    };
    (is_domain(host) && (!local || host == LOCALHOST)).then_some(host)
}

/// A domain as browsers write it (punycode, lower case), with letters, digits and hyphens only. Its last label is not a number:
/// that would be an IPv4 address (WHATWG URL section 3.5), which no RP ID can be.
fn is_domain(text: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
    };
    let last = text.rsplit('.').next().unwrap_or_default();
    text.len() <= 253
        && text.split('.').all(is_label)
        && last.starts_with(|first: char| first.is_ascii_lowercase())
}

/// 1 to 65535, without leading zeros.
fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
        && !text.starts_with('0')
        && text.parse::<u16>().is_ok()
}

fn is_at_or_below(host: &str, id: &str) -> bool {
    match host.strip_suffix(id) {
        Some(before) => before.is_empty() || before.ends_with('.'),
        None => false,
    }
}

const LOCALHOST: &str = "localhost";

/// How many origins a relying party may have.
const ORIGINS_MAX: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn new(id: &str, origins: &[&str]) -> Result<RelyingParty, RelyingPartyError> {
        let origins: Vec<_> = origins.iter().map(|&origin| origin.to_owned()).collect();
        RelyingParty::new(id, &origins)
    }

    #[test]
    fn an_id_may_be_the_host_or_a_parent_domain_of_each_origin() {
        for (id, origin) in [
            ("example.org", "https://example.org"),
            ("example.org", "https://wallet.example.org"),
            ("example.org", "https://a.b.example.org:8443"),
            ("xn--bcher-kva.example", "https://xn--bcher-kva.example"),
            ("localhost", "http://localhost"),
            ("localhost", "http://localhost:5173"),
        ] {
            let party = new(id, &[origin]).unwrap();
            assert_eq!(party.id(), id);
            assert_eq!(party.origins(), [origin]);
        }
    }

    #[test]
    fn an_origin_that_the_id_does_not_cover_is_refused() {
        for (id, origin) in [
            ("wallet.example.org", "https://example.org"),
            ("example.org", "https://notexample.org"),
            ("example.org", "https://example.org.evil.example"),
            ("example.org", "http://localhost:5173"),
            ("localhost", "https://example.org"),
        ] {
            let refused = new(id, &["https://wallet.example.org", origin]).unwrap_err();
            let first = new(id, &[origin]).unwrap_err();
            assert!(matches!(first, RelyingPartyError::OutOfScope { .. }));
            assert!(matches!(refused, RelyingPartyError::OutOfScope { .. }));
        }
    }

    #[test]
    fn an_id_is_a_domain_as_browsers_write_it() {
        let long = format!("{}.example", "a".repeat(64));
        let longer = format!("{}example", "aaaa.".repeat(50));
        for id in [
            "",
            "com",
            "Example.org",
            "example.org.",
            ".example.org",
            "example..org",
            "-a.example",
            "a-.example",
            "a_b.example",
            "bücher.example",
            "127.0.0.1",
            "1.2",
            "[::1]",
            "https://example.org",
            "example.org:443",
            "example.org/",
            &long,
            &longer,
        ] {
            let refused = new(id, &["https://example.org"]).unwrap_err();
            assert!(matches!(refused, RelyingPartyError::Id { .. }), "{id}");
        }
    }

    #[test]
    fn an_origin_has_one_text() {
        for origin in [
            "",
            "example.org",
            "http://example.org",
            "http://example.localhost",
            "https://",
            "https://example.org/",
            "https://example.org/path",
            "https://example.org?",
            "https://user@example.org",
            "https://Example.org",
            "HTTPS://example.org",
            "https://example.org.",
            "https://example.org:",
            "https://example.org:443",
            "https://example.org:0",
            "https://example.org:080",
            "https://example.org:65536",
            "https://example.org:+80",
            "https://example.org:80:80",
            "http://localhost:80",
            "https://127.0.0.1",
            "https://[::1]",
            "null",
            "android:apk-key-hash:AAAA",
        ] {
            let refused = new("example.org", &[origin]).unwrap_err();
            assert!(
                matches!(refused, RelyingPartyError::Origin { .. }),
                "{origin}: {refused}"
            );
        }
    }

    #[test]
    fn there_are_1_to_16_different_origins() {
        let many: Vec<_> = (1..=17)
            .map(|port| format!("https://example.org:{port}"))
            .collect();
        assert_eq!(
            RelyingParty::new("example.org", &many),
            Err(RelyingPartyError::Count { found: 17 })
        );
        assert!(RelyingParty::new("example.org", &many[..16]).is_ok());
        assert_eq!(
            RelyingParty::new("example.org", &[]),
            Err(RelyingPartyError::Count { found: 0 })
        );
        let twice = ["https://example.org", "https://example.org"];
        assert_eq!(
            new("example.org", &twice),
            Err(RelyingPartyError::Twice {
                found: "\"https://example.org\"".to_owned()
            })
        );
    }

    #[test]
    fn an_android_app_is_accepted_by_the_hash_of_its_certificate_where_it_is_listed() {
        let app = "android:apk-key-hash:Esrw9r2q2zuIkz5sXTg0EbrKrqRKVrJiXuVZKUmrV5I";
        let page = "https://wallet.example.org";
        let both = new("wallet.example.org", &[page, app]).unwrap();
        assert!(both.check_origin(app).is_ok() && both.check_origin(page).is_ok());
        let pages = new("wallet.example.org", &[page]).unwrap();
        assert!(matches!(
            pages.check_origin(app),
            Err(WebauthnError::Origin { .. })
        ));
        for other in [
            app.to_lowercase(),
            format!("{app}="),
            app[..app.len() - 1].to_owned(),
            app.replace("V5I", "V5J"),
        ] {
            assert!(both.check_origin(&other).is_err(), "{other}");
        }
        for invalid in [
            format!("{app}="),
            app[..app.len() - 1].to_owned(),
            // Not the one encoding of its bytes.
            app.replace("V5I", "V5J"),
            app.replace("apk-key-hash:", ""),
            app.replace("android", "ios"),
        ] {
            let refused = new("wallet.example.org", &[&invalid]);
            assert!(
                matches!(refused, Err(RelyingPartyError::Origin { .. })),
                "{invalid}"
            );
        }
    }
}
