//! Who may call: the identities of `identities.toml`.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};

use aws_lc_rs::rand;
use serde::{Deserialize, Deserializer};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use zeroize::Zeroizing;

use super::EmulatorError;
use super::files;

/// The identity that IAM allows everything.
pub const ADMINISTRATOR: &str = "administrator";

/// The identity that IAM allows nothing: only key policies do.
pub const ENCLAVE: &str = "enclave";

/// The file in the state directory.
pub const IDENTITIES_FILE: &str = "identities.toml";

/// The same access keys as a credentials file of the AWS SDKs, with a profile for each identity; written at each start.
pub const CREDENTIALS_FILE: &str = "credentials";

/// The letters of access key ids, as AWS makes them: base32.
const ID_ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// The letters of secrets: base64.
const SECRET_ALPHABET: &[u8; 64] =
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

const HEADER: &str = "\
# Who may call this development KMS. Read once, when it starts.
#
#   name                a name of yours
#   arn                 what key policies call it: a user or a role of this KMS's account
#   access_key_id, secret_access_key
#                       what it signs requests with
#   iam                 what IAM allows it, where a key policy leaves that to IAM: \"everything\" or \"nothing\"
#   session_token       of temporary credentials (optional); expires: when they end, RFC 3339 (optional)
";

/// One caller.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// Its name in the file.
    pub name: String,
    /// What key policies call it, as `arn:aws:iam::111122223333:role/enclave`.
    pub arn: String,
    /// 16 to 128 letters and digits; `AKIA` and 16 more where the emulator made it.
    pub access_key_id: String,
    /// 40 characters of base64 where the emulator made it.
    #[serde(deserialize_with = "secret")]
    pub secret_access_key: Zeroizing<String>,
    /// The session token, for temporary credentials.
    #[serde(default, deserialize_with = "optional_secret")]
    pub session_token: Option<Zeroizing<String>>,
    /// When temporary credentials end, RFC 3339.
    #[serde(default)]
    pub expires: Option<String>,
    /// What IAM allows it.
    pub iam: Iam,
}

/// What IAM allows an identity, where a key policy leaves that to IAM.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum Iam {
    /// Every action of KMS on every key.
    Everything,
    /// None.
    Nothing,
}

impl Identity {
    /// When temporary credentials end; `None` for those that do not.
    pub(super) fn end(&self) -> Option<OffsetDateTime> {
        self.expires
            .as_deref()
            .and_then(|text| OffsetDateTime::parse(text, &Rfc3339).ok())
    }

    fn check(&self, account: &str) -> Result<(), String> {
        let named = |problem: &str| Err(format!("identity {:?}: {problem}", self.name));
        if !is_arn_of(&self.arn, account) {
            return named(&format!(
                "arn is {:?}, accepted: arn:aws:iam::{account}:user/NAME, ...:role/NAME, ...:root or \
                 arn:aws:sts::{account}:assumed-role/ROLE/SESSION",
                self.arn
            ));
        }
        let id = &self.access_key_id;
        if !(16..=128).contains(&id.len()) || !id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return named("access_key_id is not 16 to 128 letters and digits");
        }
        let is_word = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic());
        if !is_word(&self.secret_access_key) {
            return named("secret_access_key is not printable ASCII without spaces");
        }
        if self
            .session_token
            .as_ref()
            .is_some_and(|token| !is_word(token))
        {
            return named("session_token is not printable ASCII without spaces");
        }
        if !is_word(&self.name) || self.name.contains(['[', ']']) {
            return named("name is not printable ASCII without spaces and brackets");
        }
        if self.expires.is_some() && self.end().is_none() {
            return named("expires is not a time of RFC 3339, as 2030-01-01T00:00:00Z");
        }
        Ok(())
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("name", &self.name)
            .field("arn", &self.arn)
            .field("access_key_id", &self.access_key_id)
            .field("iam", &self.iam)
            .finish_non_exhaustive()
    }
}

/// Every identity in the file.
#[derive(Debug)]
pub(super) struct Identities(Vec<Identity>);

impl Identities {
    /// Reads the file of a state directory; makes it, with two identities, where there is none.
    pub(super) fn load_or_make(state: &Path, account: &str) -> Result<Self, EmulatorError> {
        let path = path(state);
        if !path.exists() {
            files::write_new(&path, first(account)?.as_bytes())?;
        }
        let text = Zeroizing::new(files::read(&path)?);
        Self::parse(&text, account).map_err(|problem| EmulatorError::Identities { path, problem })
    }

    fn parse(text: &str, account: &str) -> Result<Self, String> {
        let File { identity } = toml::from_str(text).map_err(without_source)?;
        let mut names = BTreeSet::new();
        let mut ids = BTreeSet::new();
        for each in &identity {
            each.check(account)?;
            if !names.insert(&each.name) || !ids.insert(&each.access_key_id) {
                return Err(format!(
                    "identity {:?}: its name or its access_key_id is there twice",
                    each.name
                ));
            }
        }
        Ok(Self(identity))
    }

    /// Writes [`CREDENTIALS_FILE`].
    pub(super) fn write_credentials(&self, state: &Path) -> Result<(), EmulatorError> {
        let mut text = Zeroizing::new(String::new());
        for identity in &self.0 {
            let token = identity.session_token.as_deref();
            let lines = [
                Some(("[", identity.name.as_str(), "]\n")),
                Some(("aws_access_key_id = ", &identity.access_key_id, "\n")),
                Some((
                    "aws_secret_access_key = ",
                    &identity.secret_access_key,
                    "\n",
                )),
                token.map(|token| ("aws_session_token = ", token.as_str(), "\n")),
            ];
            for (before, value, after) in lines.into_iter().flatten() {
                text.push_str(before);
                text.push_str(value);
                text.push_str(after);
            }
        }
        files::replace(&state.join(CREDENTIALS_FILE), text.as_bytes())
    }

    pub(super) fn named(&self, name: &str) -> Option<&Identity> {
        self.0.iter().find(|identity| identity.name == name)
    }

    pub(super) fn with_access_key(&self, id: &str) -> Option<&Identity> {
        self.0.iter().find(|identity| identity.access_key_id == id)
    }
}

/// Where the identities of a state directory are.
pub(super) fn path(state: &Path) -> PathBuf {
    state.join(IDENTITIES_FILE)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    identity: Vec<Identity>,
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Zeroizing<String>, D::Error> {
    String::deserialize(deserializer).map(Zeroizing::new)
}

fn optional_secret<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Zeroizing<String>>, D::Error> {
    secret(deserializer).map(Some)
}

/// The error's message without the lines that it quotes: they may hold a secret.
fn without_source(error: toml::de::Error) -> String {
    error.message().to_owned()
}

fn first(account: &str) -> Result<Zeroizing<String>, EmulatorError> {
    let mut text = Zeroizing::new(HEADER.to_owned());
    for (name, kind, iam) in [
        (ADMINISTRATOR, "user", "everything"),
        (ENCLAVE, "role", "nothing"),
    ] {
        let id = random(ID_ALPHABET, 16)?;
        let secret = random(SECRET_ALPHABET, 40)?;
        text.push_str("\n[[identity]]\n");
        for (key, value) in [
            ("name", name),
            ("arn", &format!("arn:aws:iam::{account}:{kind}/{name}")),
            ("access_key_id", &format!("AKIA{}", *id)),
            ("secret_access_key", &secret),
            ("iam", iam),
        ] {
            for part in [key, " = \"", value, "\"\n"] {
                text.push_str(part);
            }
        }
    }
    Ok(text)
}

/// So many letters, each as likely as the others: the alphabets' lengths divide 256.
fn random(alphabet: &[u8], length: usize) -> Result<Zeroizing<String>, EmulatorError> {
    let mut bytes = Zeroizing::new(vec![0; length]);
    rand::fill(&mut bytes).map_err(|_| EmulatorError::NoRandomness)?;
    let letters = bytes
        .iter()
        .filter_map(|byte| alphabet.get(usize::from(*byte) % alphabet.len()));
    Ok(Zeroizing::new(
        letters.map(|letter| char::from(*letter)).collect(),
    ))
}

fn is_arn_of(arn: &str, account: &str) -> bool {
    let iam = arn
        .strip_prefix("arn:aws:iam::")
        .and_then(|rest| rest.strip_prefix(account));
    let sts = arn
        .strip_prefix("arn:aws:sts::")
        .and_then(|rest| rest.strip_prefix(account));
    let named = |rest: &str, prefix: &str| {
        rest.strip_prefix(prefix).is_some_and(|name| {
            !name.is_empty()
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_graphic() && byte != b'*')
        })
    };
    iam.is_some_and(|rest| rest == ":root" || named(rest, ":user/") || named(rest, ":role/"))
        || sts.is_some_and(|rest| {
            named(rest, ":assumed-role/") && rest.matches('/').count() == 2 && !rest.ends_with('/')
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCOUNT: &str = "111122223333";

    #[test]
    fn the_first_identities_look_as_those_of_aws() {
        let identities = Identities::parse(&first(ACCOUNT).unwrap(), ACCOUNT).unwrap();
        let administrator = identities.named(ADMINISTRATOR).unwrap();
        assert_eq!(
            administrator.arn,
            "arn:aws:iam::111122223333:user/administrator"
        );
        assert_eq!(administrator.iam, Iam::Everything);
        let enclave = identities.named(ENCLAVE).unwrap();
        assert_eq!(enclave.arn, "arn:aws:iam::111122223333:role/enclave");
        assert_eq!(enclave.iam, Iam::Nothing);
        for identity in [administrator, enclave] {
            assert!(identity.access_key_id.starts_with("AKIA"));
            assert_eq!(identity.access_key_id.len(), 20);
            assert_eq!(identity.secret_access_key.len(), 40);
        }
        assert_ne!(administrator.access_key_id, enclave.access_key_id);
        assert_ne!(administrator.secret_access_key, enclave.secret_access_key);
    }

    #[test]
    fn a_wrong_file_is_refused_in_words_without_its_secrets() {
        let good = first(ACCOUNT)
            .unwrap()
            .replace("secret_access_key = \"", "secret_access_key = \"VERYSECRET");
        Identities::parse(&good, ACCOUNT).unwrap();
        for (from, to, rule) in [
            ("111122223333:user", "999999999999:user", "arn is"),
            ("user/administrator", "user/*", "arn is"),
            (
                "access_key_id = \"AKIA",
                "access_key_id = \"AK-A",
                "letters and digits",
            ),
            ("\"everything\"", "\"all\"", "unknown variant"),
            (
                "iam = \"nothing\"",
                "iam = \"nothing\"\nexpires = \"tomorrow\"",
                "RFC 3339",
            ),
            (
                "iam = \"nothing\"",
                "iam = \"nothing\"\nmfa = true",
                "unknown field",
            ),
            ("name = \"enclave\"", "name = \"administrator\"", "twice"),
            ("name = \"enclave\"\n", "", "missing field"),
            ("name = \"enclave\"", "name = \"[enclave]\"", "brackets"),
            (
                "secret_access_key = \"VERY",
                "secret_access_key = \" VERY",
                "secret_access_key is",
            ),
            (
                "iam = \"nothing\"",
                "iam = \"nothing\"\nsession_token = \"\"",
                "session_token is",
            ),
        ] {
            let text = good.replace(from, to);
            assert_ne!(text, *good, "{from}");
            let problem = Identities::parse(&text, ACCOUNT).unwrap_err();
            assert!(problem.contains(rule), "{problem}");
            assert!(!problem.contains("VERYSECRET"), "{problem}");
        }
    }

    #[test]
    fn an_identity_is_not_printed_with_its_secret() {
        let identities = Identities::parse(&first(ACCOUNT).unwrap(), ACCOUNT).unwrap();
        let enclave = identities.named(ENCLAVE).unwrap();
        let printed = format!("{enclave:?}");
        assert!(printed.contains(&enclave.access_key_id), "{printed}");
        assert!(
            !printed.contains(enclave.secret_access_key.as_str()),
            "{printed}"
        );
    }

    #[test]
    fn sessions_of_roles_are_identities_too() {
        assert!(is_arn_of(
            "arn:aws:sts::111122223333:assumed-role/enclave/i-0",
            ACCOUNT
        ));
        assert!(!is_arn_of(
            "arn:aws:sts::111122223333:assumed-role/enclave",
            ACCOUNT
        ));
        assert!(!is_arn_of(
            "arn:aws:sts::111122223333:assumed-role/enclave/",
            ACCOUNT
        ));
        assert!(is_arn_of("arn:aws:iam::111122223333:root", ACCOUNT));
        assert!(!is_arn_of("arn:aws:iam::111122223333:group/all", ACCOUNT));
    }
}
