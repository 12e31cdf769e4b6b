//! The printed configuration, the document about it, and what is refused.

use super::*;

fn refusal(text: &str) -> String {
    Config::parse(text).unwrap_err().to_string()
}

#[test]
fn the_printed_configuration_is_the_default() {
    assert_eq!(Config::parse(TEMPLATE).unwrap(), Config::default());
    assert_eq!(Config::parse("").unwrap(), Config::default());
}

#[test]
fn the_documentation_shows_the_printed_configuration() {
    let page = include_str!("../../../docs/configuration-parent.md");
    assert!(page.contains(TEMPLATE.trim_end()));
}

#[test]
fn every_key_of_the_printed_configuration_has_a_comment() {
    let mut commented = false;
    for line in TEMPLATE.lines() {
        if line.contains(" = ") && !line.starts_with('#') {
            assert!(commented, "no comment above {line}");
        }
        commented = line.starts_with('#');
    }
}

#[test]
fn the_ranges_in_the_comments_are_the_ranges_that_are_enforced() {
    let mut table = String::new();
    let mut range: Option<(i64, i64)> = None;
    let mut checked = 0;
    for line in TEMPLATE.lines() {
        if line.starts_with('[') {
            table = line.to_owned();
        } else if let Some(comment) = line.strip_prefix('#') {
            range = range_of(comment).or(range);
        } else if let (Some((low, high)), Some((key, _))) = (range, line.split_once(" = ")) {
            for (value, accepted) in [
                (low, true),
                (high, true),
                (low - 1, false),
                (high + 1, false),
            ] {
                let text = format!("{table}\n{key} = {value}");
                assert_eq!(Config::parse(&text).is_ok(), accepted, "{text}");
            }
            checked += 1;
            range = None;
        }
    }
    assert_eq!(checked, 20);
}

/// `... 1 to 60000.` as numbers.
fn range_of(comment: &str) -> Option<(i64, i64)> {
    let (before, after) = comment.rsplit_once(" to ")?;
    let low = before.rsplit([' ', ':']).next()?.parse().ok()?;
    let high = after.split(['.', ' ']).next()?.parse().ok()?;
    Some((low, high))
}

#[test]
fn an_unknown_key_is_named_with_the_known_keys() {
    let text = refusal("[limits]\nbody_byte = 5\n");
    assert!(text.contains("body_byte"), "{text}");
    assert!(text.contains("`body_bytes`"), "{text}");
    assert!(text.contains("line 2"), "{text}");
}

#[test]
fn a_value_out_of_range_is_shown_with_its_line_and_the_range() {
    let text = refusal("[limits]\nbody_bytes = 5\n");
    assert!(text.contains("body_bytes = 5"), "{text}");
    assert!(text.contains("1024 to 1073741824"), "{text}");
}

#[test]
fn an_invalid_address_is_refused() {
    let text = refusal("[enclave]\naddress = \"tcp://host:1\"\n");
    assert!(text.contains("address ="), "{text}");
    assert!(text.contains("unix:"), "{text}");
}

#[test]
fn one_enclave_or_several_are_read_and_named_by_their_place() {
    let names = |text: &str| -> Vec<_> {
        let enclaves = Config::parse(text).unwrap().enclaves.into_iter();
        enclaves
            .map(|one| (one.name, one.address.to_string()))
            .collect()
    };
    let one = names("[enclave]\naddress = \"unix:/a\"\n");
    assert_eq!(one, [("enclave-1".to_owned(), "unix:/a".to_owned())]);
    assert_eq!(names("[[enclave]]\naddress = \"unix:/a\"\n"), one);
    let two = names(
        "[[enclave]]\naddress = \"unix:/a\"\n[[enclave]]\nname = \"x\"\naddress = \"unix:/b\"\n[[enclave]]\naddress = \"unix:/c\"\n",
    );
    let two: Vec<_> = two.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(two, ["enclave-1", "x", "enclave-3"]);
}

#[test]
fn enclaves_that_cannot_be_told_apart_are_refused() {
    let two = |first: &str, second: &str| format!("[[enclave]]\n{first}\n[[enclave]]\n{second}\n");
    let (a, b) = ("address = \"unix:/a\"", "address = \"unix:/b\"");
    for (text, named) in [
        (two(a, a), "unix:/a"),
        (
            two(&format!("name = \"x\"\n{a}"), &format!("name = \"x\"\n{b}")),
            "\"x\"",
        ),
        (
            two(&format!("name = \"enclave-2\"\n{a}"), b),
            "\"enclave-2\"",
        ),
        (two(&format!("name = \"\"\n{a}"), b), "1 to 64"),
        ("enclave = []\n".to_owned(), "1 to 16"),
        ("enclave = 1\n".to_owned(), "[[enclave]]"),
        (
            (0..17)
                .map(|n| format!("[[enclave]]\naddress = \"unix:/{n}\"\n"))
                .collect(),
            "1 to 16",
        ),
        (
            two(a, b) + "[store]\nenclave_cid = 17\n",
            "store.enclave_cid = 17",
        ),
    ] {
        let text = refusal(&text);
        assert!(text.contains(named), "{named}: {text}");
    }
}

#[test]
fn the_administration_socket_is_a_unix_socket() {
    let listen = |text: &str| Config::parse(&format!("[admin]\nlisten = \"{text}\"\n"));
    assert_eq!(listen("none").unwrap().admin.listen, None);
    assert!(listen("unix:/a").unwrap().admin.listen.is_some());
    for other in ["vsock://any:9", "vsock+unix:/a:9"] {
        let refused = listen(other).unwrap_err().to_string();
        assert!(refused.contains("unix:PATH"), "{refused}");
    }
}

#[test]
fn the_store_is_in_one_database() {
    let store = |text: &str| Config::parse(&format!("[store]\n{text}")).unwrap().store;
    let file = store("sqlite = \"/s\"").database;
    assert_eq!(file, DatabaseConfig::Sqlite("/s".into()));
    let url = "postgresql://p@db.internal/store";
    let DatabaseConfig::Postgres(postgres) =
        store(&format!("postgres = \"{url}\"\npostgres_ca = \"/ca.pem\"")).database
    else {
        panic!("it is PostgreSQL");
    };
    assert_eq!(postgres.database.to_string(), url);
    assert_eq!(postgres.root_certificates, Some("/ca.pem".into()));
    for (text, named) in [
        (
            format!("sqlite = \"/s\"\npostgres = \"{url}\""),
            "store.sqlite and store.postgres",
        ),
        (
            "sqlite = \"/s\"\npostgres_ca = \"/ca.pem\"".to_owned(),
            "store.postgres_ca",
        ),
        ("postgres_ca = \"/ca.pem\"".to_owned(), "store.postgres_ca"),
        ("sqlite = \"\"".to_owned(), "store.sqlite"),
        ("postgres = \"\"".to_owned(), "store.postgres"),
        (
            "postgres = \"postgresql://p@db.internal/store?sslmode=disable\"".to_owned(),
            "verify-full",
        ),
        (
            "path = \"/s\"".to_owned(),
            "store.sqlite, which is its name now",
        ),
    ] {
        let text = refusal(&format!("[store]\n{text}\n"));
        assert!(text.contains(named), "{named}: {text}");
    }
}

#[test]
fn a_password_in_the_configuration_is_not_repeated() {
    for text in [
        "[store]\npostgres = \"postgresql://p:hunter2@h/d\"\n",
        "store = { postgres = \"postgresql://p:hunter2@h/d\" }\n",
        "[store]\npostgres = [\"postgresql://p:hunter2@h/d\"]\n",
        "[store]\npostgres = \"postgresql://p:hunter2@h/d\n",
        "[store]\npostgre = \"postgresql://p:hunter2@h/d\"\n",
        "[store]\npostgres = postgresql://p:hunter2@h/d\n",
    ] {
        let refused = refusal(text);
        assert!(!refused.contains("hunter2"), "{refused}");
        assert!(refused.contains("line "), "{refused}");
    }
}

#[test]
fn an_unknown_level_is_refused_with_the_known_levels() {
    let text = refusal("[log]\nlevel = \"loud\"\n");
    assert!(text.contains("loud") && text.contains("debug"), "{text}");
}
