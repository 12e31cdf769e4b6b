//! The API description is true: what it says is sent to every operation, and every response is one that it describes.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, Method};
use permafrost_client::Response;
use permafrost_common::problem::Problem;
use permafrost_tests::{HonestStack, Measured, Person, Wanted, new_key};
use serde_json::{Map, Value, json};

/// The text with which the enclave refuses a body of another form than described.
const OTHER_FORM: &str = "the schema in /openapi.json";

#[tokio::test]
async fn every_operation_accepts_what_is_described_and_responds_as_described() {
    let stack = HonestStack::start(Measured::new("test").people("requests_per_minute = 60000"));
    let enclave = stack.verified().await;
    let service = stack.principal("alice").await;
    let key = new_key(&service).await;
    let person = Person::register(stack.verified().await).await.unwrap();
    let description: Value = enclave
        .request(Method::GET, "/openapi.json", "", HeaderMap::new())
        .await
        .unwrap()
        .json()
        .unwrap();
    let mut sent = 0;
    let mut succeeded = 0;
    for (path, methods) in members(&description["paths"]) {
        for (method, operation) in members(methods) {
            let id = operation["operationId"].as_str().unwrap();
            let request = Described {
                description: &description,
                operation,
            };
            let method: Method = method.to_uppercase().parse().unwrap();
            let target = path.replace("{id}", &request.id(&key.id));
            let (headers, body) = (request.headers(), request.body());
            let is_open = operation["security"] == json!([]);
            let of_services = ["/v1/keys", "/v1/root", "/v1/ceremonies"];
            let of_account = !is_open && !of_services.iter().any(|path| target.starts_with(path));
            let response = if is_open {
                enclave.request(method, &target, body, headers).await
            } else if of_account {
                let wanted = Wanted::raw(method, &target, body);
                person.browser.send(&wanted, None).await
            } else {
                service.request(method, &target, body, headers).await
            };
            let response = response.unwrap_or_else(|error| panic!("{id}: {error}"));
            request.check(id, &response);
            sent += 1;
            succeeded += usize::from(response.status.is_success());
        }
    }
    println!("{succeeded} of {sent} succeeded");
    assert!(sent > 30, "{sent}");
    assert!(succeeded > 10, "{succeeded} of {sent}");
}

struct Described<'a> {
    description: &'a Value,
    operation: &'a Value,
}

impl Described<'_> {
    fn parameters(&self, place: &str) -> impl Iterator<Item = &Value> {
        let all = self.operation["parameters"].as_array().unwrap();
        all.iter().filter(move |one| one["in"] == *place)
    }

    /// An id of the described form: that of a key, or one that nothing has.
    fn id(&self, key: &str) -> String {
        let Some(parameter) = self.parameters("path").next() else {
            return String::new();
        };
        match parameter["schema"]["pattern"].as_str().unwrap() {
            "^[0-9a-f]{44}$" => key.to_owned(),
            "^[0-9a-f]{64}$" => "0".repeat(64),
            "^[0-9a-f]{32}$" => "0".repeat(32),
            "^session\\.[0-9a-f]{32}\\.[0-9a-f]{16}$" => {
                format!("session.{}.{}", "0".repeat(32), "0".repeat(16))
            }
            other => panic!("an id of the form {other}"),
        }
    }

    /// Those that the clients do not make themselves.
    fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for parameter in self.parameters("header") {
            let name = parameter["name"].as_str().unwrap().to_lowercase();
            if name == "idempotency-key" {
                headers.insert(
                    HeaderName::from_static("idempotency-key"),
                    "once".parse().unwrap(),
                );
            }
        }
        if let Some((media_type, _)) = self.content() {
            headers.insert(CONTENT_TYPE, media_type.parse().unwrap());
        }
        headers
    }

    fn content(&self) -> Option<(&String, &Value)> {
        self.operation["requestBody"]["content"]
            .as_object()?
            .iter()
            .next()
    }

    fn body(&self) -> Vec<u8> {
        match self.content() {
            Some((media_type, content)) if media_type == "application/json" => {
                serde_json::to_vec(&self.example(&content["schema"])).unwrap()
            }
            Some(_) => b"bytes".to_vec(),
            None => Vec::new(),
        }
    }

    fn check(&self, id: &str, response: &Response) {
        let text = String::from_utf8_lossy(&response.body);
        assert!(!text.contains(OTHER_FORM), "{id}: {text}");
        let described = &self.operation["responses"][response.status.as_str()];
        assert!(described.is_object(), "{id}: {}: {text}", response.status);
        for (name, _) in members(&described["headers"]) {
            assert!(response.headers.contains_key(name), "{id}: {name}");
        }
        let media_type = response.headers[CONTENT_TYPE].to_str().unwrap();
        let content = &described["content"][media_type];
        assert!(content.is_object(), "{id}: {media_type}");
        if response.status.is_success() {
            if media_type == "application/json" && !content["schema"].is_null() {
                let body: Value = response.json().unwrap();
                self.conforms(&body, &content["schema"])
                    .unwrap_or_else(|why| panic!("{id}: {why}: {text}"));
            }
            return;
        }
        let problem: Problem = serde_json::from_slice(&response.body).unwrap();
        let slug = json!(problem.kind().unwrap().slug());
        let slugs = described["x-problem-types"].as_array().unwrap();
        assert!(slugs.contains(&slug), "{id}: {slug}");
        // Described requests are refused for what they say, never for how they say it.
        for form in [
            "content-digest-mismatch",
            "idempotency-key-missing",
            "method-not-allowed",
            "not-found",
            "signature-invalid",
            "signature-missing",
            "unsupported-media-type",
        ] {
            assert_ne!(slug, form, "{id}");
        }
    }

    fn resolved<'s>(&'s self, schema: &'s Value) -> &'s Value {
        match schema["$ref"].as_str() {
            Some(reference) => {
                let pointer = reference.strip_prefix('#').unwrap();
                self.description.pointer(pointer).expect("a schema")
            }
            None => schema,
        }
    }

    /// The least that a schema accepts.
    fn example(&self, schema: &Value) -> Value {
        let schema = self.resolved(schema);
        if let Some(one) = alternatives(schema).and_then(|all| all.first()) {
            return self.example(one);
        }
        if let Some(value) = schema["enum"].get(0) {
            return value.clone();
        }
        match types(schema).first().copied() {
            Some("object") => {
                let required = schema["required"].as_array();
                let names = required
                    .into_iter()
                    .flatten()
                    .map(|name| name.as_str().unwrap());
                let member =
                    |name: &str| (name.to_owned(), self.example(&schema["properties"][name]));
                Value::Object(names.map(member).collect::<Map<_, _>>())
            }
            Some("array") => json!([]),
            Some("integer" | "number") => schema.get("minimum").cloned().unwrap_or(json!(1)),
            Some("boolean") => json!(false),
            Some("string") => json!("0".repeat(hex_digits(schema).unwrap_or(2))),
            other => panic!("a schema of type {other:?}: {schema}"),
        }
    }

    fn conforms(&self, value: &Value, schema: &Value) -> Result<(), String> {
        let schema = self.resolved(schema);
        if let Some(all) = alternatives(schema) {
            return match all.iter().any(|one| self.conforms(value, one).is_ok()) {
                true => Ok(()),
                false => Err(format!("{value} is none of {schema}")),
            };
        }
        let types = types(schema);
        let is = match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(_) => "integer",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        if !types.is_empty() && !types.contains(&is) {
            return Err(format!("{value} is {is}, not {types:?}"));
        }
        if schema["enum"]
            .as_array()
            .is_some_and(|all| !all.contains(value))
        {
            return Err(format!("{value} is not of {}", schema["enum"]));
        }
        for element in value.as_array().into_iter().flatten() {
            self.conforms(element, &schema["items"])?;
        }
        let required = schema["required"].as_array();
        for name in required.into_iter().flatten() {
            if value.get(name.as_str().unwrap()).is_none() {
                return Err(format!("{name} is missing"));
            }
        }
        if let (Some(object), Some(known)) = (value.as_object(), schema["properties"].as_object()) {
            for (name, member) in object {
                let schema = known.get(name).ok_or(format!("{name} is not described"))?;
                self.conforms(member, schema)?;
            }
        }
        Ok(())
    }
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn alternatives(schema: &Value) -> Option<&Vec<Value>> {
    ["oneOf", "anyOf"]
        .iter()
        .find_map(|name| schema[*name].as_array())
}

/// How many hex digits a text has whose pattern says so.
fn hex_digits(schema: &Value) -> Option<usize> {
    let pattern = schema["pattern"].as_str()?;
    let digits = pattern
        .strip_prefix("^[0-9a-f]{")?
        .strip_suffix("}$")?
        .parse();
    Some(digits.unwrap())
}

fn types(schema: &Value) -> Vec<&str> {
    match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}
