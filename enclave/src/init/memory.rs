//! What happens when memory runs out.

use std::fs;

/// Whether the kernel panics when memory runs out (Linux, `Documentation/admin-guide/sysctl/vm.rst`).
const SETTING: &str = "/proc/sys/vm/panic_on_oom";

/// Has the kernel panic when memory runs out. Its command line makes a panic end the machine, so the parent sees that it is gone
/// and starts it again. There is only this process, so the kernel could not end another one instead.
pub(super) fn end_with_it() -> Result<(), String> {
    fs::write(SETTING, "1").map_err(|error| format!("cannot set {SETTING}: {error}"))
}
