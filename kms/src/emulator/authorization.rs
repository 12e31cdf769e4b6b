//! Who may do what: the key policy first, then IAM where the key policy leaves it to IAM (AWS KMS Developer Guide,
//! "Troubleshooting AWS KMS permissions").

use crate::policy::{Decision, PolicyDocument, RequestContext};

use super::error::KmsError;
use super::identity::{Iam, Identity};

/// A request for one action on one key, with the condition values that go with it.
pub(super) struct KeyRequest<'a> {
    identity: &'a Identity,
    action: &'a str,
    key_arn: &'a str,
    context: RequestContext,
}

impl<'a> KeyRequest<'a> {
    /// A request of `identity` for `action`, as `kms:Decrypt`. The values that every request has are set.
    pub(super) fn new(identity: &'a Identity, action: &'a str, key_arn: &'a str) -> Self {
        let context = RequestContext::new(&identity.arn, action, key_arn)
            .with("aws:SecureTransport", "true")
            .with("kms:KeyOrigin", "AWS_KMS")
            .with("kms:KeySpec", "SYMMETRIC_DEFAULT")
            .with("kms:KeyUsage", "ENCRYPT_DECRYPT")
            .with("kms:MultiRegion", "false");
        Self {
            identity,
            action,
            key_arn,
            context,
        }
    }

    /// Adds condition values.
    #[must_use]
    pub(super) fn with(self, add: impl FnOnce(RequestContext) -> RequestContext) -> Self {
        Self {
            context: add(self.context),
            ..self
        }
    }

    /// Asks the key's policy, and IAM where that says so.
    pub(super) fn authorize(&self, policy: &str) -> Result<(), KmsError> {
        let document = PolicyDocument::parse(policy)
            .map_err(|error| KmsError::internal(format!("the kept key policy: {error}")))?;
        match document.decide(&self.context) {
            Decision::Allowed { .. } => Ok(()),
            Decision::DelegatedToIam { .. } if self.identity.iam == Iam::Everything => Ok(()),
            Decision::DelegatedToIam { .. } => Err(self.denied(&format!(
                "because no identity-based policy allows the {} action",
                self.action
            ))),
            Decision::DeniedExplicitly { .. } => {
                Err(self.denied("with an explicit deny in a resource-based policy"))
            }
            Decision::NotAllowed => Err(self.denied(&format!(
                "because no resource-based policy allows the {} action",
                self.action
            ))),
        }
    }

    fn denied(&self, why: &str) -> KmsError {
        KmsError::denied(format!(
            "User: {} is not authorized to perform: {} on resource: {} {why}",
            self.identity.arn, self.action, self.key_arn
        ))
    }
}

/// Asks IAM alone, for what is done with no key.
pub(super) fn by_iam(identity: &Identity, action: &str, resource: &str) -> Result<(), KmsError> {
    match identity.iam {
        Iam::Everything => Ok(()),
        Iam::Nothing => Err(KmsError::denied(format!(
            "User: {} is not authorized to perform: {action} on resource: {resource} because no identity-based policy \
             allows the {action} action",
            identity.arn
        ))),
    }
}
