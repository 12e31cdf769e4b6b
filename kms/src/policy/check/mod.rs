//! Finds the bypasses of attestation in a key policy.
//!
//! The check judges the policy as a whole: what one statement allows and another denies to the same principals is not a
//! bypass. It assumes that a condition which this program does not know lets everything through, and that a denial with
//! such a condition denies nothing.

mod attestation;
mod denials;
mod key;
mod rule;

#[cfg(test)]
mod mutations;

use std::collections::BTreeSet;

use serde::Serialize;

use super::action::ACTIONS;
use super::generate::USE;
use super::principal::Principal;
use super::written::{Effect, Element, Statement, WrittenPolicy};
use denials::{Denials, means};

pub use key::{Grant, Key, KeyError, KeyMetadata};
pub use rule::{Never, Rule};

/// Who may do what under a key policy, and the bypasses of attestation in it.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Report {
    /// Each statement, in words.
    pub statements: Vec<StatementReport>,
    /// Bypasses of attestation.
    pub findings: Vec<Finding>,
    /// What is not a bypass, but good to know.
    pub notices: Vec<Finding>,
}

/// One statement, in words.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct StatementReport {
    /// Its number, from 1.
    pub number: usize,
    /// Its Sid.
    pub sid: Option<String>,
    /// `Allow` or `Deny`.
    pub effect: &'static str,
    /// The principals.
    pub principals: Vec<String>,
    /// The actions.
    pub actions: Vec<String>,
    /// The keys; `*` is this key.
    pub resources: Vec<String>,
    /// The conditions, every one of which must hold.
    pub conditions: Vec<String>,
}

/// A bypass of attestation, or a notice.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Finding {
    /// The rule that it falls under.
    pub rule: Rule,
    /// The number of the statement, from 1; none if it concerns the whole policy or the key.
    pub statement: Option<usize>,
    /// The statement's Sid.
    pub sid: Option<String>,
    /// What was found.
    pub found: String,
    /// Why it matters.
    pub why: &'static str,
}

/// Checks a policy, together with what is known of the key.
pub fn check(policy: &WrittenPolicy, key: &Key) -> Report {
    let arn = key.metadata.as_ref().and_then(|key| key.arn.as_deref());
    let denials = Denials::of(&policy.statements, arn);
    let mut all = Vec::new();
    for statement in &policy.statements {
        check_form(statement, &mut all);
        if statement.effect == Effect::Allow {
            check_allowance(statement, &denials, &mut all);
        }
    }
    check_denials(&denials, &mut all);
    match &key.metadata {
        Some(metadata) => check_metadata(metadata, &mut all),
        None => all.push(Finding::of_policy(
            Rule::KeyNotChecked,
            "no metadata of the key",
        )),
    }
    match &key.grants {
        Some(grants) => check_grants(grants, &denials, &mut all),
        None => all.push(Finding::of_policy(
            Rule::GrantsNotChecked,
            "no list of grants",
        )),
    }
    let (notices, findings) = all
        .into_iter()
        .partition(|finding| finding.rule.is_notice());
    Report {
        statements: policy.statements.iter().map(StatementReport::of).collect(),
        findings,
        notices,
    }
}

/// Reports parts of a statement that should not be there.
fn check_form(statement: &Statement, all: &mut Vec<Finding>) {
    let mut add = |rule, found: String| all.push(Finding::of(statement, rule, found));
    for (negated, rule, found) in [
        (
            statement.principals.negated,
            Rule::NotPrincipal,
            "NotPrincipal",
        ),
        (statement.actions.negated, Rule::NotAction, "NotAction"),
        (
            statement.resources.negated,
            Rule::NotResource,
            "NotResource",
        ),
    ] {
        if negated {
            add(rule, found.to_owned());
        }
    }
    let unknown = match statement.effect {
        Effect::Allow => Rule::UnknownAction,
        Effect::Deny => Rule::UnknownDenial,
    };
    for action in &statement.actions.entries {
        if action.is_of_kms() && action.known().next().is_none() {
            add(unknown, action.to_string());
        }
    }
    for condition in &statement.conditions {
        let unknown = condition
            .operator
            .refusal()
            .or_else(|| condition.key.refusal());
        if let Some((problem, _)) = unknown.filter(|_| !condition.key.is_attestation()) {
            add(Rule::UnknownCondition, problem);
        }
        if let Some(value) = attestation::impossible_value(condition) {
            add(
                Rule::ImpossiblePcr,
                format!("{} is {value:?}", condition.key),
            );
        }
    }
}

/// Reports what an allowance lets through that no denial stops.
fn check_allowance(statement: &Statement, denials: &Denials<'_>, all: &mut Vec<Finding>) {
    let principals = &statement.principals;
    let open: Vec<&str> = ACTIONS
        .into_iter()
        .filter(|action| means(statement, action) && !denials.cover(principals, action))
        .collect();
    let who = who(principals);
    let mut add = |rule, found: String| all.push(Finding::of(statement, rule, found));
    for never in Never::ALL {
        let allowed = common(never.actions(), &open);
        if !allowed.is_empty() {
            add(
                Rule::Allowed(never),
                format!("{who} may {}", allowed.join(", ")),
            );
        }
    }
    let used = common(&USE, &open);
    let bypasses: BTreeSet<Rule> = used
        .iter()
        .flat_map(|action| {
            attestation::bypasses(&statement.conditions, &denials.demands(principals, action))
        })
        .collect();
    for bypass in bypasses {
        add(bypass, format!("{who} may {}", used.join(", ")));
    }
    let changed = common(&["kms:PutKeyPolicy"], &open);
    let everyone = principals.entries.contains(&Principal::Everyone) && !principals.negated;
    if everyone && !(used.is_empty() && changed.is_empty()) {
        let may: Vec<_> = used.iter().chain(&changed).copied().collect();
        add(
            Rule::WildcardPrincipal,
            format!("everyone may {}", may.join(", ")),
        );
    }
    for account in &principals.entries {
        if matches!(account, Principal::Account { .. }) && !used.is_empty() {
            add(
                Rule::AccountDelegation,
                format!("{account} decides who may {}", used.join(", ")),
            );
        }
    }
    if !changed.is_empty() {
        add(
            Rule::PolicyChange,
            format!("{who} may {}", changed.join(", ")),
        );
    }
}

/// Reports what the generate-only policy denies to everyone and this policy does not.
fn check_denials(denials: &Denials<'_>, all: &mut Vec<Finding>) {
    let everyone = everyone();
    for never in Never::ALL {
        let missing: Vec<_> = never
            .actions()
            .iter()
            .copied()
            .filter(|action| !denials.cover(&everyone, action))
            .collect();
        let told = all
            .iter()
            .any(|finding| finding.rule == Rule::Allowed(never));
        if !missing.is_empty() && !told {
            all.push(Finding::of_policy(
                Rule::NotDenied(never),
                &format!("{} is not denied to everyone", missing.join(", ")),
            ));
        }
    }
    let unattested: Vec<_> = USE
        .into_iter()
        .filter(|action| {
            let demands = denials.demands(&everyone, action);
            !denials.cover(&everyone, action)
                && !demands.iter().any(|demand| demand.key.pcr().is_some())
        })
        .collect();
    if !unattested.is_empty() {
        all.push(Finding::of_policy(
            Rule::UnattestedUseNotDenied,
            &format!(
                "{} without attestation is not denied to everyone",
                unattested.join(", ")
            ),
        ));
    }
}

/// Reports where the key material comes from, and who else has it.
fn check_metadata(key: &KeyMetadata, all: &mut Vec<Finding>) {
    let mut add = |rule, found: String| all.push(Finding::of_policy(rule, &found));
    match (key.origin.as_str(), &key.custom_key_store_id) {
        ("AWS_KMS", None) => {}
        ("AWS_KMS", Some(store)) => add(Rule::CustomKeyStore, format!("the key is in {store}")),
        ("EXTERNAL", _) => add(
            Rule::ImportedKeyMaterial,
            "the key's origin is EXTERNAL".to_owned(),
        ),
        (other, _) => add(Rule::CustomKeyStore, format!("the key's origin is {other}")),
    }
    if key.multi_region == Some(true) {
        add(
            Rule::MultiRegionKey,
            "the key is a multi-Region key".to_owned(),
        );
    }
    for (what, found, expected) in [
        ("spec", &key.key_spec, "SYMMETRIC_DEFAULT"),
        ("usage", &key.key_usage, "ENCRYPT_DECRYPT"),
    ] {
        if let Some(found) = found.as_deref().filter(|found| *found != expected) {
            add(Rule::KeyKind, format!("the key's {what} is {found}"));
        }
    }
    if let Some(state) = key.key_state.as_deref().filter(|state| *state != "Enabled") {
        add(Rule::KeyState, format!("the key's state is {state}"));
    }
}

/// Reports grants to which the denials leave a use that is not bound to measured enclaves.
fn check_grants(grants: &[Grant], denials: &Denials<'_>, all: &mut Vec<Finding>) {
    let everyone = everyone();
    let open = |action: &&str| {
        let use_of_key = USE.contains(action);
        let demands = denials.demands(&everyone, action);
        let bound = use_of_key && attestation::bypasses(&[], &demands).is_empty();
        !bound && !denials.cover(&everyone, action)
    };
    for grant in grants {
        let may: Vec<_> = USE
            .iter()
            .chain(Never::ALL.iter().flat_map(|never| never.actions()))
            .copied()
            .filter(|action| {
                grant
                    .operations
                    .iter()
                    .any(|name| action.strip_prefix("kms:") == Some(name))
            })
            .filter(open)
            .collect();
        if !may.is_empty() {
            let Grant {
                grant_id,
                grantee_principal,
                ..
            } = grant;
            all.push(Finding::of_policy(
                Rule::Grant,
                &format!(
                    "under the grant {grant_id}, {grantee_principal} may {}",
                    may.join(", ")
                ),
            ));
        }
    }
}

impl StatementReport {
    fn of(statement: &Statement) -> Self {
        fn texts<T: ToString>(element: &Element<T>) -> Vec<String> {
            let not = if element.negated { "not " } else { "" };
            element
                .entries
                .iter()
                .map(|entry| format!("{not}{}", entry.to_string()))
                .collect()
        }
        Self {
            number: statement.number,
            sid: statement.sid.clone(),
            effect: match statement.effect {
                Effect::Allow => "Allow",
                Effect::Deny => "Deny",
            },
            principals: texts(&statement.principals),
            actions: texts(&statement.actions),
            resources: texts(&statement.resources),
            conditions: statement
                .conditions
                .iter()
                .map(ToString::to_string)
                .collect(),
        }
    }
}

impl Finding {
    fn of(statement: &Statement, rule: Rule, found: String) -> Self {
        Self {
            rule,
            statement: Some(statement.number),
            sid: statement.sid.clone(),
            found,
            why: rule.why(),
        }
    }

    fn of_policy(rule: Rule, found: &str) -> Self {
        Self {
            rule,
            statement: None,
            sid: None,
            found: found.to_owned(),
            why: rule.why(),
        }
    }
}

fn everyone() -> Element<Principal> {
    Element {
        negated: false,
        entries: vec![Principal::Everyone],
    }
}

fn who(principals: &Element<Principal>) -> String {
    let names: Vec<_> = principals.entries.iter().map(ToString::to_string).collect();
    let names = names.join(", ");
    match principals.negated {
        true => format!("everyone but {names}"),
        false => names,
    }
}

fn common(wanted: &[&'static str], open: &[&str]) -> Vec<&'static str> {
    wanted
        .iter()
        .copied()
        .filter(|action| open.contains(action))
        .collect()
}
