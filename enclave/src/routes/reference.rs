//! The API reference: plain HTML that loads nothing and runs no script.

use std::fmt::Write;

use permafrost_common::problem::ProblemType;
use serde_json::Value;

use super::api_description;

/// The media type of [`html`].
pub(super) const CONTENT_TYPE: &str = "text/html; charset=utf-8";

/// The whole reference.
pub(super) fn html() -> String {
    let description = api_description();
    let mut html = String::from(HEAD);
    paragraph(&mut html, text(&description, "/info/description"));
    html.push_str("<h2>Operations</h2>");
    for (path, methods) in members(&description, "/paths") {
        for (method, operation) in members(methods, "") {
            describe_operation(&mut html, &method.to_uppercase(), path, operation);
        }
    }
    html.push_str("<h2>Bodies</h2>");
    for (name, schema) in members(&description, "/components/schemas") {
        let schema = serde_json::to_string_pretty(schema).unwrap_or_default();
        let (name, schema) = (escape(name), escape(&schema));
        let _ = write!(
            html,
            "<details id=\"{name}\"><summary><code>{name}</code></summary><pre>{schema}</pre></details>"
        );
    }
    html.push_str("<h2>Problem types</h2><table><tr><th>Status<th>Type<th>Meaning");
    for kind in ProblemType::ALL {
        let _ = write!(
            html,
            "<tr id=\"{slug}\"><td>{}<td><code>{slug}</code><td>{}",
            kind.status(),
            escape(kind.meaning().trim()),
            slug = kind.slug(),
        );
    }
    html.push_str("</table></main></html>");
    html
}

const HEAD: &str = "<!doctype html><html lang=en><meta charset=utf-8>\
<meta name=viewport content=\"width=device-width\"><title>Permafrost API</title><style>\
:root{color-scheme:light dark}body{font:1rem/1.5 system-ui,sans-serif;margin:0}main{max-width:60rem;margin:auto;padding:1rem}\
code,pre{font-family:ui-monospace,monospace;font-size:.9em}pre{overflow:auto}h3{margin:2rem 0 0}\
table{border-collapse:collapse;width:100%}td,th{border-bottom:1px solid #8888;padding:.3rem;text-align:left;vertical-align:top}\
</style><main><h1>Permafrost API</h1>";

fn describe_operation(html: &mut String, method: &str, path: &str, operation: &Value) {
    let _ = write!(
        html,
        "<h3 id=\"{}\"><code>{method} {}</code></h3>",
        escape(text(operation, "/operationId")),
        escape(path)
    );
    paragraph(html, text(operation, "/summary"));
    if let Some(name) = operation.get("x-policy-operation").and_then(Value::as_str) {
        paragraph(
            html,
            &format!("Signed by a principal whose policy allows {name}."),
        );
    }
    html.push_str("<table><tr><th>Part<th>Name<th>Meaning");
    let parameters = operation.get("parameters").and_then(Value::as_array);
    for parameter in parameters.into_iter().flatten() {
        row(
            html,
            text(parameter, "/in"),
            text(parameter, "/name"),
            text(parameter, "/description"),
        );
    }
    let body = text(
        operation,
        "/requestBody/content/application~1json/schema/$ref",
    );
    if let Some(name) = body.strip_prefix("#/components/schemas/") {
        row(html, "body", name, "JSON; see Bodies.");
    }
    for (status, response) in members(operation, "/responses") {
        row(html, "response", status, text(response, "/description"));
    }
    html.push_str("</table>");
}

fn row(html: &mut String, part: &str, name: &str, meaning: &str) {
    let _ = write!(
        html,
        "<tr><td>{}<td><code>{}</code><td>{}",
        escape(part),
        escape(name),
        escape(meaning)
    );
}

fn paragraph(html: &mut String, content: &str) {
    let _ = write!(html, "<p>{}</p>", escape(content));
}

/// The text at a JSON pointer (RFC 6901).
fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// The members of the object at a JSON pointer.
fn members<'a>(value: &'a Value, pointer: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    let object = value.pointer(pointer).and_then(Value::as_object);
    object.into_iter().flatten()
}

fn escape(content: &str) -> String {
    content
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_names_every_operation_and_problem_and_loads_nothing() {
        let page = html();
        for operation in crate::routes::operations() {
            assert!(page.contains(&format!("id=\"{}\"", operation.id)));
        }
        for kind in ProblemType::ALL {
            assert!(page.contains(&format!("id=\"{}\"", kind.slug())));
        }
        for loads in ["<script", "src=", "href=", "@import", "url("] {
            assert!(!page.contains(loads), "{loads}");
        }
    }
}
