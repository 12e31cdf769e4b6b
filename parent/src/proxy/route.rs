//! Paths as templates, so that a metric has a bounded number of series.

/// The template of a path: `/v1/keys/{id}/sign` for every key. `other` for a path that this version does not know; only the
/// enclave decides what exists.
pub(super) fn template(path: &str) -> &'static str {
    let mut segments = path.strip_prefix('/').unwrap_or(path).splitn(5, '/');
    let parts: [Option<&str>; 5] = std::array::from_fn(|_| segments.next());
    match parts {
        [Some("v1"), Some("keys"), None, ..] => "/v1/keys",
        [Some("v1"), Some("keys"), Some(_), None, _] => "/v1/keys/{id}",
        [Some("v1"), Some("keys"), Some(_), Some(verb), None] => match verb {
            "sign" => "/v1/keys/{id}/sign",
            "rotate" => "/v1/keys/{id}/rotate",
            "replace" => "/v1/keys/{id}/replace",
            "cosign-replacement" => "/v1/keys/{id}/cosign-replacement",
            "replacement" => "/v1/keys/{id}/replacement",
            "disable" => "/v1/keys/{id}/disable",
            "delete" => "/v1/keys/{id}/delete",
            _ => "other",
        },
        [Some("v1"), Some("attestation"), None, ..] => "/v1/attestation",
        [Some("v1"), Some("health"), None, ..] => "/v1/health",
        [Some("v1"), Some("oblivious"), None, ..] => "/v1/oblivious",
        [Some("v1"), Some("oblivious-keys"), None, ..] => "/v1/oblivious-keys",
        [Some("openapi.json"), None, ..] => "/openapi.json",
        [Some("docs"), None, ..] => "/docs",
        [Some("healthz"), None, ..] => "/healthz",
        [Some("readyz"), None, ..] => "/readyz",
        [Some("metrics"), None, ..] => "/metrics",
        _ => "other",
    }
}

/// The method, if HTTP defines it; `other` otherwise.
pub(super) fn method(method: &http::Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_has_the_same_template() {
        for id in ["aa", "bb", "%2e%2e"] {
            assert_eq!(template(&format!("/v1/keys/{id}")), "/v1/keys/{id}");
            assert_eq!(
                template(&format!("/v1/keys/{id}/sign")),
                "/v1/keys/{id}/sign"
            );
        }
        assert_eq!(template("/v1/keys"), "/v1/keys");
    }

    #[test]
    fn unknown_paths_share_one_template() {
        for path in ["/", "/v2/keys", "/v1/keys/a/b", "/v1/keys/a/sign/b", "*"] {
            assert_eq!(template(path), "other", "{path}");
        }
    }
}
