//! The section `[people]` of the measured configuration.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::config_error::{ConfigError, in_range, value};
use crate::keys::PayloadKind;
use crate::pem;
use crate::principal::{KeyScope, OperationName, Policy, check_kinds};
use crate::webauthn::{AttestationRoots, RelyingParty};

/// How people register, and what every user may do.
#[derive(Clone, Debug)]
pub struct PeopleConfig {
    /// The relying party of all passkeys.
    pub relying_party: RelyingParty,
    /// What every user may do with their own keys.
    pub policy: Policy,
    /// How long a session lasts, in seconds.
    pub session_s: u64,
    /// How long a recovery waits before it may be completed, in seconds.
    pub recovery_delay_s: u64,
    /// The digest of the page that the deployer publishes, for anyone who compares: 64 hex digits.
    pub page_sha256: Option<String>,
    /// How many registrations may begin per minute, over all users together; links and recoveries as many again, each for themselves.
    pub arrivals_per_minute: u32,
}

/// The section as it stands in the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PeopleSection {
    rp_id: String,
    origins: Vec<String>,
    #[serde(default = "operations")]
    operations: BTreeSet<OperationName>,
    #[serde(default = "payloads")]
    payloads: BTreeSet<PayloadKind>,
    nostr_kinds: Option<BTreeSet<u16>>,
    page_sha256: Option<String>,
    attestation: Option<AttestationSection>,
    #[serde(default = "requests_per_minute")]
    requests_per_minute: u32,
    #[serde(default = "session_s")]
    session_s: u64,
    #[serde(default = "recovery_delay_s")]
    recovery_delay_s: u64,
    #[serde(default = "arrivals_per_minute")]
    arrivals_per_minute: u32,
}

/// The section `people.attestation`: which authenticators may make passkeys.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AttestationSection {
    roots: String,
    aaguids: Option<Vec<String>>,
}

impl PeopleConfig {
    pub(crate) fn of(section: PeopleSection) -> Result<Self, ConfigError> {
        let mut relying_party =
            RelyingParty::new(&section.rp_id, &section.origins).map_err(|error| {
                value(
                    "people.rp_id and people.origins",
                    &error.to_string(),
                    "an RP ID, and origins at it",
                )
            })?;
        if let Some(attestation) = section.attestation {
            relying_party = relying_party.asking_for_attestation(attestation.roots()?);
        }
        for operation in &section.operations {
            if operation.is_of_people() || operation.is_of_the_root() {
                return Err(value(
                    "people.operations",
                    operation.as_str(),
                    "operations on keys; those on the user's own account are always allowed",
                ));
            }
        }
        let check = |key, found, accepted| in_range(&format!("people.{key}"), found, accepted);
        let (requests, arrivals) = (section.requests_per_minute, section.arrivals_per_minute);
        check("requests_per_minute", requests.into(), 1..=60_000)?;
        check("arrivals_per_minute", arrivals.into(), 1..=60_000_000)?;
        check("session_s", section.session_s, 60..=900)?;
        check(
            "recovery_delay_s",
            section.recovery_delay_s,
            3_600..=30 * 86_400,
        )?;
        check_kinds(
            "people.nostr_kinds",
            &section.payloads,
            section.nostr_kinds.is_some(),
        )?;
        if let Some(digest) = &section.page_sha256
            && !is_sha256(digest)
        {
            return Err(value(
                "people.page_sha256",
                &format!("{} bytes", digest.len()),
                "64 lower-case hex digits, as the page's build prints them",
            ));
        }
        let mut operations = section.operations;
        operations.extend(OperationName::OF_PEOPLE);
        Ok(Self {
            relying_party,
            policy: Policy {
                operations,
                keys: KeyScope::Own,
                derived: BTreeSet::new(),
                payloads: section.payloads,
                nostr_kinds: section.nostr_kinds,
                requests_per_minute: section.requests_per_minute,
            },
            page_sha256: section.page_sha256,
            session_s: section.session_s,
            recovery_delay_s: section.recovery_delay_s,
            arrivals_per_minute: section.arrivals_per_minute,
        })
    }
}

impl AttestationSection {
    fn roots(&self) -> Result<AttestationRoots, ConfigError> {
        let not = |found: String| value("people.attestation.roots", &found, pem::ACCEPTED);
        let certificates = pem::certificates(&self.roots).map_err(not)?;
        let models = self.aaguids.as_deref().map(aaguids).transpose()?;
        AttestationRoots::new(&certificates, models)
            .map_err(|(index, error)| not(format!("certificate {index}: {error}")))
    }
}

/// The models' AAGUIDs, in the form of a UUID (RFC 9562 section 4) as vendors publish them.
fn aaguids(texts: &[String]) -> Result<BTreeSet<[u8; 16]>, ConfigError> {
    const ACCEPTED: &str =
        "one or more UUIDs such as 2fc0579f-8113-47ea-b116-bb5a8db9202a, each once";
    let refused = |found: &str| value("people.attestation.aaguids", found, ACCEPTED);
    let mut models = BTreeSet::new();
    for text in texts {
        let model = aaguid(text).ok_or_else(|| refused(text))?;
        if !models.insert(model) {
            return Err(refused(&format!("{text} twice")));
        }
    }
    match models.is_empty() {
        true => Err(refused("none")),
        false => Ok(models),
    }
}

fn aaguid(text: &str) -> Option<[u8; 16]> {
    let groups: Vec<_> = text.split('-').collect();
    let has_form = groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12]);
    let bytes = hex::decode(groups.concat()).ok().filter(|_| has_form)?;
    bytes.try_into().ok()
}

fn is_sha256(text: &str) -> bool {
    text.len() == 64
        && text
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn operations() -> BTreeSet<OperationName> {
    [
        OperationName::ListKeys,
        OperationName::ShowKey,
        OperationName::Sign,
        OperationName::RotateKey,
        OperationName::TakePart,
    ]
    .into()
}

fn payloads() -> BTreeSet<PayloadKind> {
    [PayloadKind::NostrEvent].into()
}

fn requests_per_minute() -> u32 {
    120
}

fn session_s() -> u64 {
    900
}

fn recovery_delay_s() -> u64 {
    72 * 3_600
}

fn arrivals_per_minute() -> u32 {
    600
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair};

    use super::*;

    fn parsed(lines: &str) -> Result<PeopleConfig, ConfigError> {
        let text = format!(
            "rp_id = \"localhost\"\norigins = [\"http://localhost\"]\n[attestation]\n{lines}"
        );
        PeopleConfig::of(toml::from_str(&text).unwrap())
    }

    fn root() -> String {
        let params = CertificateParams::default();
        let root = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        root.pem()
    }

    #[test]
    fn vendors_and_models_are_read() {
        let roots = format!("roots = '''{}{}'''\n", root(), root());
        let asked = |lines: &str| {
            let config = parsed(&format!("{roots}{lines}")).unwrap();
            config.relying_party.attestation_roots().cloned().unwrap()
        };
        let model = "2fc0579f-8113-47ea-b116-bb5a8db9202a";
        let one = asked(&format!("aaguids = ['{model}']"));
        assert_eq!(
            one,
            asked(&format!("aaguids = ['{}']", model.to_uppercase()))
        );
        assert_ne!(one, asked(""));
    }

    #[test]
    fn invalid_roots_and_models_are_refused_by_name() {
        let root = root();
        let good = format!("roots = '''{root}'''\n");
        let model = "2fc0579f-8113-47ea-b116-bb5a8db9202a";
        for (lines, named) in [
            ("roots = ''".to_owned(), "people.attestation.roots"),
            (
                format!(
                    "roots = '''{}'''",
                    root.replace("CERTIFICATE", "PUBLIC KEY")
                ),
                "people.attestation.roots",
            ),
            (
                "roots = '''-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----'''"
                    .to_owned(),
                "people.attestation.roots: certificate 0",
            ),
            (
                format!("{good}aaguids = []"),
                "people.attestation.aaguids: none",
            ),
            (
                format!("{good}aaguids = ['{model}', '{model}']"),
                "people.attestation.aaguids",
            ),
            (
                format!("{good}aaguids = ['{}']", model.replace('-', "")),
                "people.attestation.aaguids",
            ),
            (
                format!("{good}aaguids = ['{}']", model.replace('2', "g")),
                "people.attestation.aaguids",
            ),
        ] {
            let error = parsed(&lines).unwrap_err().to_string();
            assert!(error.contains(named), "{error}");
        }
    }
}
