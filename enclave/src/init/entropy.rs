//! Random numbers from the NSM, and from no other source.

use std::fs;
use std::io::Write;
use std::thread::sleep;
use std::time::{Duration, Instant};

use permafrost_enclave::nsm::Nsm;
use zeroize::Zeroizing;

/// Which hardware the kernel seeds itself from.
const CURRENT: &str = "/sys/class/misc/hw_random/rng_current";

/// The name of the NSM's driver there (Linux, `drivers/misc/nsm.c`).
const NSM: &str = "nsm-hwrng";

/// How many bits of entropy the kernel's generator has, of 256.
const AVAILABLE: &str = "/proc/sys/kernel/random/entropy_avail";

/// How many bits it needs.
const SEEDED: u32 = 256;

/// How many bytes this program writes to the generator, in addition to what the kernel takes from the NSM's driver itself.
const SEED_LEN: usize = 256;

/// How long the kernel may take to seed itself; a working NSM takes a fraction of a second.
const PATIENCE: Duration = Duration::from_secs(10);

// Without this setting the cryptographic library would seed itself from the timing of the CPU (`.cargo/config.toml`).
const _: () = assert!(
    matches!(option_env!("AWS_LC_SYS_NO_JITTER_ENTROPY"), Some(value) if matches!(value.as_bytes(), b"1")),
    "build in the workspace, whose .cargo/config.toml has AWS_LC_SYS_NO_JITTER_ENTROPY = 1"
);

/// Checks that the NSM is the only source of the kernel's generator; gives the source's name.
pub(super) fn is_from_the_nsm() -> Result<&'static str, String> {
    let current = read(CURRENT)?;
    match current == NSM {
        true => Ok(NSM),
        false => Err(format!(
            "the kernel takes its random numbers from {current:?}, expected: {NSM:?}"
        )),
    }
}

/// Checks that the kernel seeds itself from the NSM, adds a seed of ours from the NSM, and waits until the kernel says that it is
/// seeded.
pub(super) fn seed(nsm: &Nsm) -> Result<(), String> {
    is_from_the_nsm()?;
    let mut seed = Zeroizing::new([0; SEED_LEN]);
    nsm.random(seed.as_mut_slice())
        .map_err(|error| format!("cannot get random numbers from the NSM: {error}"))?;
    fs::File::options()
        .write(true)
        .open("/dev/urandom")
        .and_then(|mut generator| generator.write_all(seed.as_slice()))
        .map_err(|error| format!("cannot write the seed to /dev/urandom: {error}"))?;
    let started = Instant::now();
    loop {
        let available = read(AVAILABLE)?;
        if available.parse() == Ok(SEEDED) {
            return Ok(());
        }
        if started.elapsed() > PATIENCE {
            return Err(format!(
                "the kernel's generator has {available} bits after {} s, expected: {SEEDED}",
                PATIENCE.as_secs()
            ));
        }
        sleep(Duration::from_millis(10));
    }
}

fn read(path: &str) -> Result<String, String> {
    fs::read_to_string(path)
        .map(|text| text.trim().to_owned())
        .map_err(|error| format!("{path} cannot be read: {error}"))
}
