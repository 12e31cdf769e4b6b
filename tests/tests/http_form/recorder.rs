//! A relay between the parent and the enclave that reads what the parent sends by a strict reading of RFC 9112, with none of the
//! code that either program uses.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;

/// Relays until the test program ends.
pub(crate) struct Recorder {
    socket: PathBuf,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Recorder {
    /// Listens at `socket`; every connection leads to one of its own to `enclave`.
    pub(crate) fn start(socket: &Path, enclave: PathBuf) -> Self {
        let listener = UnixListener::bind(socket).expect("a socket");
        let recorder = Self {
            socket: socket.to_owned(),
            seen: Arc::default(),
        };
        let seen = Arc::clone(&recorder.seen);
        thread::spawn(move || {
            for parent in listener.incoming() {
                let parent = parent.expect("a connection");
                let enclave = UnixStream::connect(&enclave).expect("the enclave listens");
                let seen = Arc::clone(&seen);
                let (from, to) = both(&parent, &enclave);
                thread::spawn(move || record(from, to, &seen));
                let (from, to) = both(&enclave, &parent);
                thread::spawn(move || relay(from, to));
            }
        });
        recorder
    }

    /// Where the parent has to connect.
    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }

    /// Method and target of every whole request since the last call, in order; or what is wrong with one.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.seen.lock().unwrap())
    }
}

fn both(from: &UnixStream, to: &UnixStream) -> (UnixStream, UnixStream) {
    let clone = |stream: &UnixStream| stream.try_clone().expect("another descriptor");
    (clone(from), clone(to))
}

fn record(mut from: UnixStream, mut to: UnixStream, seen: &Mutex<Vec<String>>) {
    let mut unread = Vec::new();
    let mut buffer = [0; 16 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        unread.extend_from_slice(&buffer[..length]);
        while let Some((request, rest)) = first(&unread) {
            seen.lock().unwrap().push(request);
            unread.drain(..rest);
        }
        if to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}

fn relay(mut from: UnixStream, mut to: UnixStream) {
    let _ = std::io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Both);
}

/// The first request, if it has arrived in full, and where the next one begins.
fn first(bytes: &[u8]) -> Option<(String, usize)> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let head: String = bytes[..end].iter().map(|byte| char::from(*byte)).collect();
    match strictly(&head) {
        Ok((request, length)) => (bytes.len() >= end + length).then(|| (request, end + length)),
        Err(wrong) => Some((format!("{wrong} in {head:?}"), bytes.len())),
    }
}

/// Method and target of a head, and the length of the body.
fn strictly(head: &str) -> Result<(String, usize), &'static str> {
    let mut lines = head.trim_end_matches("\r\n").split("\r\n");
    let line = lines.next().ok_or("no request line")?;
    let Some(request) = line.strip_suffix(" HTTP/1.1") else {
        return Err("another version");
    };
    let (method, target) = request.split_once(' ').ok_or("no target")?;
    if !method.chars().all(|letter| letter.is_ascii_alphabetic()) {
        return Err("an unusual method");
    }
    if !target.starts_with('/') || target.contains([' ', '\t']) {
        return Err("a target that is not a path");
    }
    let (mut hosts, mut lengths) = (0, Vec::new());
    for field in lines {
        let (name, value) = field.split_once(": ").ok_or("a line that is not a field")?;
        let token = |letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter);
        if !name.chars().all(token) || value.contains(['\r', '\n', '\0']) {
            return Err("a malformed field");
        }
        match name.to_ascii_lowercase().as_str() {
            "host" => hosts += 1,
            "content-length" => lengths.push(value),
            "transfer-encoding" => return Err("a transfer encoding"),
            _ => {}
        }
    }
    let length = match lengths.as_slice() {
        [] => 0,
        [length] if length.bytes().all(|byte| byte.is_ascii_digit()) => {
            length.parse().map_err(|_| "an unreadable length")?
        }
        _ => return Err("more than one length, or not a number"),
    };
    match hosts {
        1 => Ok((request.to_owned(), length)),
        _ => Err("not exactly one host"),
    }
}
