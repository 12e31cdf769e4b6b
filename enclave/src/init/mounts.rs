//! The file systems of the image: all in memory, none of them keeps anything.

use std::fs::DirBuilder;
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;

use nix::errno::Errno;
use nix::mount::{MsFlags, mount};

/// Type, place, whether it is read-only, options.
const MOUNTS: [(&str, &str, bool, &str); 3] = [
    ("devtmpfs", "/dev", false, "mode=0755"),
    ("proc", "/proc", false, "hidepid=invisible"),
    ("sysfs", "/sys", true, ""),
];

/// Mounts them, and makes the root read-only: after that nothing can be written but devices and kernel settings.
pub(super) fn mount_all() -> Result<(), String> {
    let always = MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC;
    for (kind, place, read_only, options) in MOUNTS {
        match DirBuilder::new().mode(0o555).create(place) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                return Err(format!("the directory {place} cannot be made: {error}"));
            }
            _ => {}
        }
        let mut flags = always;
        flags.set(MsFlags::MS_NODEV, kind != "devtmpfs");
        flags.set(MsFlags::MS_RDONLY, read_only);
        match mount(Some(kind), place, Some(kind), flags, Some(options)) {
            // The kernel may have been told to mount /dev itself.
            Ok(()) | Err(Errno::EBUSY) => {}
            Err(error) => return Err(format!("{kind} cannot be mounted at {place}: {error}")),
        }
    }
    let root = MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY;
    mount(None::<&str>, "/", None::<&str>, root, None::<&str>)
        .map_err(|error| format!("the root cannot be made read-only: {error}"))
}
