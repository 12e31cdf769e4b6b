//! What the process and the machine use, according to `/proc`, logged at intervals, so that the operator sees a leak before it
//! ends the enclave.

use std::fs;
use std::io;
use std::time::Duration;

/// What is in use at one moment.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Resources {
    /// Resident memory of this process, its program included: `VmRSS` (proc_pid_status(5)), in bytes.
    pub resident_bytes: u64,
    /// The part of it that the process wrote itself, heap and stacks: `RssAnon`, in bytes.
    pub anonymous_bytes: u64,
    /// Memory of the machine that is not available: `MemTotal` less `MemAvailable` (proc_meminfo(5)), in bytes.
    pub machine_bytes: u64,
    /// Threads of this process.
    pub threads: u64,
    /// File descriptors of this process.
    pub descriptors: u64,
}

impl Resources {
    /// What is in use now.
    ///
    /// # Errors
    ///
    /// `/proc` cannot be read, or lacks one of them ([`io::ErrorKind::InvalidData`]).
    pub fn now() -> io::Result<Self> {
        let status = fs::read_to_string("/proc/self/status")?;
        let memory = fs::read_to_string("/proc/meminfo")?;
        // The descriptor that reads the directory is not counted.
        let descriptors = fs::read_dir("/proc/self/fd")?.count().saturating_sub(1);
        Self::of(&status, &memory, descriptors as u64)
    }

    fn of(status: &str, memory: &str, descriptors: u64) -> io::Result<Self> {
        Ok(Self {
            resident_bytes: kibibytes(status, "VmRSS")?,
            anonymous_bytes: kibibytes(status, "RssAnon")?,
            machine_bytes: kibibytes(memory, "MemTotal")?
                .saturating_sub(kibibytes(memory, "MemAvailable")?),
            threads: number(status, "Threads", "")?,
            descriptors,
        })
    }
}

/// Logs what is in use, at once and then after each `interval`, for as long as the process lives. `requests` tells how many
/// requests the enclave has answered.
pub async fn log(interval: Duration, requests: impl Fn() -> u64) {
    let mut next = tokio::time::interval(interval);
    next.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    loop {
        next.tick().await;
        match Resources::now() {
            Ok(now) => tracing::info!(
                resident_bytes = now.resident_bytes,
                anonymous_bytes = now.anonymous_bytes,
                machine_bytes = now.machine_bytes,
                threads = now.threads,
                descriptors = now.descriptors,
                requests = requests(),
                "resources"
            ),
            Err(error) => tracing::warn!(%error, "cannot read what is in use"),
        }
    }
}

/// A field in kB, which the kernel means to be KiB, in bytes.
fn kibibytes(text: &str, field: &str) -> io::Result<u64> {
    Ok(number(text, field, " kB")? * 1024)
}

fn number(text: &str, field: &str, unit: &str) -> io::Result<u64> {
    text.lines()
        .find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))
        .and_then(|value| value.trim().strip_suffix(unit)?.parse().ok())
        .ok_or_else(|| {
            let expected = format!("there is no line \"{field}: NUMBER{unit}\"");
            io::Error::new(io::ErrorKind::InvalidData, expected)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUS: &str = "Name:\tinit\nVmHWM:\t    9000 kB\nVmRSS:\t    8000 kB\nRssAnon:\t    5000 kB\nThreads:\t7\n";
    const MEMORY: &str =
        "MemTotal:         500000 kB\nMemFree:  300000 kB\nMemAvailable:     400000 kB\n";

    #[test]
    fn what_the_kernel_says_is_read() {
        let resources = Resources::of(STATUS, MEMORY, 12).unwrap();
        let expected = Resources {
            resident_bytes: 8000 * 1024,
            anonymous_bytes: 5000 * 1024,
            machine_bytes: 100_000 * 1024,
            threads: 7,
            descriptors: 12,
        };
        assert_eq!(resources, expected);
    }

    #[test]
    fn what_the_kernel_does_not_say_is_named() {
        for (status, memory, field) in [
            ("", MEMORY, "VmRSS"),
            (&STATUS.replace("8000 kB", "8000 MB"), MEMORY, "VmRSS"),
            (
                &STATUS.replace("RssAnon", "RssAnonymous"),
                MEMORY,
                "RssAnon",
            ),
            (&STATUS.replace("\t7", "\tseven"), MEMORY, "Threads"),
            (STATUS, "MemTotal: 5 kB", "MemAvailable"),
        ] {
            let error = Resources::of(status, memory, 0).unwrap_err().to_string();
            assert!(error.contains(&format!("{field}:")), "{error}");
        }
    }

    #[test]
    fn this_process_is_measured() {
        let before = Resources::now().unwrap();
        let more = vec![1_u8; 64 << 20];
        let after = Resources::now().unwrap();
        assert!(after.anonymous_bytes >= before.anonymous_bytes + (60 << 20));
        assert!(after.resident_bytes >= after.anonymous_bytes && after.threads >= 1);
        drop(more);
    }
}
