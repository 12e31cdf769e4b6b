//! The pages of the repository say what is there.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

mod attacks;
mod boots;
mod module_graph;

use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn every_relative_link_of_a_page_leads_to_a_file() {
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        for link in text.split("](").skip(1) {
            let target = link.split([')', '#']).next().unwrap();
            if target.is_empty() || target.contains("://") {
                continue;
            }
            let path = page.parent().unwrap().join(target);
            assert!(path.exists(), "{}: link to {target}", page.display());
        }
    }
}

/// The pages at the top and in `docs/`.
fn pages() -> Vec<PathBuf> {
    let pages: Vec<_> = [repository(), repository().join("docs")]
        .iter()
        .flat_map(|folder| fs::read_dir(folder).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect();
    assert!(pages.len() > 4, "{pages:?}");
    pages
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    fs::read_to_string(repository().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The names of the tests in a Rust source: functions whose attributes make them tests.
fn tests_in(source: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut is_test = false;
    for line in source.lines().map(str::trim_start) {
        if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
            is_test = true;
        } else if let Some(name) = line
            .strip_prefix("fn ")
            .or_else(|| line.strip_prefix("async fn "))
        {
            if is_test {
                names.push(name.split('(').next().unwrap().to_owned());
            }
            is_test = false;
        }
    }
    names
}

#[test]
fn only_functions_with_the_attribute_of_a_test_count_as_tests() {
    let source = "fn helper() {\n#[test]\n#[cfg_attr(not(images), ignore = \"x\")]\nfn one() {\n}\n    #[tokio::test(flavor = \"multi_thread\")]\n    async fn two() {\nasync fn other() {";
    assert_eq!(tests_in(source), ["one", "two"]);
}
