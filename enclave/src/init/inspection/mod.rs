//! Checks that the machine is what was measured: this program, its configuration, the kernel, and nothing else.
//!
//! The measurements say so already. This check finds what they cannot show: a packer or a kernel that does something unexpected.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use permafrost_enclave::nsm::Nsm;

use super::{PCRS, entropy, mounts};

/// The directories of the root file system. The kernel brings `/dev` and `/root` itself (`usr/default_cpio_list`).
const DIRECTORIES: [&str; 5] = ["/config", "/dev", "/proc", "/root", "/sys"];

/// Its files: this program, and the measured configuration.
const FILES: [&str; 2] = ["/config/enclave.toml", "/init"];

/// The process flag of a kernel thread (Linux, `include/linux/sched.h`).
const PF_KTHREAD: u64 = 0x0020_0000;

/// The parent of a kernel thread: none, or `kthreadd`.
const KERNEL_PARENTS: [u32; 2] = [0, 2];

/// Inspects the machine, and logs what it has.
///
/// # Errors
///
/// What is unexpected or missing.
pub(super) fn inspect(nsm: &Nsm) -> Result<(), String> {
    let kernel_threads = only_this_process(Path::new("/proc"))?;
    only_what_was_packed(Path::new("/"))?;
    mounts::check(&read("/proc/self/mounts")?)?;
    no_modules(fs::read_to_string("/proc/modules"))?;
    let rng = entropy::is_from_the_nsm()?;
    let pcrs_locked = all_pcrs_are_locked(nsm)?;
    tracing::info!(
        processes = 1,
        kernel_threads,
        files = FILES.join(" "),
        rng,
        pcrs_locked,
        kernel = read("/proc/sys/kernel/osrelease")?.trim(),
        "inspected"
    );
    Ok(())
}

/// Counts the kernel's threads, and refuses every other process but the first.
fn only_this_process(proc: &Path) -> Result<usize, String> {
    let mut kernel_threads = 0;
    for name in names_in(proc)? {
        if name.parse::<u32>().is_err() {
            continue;
        }
        let stat = match fs::read_to_string(proc.join(&name).join("stat")) {
            Ok(stat) => stat,
            // A kernel thread that has ended meanwhile.
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) if error.raw_os_error() == Some(nix::errno::Errno::ESRCH as i32) => continue,
            Err(error) => return Err(format!("process {name} cannot be read: {error}")),
        };
        let process = Process::of(&stat).ok_or_else(|| {
            format!("process {name} is {stat:?}, expected: the form of proc_pid_stat(5)")
        })?;
        match process.is_the_kernels() {
            true => kernel_threads += 1,
            false if name == "1" => {}
            false => {
                let command = process.command;
                return Err(format!(
                    "process {name} ({command}) runs, expected: only this one and the kernel's threads"
                ));
            }
        }
    }
    Ok(kernel_threads)
}

/// What `/proc/PID/stat` says of a process (proc_pid_stat(5)).
struct Process<'a> {
    command: &'a str,
    parent: u32,
    flags: u64,
}

impl<'a> Process<'a> {
    fn of(stat: &'a str) -> Option<Self> {
        // A command may contain blanks and parentheses. After it come only numbers and a letter.
        let (before, after) = stat.rsplit_once(") ")?;
        let mut fields = after.split(' ');
        Some(Self {
            command: before.split_once('(')?.1,
            parent: fields.nth(1)?.parse().ok()?,
            flags: fields.nth(4)?.parse().ok()?,
        })
    }

    fn is_the_kernels(&self) -> bool {
        self.flags & PF_KTHREAD != 0 && KERNEL_PARENTS.contains(&self.parent)
    }
}

/// Compares the root file system with what was packed into the ramdisks. Does not look at what is mounted on it.
fn only_what_was_packed(root: &Path) -> Result<(), String> {
    let expected: BTreeSet<String> = DIRECTORIES
        .map(|directory| format!("{directory}/"))
        .into_iter()
        .chain(FILES.map(str::to_owned))
        .collect();
    let mut found = BTreeSet::new();
    let mut left = vec![String::new()];
    while let Some(directory) = left.pop() {
        let place = root.join(directory.trim_start_matches('/'));
        for name in names_in(&place)? {
            let path = format!("{directory}/{name}");
            let kind = fs::symlink_metadata(place.join(&name))
                .map_err(|error| format!("{path} cannot be read: {error}"))?
                .file_type();
            if kind.is_dir() {
                if !mounts::PLACES.contains(&path.as_str()) {
                    left.push(path.clone());
                }
                found.insert(format!("{path}/"));
            } else if kind.is_file() {
                found.insert(path);
            } else {
                return Err(format!("{path} is neither a file nor a directory"));
            }
        }
    }
    if let Some(more) = found.difference(&expected).next() {
        return Err(format!(
            "{more} is in the root file system, but was not packed into it"
        ));
    }
    match expected.difference(&found).next() {
        Some(missing) => Err(format!("{missing} is not in the root file system")),
        None => Ok(()),
    }
}

/// A kernel without module support has no list of modules.
fn no_modules(modules: std::io::Result<String>) -> Result<(), String> {
    match modules {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(format!("/proc/modules cannot be read: {error}")),
        Ok(list) => match list.split_whitespace().next() {
            None => Ok(()),
            Some(module) => Err(format!(
                "the kernel has loaded the module {module}, expected: none"
            )),
        },
    }
}

fn all_pcrs_are_locked(nsm: &Nsm) -> Result<usize, String> {
    let described = nsm
        .describe()
        .map_err(|error| format!("cannot describe the NSM: {error}"))?;
    let open: Vec<u16> = (0..PCRS.max(described.max_pcrs))
        .filter(|pcr| !described.locked_pcrs.contains(pcr))
        .collect();
    match open.is_empty() {
        true => Ok(described.locked_pcrs.len()),
        false => Err(format!("the PCRs {open:?} are not locked")),
    }
}

fn names_in(directory: &Path) -> Result<Vec<String>, String> {
    let failed = |error: std::io::Error| format!("{} cannot be read: {error}", directory.display());
    fs::read_dir(directory)
        .map_err(failed)?
        .map(|entry| {
            let name = entry.map_err(failed)?.file_name();
            name.into_string()
                .map_err(|name| format!("{name:?} in {} is not UTF-8", directory.display()))
        })
        .collect()
}

fn read(path: &str) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{path} cannot be read: {error}"))
}

#[cfg(test)]
mod tests;
