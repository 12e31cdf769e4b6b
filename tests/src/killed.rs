//! Runs of a command that are killed at random moments.

use std::process::{Command, Stdio};
use std::time::Duration;

use crate::Random;

/// Starts the command so many times, and each time kills it within `part`.
///
/// # Panics
/// If it ends before it is killed: the whole has to take longer than all parts.
pub fn killed_at_random(
    command: impl Fn() -> Command,
    times: u32,
    part: Duration,
    random: &mut Random,
) {
    for number in 0..times {
        let mut child = command()
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let milliseconds = random.below(part.as_millis() as u64);
        std::thread::sleep(Duration::from_millis(milliseconds));
        child.kill().expect("a child");
        let ended = child.wait().expect("a status").success();
        assert!(!ended, "it ended before kill {number}");
    }
}
