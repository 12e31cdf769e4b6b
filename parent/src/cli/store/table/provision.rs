//! `permafrost store table provision`.

use clap::Args;
use permafrost_kms::policy::{PolicyKind, WrittenPolicy};
use permafrost_kms::table::{Known, Rule, TablePolicy, check};
use serde::Serialize;
use serde_json::Value;

use super::policy_arguments::PolicyArguments;
use super::report;
use super::service::Service;
use crate::cli::aws::{AwsArguments, difference};
use crate::cli::outcome::{Outcome, say};

const EXAMPLES: &str = "\
Examples:
  permafrost store table provision --table arn:aws:dynamodb:eu-central-1:111122223333:table/permafrost-example \\
      --administrator arn:aws:iam::111122223333:role/administrator --dry-run
  permafrost store table provision --table ... --administrator ... --enclave arn:aws:iam::111122223333:role/enclave

The caller must be one of the administrators; otherwise DynamoDB refuses the policy, because it would lock the caller out.
Exit codes: 0 everything is as it should be; 1 AWS or the check refused; 2 the call is wrong.";

/// Make the table, its resource policy and the enclave's user with its policy, or change what is not as it should be.
///
/// Safe to repeat, also after a failure in between: what is right is left as it is. An access key is another command's:
/// `permafrost store table access-key`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Provision {
    #[command(flatten)]
    policy: PolicyArguments,

    #[command(flatten)]
    aws: AwsArguments,

    /// Change nothing; show what would be done.
    #[arg(long)]
    dry_run: bool,
}

impl Provision {
    pub(super) async fn run(&self, json: bool) -> Result<(), Outcome> {
        let done = self.provision().await?;
        match json {
            true => say(serde_json::to_string(&done).unwrap_or_default()),
            false => say(done.text()),
        }
    }

    async fn provision(&self) -> Result<Provisioned, Outcome> {
        let made = self.policy.policy()?;
        let policy = made.policy().map_err(Outcome::wrong_call)?;
        let service = Service::connect(&self.aws, &made.table).await?;
        self.refuse_other_table(&service, &made, &policy).await?;
        let mut done = Provisioned {
            table: made.table.to_string(),
            enclave: made.enclave.clone(),
            dry_run: self.dry_run,
            steps: Vec::new(),
        };
        // A failure names what was done before it. All of it is found again by its name.
        let steps = self.steps(&service, &made, &policy, &mut done.steps).await;
        steps.map_err(|outcome| match done.changes() {
            changes if changes.is_empty() => outcome,
            changes => outcome.after(&format!("{changes}, then")),
        })?;
        Ok(done)
    }

    /// Refuses, before anything is changed, a table of this name that could never be the store.
    async fn refuse_other_table(
        &self,
        service: &Service,
        made: &TablePolicy,
        policy: &str,
    ) -> Result<(), Outcome> {
        let Some(found) = service.active().await? else {
            return Ok(());
        };
        let mut known = Known::of(made.table.clone(), made.enclave.clone());
        known.policy =
            Some(WrittenPolicy::parse_as(PolicyKind::Table, policy).map_err(Outcome::failed)?);
        known.description = Some(found.with_expiry(service.expiry().await?));
        let mut report = check(&known);
        report.notices.retain(|notice| notice.rule == Rule::Billing);
        match report.findings.is_empty() {
            true => Ok(()),
            false => Err(Outcome::failed(format!(
                "the table is refused: {}",
                report::text(&report)
            ))),
        }
    }

    async fn steps(
        &self,
        service: &Service,
        made: &TablePolicy,
        policy: &str,
        steps: &mut Vec<Step>,
    ) -> Result<(), Outcome> {
        self.enclave(service, made, steps).await?;
        let found = service.active().await?;
        if found.is_none() && !self.dry_run {
            service.create().await?;
        }
        steps.push(Step::new(
            "the table",
            change(found.is_some(), Change::Created),
        ));
        let found = match self.dry_run {
            true => found,
            false => service.active().await?,
        };
        let protected = found.as_ref().is_none_or(|found| found.is_protected());
        if !protected && !self.dry_run {
            service.protect().await?;
            service.active().await?;
        }
        steps.push(Step::new(
            "deletion protection",
            change(protected, Change::Updated),
        ));
        let recoverable = found.as_ref().and_then(|found| found.is_recoverable()) == Some(true);
        if !recoverable && !self.dry_run {
            service.make_recoverable().await?;
        }
        steps.push(Step::new(
            "point-in-time recovery",
            change(recoverable, Change::Updated),
        ));
        let before = match found {
            Some(_) => service.policy().await?,
            None => None,
        };
        let step = Step::of_policy(
            "the table's policy",
            before.as_ref().map(|p| p.text.as_str()),
            policy,
        );
        if step.change != Change::Unchanged && !self.dry_run {
            service.put_policy(policy, before.as_ref()).await?;
        }
        steps.push(step);
        Ok(())
    }

    /// The enclave's user and its policy. A role is for whoever made it to keep: only its policy is put.
    async fn enclave(
        &self,
        service: &Service,
        made: &TablePolicy,
        steps: &mut Vec<Step>,
    ) -> Result<(), Outcome> {
        let (_, resource) = made.enclave.rsplit_once(':').unwrap_or_default();
        let (kind, path) = resource.split_once('/').unwrap_or_default();
        let (path, name) = match path.rsplit_once('/') {
            Some((path, name)) => (format!("/{path}/"), name),
            None => ("/".to_owned(), path),
        };
        let (title, parameter) = match kind {
            "role" => ("Role", "RoleName"),
            _ => ("User", "UserName"),
        };
        let found = service
            .iam(&format!("Get{title}"), &[(parameter, name)])
            .await?;
        match found
            .as_ref()
            .and_then(|found| found.get(title)?.get("Arn")?.as_str())
        {
            Some(arn) if arn == made.enclave => {}
            Some(arn) => {
                let told = format!("the enclave is {}, but IAM has {arn}", made.enclave);
                return Err(Outcome::wrong_call(told));
            }
            None if title == "Role" => {
                let told = format!("there is no role {name}; make it with its trust policy first");
                return Err(Outcome::failed(told));
            }
            None if !self.dry_run => {
                service
                    .iam("CreateUser", &[(parameter, name), ("Path", &path)])
                    .await?;
            }
            None => {}
        }
        steps.push(Step::new(
            "the enclave's user or role",
            change(found.is_some(), Change::Created),
        ));
        let named = [(parameter, name), ("PolicyName", POLICY_NAME)];
        let before = service.iam(&format!("Get{title}Policy"), &named).await?;
        let before = before
            .as_ref()
            .and_then(|before| before.get("PolicyDocument"))
            .and_then(Value::as_str);
        let before =
            before.map(|text| percent_encoding::percent_decode_str(text).decode_utf8_lossy());
        let policy = made.enclave_policy();
        let step = Step::of_policy("the enclave's policy", before.as_deref(), &policy);
        if step.change != Change::Unchanged && !self.dry_run {
            let [user, name] = named;
            service
                .iam(
                    &format!("Put{title}Policy"),
                    &[user, name, ("PolicyDocument", &policy)],
                )
                .await?;
        }
        steps.push(step);
        Ok(())
    }
}

/// What was done, or would be done.
#[derive(Debug, Serialize)]
struct Provisioned {
    table: String,
    enclave: String,
    dry_run: bool,
    steps: Vec<Step>,
}

/// One thing that should be so, and whether it had to be changed.
#[derive(Debug, Serialize)]
struct Step {
    what: &'static str,
    change: Change,
    /// The difference between the old policy and the new one, line by line; the whole policy if there was none.
    difference: Option<String>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Change {
    Created,
    Updated,
    Unchanged,
}

impl Step {
    fn new(what: &'static str, change: Change) -> Self {
        Self {
            what,
            change,
            difference: None,
        }
    }

    fn of_policy(what: &'static str, before: Option<&str>, policy: &str) -> Self {
        let (change, difference) = match before {
            None => (Change::Created, Some(policy.to_owned())),
            Some(before) => match difference(before, policy) {
                Some(difference) => (Change::Updated, Some(difference)),
                None => (Change::Unchanged, None),
            },
        };
        Self {
            what,
            change,
            difference,
        }
    }
}

impl Provisioned {
    fn text(&self) -> String {
        let mut lines = vec![
            format!("table    {}", self.table),
            format!("enclave  {}", self.enclave),
        ];
        for step in &self.steps {
            let done = match (step.change, self.dry_run) {
                (Change::Created, false) => "made",
                (Change::Created, true) => "would be made",
                (Change::Updated, false) => "changed",
                (Change::Updated, true) => "would be changed",
                (Change::Unchanged, _) => "is as it should be",
            };
            lines.push(format!("- {}: {done}", step.what));
            if let Some(difference) = &step.difference {
                lines.push(difference.clone());
            }
        }
        lines.join("\n")
    }

    /// What was changed so far, in words.
    fn changes(&self) -> String {
        let changed = self
            .steps
            .iter()
            .filter(|step| step.change != Change::Unchanged && !self.dry_run);
        let changed: Vec<_> = changed
            .map(|step| format!("{} was changed", step.what))
            .collect();
        changed.join(", ")
    }
}

fn change(is_right: bool, otherwise: Change) -> Change {
    if is_right {
        Change::Unchanged
    } else {
        otherwise
    }
}

/// The name of the policy that the enclave's user or role has.
const POLICY_NAME: &str = "permafrost-store";
