//! Keeps the kernel from writing or showing this process's memory to anything else.

use nix::sys::prctl::set_dumpable;
use nix::sys::resource::{Resource, setrlimit};

/// Has the kernel write no core file when this process crashes, and keeps other processes of the same user from reading its memory
/// (`PR_SET_DUMPABLE`, prctl(2)).
///
/// # Errors
///
/// The setting that the kernel refused.
pub(crate) fn forbid() -> Result<(), String> {
    setrlimit(Resource::RLIMIT_CORE, 0, 0)
        .and_then(|()| set_dumpable(false))
        .map_err(|error| format!("cannot disable core dumps: {error}"))
}

#[cfg(test)]
mod tests {
    use nix::sys::prctl::get_dumpable;
    use nix::sys::resource::getrlimit;

    use super::*;

    #[test]
    fn a_process_that_forbids_core_dumps_leaves_none() {
        forbid().unwrap();
        assert_eq!(getrlimit(Resource::RLIMIT_CORE).unwrap(), (0, 0));
        assert!(!get_dumpable().unwrap());
    }
}
