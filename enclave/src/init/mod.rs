//! What the first process of a machine has to do before it is an enclave program like any other.
//!
//! In the image our program is `/init`: there is no other program to mount file systems, to seed random numbers or to tell
//! the parent that the enclave runs. Under another init (the image that `nitro-cli build-enclave` makes) none of this
//! happens.

mod entropy;
mod heartbeat;
mod inspection;
mod memory;
mod mounts;
mod reaper;

use permafrost_enclave::nsm::Nsm;

/// The number of PCRs that an NSM has: all of them are locked.
const PCRS: u16 = 32;

/// Whether this process is the first.
pub(crate) fn is_this_process() -> bool {
    std::process::id() == 1
}

/// Mounts what the program needs: `/dev` with the NSM, `/proc` and `/sys`. Has the machine end when its memory does.
///
/// # Errors
///
/// What could not be mounted or set, and why.
pub(crate) fn prepare() -> Result<(), String> {
    mounts::mount_all()?;
    memory::end_with_it()
}

/// Seeds the kernel from the NSM, locks the PCRs, looks around, and begins to reap and to tell the parent that the enclave runs.
/// From then on no random number comes from anything but the NSM, and no document can have other PCRs.
///
/// # Errors
///
/// The random numbers of the kernel are not the NSM's, the NSM does not answer, or the machine is not what was packed.
pub(crate) fn begin(nsm: &Nsm, parent_cid: u32) -> Result<(), String> {
    entropy::seed(nsm)?;
    nsm.lock_pcrs(PCRS)
        .map_err(|error| format!("the PCRs cannot be locked: {error}"))?;
    inspection::inspect(nsm)?;
    tokio::spawn(reaper::reap());
    tokio::spawn(heartbeat::send(parent_cid));
    Ok(())
}

/// Ends the machine. Returns only if the kernel refuses, and then the kernel ends the machine when this process does.
///
/// By a reset, as AWS's own init does: an enclave is not started again by that, and there is no ACPI to turn it off with.
pub(crate) fn end() {
    use nix::sys::reboot::{RebootMode, reboot};
    let Err(error) = reboot(RebootMode::RB_AUTOBOOT);
    crate::console::say(&format!("the machine does not end: {error}"));
}
