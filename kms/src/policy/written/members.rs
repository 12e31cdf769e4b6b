//! The members of a policy's objects, each read once.

use crate::policy::condition::Condition;
use crate::policy::error::{PolicyError, quoted};
use crate::policy::json::Json;
use crate::policy::key::ConditionKey;
use crate::policy::operator::Operator;
use crate::policy::principal::{OTHER_KINDS, Principal};

/// The members of an object that have not been read yet, and the object's place.
pub(super) struct Members {
    pub(super) place: String,
    members: Vec<(String, Json)>,
}

impl Members {
    pub(super) fn of(place: &str, json: Json) -> Result<Self, PolicyError> {
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

    pub(super) fn error(&self, problem: impl Into<String>, accepted: &str) -> PolicyError {
        PolicyError::new(&self.place, problem, accepted)
    }

    pub(super) fn wrong(&self, name: &str, found: &Json, accepted: &str) -> PolicyError {
        self.error(format!("{name} is {}", found.kind()), accepted)
    }

    pub(super) fn take(&mut self, name: &str) -> Option<Json> {
        let at = self.members.iter().position(|(member, _)| member == name)?;
        Some(self.members.remove(at).1)
    }

    pub(super) fn required(&mut self, name: &str, accepted: &str) -> Result<Json, PolicyError> {
        self.take(name)
            .ok_or_else(|| self.error(format!("{name} is missing"), accepted))
    }

    pub(super) fn optional_text(&mut self, name: &str) -> Result<Option<String>, PolicyError> {
        match self.take(name) {
            None => Ok(None),
            Some(Json::Text(text)) => Ok(Some(text)),
            Some(other) => Err(self.wrong(name, &other, "a string")),
        }
    }

    /// Whichever of two members is present, and whether it is the negated one.
    pub(super) fn one_of(
        &mut self,
        name: &str,
        negated: &str,
    ) -> Result<(bool, Json), PolicyError> {
        match (self.take(name), self.take(negated)) {
            (Some(json), None) => Ok((false, json)),
            (None, Some(json)) => Ok((true, json)),
            (None, None) => Err(self.error(format!("{name} is missing"), &format!("a {name}"))),
            (Some(_), Some(_)) => {
                Err(self.error(format!("both {name} and {negated}"), "one of them"))
            }
        }
    }

    /// One string, or a list of one or more.
    pub(super) fn texts(&self, name: &str, json: Json) -> Result<Vec<String>, PolicyError> {
        self.scalars(
            name,
            json,
            "a string, or a list of strings",
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

    pub(super) fn principals(&self, json: Json) -> Result<Vec<Principal>, PolicyError> {
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

    pub(super) fn conditions(&self, json: Json) -> Result<Vec<Condition>, PolicyError> {
        const ACCEPTED: &str = "an object of operators, each an object of condition keys";
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

    pub(super) fn finish(self, accepted: &str) -> Result<(), PolicyError> {
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
