//! `permafrost kms provision`.

use clap::Args;
use permafrost_common::kms::KeyArn;
use permafrost_kms::policy::{Key, KeyMetadata, WrittenPolicy, check};
use serde::Serialize;

use super::policy_arguments::PolicyArguments;
use super::report;
use super::service::Service;
use crate::cli::aws::{AwsArguments, difference};
use crate::cli::outcome::{Outcome, say};

const EXAMPLES: &str = "\
Examples:
  permafrost kms provision --measurements v1.json --account 111122223333 --deployment example \\
      --role arn:aws:iam::111122223333:role/enclave --administrator arn:aws:iam::111122223333:role/administrator \\
      --region eu-central-1 --dry-run
  permafrost kms provision --measurements old=v1.json --measurements new=v2.json ...     a rolling upgrade
  permafrost kms provision --endpoint-url https://localhost:4566 --ca kms-ca.pem --region us-east-1 ...

The caller must be one of the policy's administrators; otherwise KMS refuses the policy, because it would lock the caller out.
Exit codes: 0 the key has the policy; 1 KMS or the check refused; 2 the call is wrong.";

/// Make the key in KMS with its alias and the generate-only policy, or give an existing key the new policy.
///
/// Safe to repeat: the alias finds the existing key. The program first checks the policy, the key's origin and its grants,
/// and refuses if they leave a bypass of attestation.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Provision {
    #[command(flatten)]
    policy: PolicyArguments,

    #[command(flatten)]
    aws: AwsArguments,

    /// The key's alias: alias/ and A-Z, a-z, 0-9, /, _ and -. Default: alias/permafrost-DEPLOYMENT.
    #[arg(conflicts_with = "key", long, value_name = "ALIAS", value_parser = parse_alias)]
    alias: Option<String>,

    /// Give the policy to this key, whatever its aliases.
    #[arg(long, value_name = "ARN")]
    key: Option<KeyArn>,

    /// Change nothing; show what would be done.
    #[arg(long)]
    dry_run: bool,

    /// Let KMS accept a policy that the caller can never change again.
    #[arg(long)]
    bypass_policy_lockout_safety_check: bool,

    /// Print one JSON object, also on failure.
    #[arg(long)]
    json: bool,
}

impl Provision {
    pub(super) async fn run(self) -> Result<(), Outcome> {
        let done = match self.provision().await {
            Err(outcome) if self.json => return Err(outcome.into_json()?),
            other => other?,
        };
        match self.json {
            true => say(serde_json::to_string(&done).unwrap_or_default()),
            false => say(done.text()),
        }
    }

    async fn provision(&self) -> Result<Provisioned, Outcome> {
        let policy = self.policy.clone().policy()?;
        refuse_findings(&policy, &Key::default())?;
        if let (Some(key), Some(region)) = (&self.key, &self.aws.region)
            && key.region() != region
        {
            let told = format!("--region is {region}, --key is in {}", key.region());
            return Err(Outcome::wrong_call(told));
        }
        let region = self.key.as_ref().map(KeyArn::region);
        let service = Service::connect(&self.aws, region).await?;
        let (alias, name) = match &self.key {
            Some(key) => (None, key.to_string()),
            None => (Some(self.alias()), self.alias()),
        };
        let found = service.describe(&name).await?;
        match (found, alias) {
            (Some(metadata), alias) => self.update(&service, metadata, alias, policy).await,
            (None, Some(alias)) => self.create(&service, alias, policy).await,
            (None, None) => Err(Outcome::failed(format!("KMS has no key {name}"))),
        }
    }

    async fn create(
        &self,
        service: &Service,
        alias: String,
        policy: String,
    ) -> Result<Provisioned, Outcome> {
        let mut done = Provisioned {
            key: None,
            alias: Some(alias.clone()),
            change: Change::Created,
            dry_run: self.dry_run,
            difference: None,
            policy,
        };
        if self.dry_run {
            return Ok(done);
        }
        let description = format!(
            "Root secret of the Permafrost deployment {}",
            self.policy.deployment()
        );
        let metadata = service
            .create_key(
                &done.policy,
                &description,
                self.bypass_policy_lockout_safety_check,
            )
            .await?;
        let arn = key_arn(&metadata)?;
        // From here on there is a key: every failure names it, or no one would find it again.
        let made = |outcome: Outcome| outcome.after(&format!("the key {arn} was made, then"));
        self.check_place(&arn).map_err(made)?;
        let key = Key {
            metadata: Some(metadata),
            grants: Some(Vec::new()),
        };
        refuse_findings(&done.policy, &key).map_err(made)?;
        service
            .create_alias(&alias, arn.as_str())
            .await
            .map_err(made)?;
        done.key = Some(arn.to_string());
        Ok(done)
    }

    async fn update(
        &self,
        service: &Service,
        metadata: KeyMetadata,
        alias: Option<String>,
        policy: String,
    ) -> Result<Provisioned, Outcome> {
        let arn = key_arn(&metadata)?;
        self.check_place(&arn)?;
        if let Some(state) = metadata
            .key_state
            .as_deref()
            .filter(|state| *state == "PendingDeletion")
        {
            return Err(Outcome::failed(format!(
                "the key {arn} is in state {state}"
            )));
        }
        let key = Key {
            metadata: Some(metadata),
            grants: service.grants(arn.as_str()).await?,
        };
        refuse_findings(&policy, &key)?;
        let difference = difference(&service.policy(arn.as_str()).await?, &policy);
        if difference.is_some() && !self.dry_run {
            service
                .put_policy(
                    arn.as_str(),
                    &policy,
                    self.bypass_policy_lockout_safety_check,
                )
                .await?;
        }
        Ok(Provisioned {
            key: Some(arn.to_string()),
            alias,
            change: match difference {
                Some(_) => Change::Updated,
                None => Change::Unchanged,
            },
            dry_run: self.dry_run,
            difference,
            policy,
        })
    }

    fn alias(&self) -> String {
        match &self.alias {
            Some(alias) => alias.clone(),
            None => format!("alias/permafrost-{}", self.policy.deployment()),
        }
    }

    /// Checks that the key is in the account and partition of the policy's principals.
    fn check_place(&self, key: &KeyArn) -> Result<(), Outcome> {
        let (partition, account) = self.policy.place();
        match key.partition() == partition && key.account() == account {
            true => Ok(()),
            false => Err(Outcome::wrong_call(format!(
                "the key is {key}, but the policy is for the account {account} in the partition {partition}"
            ))),
        }
    }
}

/// What was done, or would be done.
#[derive(Debug, Serialize)]
struct Provisioned {
    /// The key's ARN; none if the key would have to be made.
    key: Option<String>,
    alias: Option<String>,
    change: Change,
    dry_run: bool,
    /// The difference between the old policy and this one, line by line.
    difference: Option<String>,
    /// The policy that the key has now, or would have.
    policy: String,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Change {
    Created,
    Updated,
    Unchanged,
}

impl Provisioned {
    fn text(&self) -> String {
        let mut lines = vec![self.headline()];
        if let Some(key) = &self.key {
            lines.push(format!("key     {key}"));
        }
        if let Some(alias) = &self.alias {
            lines.push(format!("alias   {alias}"));
        }
        if let Some(difference) = &self.difference {
            lines.push(format!("policy, before (-) and after (+):\n{difference}"));
        } else if self.change == Change::Created && self.dry_run {
            lines.push(format!("policy\n{}", self.policy));
        }
        lines.join("\n")
    }

    fn headline(&self) -> String {
        match (self.change, self.dry_run) {
            (Change::Created, false) => "The key was made with this policy.",
            (Change::Created, true) => "A key would be made with this policy.",
            (Change::Updated, false) => "The key has the new policy.",
            (Change::Updated, true) => "The key would get the new policy.",
            (Change::Unchanged, _) => "The key already has this policy: nothing to do.",
        }
        .to_owned()
    }
}

/// Refuses a policy that leaves a bypass of attestation.
fn refuse_findings(policy: &str, key: &Key) -> Result<(), Outcome> {
    let written = WrittenPolicy::parse(policy).map_err(Outcome::failed)?;
    let report = check(&written, key);
    match report.findings.is_empty() {
        true => Ok(()),
        false => Err(Outcome::failed(format!(
            "the policy is refused: {}",
            report::findings(&report)
        ))),
    }
}

fn key_arn(metadata: &KeyMetadata) -> Result<KeyArn, Outcome> {
    let arn = metadata.arn.as_deref().unwrap_or_default();
    arn.parse()
        .map_err(|error| Outcome::failed(format!("KMS: {error}")))
}

fn parse_alias(text: &str) -> Result<String, String> {
    let accepted = text.strip_prefix("alias/").is_some_and(|name| {
        (1..=250).contains(&name.len())
            && !name.starts_with("aws/")
            && name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"/_-".contains(&b))
    });
    match accepted {
        true => Ok(text.to_owned()),
        false => Err(
            "accepted: alias/ and 1 to 250 of A-Z, a-z, 0-9, /, _ and -; not alias/aws/".to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use permafrost_common::attestation::Measurements;
    use permafrost_kms::policy::{GenerateOnly, Grant, Release};

    use super::*;

    #[test]
    fn a_key_that_leaves_a_bypass_of_attestation_gets_no_policy() {
        let pcrs = Measurements::of_image([[1; 48], [2; 48], [3; 48]]);
        let policy = GenerateOnly {
            releases: vec![Release::new("v1", &pcrs).unwrap()],
            roles: vec!["arn:aws:iam::111122223333:role/enclave".to_owned()],
            administrators: vec!["arn:aws:iam::111122223333:root".to_owned()],
            deployment: "example".to_owned(),
            account: "111122223333".to_owned(),
            partition: "aws".to_owned(),
        }
        .policy()
        .unwrap();
        let metadata = |json| KeyMetadata::from_json(json).ok();
        let refusal = |key: Key| match refuse_findings(&policy, &key) {
            Ok(()) => String::new(),
            Err(outcome) => format!("{outcome:?}"),
        };
        let key = Key {
            metadata: metadata(r#"{"Origin": "AWS_KMS"}"#),
            grants: Some(Vec::new()),
        };
        assert_eq!(refusal(key.clone()), "");
        let imported = Key {
            metadata: metadata(r#"{"Origin": "EXTERNAL"}"#),
            ..key.clone()
        };
        assert!(refusal(imported).contains("imported-key-material"));
        let granted = Key {
            grants: Some(vec![Grant {
                grant_id: "1".to_owned(),
                grantee_principal: "arn:aws:iam::111122223333:user/a".to_owned(),
                operations: vec!["Decrypt".to_owned()],
            }]),
            ..key
        };
        assert!(refusal(granted).contains("the grant 1"));
    }

    #[test]
    fn only_an_alias_that_kms_accepts_is_accepted() {
        for alias in ["alias/permafrost", "alias/a/b_c-D9"] {
            assert_eq!(parse_alias(alias).as_deref(), Ok(alias));
        }
        for alias in [
            "",
            "permafrost",
            "alias/",
            "alias/aws/s3",
            "alias/a b",
            "arn:aws:kms",
        ] {
            assert!(parse_alias(alias).is_err(), "{alias}");
        }
    }
}
