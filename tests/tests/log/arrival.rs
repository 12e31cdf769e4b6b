//! The enclave log arrives in the parent's log.

use std::time::Duration;

use permafrost_tests::{HonestStack, Measured};

use crate::lines::{message, number, of_the_enclave, of_the_parent, wait_for};

fn with_many_lines() -> Measured {
    Measured::new("test").limits("resources_interval_ms = 50")
}

#[test]
fn every_line_of_the_enclave_is_in_the_parents_log_and_two_are_on_its_console() {
    let stack = HonestStack::with_the_log_at_the_parent(with_many_lines());
    let lines = wait_for(&stack, |lines| {
        let said = |text| lines.iter().any(|line| message(line) == text);
        said("booted") && said("ready") && said("resources") && lines.len() > 10
    });
    let numbers: Vec<u64> = lines.iter().filter_map(number).collect();
    assert!(
        numbers.iter().copied().eq(1..=numbers.len() as u64),
        "{numbers:?}"
    );
    assert!(lines.iter().all(|line| line["timestamp"].is_string()));

    let console = stack.enclave.log();
    assert_eq!(console.lines().count(), 1, "{console}");
    assert!(console.starts_with("permafrost-enclave: "), "{console}");
    for told in [env!("CARGO_PKG_VERSION"), "deployment test", "log.sock"] {
        assert!(console.contains(told), "{console}");
    }
}

#[test]
fn the_logged_resources_are_those_in_use() {
    let stack = HonestStack::with_the_log_at_the_parent(with_many_lines());
    let requests = |line: &serde_json::Value| line["fields"]["requests"].as_u64();
    let lines = wait_for(&stack, |lines| {
        // The stack itself has sent requests to see whether the enclave is ready.
        lines
            .iter()
            .filter_map(requests)
            .any(|answered| answered > 0)
    });
    let line = lines.iter().rfind(|line| message(line) == "resources");
    let fields = &line.unwrap()["fields"];
    let field = |name: &str| fields[name].as_u64().unwrap_or_else(|| panic!("{name}"));
    assert!(field("anonymous_bytes") > 1 << 18);
    assert!(field("resident_bytes") > field("anonymous_bytes"));
    assert!(field("machine_bytes") > field("anonymous_bytes"));
    assert!(field("threads") >= 3 && field("descriptors") >= 5);
}

#[test]
fn lines_from_while_the_parent_was_down_arrive_when_it_is_back() {
    let mut stack = HonestStack::with_the_log_at_the_parent(with_many_lines());
    wait_for(&stack, |lines| lines.len() > 5);
    stack.kill_parent();
    let before = of_the_enclave(&stack).len();
    std::thread::sleep(Duration::from_millis(1000));
    stack.restart_parent();
    let lines = wait_for(&stack, |lines| lines.len() > before + 40);
    let lines = &lines[before..];
    let first = number(&lines[0]).unwrap();
    let numbers = lines.iter().filter_map(number);
    assert!(numbers.eq((first..).take(lines.len())), "{lines:#?}");

    let taken = of_the_parent(&stack)
        .into_iter()
        .rfind(|line| line["message"] == "the receiver of the enclave log listens");
    let back = taken.unwrap()["timestamp"].as_str().unwrap().to_owned();
    let while_away = lines
        .iter()
        .take_while(|line| line["timestamp"].as_str().unwrap() < back.as_str());
    assert!(while_away.count() >= 8, "{back}: {lines:#?}");
}

#[test]
fn why_an_enclave_fails_is_on_its_console_and_in_the_parents_log() {
    let stack = HonestStack::with_the_log_at_the_parent(Measured::new("test"));
    let place = stack.folder().join("refused");
    std::fs::create_dir_all(place.join("state")).unwrap();
    std::fs::write(
        place.join("enclave.toml"),
        "deployment = \"x\"\nsurprise = 1\n",
    )
    .unwrap();
    let ended = std::process::Command::new(permafrost_tests::binaries::enclave())
        .args(["--nsm", "emulator", "--state"])
        .arg(place.join("state"))
        .arg("--config")
        .arg(place.join("enclave.toml"))
        .arg("--log")
        .arg(format!("unix:{}/log.sock", stack.folder().display()))
        .output()
        .unwrap();
    assert_eq!(ended.status.code(), Some(1));
    let console = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(console.lines().count(), 1, "{console}");
    assert!(console.contains("unknown field `surprise`"), "{console}");
    wait_for(&stack, |lines| {
        lines.iter().any(|line| {
            let said = message(line);
            said.contains("the enclave ends") && said.contains("unknown field `surprise`")
        })
    });
    assert!(
        of_the_parent(&stack)
            .iter()
            .all(|line| line["line"].is_null() || line["target"] == "enclave")
    );
}

#[test]
fn an_enclave_without_a_log_address_logs_to_standard_error() {
    let stack = HonestStack::start(Measured::new("test"));
    assert!(stack.enclave.log().contains("\"booted\""));
    assert_eq!(of_the_enclave(&stack).len(), 0);
}
