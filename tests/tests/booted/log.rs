//! What a booted enclave has logged, by its own connection.

use std::time::{Duration, Instant};

use permafrost_tests::EnclaveProcess;
use serde_json::Value;

/// Waits for a line with this message that is behind the first `skip` of them, and gives its fields.
pub(crate) fn line(enclave: &EnclaveProcess, message: &str, skip: usize) -> Value {
    let started = Instant::now();
    loop {
        let log = enclave.log();
        let lines = log
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let mut fields = lines.filter_map(|mut line| {
            let fields = line["fields"].take();
            (fields["message"] == message).then_some(fields)
        });
        if let Some(fields) = fields.nth(skip) {
            return fields;
        }
        assert!(
            started.elapsed() < Duration::from_secs(60),
            "no line {message:?} after {skip} of them in:\n{log}"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// How many lines with this message there are.
pub(crate) fn count(enclave: &EnclaveProcess, message: &str) -> usize {
    let named = format!("\"message\":\"{message}\"");
    enclave.log().matches(&named).count()
}
