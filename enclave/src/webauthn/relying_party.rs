//! The relying party: its id, and the origins whose pages may ask for it.

use aws_lc_rs::digest::{SHA256, digest};

use super::{WebauthnError, error::quoted};

/// Whom a passkey is for (WebAuthn Level 3 section 4, "Relying Party"): from the measured configuration.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RelyingParty {
    id: String,
    id_hash: [u8; 32],
    origins: Vec<String>,
}

/// Why there is no such relying party.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RelyingPartyError {
    /// The id is not a domain as browsers write it.
    #[error(
        "the RP ID is {found}; accepted: a domain in lower-case ASCII of at least two labels, as wallet.example.org, or localhost"
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
        "an origin is {found}; accepted: https://HOST or https://HOST:PORT, or http://localhost with or without a port; HOST a domain in lower-case ASCII, PORT not the scheme's default, and nothing behind"
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
    /// A relying party of this id, whose pages are at these origins: 1 to 16 exact texts, `https://host[:port]`, or
    /// `http://localhost[:port]` for development.
    ///
    /// The id must be each origin's host or a parent domain of it (WebAuthn Level 3 section 5.1.3, step on `rp.id`), of at least
    /// two labels unless it is `localhost`. Whether it is a public suffix (`co.uk`) is not looked up: browsers refuse it then.
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
            let host = host(origin).ok_or_else(|| RelyingPartyError::Origin { found: found() })?;
            if !is_at_or_below(host, id) {
                return Err(RelyingPartyError::OutOfScope {
                    origin: found(),
                    id: id.to_owned(),
                });
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
        })
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

/// The host of an origin that is in its one form.
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
