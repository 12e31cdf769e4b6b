//! The command line: what it prints, what it refuses, and how it ends.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a failing test should stop, in its helpers too"
)]

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

fn permafrost(directory: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_permafrost"))
        .args(arguments)
        .current_dir(directory)
        .env_remove("PERMAFROST_PROFILE")
        .output()
        .unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn the_printed_configuration_is_accepted() {
    let directory = tempfile::tempdir().unwrap();
    let printed = permafrost(directory.path(), &["serve", "--print-config"]);
    assert!(printed.status.success());
    let config = permafrost::config::Config::parse(&stdout(&printed)).unwrap();
    assert_eq!(config, permafrost::config::Config::default());
}

#[test]
fn a_wrong_configuration_is_a_wrong_call_and_names_the_key() {
    let directory = tempfile::tempdir().unwrap();
    for (text, named) in [
        ("lisen = \"127.0.0.1:0\"", "lisen"),
        ("[limits]\nrequests = 0", "1 to 65536"),
        ("[enclave]\naddress = \"tcp://1\"", "vsock://CID:PORT"),
    ] {
        std::fs::write(directory.path().join("c.toml"), text).unwrap();
        let output = permafrost(directory.path(), &["serve", "--config", "c.toml"]);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(stderr(&output).contains(named), "{output:?}");
    }
    let missing = permafrost(directory.path(), &["serve", "--config", "missing.toml"]);
    assert_eq!(missing.status.code(), Some(2), "{missing:?}");
    assert_eq!(
        permafrost(directory.path(), &["serve"]).status.code(),
        Some(2)
    );
}

#[test]
fn an_address_in_use_is_a_failure() {
    let directory = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let config = format!("listen = \"{}\"\n", taken.local_addr().unwrap());
    std::fs::write(directory.path().join("c.toml"), config).unwrap();
    let output = permafrost(directory.path(), &["serve", "--config", "c.toml"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(
        stderr(&output).contains("listen = 127.0.0.1:"),
        "{output:?}"
    );
}

#[test]
fn the_commands_for_the_sqlite_file_refuse_a_postgresql_database() {
    let directory = tempfile::tempdir().unwrap();
    let config = "[store]\npostgres = \"postgresql://permafrost@db.internal/permafrost\"\n";
    std::fs::write(directory.path().join("c.toml"), config).unwrap();
    for command in ["backup", "restore"] {
        let arguments = ["store", command, "--config", "c.toml", "store.backup"];
        let output = permafrost(directory.path(), &arguments);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        for named in ["store.postgres", "pg_dump"] {
            assert!(stderr(&output).contains(named), "{output:?}");
        }
    }
}

#[test]
fn a_new_principal_has_a_key_file_that_no_other_user_can_read() {
    let directory = tempfile::tempdir().unwrap();
    for algorithm in ["ed25519", "ecdsa-p256-sha256"] {
        let name = format!("p-{algorithm}");
        let output = permafrost(
            directory.path(),
            &["principal", "new", &name, "--algorithm", algorithm],
        );
        assert!(output.status.success(), "{output:?}");
        let path = directory.path().join(format!("principal-{name}.pem"));
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let entry: toml::Table = stdout(&output).parse().unwrap();
        let key = std::fs::read_to_string(&path).unwrap();
        let key = permafrost_client::SigningKey::from_pem(&key).unwrap();
        assert_eq!(
            entry["principal"][0]["public_key"].as_str().unwrap(),
            key.public_key().unwrap().to_string()
        );
        assert!(
            entry["principal"][0]["public_key"]
                .as_str()
                .unwrap()
                .starts_with(algorithm)
        );
    }
}

#[test]
fn a_key_file_is_never_overwritten() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("key.pem");
    std::fs::write(&path, "mine").unwrap();
    let output = permafrost(
        directory.path(),
        &["principal", "new", "a", "--out", "key.pem"],
    );
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
}

#[test]
fn an_invalid_name_of_a_principal_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    for name in ["a b", "", "a/b", &"a".repeat(65)] {
        let output = permafrost(directory.path(), &["principal", "new", name]);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
    }
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn without_a_profile_the_error_says_how_to_get_one() {
    let directory = tempfile::tempdir().unwrap();
    let output = permafrost(directory.path(), &["keys", "list"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let named = match cfg!(feature = "development") {
        true => "permafrost dev",
        false => "--profile",
    };
    assert!(stderr(&output).contains(named), "{output:?}");
}

#[test]
fn keys_reports_failures_as_json_if_json_was_requested() {
    let directory = tempfile::tempdir().unwrap();
    assert!(
        permafrost(
            directory.path(),
            &["principal", "new", "a", "--out", "k.pem"]
        )
        .status
        .success()
    );
    std::fs::write(
        directory.path().join("p.toml"),
        "endpoint = \"unix:nobody.sock\"\nprincipal = \"a\"\nkey = \"k.pem\"\n",
    )
    .unwrap();
    let output = permafrost(
        directory.path(),
        &["keys", "--profile", "p.toml", "list", "--json"],
    );
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let response: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(response["error"]["kind"], "unreachable", "{response}");
}

#[test]
fn what_to_sign_is_checked_before_any_request_is_sent() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("long"), vec![0; 65537]).unwrap();
    std::fs::write(directory.path().join("event"), "{\"kind\":1}").unwrap();
    for (arguments, named) in [
        (&["--digest", "00"][..], "--digest"),
        (&["--message-hex", "0"], "--message-hex"),
        (&["--message-file", "long"], "65536"),
        (&["--message-file", "missing"], "missing"),
        (&["--event", "event"], "created_at"),
        (&["--taproot-sighash", "ab"], "--taproot-sighash"),
        (
            &["--merkle-root", "ab", "--message", "x"],
            "cannot be used with",
        ),
        (&["--message", "x", "--digest", "00"], "cannot be used with"),
        (&[], "required"),
    ] {
        let output = permafrost(
            directory.path(),
            &[&["keys", "sign", "00"], arguments].concat(),
        );
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {output:?}");
        assert!(stderr(&output).contains(named), "{arguments:?}: {output:?}");
    }
}

#[test]
fn errors_fit_on_a_screen() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("c.toml"), "x = [".repeat(10_000)).unwrap();
    let output = permafrost(directory.path(), &["serve", "--config", "c.toml"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stderr.len() < 4096, "{} bytes", output.stderr.len());
}
