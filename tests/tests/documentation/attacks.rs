//! The matrix of attacks: `docs/attacks.toml`, which is checked here, and `docs/attacks.md`, which is rendered from it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;

use permafrost_common::problem::ProblemType;
use serde::Deserialize;

use crate::{read, repository, tests_in};

const MATRIX: &str = "docs/attacks.toml";
const PAGE: &str = "docs/attacks.md";

/// Where this is set, the page is written instead of compared.
const WRITE: &str = "PERMAFROST_WRITE_DOCS";

/// The suites whose every test shows an attack that fails, and what else is in them.
const SUITES: [(&str, &[&str]); 5] = [
    (
        "tests/tests/lying_attestation.rs",
        &[
            "a_service_reaches_the_enclave_without_the_parent_in_between",
            "an_invalid_nonce_is_refused_with_what_is_accepted",
            "the_boots_document_is_the_one_that_responses_name",
        ],
    ),
    (
        "tests/tests/lying_kms.rs",
        &["the_error_of_aws_is_reported_with_the_call_and_the_key"],
    ),
    ("tests/tests/lying_people.rs", &[]),
    ("tests/tests/lying_proxy.rs", &[]),
    (
        "tests/tests/lying_store.rs",
        &["a_signature_costs_one_store_round_trip_and_opens_its_record_once"],
    ),
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Matrix {
    intro: String,
    section: Vec<Section>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Section {
    title: String,
    intro: Option<String>,
    after: Option<String>,
    attack: Vec<Attack>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Attack {
    by: String,
    attack: String,
    defence: String,
    #[serde(default)]
    problems: Vec<String>,
    #[serde(default)]
    no_tls: bool,
    tests: Vec<String>,
}

fn matrix() -> Matrix {
    toml::from_str(&read(MATRIX)).unwrap_or_else(|error| panic!("{MATRIX}: {error}"))
}

/// Every `PATH::NAME` in the matrix, in rows and in prose.
fn named() -> Vec<(String, String)> {
    read(MATRIX)
        .split(['"', '`'])
        .filter_map(|text| text.split_once(".rs::"))
        .map(|(path, test)| (format!("{path}.rs"), test.to_owned()))
        .collect()
}

#[test]
fn every_test_that_the_matrix_names_is_a_test() {
    let named = named();
    assert!(named.len() > 190, "{} names", named.len());
    let mut sources = BTreeMap::new();
    for (path, test) in named {
        let tests = sources
            .entry(path.clone())
            .or_insert_with(|| tests_in(&read(&path)));
        assert!(
            tests.contains(&test),
            "{MATRIX} names {path}::{test}, which is not a test there"
        );
    }
}

#[test]
fn every_attack_has_a_test_and_is_there_once() {
    let mut seen = BTreeSet::new();
    for section in matrix().section {
        for attack in section.attack {
            assert!(!attack.tests.is_empty(), "no test: {}", attack.attack);
            let place = (section.title.clone(), attack.by, attack.attack);
            assert!(seen.insert(place.clone()), "twice: {place:?}");
        }
    }
}

#[test]
fn every_problem_of_the_matrix_is_a_problem_type() {
    for attack in matrix().section.iter().flat_map(|section| &section.attack) {
        for slug in &attack.problems {
            assert!(
                ProblemType::ALL.iter().any(|kind| kind.slug() == slug),
                "{slug}: {}",
                attack.attack
            );
        }
    }
}

#[test]
fn every_test_of_the_malicious_parent_is_in_the_matrix() {
    let named: BTreeSet<_> = named().into_iter().collect();
    for (path, others) in SUITES {
        let tests = tests_in(&read(path));
        assert!(tests.len() > 8, "{path}: {tests:?}");
        for other in others {
            assert!(
                tests.iter().any(|test| test == other),
                "{path} has no {other}"
            );
        }
        for test in tests {
            assert!(
                others.contains(&test.as_str()) || named.contains(&(path.to_owned(), test.clone())),
                "{MATRIX} does not name {path}::{test}"
            );
        }
    }
}

#[test]
fn the_page_of_attacks_is_what_the_matrix_renders_to() {
    let rendered = render(&matrix());
    if std::env::var_os(WRITE).is_some() {
        fs::write(repository().join(PAGE), &rendered).unwrap();
    }
    assert!(
        read(PAGE) == rendered,
        "{PAGE} is not what {MATRIX} renders to; write it with: {WRITE}=1 cargo test -p permafrost-tests --test documentation"
    );
}

fn render(matrix: &Matrix) -> String {
    let mut page = format!(
        "# Attacks and the tests that refuse them\n\n\
         <!-- Made from attacks.toml: see there. -->\n\n\
         [SECURITY.md](../SECURITY.md) is the threat model; this is the evidence. {}\n",
        matrix.intro
    );
    for section in &matrix.section {
        write!(page, "\n## {}\n", section.title).unwrap();
        if let Some(intro) = &section.intro {
            write!(page, "\n{intro}\n").unwrap();
        }
        page.push_str(
            "\n| attacker | attack | defence | problem | tests |\n|---|---|---|---|---|\n",
        );
        for attack in &section.attack {
            let code = |text: &String| format!("`{text}`");
            let list = |texts: &[String]| texts.iter().map(code).collect::<Vec<_>>().join("<br>");
            let no_tls = if attack.no_tls { " *(no TLS)*" } else { "" };
            writeln!(
                page,
                "| {} | {}{no_tls} | {} | {} | {} |",
                attack.by,
                attack.attack,
                attack.defence,
                list(&attack.problems),
                list(&attack.tests)
            )
            .unwrap();
        }
        if let Some(after) = &section.after {
            write!(page, "\n{after}\n").unwrap();
        }
    }
    page
}
