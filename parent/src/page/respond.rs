//! Responds with the page's files and the header fields that browsers obey.

use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderName, HeaderValue,
    IF_NONE_MATCH, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use permafrost_common::problem::{Problem, ProblemType};

use super::{Page, PageFile};

/// The response to a request for one of the page's files; `None` for every other path.
///
/// # Errors
/// `method-not-allowed` for anything but GET and HEAD.
pub(crate) fn respond<B>(
    page: &Page,
    request: &Request<B>,
) -> Option<Result<Response<Bytes>, Problem>> {
    let path = request.uri().path();
    let file = page.file(path)?;
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let detail = format!("{path} accepts only GET and HEAD");
        return Some(Err(Problem::new(ProblemType::MethodNotAllowed, detail)));
    }
    Some(Ok(response(file, request.headers())))
}

fn response(file: PageFile, asked: &HeaderMap) -> Response<Bytes> {
    let known = is_known(asked, &file.etag);
    let mut response = Response::new(if known { Bytes::new() } else { file.content });
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Ok(etag) = HeaderValue::from_str(&file.etag) {
        headers.insert(ETAG, etag);
    }
    match known {
        true => *response.status_mut() = StatusCode::NOT_MODIFIED,
        false => {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(file.content_type));
        }
    }
    response
}

/// Whether the client has the file already (RFC 9110 section 13.1.2, weak comparison).
fn is_known(asked: &HeaderMap, etag: &str) -> bool {
    asked
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|tag| tag.trim().trim_start_matches("W/"))
        .any(|tag| tag == etag || tag == "*")
}

/// What the page may do: run its own script, send requests to its own origin, and nothing else (W3C CSP Level 3, Trusted
/// Types). `'wasm-unsafe-eval'` lets it compile WebAssembly, which the protocol of split custody is; it allows no other evaluation of code.
pub(super) const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; connect-src 'self'; img-src 'self' data:; \
     require-trusted-types-for 'script'; trusted-types 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Sent with every file. `no-cache` lets a browser keep a file, but makes it revalidate the file each time.
const HEADERS: [(HeaderName, &str); 8] = [
    (CACHE_CONTROL, "no-cache"),
    (CONTENT_SECURITY_POLICY, POLICY),
    (REFERRER_POLICY, "no-referrer"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::PageConfig;

    fn page() -> Page {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("index.html"), "<!doctype html>").unwrap();
        let config = PageConfig {
            folder: folder.path().to_owned(),
            expectation: None,
        };
        Page::read(&config).unwrap().unwrap()
    }

    fn request(method: Method, path: &str, tag: Option<&str>) -> Request<()> {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(tag) = tag {
            request = request.header(IF_NONE_MATCH, tag);
        }
        request.body(()).unwrap()
    }

    #[test]
    fn a_file_comes_with_its_type_its_tag_and_the_policy() {
        let response = respond(&page(), &request(Method::GET, "/", None))
            .unwrap()
            .unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()[CONTENT_TYPE], "text/html; charset=utf-8");
        assert_eq!(response.headers()[CONTENT_SECURITY_POLICY], POLICY);
        assert_eq!(response.body().as_ref(), b"<!doctype html>");
    }

    #[test]
    fn a_file_that_the_browser_has_is_not_sent_again() {
        let page = page();
        let first = respond(&page, &request(Method::GET, "/", None))
            .unwrap()
            .unwrap();
        let tag = first.headers()[ETAG].to_str().unwrap();
        let again = respond(&page, &request(Method::GET, "/", Some(tag)))
            .unwrap()
            .unwrap();
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
        assert!(again.body().is_empty());
        let other = respond(&page, &request(Method::GET, "/", Some("\"other\"")))
            .unwrap()
            .unwrap();
        assert_eq!(other.status(), StatusCode::OK);
    }

    #[test]
    fn a_file_accepts_no_other_method_and_other_paths_are_left_to_the_enclave() {
        let page = page();
        assert!(
            respond(&page, &request(Method::POST, "/", None))
                .unwrap()
                .is_err()
        );
        assert!(respond(&page, &request(Method::GET, "/v1/health", None)).is_none());
    }
}
