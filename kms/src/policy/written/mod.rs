//! A policy as it is written, even if this program cannot evaluate it.

mod members;
#[cfg(test)]
mod tests;

use super::action::ActionPattern;
use super::condition::Condition;
use super::error::{PolicyError, quoted};
use super::json::Json;
use super::principal::Principal;
use members::Members;

/// The longest key policy, in bytes (AWS KMS API reference, `PutKeyPolicy`).
pub const POLICY_MAX: usize = 32 * 1024;

/// A policy as it is written: whatever AWS accepts, even if this program cannot evaluate it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WrittenPolicy {
    /// Whether `${...}` in a value is a variable, as it is since version 2012-10-17.
    pub(crate) variables: bool,
    pub(crate) statements: Vec<Statement>,
}

/// What a policy belongs to, which decides what its statements have.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PolicyKind {
    /// A key of KMS.
    Key,
    /// A table of DynamoDB.
    Table,
    /// A user, a group or a role: the statements have no `Principal`, and mean whoever has the policy.
    Identity,
    /// A role, and who may assume it: the statements have no `Resource`, and mean this role.
    Trust,
}

/// One statement of a policy.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Statement {
    /// From 1.
    pub(crate) number: usize,
    pub(crate) sid: Option<String>,
    pub(crate) effect: Effect,
    pub(crate) principals: Element<Principal>,
    pub(crate) actions: Element<ActionPattern>,
    pub(crate) resources: Element<String>,
    pub(crate) conditions: Vec<Condition>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Effect {
    Allow,
    Deny,
}

/// `Principal`, `Action` or `Resource`; or `NotPrincipal`, `NotAction` or `NotResource`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Element<T> {
    pub(crate) negated: bool,
    pub(crate) entries: Vec<T>,
}

impl WrittenPolicy {
    /// Reads a key policy: JSON, at most [`POLICY_MAX`] bytes.
    ///
    /// # Errors
    /// [`PolicyError`] for what AWS would not accept as a key policy. This program is stricter: no member twice, no unknown
    /// member, and `Version`, `Principal`, `Action` and `Resource` present (KMS accepts a statement without them, which then
    /// has no effect).
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        Self::parse_as(PolicyKind::Key, text)
    }

    /// Reads a policy of a kind: JSON, at most [`PolicyKind::max`] bytes.
    ///
    /// # Errors
    /// [`PolicyError`], as [`Self::parse`]; but other policies than those of keys may lack a `Version`, which is then 2008-10-17, and
    /// have any characters.
    pub fn parse_as(kind: PolicyKind, text: &str) -> Result<Self, PolicyError> {
        let whole = |problem: String, accepted: &str| PolicyError::new(POLICY, problem, accepted);
        if text.len() > kind.max() {
            return Err(whole(
                format!("it has {} bytes", text.len()),
                &format!("at most {} bytes", kind.max()),
            ));
        }
        let forbidden = text.chars().find(|&c| !is_allowed(c));
        if let (PolicyKind::Key, Some(character)) = (kind, forbidden) {
            return Err(whole(
                format!("the character {character:?}"),
                "printable Latin-1 characters, tab, line feed, carriage return",
            ));
        }
        let json = serde_json::from_str(text)
            .map_err(|error| whole(format!("it is not JSON: {error}"), "a JSON object"))?;
        let mut members = Members::of(POLICY, json)?;
        let version = match kind {
            PolicyKind::Key => Some(members.required("Version", VERSIONS)?),
            _ => members.take("Version"),
        };
        let variables = match version {
            Some(Json::Text(version)) if version == "2012-10-17" => true,
            None => false,
            Some(Json::Text(version)) if version == "2008-10-17" => false,
            Some(Json::Text(version)) => {
                return Err(whole(format!("Version is {}", quoted(&version)), VERSIONS));
            }
            Some(other) => return Err(members.wrong("Version", &other, VERSIONS)),
        };
        members.optional_text("Id")?;
        let statements = match members.required("Statement", "a list of statements")? {
            Json::Array(statements) => statements,
            one @ Json::Object(_) => vec![one],
            other => return Err(members.wrong("Statement", &other, "a list of statements")),
        };
        members.finish("Version, Id, Statement")?;
        if statements.is_empty() {
            return Err(whole("there is no statement".to_owned(), "one or more"));
        }
        let statements = statements
            .into_iter()
            .zip(1..)
            .map(|(json, number)| Statement::from_json(kind, json, number))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            variables,
            statements,
        })
    }
}

impl PolicyKind {
    /// The longest policy, in bytes: what AWS accepts for a key (AWS KMS API reference, `PutKeyPolicy`) and for a table (Amazon
    /// DynamoDB API reference, `PutResourcePolicy`). IAM does not count white space, so that there is only a limit of this program.
    pub fn max(self) -> usize {
        match self {
            Self::Key => POLICY_MAX,
            Self::Table => 20 * 1024,
            Self::Identity | Self::Trust => 128 * 1024,
        }
    }
}

impl Statement {
    fn from_json(kind: PolicyKind, json: Json, number: usize) -> Result<Self, PolicyError> {
        let mut members = Members::of(&format!("statement {number}"), json)?;
        let sid = members.optional_text("Sid")?;
        if let Some(sid) = &sid {
            members.place = format!("statement {number} ({})", quoted(sid));
        }
        let effect = match members.required("Effect", EFFECTS)? {
            Json::Text(effect) if effect == "Allow" => Effect::Allow,
            Json::Text(effect) if effect == "Deny" => Effect::Deny,
            Json::Text(effect) => {
                let problem = format!("Effect is {}", quoted(&effect));
                return Err(members.error(problem, EFFECTS));
            }
            other => return Err(members.wrong("Effect", &other, EFFECTS)),
        };
        let principals = if kind == PolicyKind::Identity {
            Element {
                negated: false,
                entries: vec![Principal::Everyone],
            }
        } else {
            let (negated, principals) = members.one_of("Principal", "NotPrincipal")?;
            Element {
                negated,
                entries: members.principals(principals)?,
            }
        };
        let (negated, actions) = members.one_of("Action", "NotAction")?;
        let actions = Element {
            negated,
            entries: members
                .texts("Action", actions)?
                .into_iter()
                .map(ActionPattern::new)
                .collect(),
        };
        let resources = if kind == PolicyKind::Trust {
            Element {
                negated: false,
                entries: vec!["*".to_owned()],
            }
        } else {
            let (negated, resources) = members.one_of("Resource", "NotResource")?;
            Element {
                negated,
                entries: members.texts("Resource", resources)?,
            }
        };
        let conditions = match members.take("Condition") {
            Some(json) => members.conditions(json)?,
            None => Vec::new(),
        };
        members.finish(
            "Sid, Effect, Principal, NotPrincipal, Action, NotAction, Resource, NotResource, Condition",
        )?;
        Ok(Self {
            number,
            sid,
            effect,
            principals,
            actions,
            resources,
            conditions,
        })
    }

    /// The Sid, or `statement N`.
    pub(crate) fn name(&self) -> String {
        match &self.sid {
            Some(sid) => sid.clone(),
            None => format!("statement {}", self.number),
        }
    }

    /// The place that an error names: the number and the Sid.
    pub(super) fn place(&self) -> String {
        match &self.sid {
            Some(sid) => format!("statement {} ({})", self.number, quoted(sid)),
            None => format!("statement {}", self.number),
        }
    }
}

/// Whether a key policy may contain the character (AWS KMS API reference, `PutKeyPolicy`).
fn is_allowed(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='~' | '\u{a0}'..='\u{ff}')
}

const POLICY: &str = "the policy";
const EFFECTS: &str = "Allow, Deny";
const VERSIONS: &str = "2012-10-17, 2008-10-17";
