//! The file systems of the image: all of them in memory.

use std::collections::BTreeSet;
use std::fs::DirBuilder;
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;

use nix::errno::Errno;
use nix::mount::{MsFlags, mount};

/// Where they are mounted.
pub(super) const PLACES: [&str; 3] = ["/dev", "/proc", "/sys"];

/// Type, place, whether it is read-only, options.
const MOUNTS: [(&str, &str, bool, &str); 3] = [
    ("devtmpfs", "/dev", false, "mode=0755"),
    ("proc", "/proc", false, "hidepid=invisible"),
    ("sysfs", "/sys", true, ""),
];

/// What the kernel unpacks the ramdisks into.
const ROOT: &str = "rootfs";

/// Mounts them, and makes the root file system read-only: after that only devices and kernel settings can be written.
pub(super) fn mount_all() -> Result<(), String> {
    let always = MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC;
    for (kind, place, read_only, options) in MOUNTS {
        match DirBuilder::new().mode(0o555).create(place) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                return Err(format!("cannot make the directory {place}: {error}"));
            }
            _ => {}
        }
        let mut flags = always;
        flags.set(MsFlags::MS_NODEV, kind != "devtmpfs");
        flags.set(MsFlags::MS_RDONLY, read_only);
        match mount(Some(kind), place, Some(kind), flags, Some(options)) {
            // The kernel may have been told to mount /dev itself.
            Ok(()) | Err(Errno::EBUSY) => {}
            Err(error) => return Err(format!("cannot mount {kind} at {place}: {error}")),
        }
    }
    let root = MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY;
    mount(None::<&str>, "/", None::<&str>, root, None::<&str>)
        .map_err(|error| format!("cannot make the root file system read-only: {error}"))
}

/// Checks that nothing else is mounted, given the content of `/proc/self/mounts` (proc_pid_mounts(5)).
pub(super) fn check(mounts: &str) -> Result<(), String> {
    let found: BTreeSet<_> = mounts.lines().map(Mounted::of).collect();
    let root = Mounted {
        kind: ROOT,
        place: "/",
        read_only: true,
    };
    let others = MOUNTS.map(|(kind, place, read_only, _)| Mounted {
        kind,
        place,
        read_only,
    });
    let expected: BTreeSet<_> = others.into_iter().chain([root]).collect();
    match found == expected {
        true => Ok(()),
        false => Err(format!("the mounts are {found:?}, expected: {expected:?}")),
    }
}

#[derive(Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Mounted<'a> {
    place: &'a str,
    kind: &'a str,
    read_only: bool,
}

impl<'a> Mounted<'a> {
    /// `DEVICE PLACE TYPE OPTIONS 0 0`.
    fn of(line: &'a str) -> Self {
        let mut fields = line.split(' ').skip(1);
        let mut next = || fields.next().unwrap_or_default();
        Self {
            place: next(),
            kind: next(),
            read_only: next().split(',').any(|option| option == "ro"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "\
none / rootfs ro 0 0
devtmpfs /dev devtmpfs rw,nosuid,noexec,size=240000k,nr_inodes=60000,mode=755 0 0
proc /proc proc rw,nosuid,nodev,noexec,relatime,hidepid=invisible 0 0
sysfs /sys sysfs ro,nosuid,nodev,noexec,relatime 0 0
";

    #[test]
    fn what_we_mount_may_be_there() {
        assert_eq!(check(GOOD), Ok(()));
    }

    #[test]
    fn a_root_that_can_be_written_another_file_system_or_a_missing_one_is_refused() {
        for wrong in [
            GOOD.replace("rootfs ro", "rootfs rw"),
            GOOD.replace("sysfs ro,", "sysfs rw,"),
            GOOD.replace("/ rootfs", "/ ext4"),
            GOOD.replace("/proc proc", "/proc tmpfs"),
            format!("{GOOD}tmpfs /tmp tmpfs rw 0 0\n"),
            format!("{GOOD}debugfs /sys/kernel/debug debugfs rw 0 0\n"),
            GOOD.lines().skip(1).collect::<Vec<_>>().join("\n"),
            String::new(),
        ] {
            assert!(check(&wrong).unwrap_err().contains("expected"), "{wrong}");
        }
    }

    #[test]
    fn every_place_is_mounted() {
        assert_eq!(MOUNTS.map(|(_, place, ..)| place), PLACES);
    }
}
