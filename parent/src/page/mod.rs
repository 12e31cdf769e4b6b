//! The page for users: the files of one folder, read at start and served under `/` with a strict policy.
//!
//! The folder holds the built `clients/page`. The enclave trusts nothing in it, and a user who does not trust this parent
//! takes the page from elsewhere (clients/page/README.md).

mod content_type;
mod respond;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use serde::Deserialize;

pub(crate) use self::respond::respond;

/// `[page]`.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct PageConfig {
    /// The folder whose files are served; empty: no page.
    pub folder: PathBuf,
    /// The file that is served as `/permafrost.json` instead of the folder's, read for each request. For development, where the
    /// expectation of the enclave is known only once the enclave runs.
    #[serde(skip)]
    pub expectation: Option<PathBuf>,
}

/// The files of the page, by the path that serves them.
#[derive(Debug)]
pub(crate) struct Page {
    files: BTreeMap<String, PageFile>,
    expectation: Option<PathBuf>,
}

/// One file, as it was at start.
#[derive(Clone, Debug)]
pub(crate) struct PageFile {
    content: Bytes,
    content_type: &'static str,
    /// The SHA-256 of the content in hex, in quotes (RFC 9110 section 8.8.3).
    etag: String,
}

/// Why the folder cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// A file or the folder cannot be read.
    #[error("page.folder: {}: {source}", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
    /// The folder does not contain a page.
    #[error("page.folder: {} has no index.html; build the page into it with `npm run build` in clients/page", path.display())]
    NoIndex {
        /// The folder.
        path: PathBuf,
    },
    /// The folder contains a file that cannot be served.
    #[error("page.folder: {}: {problem}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// Why it cannot be served, and what would be accepted.
        problem: String,
    },
}

impl Page {
    /// Reads the files of a folder and of the folders in it; `None` if the configuration names no folder.
    ///
    /// # Errors
    /// [`PageError`] if a file cannot be read, is a link, has an unknown type, is one too many, or would hide a path of the
    /// enclave or the parent.
    pub(crate) fn read(config: &PageConfig) -> Result<Option<Self>, PageError> {
        if config.folder.as_os_str().is_empty() {
            return Ok(None);
        }
        let mut files = BTreeMap::new();
        read_folder(&config.folder, "", &mut files)?;
        let Some(index) = files.get("/index.html").cloned() else {
            return Err(PageError::NoIndex {
                path: config.folder.clone(),
            });
        };
        files.insert("/".to_owned(), index);
        Ok(Some(Self {
            files,
            expectation: config.expectation.clone(),
        }))
    }

    /// The file at exactly this path: nothing is decoded, so there is no path to traverse.
    fn file(&self, path: &str) -> Option<PageFile> {
        match &self.expectation {
            Some(file) if path == EXPECTATION => {
                let content = read_file(file).ok()?;
                PageFile::new(content, content_type::of(path)?).into()
            }
            _ => self.files.get(path).cloned(),
        }
    }
}

impl PageFile {
    fn new(content: Vec<u8>, content_type: &'static str) -> Self {
        Self {
            etag: format!("\"{}\"", hex::encode(digest(&SHA256, &content))),
            content: content.into(),
            content_type,
        }
    }
}

fn read_folder(
    folder: &Path,
    under: &str,
    files: &mut BTreeMap<String, PageFile>,
) -> Result<(), PageError> {
    let failed = |source| PageError::Read {
        path: folder.to_owned(),
        source,
    };
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let path = entry.path();
        let refused = |problem: String| PageError::File {
            path: path.clone(),
            problem,
        };
        let name = entry.file_name();
        let name = name.to_str().filter(|name| is_plain(name)).ok_or_else(|| {
            let accepted =
                "the name is invalid; accepted: a-z, A-Z, 0-9, -, _ and ., without a leading .";
            refused(accepted.to_owned())
        })?;
        let at = format!("{under}/{name}");
        if TAKEN.contains(&at.as_str()) {
            return Err(refused(format!(
                "the page must not serve {at}, which is a path of the enclave or the parent"
            )));
        }
        let kind = entry.file_type().map_err(failed)?;
        if kind.is_dir() {
            read_folder(&path, &at, files)?;
            continue;
        }
        if !kind.is_file() {
            return Err(refused(
                "it is neither a file nor a folder; accepted: files and folders".to_owned(),
            ));
        }
        let content_type = content_type::of(name).ok_or_else(|| {
            refused(format!(
                "its content type is unknown; accepted: {}",
                content_type::KNOWN
            ))
        })?;
        let content = read_file(&path).map_err(|source| PageError::Read {
            path: path.clone(),
            source,
        })?;
        files.insert(at, PageFile::new(content, content_type));
        if files.len() > FILES_MAX {
            return Err(refused(format!(
                "too many files; accepted: at most {FILES_MAX}"
            )));
        }
    }
    Ok(())
}

fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    File::open(path)?
        .take(FILE_MAX + 1)
        .read_to_end(&mut content)?;
    if content.len() as u64 > FILE_MAX {
        return Err(io::Error::other(format!(
            "too long; accepted: at most {FILE_MAX} bytes"
        )));
    }
    Ok(content)
}

fn is_plain(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    !name.starts_with('.') && name.bytes().all(plain)
}

/// The path of the file that says what the page expects of the enclave (clients/page/README.md).
const EXPECTATION: &str = "/permafrost.json";

/// Paths of the enclave and of the parent.
const TAKEN: [&str; 6] = [
    "/v1",
    "/docs",
    "/openapi.json",
    "/healthz",
    "/readyz",
    "/metrics",
];

/// How many files there may be, and how many bytes each may have.
const FILES_MAX: usize = 256;
const FILE_MAX: u64 = 4 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        folder
    }

    fn read(folder: &tempfile::TempDir) -> Result<Option<Page>, PageError> {
        Page::read(&PageConfig {
            folder: folder.path().to_owned(),
            expectation: None,
        })
    }

    #[test]
    fn exactly_the_files_of_the_folder_are_served() {
        let folder = folder(&[("index.html", "<!doctype html>"), ("assets/page.js", "1")]);
        let page = read(&folder).unwrap().unwrap();
        fs::write(folder.path().join("later.js"), "2").unwrap();
        for path in ["/", "/index.html", "/assets/page.js"] {
            assert!(page.file(path).is_some(), "{path}");
        }
        for path in [
            "/assets",
            "/assets/",
            "/later.js",
            "//index.html",
            "/assets/../index.html",
            "/assets/%2e%2e/index.html",
        ] {
            assert!(page.file(path).is_none(), "{path}");
        }
    }

    #[test]
    fn without_a_folder_there_is_no_page() {
        assert!(Page::read(&PageConfig::default()).unwrap().is_none());
    }

    #[test]
    fn a_file_that_would_hide_a_path_of_the_enclave_is_refused() {
        for name in ["v1/keys.html", "openapi.json", "metrics", "docs/index.html"] {
            let refused = read(&folder(&[("index.html", ""), (name, "")])).unwrap_err();
            assert!(refused.to_string().contains("must not serve"), "{refused}");
        }
    }

    #[test]
    fn a_file_of_unknown_type_a_hidden_file_and_a_link_are_refused() {
        for name in ["notes.txt", ".env", "a b.js"] {
            let refused = read(&folder(&[("index.html", ""), (name, "")])).unwrap_err();
            assert!(matches!(refused, PageError::File { .. }), "{refused}");
        }
        let linked = folder(&[("index.html", "")]);
        std::os::unix::fs::symlink("/etc/hostname", linked.path().join("host.js")).unwrap();
        assert!(matches!(read(&linked).unwrap_err(), PageError::File { .. }));
    }

    #[test]
    fn a_folder_without_a_page_is_refused() {
        assert!(matches!(
            read(&folder(&[("page.js", "")])).unwrap_err(),
            PageError::NoIndex { .. }
        ));
    }
}
