//! A receiver that does not read the enclave's lines delays nothing, and is told how many are lost.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::time::{Duration, Instant};

use permafrost_client::Principal;
use permafrost_tests::{HonestStack, Measured, is_signed_by, message, new_key};
use serde_json::Value;
use tempfile::TempDir;

use crate::lines::{count_and_missing, lost};

/// An enclave that logs a thousand lines per second, to a socket in this folder.
fn talkative(folder: &TempDir) -> HonestStack {
    let measured = Measured::new("test").limits("resources_interval_ms = 1");
    HonestStack::with_the_log_at(measured, &socket(folder))
}

fn socket(folder: &TempDir) -> std::path::PathBuf {
    folder.path().join("log.sock")
}

fn accept(listener: &UnixListener) -> UnixStream {
    let stream = listener.accept().unwrap().0;
    let patience = Some(Duration::from_secs(20));
    stream.set_read_timeout(patience).unwrap();
    stream
}

/// Signs for this long. No signature may take longer than a second.
async fn sign_for(principal: &Principal, time: Duration) {
    let key = new_key(principal).await;
    let began = Instant::now();
    while began.elapsed() < time {
        let asked = Instant::now();
        let signed = principal.sign(&key.id, &message()).await.unwrap();
        let took = asked.elapsed();
        assert!(took < Duration::from_secs(1), "{took:?}");
        assert!(is_signed_by(&signed, &key.group_public_key));
    }
}

/// Reads lines for this long.
fn read_for(reader: &mut impl BufRead, time: Duration) -> Vec<Value> {
    let began = Instant::now();
    let mut lines = Vec::new();
    while began.elapsed() < time {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        lines.push(serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}")));
    }
    lines
}

fn anonymous_bytes(line: &Value) -> Option<u64> {
    line["fields"]["anonymous_bytes"].as_u64()
}

#[tokio::test]
async fn a_parent_that_never_reads_slows_no_request_and_fills_no_memory() {
    let folder = tempfile::tempdir().unwrap();
    let listener = UnixListener::bind(socket(&folder)).unwrap();
    let stack = talkative(&folder);
    let stream = accept(&listener);
    let alice = stack.principal("alice").await;
    let mut reader = BufReader::new(&stream);
    sign_for(&alice, Duration::from_millis(500)).await;
    let mut lines = read_for(&mut reader, Duration::from_secs(1));
    let early = lines.iter().rev().find_map(anonymous_bytes).unwrap();

    sign_for(&alice, Duration::from_secs(5)).await;

    lines.extend(read_for(&mut reader, Duration::from_secs(1)));
    let late = lines.iter().rev().find_map(anonymous_bytes).unwrap();
    let said: u64 = lines.iter().filter_map(lost).sum();
    let (count, missing) = count_and_missing(&lines);
    println!("{count} lines, {said} lost; {early} bytes early, {late} late");
    assert!(said > 1000, "{said}");
    assert_eq!(missing, 0);
    // The lost lines alone would have taken more.
    assert!(late < early + (1 << 20), "{early} {late}");
}

#[tokio::test]
async fn an_absent_parent_slows_no_request_and_is_told_later_what_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let stack = talkative(&folder);
    let alice = stack.principal("alice").await;
    sign_for(&alice, Duration::from_secs(3)).await;
    let listener = UnixListener::bind(socket(&folder)).unwrap();
    let stream = accept(&listener);
    let lines = read_for(&mut BufReader::new(&stream), Duration::from_secs(1));
    assert!(lost(&lines[0]).unwrap() > 1000, "{}", lines[0]);
    assert_eq!(count_and_missing(&lines).1, 0);
}

#[tokio::test]
async fn a_parent_that_resets_in_the_middle_of_lines_slows_no_request() {
    let folder = tempfile::tempdir().unwrap();
    let place = socket(&folder);
    let listener = UnixListener::bind(&place).unwrap();
    let stack = talkative(&folder);
    let resetting = std::thread::spawn(move || reset_for(listener, Duration::from_secs(3)));
    let alice = stack.principal("alice").await;
    sign_for(&alice, Duration::from_secs(3)).await;
    let (listener, resets) = resetting.join().unwrap();
    assert!(resets >= 3, "{resets}");
    let stream = accept(&listener);
    // A whole line comes first, however much of it the last connection had received.
    let lines = read_for(&mut BufReader::new(&stream), Duration::from_secs(1));
    assert!(lines.len() > 100);
    assert!(Path::new(&place).exists());
}

/// Reads part of a line from each connection, and closes it.
fn reset_for(listener: UnixListener, time: Duration) -> (UnixListener, usize) {
    let began = Instant::now();
    let mut resets = 0;
    while began.elapsed() < time {
        let mut part = [0; 50];
        let mut stream = accept(&listener);
        stream.read_exact(&mut part).unwrap();
        assert!(part.starts_with(b"{\""), "{part:?}");
        assert!(!part.contains(&b'\n'));
        resets += 1;
    }
    (listener, resets)
}
