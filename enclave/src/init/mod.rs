//! What this program does as PID 1 before it acts as the enclave.
//!
//! In the image this program is `/init`: no other program mounts file systems, seeds random numbers or tells the parent that the
//! enclave runs. Under another init (the image that `nitro-cli build-enclave` makes) none of this happens.

mod entropy;
mod heartbeat;
mod inspection;
mod memory;
mod mounts;
mod reaper;

use permafrost_enclave::nsm::Nsm;

/// The number of PCRs that an NSM has: all of them are locked.
const PCRS: u16 = 32;

/// Whether this process is PID 1.
pub(crate) fn is_this_process() -> bool {
    std::process::id() == 1
}

/// Mounts what the program needs: `/dev` with the NSM, `/proc` and `/sys`. Makes the machine end when memory runs out.
///
/// # Errors
///
/// What could not be mounted or set, and why.
pub(crate) fn prepare() -> Result<(), String> {
    mounts::mount_all()?;
    memory::end_with_it()
}

/// Seeds the kernel from the NSM, locks the PCRs, inspects the machine, and begins to reap processes and to send the heartbeat.
/// From then on every random number comes from the NSM, and no document can have other PCRs.
///
/// # Errors
///
/// The kernel's random numbers are not the NSM's, an NSM request fails, or the machine is not what was packed.
pub(crate) fn begin(nsm: &Nsm, parent_cid: u32) -> Result<(), String> {
    entropy::seed(nsm)?;
    nsm.lock_pcrs(PCRS)
        .map_err(|error| format!("cannot lock the PCRs: {error}"))?;
    inspection::inspect(nsm)?;
    tokio::spawn(reaper::reap());
    tokio::spawn(heartbeat::send(parent_cid));
    Ok(())
}

/// Ends the machine. Returns only if the kernel refuses; then the kernel ends the machine when this process ends.
///
/// By a reset, as AWS's own init does: a reset does not restart an enclave, and there is no ACPI to power it off.
pub(crate) fn end() {
    use nix::sys::reboot::{RebootMode, reboot};
    let Err(error) = reboot(RebootMode::RB_AUTOBOOT);
    crate::console::say(&format!("cannot end the machine: {error}"));
}
