//! The API description (OpenAPI 3.1), made from the table of operations and the types of the bodies.

use std::collections::{BTreeMap, BTreeSet};

use permafrost_common::api::people::{DEVICE_HEADER, PASSKEY_HEADER};
use permafrost_common::api::{ATTESTATION_HEADER, IDEMPOTENCY_HEADER, REQUEST_NONCE_HEADER};
use permafrost_common::http_signature::CONTENT_DIGEST;
use permafrost_common::problem::{Problem, ProblemType};
use serde_json::{Map, Value, json};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::{Access, OUTSIDE, Operation, operations};

/// What a body is.
#[derive(Clone, Copy)]
pub struct BodySchema {
    /// Its media type.
    pub media_type: &'static str,
    name: fn() -> Option<String>,
    collect: fn(&mut Vec<(String, RefOr<Schema>)>),
}

impl BodySchema {
    /// JSON: the schema of `T` and of every type in it.
    pub const fn of<T: ToSchema + PartialSchema>() -> Self {
        Self {
            media_type: "application/json",
            name: || Some(T::name().into_owned()),
            collect: |schemas| {
                schemas.push((T::name().into_owned(), T::schema()));
                T::schemas(schemas);
            },
        }
    }

    /// Bytes of another media type, whose form is specified elsewhere.
    pub const fn bytes(media_type: &'static str) -> Self {
        Self {
            media_type,
            name: || None,
            collect: |_| {},
        }
    }

    /// A Media Type Object: a reference to the schema, if there is one.
    fn content(self) -> Value {
        match (self.name)() {
            Some(name) => {
                json!({ "schema": { "$ref": format!("#/components/schemas/{name}") } })
            }
            None => json!({}),
        }
    }
}

/// The description of every operation, status and problem type.
pub fn description() -> Value {
    let operations = operations();
    let mut paths = Map::new();
    for operation in &operations {
        let path = paths
            .entry(operation.path)
            .or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(methods) = path {
            methods.insert(
                operation.method.as_str().to_lowercase(),
                describe(operation),
            );
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Permafrost",
            "version": env!("CARGO_PKG_VERSION"),
            "description": INTRODUCTION,
            "license": { "name": "Apache-2.0 OR MIT", "identifier": "Apache-2.0 OR MIT" },
        },
        "paths": paths,
        "components": {
            "schemas": schemas(&operations),
            "securitySchemes": {
                "principal": {
                    "type": "http",
                    "scheme": "Signature",
                    "description": "HTTP Message Signatures (RFC 9421) in the profile of docs/signatures.md.",
                },
            },
        },
        "x-problem-types": problem_types(),
    })
}

const INTRODUCTION: &str = "Signing keys inside an AWS Nitro enclave. Verify the attestation document of \
    /v1/attestation first: its user_data binds the Ed25519 key that signs every response (RFC 9421). Every response \
    carries X-Enclave-Attestation, the SHA-256 of the document made at boot; a signed request carries it too.";

fn describe(operation: &Operation) -> Value {
    let mut description = Map::from_iter([
        ("operationId".to_owned(), json!(operation.id)),
        ("summary".to_owned(), json!(operation.summary)),
        ("responses".to_owned(), responses(operation)),
        ("parameters".to_owned(), json!(parameters(operation))),
    ]);
    let mut add = |name: &str, value: Value| description.insert(name.to_owned(), value);
    match operation.access {
        Access::Open | Access::Passkey => add("security", json!([])),
        Access::Principal(name) => {
            add("x-policy-operation", json!(name.as_str()));
            add("x-passkey-approval", json!(name.needs_a_passkey()));
            add("security", json!([{ "principal": [] }]))
        }
    };
    if let Some(body) = operation.body {
        let content = json!({ body.media_type: body.content() });
        add(
            "requestBody",
            json!({ "required": true, "content": content }),
        );
    }
    Value::Object(description)
}

fn parameters(operation: &Operation) -> Vec<Value> {
    let mut parameters = Vec::new();
    let mut add = |place: &str, name: &str, required: bool, description: &str| {
        parameters.push(json!({
            "in": place,
            "name": name,
            "required": required,
            "description": description,
            "schema": { "type": "string" },
        }));
    };
    for parameter in operation.all_queries() {
        add("query", parameter.name, false, parameter.description);
    }
    if operation.creates {
        let description = "A repeated request with the same value returns the same key: 1 to 64 of A-Z a-z 0-9 - _ .";
        add("header", IDEMPOTENCY_HEADER, true, description);
    }
    if operation.needs_a_request_nonce() {
        let description =
            "16 random bytes in base64url, which the response covers: 22 to 64 of A-Z a-z 0-9 - _.";
        add("header", REQUEST_NONCE_HEADER, true, description);
        let description = "SHA-256 of the body (RFC 9530), which the response covers.";
        add("header", CONTENT_DIGEST, true, description);
    }
    if !operation.is_open() {
        let description = "The boot that the request is meant for: sha-256= and 64 hex digits, as in every response.";
        add("header", ATTESTATION_HEADER, true, description);
        add(
            "header",
            "content-digest",
            true,
            "SHA-256 of the body (RFC 9530).",
        );
        add(
            "header",
            "signature-input",
            true,
            "RFC 9421, label permafrost.",
        );
        add("header", "signature", true, "RFC 9421, label permafrost.");
        let description = "Only of sessions: sha-256= and the 64 hex digits of the SHA-256 of the device facts that the login declared.";
        add("header", DEVICE_HEADER, false, description);
    }
    if operation.takes_a_passkey() {
        let description = "The response of a passkey that signed exactly this request: the nonce of POST /v1/challenges, a full stop, and the response as JSON in base64url without padding (docs/people.md). A session needs it; a service does not.";
        add("header", PASSKEY_HEADER, operation.is_open(), description);
    }
    parameters.extend(id_parameter(operation));
    parameters
}

/// `{id}` of the path: whose id it is follows from the collection that it stands in.
fn id_parameter(operation: &Operation) -> Option<Value> {
    let (collection, _) = operation.path.split_once("/{id}")?;
    let (description, pattern) = match collection {
        "/v1/keys" => ("The id of a key: 44 hex digits.", "^[0-9a-f]{44}$"),
        "/v1/ceremonies" => ("The id of a ceremony: 64 hex digits.", "^[0-9a-f]{64}$"),
        "/v1/sessions" => (
            "The id of a session, which is its keyid: session., 32 hex digits, a full stop and 16 hex digits.",
            "^session\\.[0-9a-f]{32}\\.[0-9a-f]{16}$",
        ),
        "/v1/passkeys" => ("The id of a passkey: 32 hex digits.", HEX_32),
        "/v1/recoveries" => ("The id of a recovery: 32 hex digits.", HEX_32),
        _ => return None,
    };
    Some(json!({
        "in": "path",
        "name": "id",
        "required": true,
        "description": description,
        "schema": { "type": "string", "pattern": pattern },
    }))
}

const HEX_32: &str = "^[0-9a-f]{32}$";

/// The header fields of every response.
fn response_headers() -> Value {
    let field = |description: &str| json!({ "description": description, "required": true, "schema": { "type": "string" } });
    json!({
        ATTESTATION_HEADER: field("The boot that responds: sha-256= and the 64 hex digits of the SHA-256 of its attestation document."),
        "content-digest": field("SHA-256 of the body (RFC 9530)."),
        "signature-input": field("RFC 9421, label permafrost: what the boot key has signed of response and request (docs/signatures.md)."),
        "signature": field("RFC 9421, label permafrost: by the boot key, which the attestation document binds."),
    })
}

fn responses(operation: &Operation) -> Value {
    let success = &operation.success;
    let content = match success.schema {
        Some(schema) => schema.content(),
        None => json!({}),
    };
    let mut responses = Map::new();
    responses.insert(
        success.status.to_string(),
        json!({
            "description": success.description,
            "headers": response_headers(),
            "content": { success.content_type: content },
        }),
    );
    let mut by_status: BTreeMap<u16, BTreeSet<&str>> = BTreeMap::new();
    for problem in operation.all_problems().chain(OUTSIDE.iter().copied()) {
        by_status
            .entry(problem.status())
            .or_default()
            .insert(problem.slug());
    }
    for (status, slugs) in by_status {
        let slugs: Vec<_> = slugs.into_iter().collect();
        responses.insert(
            status.to_string(),
            json!({
                "description": slugs.join(", "),
                "headers": response_headers(),
                "content": { "application/problem+json": BodySchema::of::<Problem>().content() },
                "x-problem-types": slugs,
            }),
        );
    }
    Value::Object(responses)
}

fn schemas(operations: &[Operation]) -> Map<String, Value> {
    let mut collected = Vec::new();
    (BodySchema::of::<Problem>().collect)(&mut collected);
    for operation in operations {
        for body in [operation.body, operation.success.schema]
            .into_iter()
            .flatten()
        {
            (body.collect)(&mut collected);
        }
    }
    collected
        .into_iter()
        .map(|(name, schema)| (name, serde_json::to_value(schema).unwrap_or_default()))
        .collect()
}

fn problem_types() -> Vec<Value> {
    ProblemType::ALL
        .iter()
        .map(|kind| {
            json!({
                "type": kind.uri(),
                "slug": kind.slug(),
                "status": kind.status(),
                "title": kind.title(),
                "meaning": kind.meaning().trim(),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_passkey_can_be_asked_for_every_operation_that_takes_one() {
        let mut asked = operations();
        asked.retain(Operation::takes_a_passkey);
        assert!(asked.len() > 10);
        for operation in asked {
            assert!(
                crate::routes::people::purpose(operation.id).is_some(),
                "{}",
                operation.id
            );
        }
    }

    #[test]
    fn every_reference_leads_to_a_schema() {
        let description = description();
        let text = description.to_string();
        let names: BTreeSet<_> = text
            .split("#/components/schemas/")
            .skip(1)
            .map(|rest| rest.split('"').next().unwrap())
            .collect();
        assert!(names.len() > 8, "{names:?}");
        for name in names {
            assert!(
                description["components"]["schemas"][name].is_object(),
                "{name}"
            );
        }
    }

    #[test]
    fn every_problem_type_is_described_and_belongs_to_an_operation() {
        let description = description();
        for kind in ProblemType::ALL {
            let described = description["x-problem-types"]
                .as_array()
                .unwrap()
                .iter()
                .any(|entry| entry["type"] == kind.uri() && entry["status"] == kind.status());
            assert!(described, "{kind:?}");
            let status = kind.status().to_string();
            let given = description["paths"]
                .as_object()
                .unwrap()
                .values()
                .flat_map(|path| path.as_object().unwrap().values())
                .any(|operation| {
                    operation["responses"][&status]["x-problem-types"]
                        .as_array()
                        .is_some_and(|slugs| slugs.iter().any(|slug| slug == kind.slug()))
                });
            assert!(given, "no operation has {kind:?}");
        }
    }

    #[test]
    fn every_route_and_status_of_the_table_is_described_and_nothing_else() {
        let description = description();
        let paths = description["paths"].as_object().unwrap();
        let methods: usize = paths
            .values()
            .map(|path| path.as_object().unwrap().len())
            .sum();
        assert_eq!(methods, operations().len());
        for operation in operations() {
            let method = operation.method.as_str().to_lowercase();
            let described = &paths[operation.path][&method];
            assert_eq!(described["operationId"], operation.id);
            let statuses: BTreeSet<_> = operation
                .all_problems()
                .chain(OUTSIDE.iter().copied())
                .map(|problem| problem.status().to_string())
                .chain([operation.success.status.to_string()])
                .collect();
            let responses = described["responses"].as_object().unwrap();
            assert_eq!(responses.keys().cloned().collect::<BTreeSet<_>>(), statuses);
        }
    }

    #[test]
    fn every_id_in_a_path_is_described_as_what_it_is() {
        for operation in operations() {
            let described = id_parameter(&operation);
            assert_eq!(described.is_some(), operation.path.contains("{id}"));
            let Some(described) = described else { continue };
            let one = operation.path.split('/').nth(2).unwrap();
            let one = one.trim_end_matches("ies").trim_end_matches('s');
            let text = described["description"].as_str().unwrap();
            assert!(text.contains(one), "{}: {text}", operation.path);
        }
    }

    #[test]
    fn every_operation_has_an_id_of_its_own() {
        let operations = operations();
        let ids: BTreeSet<_> = operations.iter().map(|operation| operation.id).collect();
        assert_eq!(ids.len(), operations.len());
    }
}
