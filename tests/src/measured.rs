//! A measured configuration for a test, and the key of its principal.

use permafrost_common::http_signature::{Algorithm, SigningKey};

/// A measured configuration with the principals that a test signs as.
pub struct Measured {
    deployment: String,
    allow_debug_mode: bool,
    limits: String,
    principals: Vec<(String, SigningKey, String)>,
    people: String,
}

/// What a principal may do unless a test says otherwise: everything, with its own keys.
const EVERYTHING: &str = r#"
operations = [
    "create_key", "import_key", "list_keys", "show_key", "sign", "rotate_key", "replace_key", "label_key", "disable_key", "delete_key", "take_part",
    "show_root", "rotate_root", "reseal_records", "retire_root", "show_store",
    "set_store_credentials", "derive_keys",
]
derived = ["m/0'/users"]
payloads = ["message", "digest", "nostr_event", "taproot_spend"]
requests_per_minute = 60000000
"#;

/// The policy of a principal that may use the keys of all others.
pub const ALL_KEYS: &str = r#"
operations = ["list_keys", "show_key", "sign", "replace_key"]
keys = "all"
payloads = ["message"]
requests_per_minute = 6000
"#;

impl Measured {
    /// Two principals, `alice` and `bob`, who may do everything with their own keys.
    pub fn new(deployment: &str) -> Self {
        let mut measured = Self {
            deployment: deployment.to_owned(),
            allow_debug_mode: false,
            // The clock of a virtual machine on a busy host loses seconds between two comparisons with the NSM's.
            limits: match cfg!(feature = "booted") {
                true => "clock_skew_s = 15\n".to_owned(),
                false => String::new(),
            },
            principals: Vec::new(),
            people: String::new(),
        };
        measured.principal("alice", Algorithm::Ed25519, EVERYTHING);
        measured.principal("bob", Algorithm::EcdsaP256, EVERYTHING);
        measured
    }

    /// Lets the enclave serve in debug mode.
    #[must_use]
    pub fn allowing_debug_mode(mut self) -> Self {
        self.allow_debug_mode = true;
        self
    }

    /// Adds lines to the section `limits`.
    #[must_use]
    pub fn limits(mut self, lines: &str) -> Self {
        self.limits.push_str(lines);
        self.limits.push('\n');
        self
    }

    /// Lets people register at `http://localhost`, with these further lines of the section `people`.
    #[must_use]
    pub fn people(mut self, lines: &str) -> Self {
        self.people =
            format!("[people]\nrp_id = \"localhost\"\norigins = [\"http://localhost\"]\n{lines}\n");
        self
    }

    /// Adds a principal with the lines of its policy.
    pub fn principal(&mut self, name: &str, algorithm: Algorithm, policy: &str) {
        let key = SigningKey::generate(algorithm).expect("a key");
        self.principals
            .push((name.to_owned(), key, policy.to_owned()));
    }

    /// The key of a principal.
    pub fn key(&self, name: &str) -> &SigningKey {
        let found = self.principals.iter().find(|(known, ..)| known == name);
        &found.expect("a principal of this configuration").1
    }

    /// The deployment's name.
    pub fn deployment(&self) -> &str {
        &self.deployment
    }

    /// The file, with this section `kms`.
    pub fn to_toml(&self, kms: &str) -> String {
        let mut text = format!(
            "deployment = \"{}\"\nallow_debug_mode = {}\n{kms}\n[limits]\n{}\n{}",
            self.deployment, self.allow_debug_mode, self.limits, self.people
        );
        for (name, key, policy) in &self.principals {
            let public_key = key.public_key().expect("a public key");
            text.push_str(&format!(
                "[[principal]]\nname = \"{name}\"\npublic_key = \"{public_key}\"\n{policy}\n"
            ));
        }
        text
    }
}
