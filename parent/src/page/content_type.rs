//! The content types of a page's files, by file name extension.

/// The known extensions, for errors.
pub(super) const KNOWN: &str = ".html, .js, .css, .json, .svg, .png, .wasm, .webmanifest";

/// The content type that the browser is sent, so that it does not guess.
pub(super) fn of(name: &str) -> Option<&'static str> {
    let (_, end) = name.rsplit_once('.')?;
    Some(match end {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" => "application/json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "wasm" => "application/wasm",
        "webmanifest" => "application/manifest+json",
        _ => return None,
    })
}
