//! The types of a page's files, by the end of their names.

/// The ends that are known, in words.
pub(super) const KNOWN: &str = ".html, .js, .css, .json, .svg, .png, .webmanifest";

/// The type that a browser is told; it must not guess.
pub(super) fn of(name: &str) -> Option<&'static str> {
    let (_, end) = name.rsplit_once('.')?;
    Some(match end {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" => "application/json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "webmanifest" => "application/manifest+json",
        _ => return None,
    })
}
