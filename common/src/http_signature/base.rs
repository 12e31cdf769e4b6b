//! The signature base: the bytes that are signed (RFC 9421 section 2.5).

use http::Uri;

/// The lines of a signature base, with the identifiers of the components that they cover.
///
/// Identifiers are given as they are serialised, quotes and parameters included: `"@method"`,
/// `"@path";req`, `"signature";req;key="permafrost"`.
pub(super) struct SignatureBase {
    lines: String,
    covered: String,
}

impl SignatureBase {
    pub(super) fn new() -> Self {
        Self {
            lines: String::with_capacity(1024),
            covered: String::with_capacity(256),
        }
    }

    /// Adds a component; `value` is one line, as HTTP guarantees of field values and targets.
    pub(super) fn cover(&mut self, identifier: &str, value: &str) {
        for part in [identifier, ": ", value, "\n"] {
            self.lines.push_str(part);
        }
        if !self.covered.is_empty() {
            self.covered.push(' ');
        }
        self.covered.push_str(identifier);
    }

    /// The covered components as an inner list: `("@method" "@path")`.
    pub(super) fn components(&self) -> String {
        format!("({})", self.covered)
    }

    /// The bytes to sign: the lines, closed by `@signature-params`, which is `signature_params` as it
    /// stands in `Signature-Input` after the label.
    pub(super) fn finish(mut self, signature_params: &str) -> String {
        self.lines.push_str("\"@signature-params\": ");
        self.lines.push_str(signature_params);
        self.lines
    }
}

/// `@path` (RFC 9421 section 2.2.6): as on the wire; an empty path is `/`.
pub(super) fn path(target: &Uri) -> &str {
    match target.path() {
        "" => "/",
        path => path,
    }
}

/// `@query` (RFC 9421 section 2.2.7): as on the wire with its `?`; `?` alone if there is no query.
pub(super) fn query(target: &Uri) -> &str {
    target
        .path_and_query()
        .and_then(|target| target.as_str().split_once('?'))
        .and_then(|(path, _)| target.path_and_query()?.as_str().get(path.len()..))
        .unwrap_or("?")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_taken_as_they_came() {
        for (target, expected) in [
            ("/", ("/", "?")),
            ("/v1/keys", ("/v1/keys", "?")),
            ("/v1//keys/../x%2F", ("/v1//keys/../x%2F", "?")),
            (
                "/v1/keys?limit=5&after=%61",
                ("/v1/keys", "?limit=5&after=%61"),
            ),
            ("/a?b?c", ("/a", "?b?c")),
            ("http://host:1", ("/", "?")),
            ("http://host:1?x=y", ("/", "?x=y")),
            ("http://host:1/a?x=y", ("/a", "?x=y")),
            ("*", ("*", "?")),
            ("/a?", ("/a", "?")),
        ] {
            let uri: Uri = target.parse().unwrap();
            assert_eq!((path(&uri), query(&uri)), expected, "{target}");
        }
    }

    #[test]
    fn a_base_ends_with_its_parameters_and_no_newline() {
        let mut base = SignatureBase::new();
        base.cover("\"@method\"", "GET");
        base.cover("\"@path\";req", "/");
        assert_eq!(base.components(), r#"("@method" "@path";req)"#);
        assert_eq!(
            base.finish(r#"("@method" "@path";req);created=1"#),
            "\"@method\": GET\n\"@path\";req: /\n\"@signature-params\": (\"@method\" \"@path\";req);created=1"
        );
    }
}
