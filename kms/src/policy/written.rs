//! A key policy as it is written, also where this program could not evaluate it.

use super::action::ActionPattern;
use super::condition::Condition;
use super::error::{PolicyError, quoted};
use super::json::Json;
use super::key::ConditionKey;
use super::operator::Operator;
use super::principal::{OTHER_KINDS, Principal};

/// The longest key policy, in bytes (AWS KMS API reference, `PutKeyPolicy`).
pub const POLICY_MAX: usize = 32 * 1024;

/// A key policy as it is written: what AWS accepts, also where this program could not evaluate it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WrittenPolicy {
    /// Whether `${...}` in a value is a variable: since version 2012-10-17.
    pub(super) variables: bool,
    pub(super) statements: Vec<Statement>,
}

/// One statement of a key policy.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Statement {
    /// From 1.
    pub(super) number: usize,
    pub(super) sid: Option<String>,
    pub(super) effect: Effect,
    pub(super) principals: Element<Principal>,
    pub(super) actions: Element<ActionPattern>,
    pub(super) resources: Element<String>,
    pub(super) conditions: Vec<Condition>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Effect {
    Allow,
    Deny,
}

/// `Principal`, `Action` or `Resource`; or `NotPrincipal`, `NotAction` or `NotResource`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Element<T> {
    pub(super) negated: bool,
    pub(super) entries: Vec<T>,
}

impl WrittenPolicy {
    /// Reads a key policy: JSON, at most [`POLICY_MAX`] bytes.
    ///
    /// # Errors
    /// What AWS would not accept as a key policy, and more strictly: no member twice, no unknown member, `Version`,
    /// `Principal`, `Action` and `Resource` present (KMS takes a statement without them and lets it mean nothing).
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        let whole = |problem: String, accepted: &str| PolicyError::new(POLICY, problem, accepted);
        if text.len() > POLICY_MAX {
            return Err(whole(
                format!("it has {} bytes", text.len()),
                "at most 32768 bytes",
            ));
        }
        if let Some(character) = text.chars().find(|&c| !is_allowed(c)) {
            return Err(whole(
                format!("the character {character:?}"),
                "printable characters of Latin-1, tab, line feed, carriage return",
            ));
        }
        let json = serde_json::from_str(text)
            .map_err(|error| whole(format!("it is not JSON: {error}"), "a JSON object"))?;
        let mut members = Members::of(POLICY, json)?;
        let variables = match members.required("Version", VERSIONS)? {
            Json::Text(version) if version == "2012-10-17" => true,
            Json::Text(version) if version == "2008-10-17" => false,
            Json::Text(version) => {
                return Err(whole(format!("Version is {}", quoted(&version)), VERSIONS));
            }
            other => return Err(members.wrong("Version", &other, VERSIONS)),
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
            .map(|(json, number)| Statement::from_json(json, number))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            variables,
            statements,
        })
    }
}

impl Statement {
    fn from_json(json: Json, number: usize) -> Result<Self, PolicyError> {
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
        let (negated, principals) = members.one_of("Principal", "NotPrincipal")?;
        let principals = Element {
            negated,
            entries: members.principals(principals)?,
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
        let (negated, resources) = members.one_of("Resource", "NotResource")?;
        let resources = Element {
            negated,
            entries: members.texts("Resource", resources)?,
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
    pub(super) fn name(&self) -> String {
        match &self.sid {
            Some(sid) => sid.clone(),
            None => format!("statement {}", self.number),
        }
    }

    /// Where an error is: the number and the Sid.
    pub(super) fn place(&self) -> String {
        match &self.sid {
            Some(sid) => format!("statement {} ({})", self.number, quoted(sid)),
            None => format!("statement {}", self.number),
        }
    }
}

/// The members of an object that are still to be read, and where the object is.
struct Members {
    place: String,
    members: Vec<(String, Json)>,
}

impl Members {
    fn of(place: &str, json: Json) -> Result<Self, PolicyError> {
        match json {
            Json::Object(members) => Ok(Self {
                place: place.to_owned(),
                members,
            }),
            other => {
                let problem = format!("it is {}", other.kind());
                Err(PolicyError::new(place, problem, "an object"))
            }
        }
    }

    fn error(&self, problem: impl Into<String>, accepted: &str) -> PolicyError {
        PolicyError::new(&self.place, problem, accepted)
    }

    fn wrong(&self, name: &str, found: &Json, accepted: &str) -> PolicyError {
        self.error(format!("{name} is {}", found.kind()), accepted)
    }

    fn take(&mut self, name: &str) -> Option<Json> {
        let at = self.members.iter().position(|(member, _)| member == name)?;
        Some(self.members.remove(at).1)
    }

    fn required(&mut self, name: &str, accepted: &str) -> Result<Json, PolicyError> {
        self.take(name)
            .ok_or_else(|| self.error(format!("{name} is missing"), accepted))
    }

    fn optional_text(&mut self, name: &str) -> Result<Option<String>, PolicyError> {
        match self.take(name) {
            None => Ok(None),
            Some(Json::Text(text)) => Ok(Some(text)),
            Some(other) => Err(self.wrong(name, &other, "a text")),
        }
    }

    /// The one of two members that is there, and whether it is the negated one.
    fn one_of(&mut self, name: &str, negated: &str) -> Result<(bool, Json), PolicyError> {
        match (self.take(name), self.take(negated)) {
            (Some(json), None) => Ok((false, json)),
            (None, Some(json)) => Ok((true, json)),
            (None, None) => Err(self.error(format!("{name} is missing"), &format!("a {name}"))),
            (Some(_), Some(_)) => {
                Err(self.error(format!("both {name} and {negated}"), "one of them"))
            }
        }
    }

    /// One text, or a list of one or more.
    fn texts(&self, name: &str, json: Json) -> Result<Vec<String>, PolicyError> {
        self.scalars(
            name,
            json,
            "a text, or a list of texts",
            |item| match item {
                Json::Text(text) => Ok(text),
                other => Err(other),
            },
        )
    }

    /// One scalar, or a list of one or more.
    fn scalars(
        &self,
        name: &str,
        json: Json,
        accepted: &str,
        read: impl Fn(Json) -> Result<String, Json>,
    ) -> Result<Vec<String>, PolicyError> {
        let items = match json {
            Json::Array(items) => items,
            one => vec![one],
        };
        if items.is_empty() {
            return Err(self.error(format!("{name} is an empty list"), accepted));
        }
        items
            .into_iter()
            .map(|item| read(item).map_err(|found| self.wrong(name, &found, accepted)))
            .collect()
    }

    fn principals(&self, json: Json) -> Result<Vec<Principal>, PolicyError> {
        const ACCEPTED: &str = "\"*\", {\"AWS\": ...}, {\"Service\": ...}, {\"Federated\": ...}, {\"CanonicalUser\": ...}";
        let kinds = match json {
            Json::Text(text) if text == "*" => return Ok(vec![Principal::Everyone]),
            Json::Object(kinds) if !kinds.is_empty() => kinds,
            Json::Text(text) => {
                return Err(self.error(format!("Principal is {}", quoted(&text)), ACCEPTED));
            }
            other => return Err(self.wrong("Principal", &other, ACCEPTED)),
        };
        let mut principals = Vec::new();
        for (kind, json) in kinds {
            let names = self.texts(&format!("Principal {kind}"), json)?;
            if kind == "AWS" {
                for name in names {
                    principals.push(self.aws_principal(&name)?);
                }
                continue;
            }
            let Some(kind) = OTHER_KINDS.into_iter().find(|known| *known == kind) else {
                return Err(self.error(format!("the principal kind {}", quoted(&kind)), ACCEPTED));
            };
            principals.extend(
                names
                    .into_iter()
                    .map(|name| Principal::Other { kind, name }),
            );
        }
        Ok(principals)
    }

    fn aws_principal(&self, name: &str) -> Result<Principal, PolicyError> {
        Principal::from_aws(name).ok_or_else(|| {
            self.error(
                format!("the principal {}", quoted(name)),
                "*, 12 digits, or the ARN of an account's root, a user, a role or a session, without wildcards",
            )
        })
    }

    fn conditions(&self, json: Json) -> Result<Vec<Condition>, PolicyError> {
        const ACCEPTED: &str = "an object of operators, each with an object of condition keys";
        let Json::Object(operators) = json else {
            return Err(self.wrong("Condition", &json, ACCEPTED));
        };
        let mut conditions: Vec<Condition> = Vec::new();
        for (operator, json) in operators {
            let Json::Object(keys) = json else {
                return Err(self.wrong(&operator, &json, ACCEPTED));
            };
            if keys.is_empty() {
                return Err(self.error(format!("{operator} is empty"), ACCEPTED));
            }
            let operator = Operator::parse(&operator);
            for (key, json) in keys {
                let values = self.scalars(&key, json, "a value, or a list of values", scalar)?;
                let key = ConditionKey::new(key);
                let repeated = conditions
                    .iter()
                    .any(|c| c.operator == operator && c.key.lowercase() == key.lowercase());
                if repeated {
                    return Err(self.error(format!("{operator} has {key} twice"), "once"));
                }
                conditions.push(Condition {
                    operator: operator.clone(),
                    key,
                    values,
                });
            }
        }
        Ok(conditions)
    }

    fn finish(self, accepted: &str) -> Result<(), PolicyError> {
        match self.members.first() {
            None => Ok(()),
            Some((name, _)) => {
                Err(self.error(format!("the member {} is unknown", quoted(name)), accepted))
            }
        }
    }
}

/// A condition's value as the text that AWS compares.
fn scalar(json: Json) -> Result<String, Json> {
    match json {
        Json::Text(text) | Json::Number(text) => Ok(text),
        Json::Bool(value) => Ok(value.to_string()),
        other => Err(other),
    }
}

/// What a key policy may be written with (AWS KMS API reference, `PutKeyPolicy`).
fn is_allowed(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='~' | '\u{a0}'..='\u{ff}')
}

const POLICY: &str = "the policy";
const EFFECTS: &str = "Allow, Deny";
const VERSIONS: &str = "2012-10-17, 2008-10-17";

#[cfg(test)]
mod tests {
    use super::*;

    /// A statement with one member replaced, added or (with no value) left out.
    fn policy_with(member: &str, value: Option<&str>) -> String {
        let mut members = vec![
            ("Sid", r#""Use""#),
            ("Effect", r#""Allow""#),
            ("Principal", r#"{"AWS": "111122223333"}"#),
            ("Action", r#""kms:Decrypt""#),
            ("Resource", r#""*""#),
        ];
        members.retain(|(name, _)| *name != member);
        members.extend(value.map(|value| (member, value)));
        let members: Vec<_> = members
            .iter()
            .map(|(name, value)| format!("\"{name}\": {value}"))
            .collect();
        format!(
            r#"{{"Version": "2012-10-17", "Statement": {{{}}}}}"#,
            members.join(", ")
        )
    }

    #[test]
    fn every_form_that_aws_accepts_is_read() {
        for (member, value) in [
            ("Effect", r#""Deny""#),
            ("Principal", r#""*""#),
            ("Principal", r#"{"AWS": "*"}"#),
            (
                "Principal",
                r#"{"AWS": ["111122223333", "arn:aws:iam::111122223333:user/a"], "Service": "ec2.amazonaws.com"}"#,
            ),
            ("Principal", r#"{"AWS": "AROA1234567890EXAMPLE"}"#),
            ("Action", r#"["kms:*", "kms:Decrypt"]"#),
            ("Resource", r#"["*"]"#),
            ("Sid", r#""with spaces, and ü""#),
            (
                "Condition",
                r#"{"Bool": {"aws:SecureTransport": true}, "NumericLessThan": {"a": [300, 1.5]}, "Null": {"b": "true"}}"#,
            ),
            ("Condition", "{}"),
        ] {
            WrittenPolicy::parse(&policy_with(member, Some(value)))
                .unwrap_or_else(|error| panic!("{member} {value}: {error}"));
        }
        for (present, absent) in [
            ("NotPrincipal", "\"Principal\""),
            ("NotAction", "\"Action\""),
            ("NotResource", "\"Resource\""),
        ] {
            let text = policy_with("Sid", None).replace(absent, &format!("\"{present}\""));
            WrittenPolicy::parse(&text).unwrap();
        }
        let old = policy_with("Sid", None).replace("2012-10-17\"", "2008-10-17\", \"Id\": \"id\"");
        assert!(!WrittenPolicy::parse(&old).unwrap().variables);
    }

    #[test]
    fn what_is_no_statement_is_refused_with_its_place_and_what_is_accepted() {
        for (member, value, problem) in [
            ("Effect", Some(r#""allow""#), "Effect is \"allow\""),
            ("Effect", Some("true"), "Effect is a boolean"),
            ("Effect", None, "Effect is missing"),
            ("Principal", None, "Principal is missing"),
            ("Principal", Some("{}"), "Principal is an object"),
            (
                "Principal",
                Some(r#""111122223333""#),
                "Principal is \"111122223333\"",
            ),
            (
                "Principal",
                Some(r#"{"aws": "*"}"#),
                "the principal kind \"aws\"",
            ),
            (
                "Principal",
                Some(r#"{"AWS": []}"#),
                "Principal AWS is an empty list",
            ),
            (
                "Principal",
                Some(r#"{"AWS": [1]}"#),
                "Principal AWS is a number",
            ),
            (
                "Principal",
                Some(r#"{"AWS": "arn:aws:iam::111122223333:role/*"}"#),
                "role/*",
            ),
            (
                "NotPrincipal",
                Some(r#""*""#),
                "both Principal and NotPrincipal",
            ),
            ("Action", None, "Action is missing"),
            ("Action", Some("[]"), "Action is an empty list"),
            ("NotAction", Some(r#""kms:*""#), "both Action and NotAction"),
            ("Resource", None, "Resource is missing"),
            ("Resource", Some("null"), "Resource is null"),
            (
                "action",
                Some(r#""kms:*""#),
                "the member \"action\" is unknown",
            ),
            (
                "Conditions",
                Some("{}"),
                "the member \"Conditions\" is unknown",
            ),
            ("Condition", Some("[]"), "Condition is a list"),
            (
                "Condition",
                Some(r#"{"StringEquals": {}}"#),
                "StringEquals is empty",
            ),
            (
                "Condition",
                Some(r#"{"StringEquals": ["a"]}"#),
                "StringEquals is a list",
            ),
            (
                "Condition",
                Some(r#"{"StringEquals": {"a": []}}"#),
                "a is an empty list",
            ),
            (
                "Condition",
                Some(r#"{"StringEquals": {"a": {}}}"#),
                "a is an object",
            ),
            (
                "Condition",
                Some(r#"{"StringEquals": {"kms:a": "1", "KMS:A": "2"}}"#),
                "KMS:A twice",
            ),
        ] {
            let error = WrittenPolicy::parse(&policy_with(member, value))
                .unwrap_err()
                .to_string();
            assert!(error.starts_with("statement 1 (\"Use\"): "), "{error}");
            assert!(error.contains(problem), "{error}");
            assert!(error.contains("; accepted: "), "{error}");
        }
    }

    #[test]
    fn what_is_no_policy_is_refused() {
        let statement = policy_with("Sid", None);
        for (text, problem) in [
            (String::new(), "not JSON"),
            ("[]".to_owned(), "it is a list"),
            (format!("{statement}{statement}"), "not JSON"),
            (
                statement.replace("2012", "2013"),
                "Version is \"2013-10-17\"",
            ),
            (
                statement.replace("\"Version\"", "\"version\""),
                "Version is missing",
            ),
            (
                statement.replace("\"Statement\"", "\"Statements\""),
                "Statement is missing",
            ),
            (
                statement.replace("\"Sta", "\"ID\": 1, \"Sta"),
                "the member \"ID\" is unknown",
            ),
            (
                statement.replace("\"Sta", "\"Version\": \"2012-10-17\", \"Sta"),
                "comes twice",
            ),
            (
                r#"{"Version": "2012-10-17", "Statement": []}"#.to_owned(),
                "there is no statement",
            ),
            (
                r#"{"Version": "2012-10-17", "Statement": ["a"]}"#.to_owned(),
                "it is a text",
            ),
            (statement.replace("2012", "２０12"), "the character"),
            (format!("{statement}{}", " ".repeat(POLICY_MAX)), "bytes"),
        ] {
            let error = WrittenPolicy::parse(&text).unwrap_err().to_string();
            assert!(error.contains(problem), "{error}");
            assert!(error.contains("; accepted: "), "{error}");
        }
        let longest = format!("{statement}{}", " ".repeat(POLICY_MAX - statement.len()));
        WrittenPolicy::parse(&longest).unwrap();
    }

    #[test]
    fn the_place_of_an_error_is_the_statement_it_is_in() {
        let one = policy_with("Sid", None);
        let (_, statement) = one.split_once("\"Statement\": ").unwrap();
        let statement = statement.strip_suffix('}').unwrap();
        let broken = statement.replace("Allow", "Permit");
        let text = format!(r#"{{"Version": "2012-10-17", "Statement": [{statement}, {broken}]}}"#);
        assert_eq!(
            WrittenPolicy::parse(&text).unwrap_err().place(),
            "statement 2"
        );
    }
}
