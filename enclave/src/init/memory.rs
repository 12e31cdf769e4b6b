//! What happens when there is no memory left.

use std::fs;

/// Whether the kernel ends the machine then (Linux, `Documentation/admin-guide/sysctl/vm.rst`).
const SETTING: &str = "/proc/sys/vm/panic_on_oom";

/// Has the kernel panic when memory runs out, and its command line has a panic end the machine: a parent sees that it is gone, and
/// starts it again. There is one process, so nothing else could be ended in its place.
pub(super) fn end_with_it() -> Result<(), String> {
    fs::write(SETTING, "1").map_err(|error| format!("{SETTING} cannot be set: {error}"))
}
