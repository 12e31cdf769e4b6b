//! One request, decided.

use std::collections::BTreeMap;

/// What KMS knows of a request when it asks the key policy.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RequestContext {
    principal_arn: String,
    action: String,
    key_arn: String,
    values: BTreeMap<String, Vec<String>>,
}

impl RequestContext {
    /// A request of `principal_arn` (a user's, a role's, an assumed role's session's or an account root's ARN) for
    /// `action` (`kms:Decrypt`) on `key_arn`.
    ///
    /// The condition keys that follow from these are set: `aws:PrincipalArn` (the role's, for a session),
    /// `aws:PrincipalAccount`, `kms:CallerAccount`.
    pub fn new(principal_arn: &str, action: &str, key_arn: &str) -> Self {
        Self {
            principal_arn: principal_arn.to_owned(),
            action: action.to_owned(),
            key_arn: key_arn.to_owned(),
            values: BTreeMap::new(),
        }
    }

    /// Sets a condition key (case-insensitive) that has one value in this request.
    #[must_use]
    pub fn with(self, key: &str, value: impl Into<String>) -> Self {
        self.with_many(key, [value.into()])
    }

    /// Sets a condition key (case-insensitive) to several values, such as `kms:EncryptionContextKeys`. None at all is
    /// as if the key were missing.
    #[must_use]
    pub fn with_many<I, S>(mut self, key: &str, values: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: Into<String>,
    {
        let values = values.into_iter().map(Into::into).collect();
        self.values.insert(key.to_ascii_lowercase(), values);
        self
    }

    /// Sets `kms:EncryptionContext:NAME` for each pair, and `kms:EncryptionContextKeys`.
    #[must_use]
    pub fn with_encryption_context(self, context: &BTreeMap<String, String>) -> Self {
        let keys = self.with_many("kms:EncryptionContextKeys", context.keys());
        context.iter().fold(keys, |request, (name, value)| {
            request.with(&format!("kms:EncryptionContext:{name}"), value)
        })
    }

    /// Sets `kms:RecipientAttestation:PCR<n>` for each PCR, in hex, and `kms:RecipientAttestation:ImageSha384`.
    ///
    /// For a verified attestation document only.
    #[must_use]
    pub fn with_attestation<'a>(self, pcrs: impl IntoIterator<Item = (u8, &'a [u8])>) -> Self {
        pcrs.into_iter().fold(self, |request, (index, value)| {
            let value = hex::encode(value);
            let request = match index {
                0 => request.with("kms:RecipientAttestation:ImageSha384", value.clone()),
                _ => request,
            };
            request.with(&format!("kms:RecipientAttestation:PCR{index}"), value)
        })
    }
}

/// What a key policy says to a request. `statement` is the Sid, or `statement N` from 1.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Decision {
    /// The policy allows it to the caller by name (or to everybody).
    Allowed {
        /// The statement that allows it.
        statement: String,
    },
    /// The policy lets the caller's account decide: allowed if an IAM policy of that account allows it.
    DelegatedToIam {
        /// The statement that delegates.
        statement: String,
    },
    /// A statement denies it, whatever others say.
    DeniedExplicitly {
        /// The statement that denies it.
        statement: String,
    },
    /// No statement says anything.
    NotAllowed,
}
