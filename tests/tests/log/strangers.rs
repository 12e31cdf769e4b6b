//! Other programs that write to the enclave log's address cannot forge the parent's lines or keep the enclave's lines out.

use std::io::Write;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use permafrost_tests::{HonestStack, Measured};

use crate::lines::{foreign, number, of_the_enclave, of_the_parent, wait_for};

/// A line of the parent's own, as it would look if it were real.
const FORGED: &str = r#"{"timestamp":"2026-01-01T00:00:00Z","level":"INFO","method":"POST","path":"/v1/forged","status":200,"target":"access"}"#;

fn stranger(stack: &HonestStack) -> UnixStream {
    UnixStream::connect(stack.folder().join("log.sock")).unwrap()
}

fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < Duration::from_secs(30), "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_stranger_forges_no_line_of_the_parents() {
    let stack = HonestStack::with_the_log_at_the_parent(Measured::new("test"));
    let mut stream = stranger(&stack);
    let breaks = ["\n", "\r\n", "\r", "\u{b}", "\u{c}", "\u{85}", "\u{2028}"];
    for (at, line_break) in breaks.iter().enumerate() {
        let text = format!("begin {at}{line_break}{FORGED}{line_break}\"}}{line_break}{FORGED}\n");
        stream.write_all(text.as_bytes()).unwrap();
    }
    stream
        .write_all(b"\x1b[2J\x1b]0;title\x07 \x00\xff\xfe \xe2\x80\xae end\nlast without an end")
        .unwrap();
    drop(stream);
    wait_until("the last words", || {
        foreign(&stack)
            .iter()
            .any(|line| line == "last without an end")
    });

    assert!(foreign(&stack).iter().any(|line| line == FORGED));
    for line in of_the_parent(&stack) {
        assert!(line["path"] != "/v1/forged", "{line}");
    }
    for line in stack.parent_log().lines() {
        assert!(line.is_ascii(), "{line}");
        assert!(!line.contains(char::is_control), "{line:?}");
        assert!(line.starts_with("{\"timestamp\":"), "{line}");
    }
    let cut = of_the_parent(&stack);
    let cut = cut.iter().filter(|line| line["cut"] == true);
    assert_eq!(cut.count(), 1);
}

#[test]
fn a_line_that_does_not_end_is_logged_in_pieces_of_bounded_length() {
    let stack = HonestStack::with_the_log_at_the_parent(Measured::new("test"));
    let mut stream = stranger(&stack);
    stream.write_all(&vec![b'x'; 1 << 20]).unwrap();
    stream.write_all(b"\nafter\n").unwrap();
    wait_until("the line after", || {
        foreign(&stack).iter().any(|line| line == "after")
    });
    let lines = foreign(&stack);
    let pieces: Vec<_> = lines.iter().filter(|line| line.starts_with('x')).collect();
    assert_eq!(pieces.len(), (1 << 20) / (8 << 10));
    assert!(pieces.iter().all(|piece| piece.len() == 8 << 10));
}

#[test]
fn strangers_that_hold_connections_do_not_keep_the_enclaves_lines_out() {
    let measured = Measured::new("test").limits("resources_interval_ms = 50");
    let stack = HonestStack::with_the_log_at_the_parent(measured);
    wait_for(&stack, |lines| lines.len() > 5);
    let held: Vec<_> = (0..20).map(|_| stranger(&stack)).collect();
    let known = of_the_enclave(&stack).iter().filter_map(number).max();
    wait_for(&stack, |lines| {
        lines.iter().filter_map(number).max() > known.map(|number| number + 40)
    });
    drop(held);
}

#[test]
fn a_flood_is_read_at_a_bounded_rate() {
    let stack = HonestStack::with_the_log_at_the_parent(Measured::new("test"));
    let began = Instant::now();
    let mut stream = stranger(&stack);
    stream
        .set_write_timeout(Some(Duration::from_millis(500)))
        .unwrap();
    // More than the first lines and a socket's buffer together: unread lines block the stranger.
    let flood = "flood\n".repeat(1 << 20);
    assert!(stream.write_all(flood.as_bytes()).is_err());
    std::thread::sleep(Duration::from_secs(2));
    let lines = foreign(&stack);
    let lines = lines.iter().filter(|line| *line == "flood").count() as u128;
    // The first 1024, and 100 a second.
    let most = 1024 + began.elapsed().as_millis() / 10;
    assert!((1024..=most).contains(&lines), "{lines}, {most}");
}
