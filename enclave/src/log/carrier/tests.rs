use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;

use serde_json::Value;

use super::super::queue::{BYTES_MAX, LINES_MAX};
use super::*;

/// A carrier, and the address that it carries to.
struct Carried {
    queue: Arc<Queue>,
    socket: PathBuf,
    _folder: tempfile::TempDir,
}

impl Carried {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("log.sock");
        let queue = Arc::new(Queue::default());
        let address = format!("unix:{}", socket.display()).parse().unwrap();
        start(Arc::clone(&queue), address).unwrap();
        Self {
            queue,
            socket,
            _folder: folder,
        }
    }

    fn listen(&self) -> UnixListener {
        UnixListener::bind(&self.socket).unwrap()
    }

    fn push(&self, count: u64) {
        for event in 0..count {
            self.queue
                .push(format!("{{\"event\":{event},\"filling\":\"{:0400}\"}}", 0).as_bytes());
        }
    }
}

fn accept(listener: &UnixListener) -> UnixStream {
    let stream = listener.accept().unwrap().0;
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    stream
}

/// Lines until one has this number.
fn read_until(stream: &UnixStream, number: u64) -> Vec<Value> {
    let mut lines = Vec::new();
    let mut reader = BufReader::new(stream);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let line: Value = serde_json::from_str(&line).unwrap();
        let last = line["number"] == number;
        lines.push(line);
        if last {
            return lines;
        }
    }
}

#[test]
fn lines_are_carried_in_order_and_the_end_waits_until_they_are_taken() {
    let carried = Carried::start();
    let listener = carried.listen();
    carried.push(100);
    let queue = Arc::clone(&carried.queue);
    let ending = thread::spawn(move || {
        let began = Instant::now();
        queue.end(Duration::from_secs(20));
        began.elapsed()
    });
    let mut stream = accept(&listener);
    let numbers = read_until(&stream, 100);
    assert!(
        numbers
            .iter()
            .map(|line| line["number"].as_u64().unwrap())
            .eq(1..=100)
    );
    assert_eq!(stream.read(&mut [0]).unwrap(), 0);
    thread::sleep(Duration::from_millis(200));
    drop(stream);
    assert!((200..1900).contains(&ending.join().unwrap().as_millis()));
}

#[test]
fn a_receiver_that_connects_late_gets_the_earlier_lines() {
    let carried = Carried::start();
    carried.push(10);
    thread::sleep(Duration::from_millis(300));
    let listener = carried.listen();
    assert_eq!(read_until(&accept(&listener), 10).len(), 10);
}

#[test]
fn a_receiver_that_does_not_read_loses_lines_and_is_told_how_many() {
    let carried = Carried::start();
    let listener = carried.listen();
    let stream = accept(&listener);
    let count = 20_000;
    let began = Instant::now();
    carried.push(count);
    let pushed = began.elapsed();
    assert!(pushed < Duration::from_secs(2), "{pushed:?}");

    let lines = read_until(&stream, count);
    let lost: u64 = lines
        .iter()
        .filter_map(|line| line["fields"]["lost"].as_u64())
        .sum();
    let mut numbers: Vec<u64> = lines
        .iter()
        .filter_map(|line| line["number"].as_u64())
        .collect();
    assert!(numbers.is_sorted());
    numbers.dedup();
    assert!(lost > 10_000);
    assert_eq!(lost + numbers.len() as u64, count);
    let waited = numbers.iter().rev().zip((0..=count).rev());
    let waited = waited.take_while(|(number, expected)| **number == *expected);
    let waited = waited.count();
    assert!(waited <= LINES_MAX && waited * 400 > BYTES_MAX / 2);
}

#[test]
fn after_a_reset_in_the_middle_of_a_line_the_next_connection_begins_with_a_whole_one() {
    let carried = Carried::start();
    let listener = carried.listen();
    let mut stream = accept(&listener);
    // Fewer than the queue holds: it drops none, however slow the carrier is.
    carried.push(500);
    let mut part = [0; 1001];
    stream.read_exact(&mut part).unwrap();
    assert_ne!(part[1000], b'\n');
    drop(stream);
    let stream = accept(&listener);
    carried.push(1);
    let lines = read_until(&stream, 501);
    assert!(lines.iter().all(|line| line["number"].is_u64()));
}

#[test]
fn a_receiver_that_sends_is_disconnected() {
    let carried = Carried::start();
    let listener = carried.listen();
    let mut stream = accept(&listener);
    stream.write_all(b"hello").unwrap();
    let ended = stream.read(&mut [0]);
    assert!(matches!(ended, Ok(0) | Err(_)));
    carried.push(1);
    assert_eq!(read_until(&accept(&listener), 1).len(), 1);
}

#[test]
fn the_end_without_a_receiver_takes_no_longer_than_its_limit() {
    let carried = Carried::start();
    carried.push(1);
    let began = Instant::now();
    carried.queue.end(Duration::from_millis(300));
    assert!((300..1500).contains(&began.elapsed().as_millis()));
}
