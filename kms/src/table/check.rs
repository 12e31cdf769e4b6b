//! Who could do what with a table, and whether the table is as the store needs it.

use std::collections::BTreeSet;

use permafrost_common::table_arn::TableArn;
use serde::Serialize;

use super::ability::{ASSUME_ROLE, Ability, RESTORE_BACKUP};
use super::account::{Account, Identity};
use super::description::Description;
use super::evaluate::{Caller, Request};
use super::generate::ENCLAVE_ACTIONS;
use super::rule::Rule;
use crate::policy::WrittenPolicy;
use crate::policy::principal::{Arn, Principal};
use crate::policy::written::Effect;

/// What is known of a table and its account. What is not known counts as allowed, and the report says so.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Known {
    /// The table.
    pub table: TableArn,
    /// The enclave's user or role.
    pub enclave: String,
    /// The instance roles of parents.
    pub parents: Vec<String>,
    /// Other principals to ask about, beside those of the account.
    pub others: Vec<String>,
    /// The table's resource policy; none if it has none.
    pub policy: Option<WrittenPolicy>,
    /// The account's users and roles.
    pub account: Option<Account>,
    /// The table's description.
    pub description: Option<Description>,
    /// What could not be read, and why.
    pub unread: Vec<String>,
}

/// Who could do what they should not, and what of the table is not as it should be.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Report {
    /// What is refused.
    pub findings: Vec<Finding>,
    /// What is good to know.
    pub notices: Vec<Finding>,
}

/// A finding, or a notice.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Finding {
    /// The rule that it falls under.
    pub rule: Rule,
    /// The user or role that it is about.
    pub principal: Option<String>,
    /// What was found.
    pub found: String,
    /// Why it matters.
    pub why: &'static str,
}

impl Known {
    /// Nothing but the table and the enclave's principal.
    pub fn of(table: TableArn, enclave: String) -> Self {
        Self {
            table,
            enclave,
            parents: Vec::new(),
            others: Vec::new(),
            policy: None,
            account: None,
            description: None,
            unread: Vec::new(),
        }
    }

    fn identity(&self, arn: &str) -> Option<&Identity> {
        self.account.as_ref()?.identity(arn)
    }

    /// A principal by its ARN, or a service by its name, which has no account.
    fn caller<'a>(&'a self, arn: &'a str) -> Caller<'a> {
        Caller::Known {
            arn,
            account: Arn::parse(arn).map(|arn| arn.account).unwrap_or_default(),
            identity: self.identity(arn),
        }
    }

    /// Everyone who is neither the enclave nor a parent: those of the account, those that were named, those whom the table's policy
    /// lets in, and the account's root user.
    fn others(&self) -> BTreeSet<String> {
        let identities = self.account.iter().flat_map(Account::identities);
        let named = self
            .allowed_principals()
            .filter_map(|principal| match principal {
                Principal::Arn(arn) => Some(arn.clone()),
                Principal::Other { name, .. } => Some(name.clone()),
                _ => None,
            });
        let root = format!(
            "arn:{}:iam::{}:root",
            self.table.partition(),
            self.table.account()
        );
        let mut others: BTreeSet<_> = identities
            .map(|identity| identity.arn().to_owned())
            .collect();
        others.extend(named);
        others.extend(self.others.iter().cloned());
        others.insert(root);
        others.remove(&self.enclave);
        others.retain(|other| !self.parents.contains(other));
        others
    }

    /// Whom the allowances of the table's policy name.
    fn allowed_principals(&self) -> impl Iterator<Item = &Principal> {
        let statements = self.policy.iter().flat_map(|policy| &policy.statements);
        statements
            .filter(|statement| statement.effect == Effect::Allow && !statement.principals.negated)
            .flat_map(|statement| &statement.principals.entries)
    }

    /// Whether the table's policy allows something to everyone, or to everyone but some.
    fn allows_everyone(&self) -> bool {
        let statements = self.policy.iter().flat_map(|policy| &policy.statements);
        let mut allowances = statements.filter(|statement| statement.effect == Effect::Allow);
        allowances.any(|statement| {
            statement.principals.negated
                || statement.principals.entries.contains(&Principal::Everyone)
        })
    }
}

/// Checks a table.
pub fn check(known: &Known) -> Report {
    let mut all = Vec::new();
    for parent in &known.parents {
        check_caller(known, parent, Rule::ParentMay, &mut all);
    }
    for other in &known.others() {
        check_caller(known, other, Rule::OtherMay, &mut all);
    }
    check_unnamed(known, &mut all);
    check_enclave(known, &mut all);
    if let Some(description) = &known.description {
        check_description(known, description, &mut all);
    }
    check_unread(known, &mut all);
    let (notices, findings) = all
        .into_iter()
        .partition(|finding: &Finding| finding.rule.is_notice());
    Report { findings, notices }
}

/// Reports what someone could do.
fn check_caller(known: &Known, arn: &str, rule: fn(Ability) -> Rule, all: &mut Vec<Finding>) {
    let caller = known.caller(arn);
    for ability in Ability::ALL {
        if let Some(found) = may(known, &caller, ability.actions()) {
            all.push(Finding::of(rule(ability), arn, format!("it may {found}")));
        }
    }
}

/// Reports what the table's policy leaves to those whom no policy names: strangers, if it lets in everyone or an account, and whoever
/// gets a policy in IAM tomorrow.
fn check_unnamed(known: &Known, all: &mut Vec<Finding>) {
    let own = known.table.account();
    let mut strangers = BTreeSet::new();
    if known.allows_everyone() {
        strangers.insert(None);
    }
    strangers.extend(
        known
            .allowed_principals()
            .filter_map(|principal| match principal {
                Principal::Account { id, .. } if id != own => Some(Some(id.as_str())),
                _ => None,
            }),
    );
    for account in strangers {
        let caller = Caller::Anyone { account };
        let who = account.map_or("everyone".to_owned(), |account| {
            format!("the account {account}")
        });
        for ability in Ability::ALL {
            if let Some(found) = may(known, &caller, ability.actions()) {
                all.push(Finding::of(
                    Rule::OtherMay(ability),
                    &who,
                    format!("it may {found}"),
                ));
            }
        }
    }
    let tomorrow = Caller::Anyone { account: Some(own) };
    for ability in [Ability::Write, Ability::Read] {
        let open: Vec<_> = ability
            .actions()
            .iter()
            .filter(|action| why(known, &tomorrow, action).is_some())
            .copied()
            .collect();
        if !open.is_empty() {
            let open = open.join(", ");
            all.push(Finding::of_table(
                Rule::NotDenied(ability),
                format!("{open} is not denied to everyone but the enclave"),
            ));
        }
    }
}

/// Reports what the enclave lacks, and what it does not need.
fn check_enclave(known: &Known, all: &mut Vec<Finding>) {
    let caller = known.caller(&known.enclave);
    let missing: Vec<_> = ENCLAVE_ACTIONS
        .into_iter()
        .filter(|action| why(known, &caller, action).is_none())
        .collect();
    if !missing.is_empty() {
        let found = format!("it may not {}", missing.join(", "));
        all.push(Finding::of(Rule::EnclaveCannot, &known.enclave, found));
    }
    let Caller::Known {
        identity: Some(_), ..
    } = caller
    else {
        return;
    };
    let needless: Vec<_> = Ability::ALL
        .iter()
        .flat_map(|ability| ability.actions())
        .copied()
        .filter(|action| !ENCLAVE_ACTIONS.contains(action))
        .collect();
    if let Some(found) = may(known, &caller, &needless) {
        let found = format!("it may {found}");
        all.push(Finding::of(Rule::EnclaveMayMore, &known.enclave, found));
    }
    let elsewhere = known.table.to_string() + "-of-another-deployment";
    let elsewhere: Vec<_> = ENCLAVE_ACTIONS
        .into_iter()
        .filter(|action| {
            let request = Request {
                caller: &caller,
                action,
                resource: &elsewhere,
                owner: known.table.account(),
                policy: None,
            };
            request.could().is_some()
        })
        .collect();
    if !elsewhere.is_empty() {
        let found = format!("on other tables it may {}", elsewhere.join(", "));
        all.push(Finding::of(Rule::EnclaveMayMore, &known.enclave, found));
    }
}

fn check_description(known: &Known, description: &Description, all: &mut Vec<Finding>) {
    let arn = description.arn().unwrap_or("without an ARN");
    if arn != known.table.to_string() {
        all.push(Finding::of_table(
            Rule::OtherTable,
            format!("the description is of {arn}"),
        ));
    }
    for (rule, found) in description.faults() {
        all.push(Finding::of_table(rule, found));
    }
}

/// Reports what was not read, and whose policies.
fn check_unread(known: &Known, all: &mut Vec<Finding>) {
    let mut add = |found: String| all.push(Finding::of_table(Rule::NotRead, found));
    known.unread.iter().cloned().for_each(&mut add);
    if known.description.is_none() {
        add("the table's description".to_owned());
    }
    match &known.account {
        None => add("the policies of the account's users and roles".to_owned()),
        Some(account) => {
            account.unread().iter().cloned().for_each(&mut add);
            let named = known
                .parents
                .iter()
                .chain(&known.others)
                .chain([&known.enclave]);
            for missing in named.filter(|arn| account.identity(arn).is_none()) {
                add(format!(
                    "{missing}, which is not in the list of the account's users and roles"
                ));
            }
        }
    }
}

/// Which of these actions someone could do, and why the first.
fn may(known: &Known, caller: &Caller<'_>, actions: &[&str]) -> Option<String> {
    let open: Vec<_> = actions
        .iter()
        .filter_map(|action| Some((*action, why(known, caller, action)?)))
        .collect();
    let (_, reason) = open.first()?;
    let names: Vec<_> = open.iter().map(|(action, _)| *action).collect();
    Some(format!("{} ({reason})", names.join(", ")))
}

/// Why someone could do this to the table or for the enclave's credentials; nothing if not.
fn why(known: &Known, caller: &Caller<'_>, action: &str) -> Option<String> {
    let table = known.table.to_string();
    let backups = format!("{table}/backup/*");
    let owner = known.table.account();
    let on = |resource, policy| Request {
        caller,
        action,
        resource,
        owner,
        policy,
    };
    // Nothing stands before these but policies in IAM, so that they are open for those whose policies are unknown; the report
    // says whose.
    let is_known = matches!(
        caller,
        Caller::Known {
            identity: Some(_),
            ..
        }
    );
    let of_user = Arn::parse(&known.enclave).is_some_and(|arn| arn.resource.starts_with("user/"));
    match action {
        RESTORE_BACKUP => on(&backups, None).could().filter(|_| is_known),
        ASSUME_ROLE => {
            let trust = known.identity(&known.enclave)?.trust.as_ref()?;
            on(&known.enclave, trust.policy.as_ref()).could_assume()
        }
        "iam:UpdateAssumeRolePolicy" if of_user => None,
        "iam:CreateAccessKey" | "iam:CreateLoginProfile" | "iam:UpdateLoginProfile" if !of_user => {
            None
        }
        action if action.starts_with("iam:") => {
            on(&known.enclave, None).could().filter(|_| is_known)
        }
        _ => on(&table, known.policy.as_ref()).could(),
    }
}

impl Finding {
    fn of(rule: Rule, principal: &str, found: String) -> Self {
        Self {
            rule,
            principal: Some(principal.to_owned()),
            found,
            why: rule.why(),
        }
    }

    fn of_table(rule: Rule, found: String) -> Self {
        Self {
            rule,
            principal: None,
            found,
            why: rule.why(),
        }
    }
}
