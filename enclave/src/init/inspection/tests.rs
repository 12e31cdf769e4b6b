use std::collections::BTreeSet;
use std::os::unix::fs::symlink;

use permafrost_common::attestation::RootCertificate;
use permafrost_enclave::nsm::{Digest, Provider, Request, Response};
use tempfile::TempDir;

use super::*;

const FIRST: &str = "1 (init) S 0 1 1 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 7 0 12";
const KTHREADD: &str = "2 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 0 0";
const KWORKER: &str = "9 (kworker/0:1-ev (x) y) I 2 0 0 0 -1 69238880 0 0 0 0";

fn processes(list: &[(&str, &str)]) -> Result<usize, String> {
    let proc = tempfile::tempdir().unwrap();
    for (id, stat) in list {
        fs::create_dir(proc.path().join(id)).unwrap();
        fs::write(proc.path().join(id).join("stat"), stat).unwrap();
    }
    // A process that ended between the listing and the reading, and a file that is not a process.
    fs::create_dir(proc.path().join("77")).unwrap();
    fs::create_dir(proc.path().join("sys")).unwrap();
    fs::write(proc.path().join("meminfo"), "").unwrap();
    only_this_process(proc.path())
}

#[test]
fn this_process_and_the_kernels_threads_may_run() {
    let found = processes(&[("1", FIRST), ("2", KTHREADD), ("9", KWORKER)]);
    assert_eq!(found, Ok(2));
}

#[test]
fn any_other_process_is_named() {
    for stat in [
        // A child of this one, one that the kernel started, and a kernel thread with an unexpected parent.
        "30 (sh) S 1 0 0 0 -1 4194560 0",
        "30 (sh) S 2 0 0 0 -1 4194560 0",
        "30 (sh) S 7 0 0 0 -1 2129984 0",
    ] {
        let refused = processes(&[("1", FIRST), ("30", stat)]).unwrap_err();
        assert!(refused.starts_with("process 30 (sh) runs"), "{refused}");
    }
    for stat in ["", "30 (sh", "30 (sh) S", "30 (sh) S one 0 0 0 -1 1 0"] {
        let refused = processes(&[("30", stat)]).unwrap_err();
        assert!(refused.contains("proc_pid_stat"), "{refused}");
    }
}

#[test]
fn the_kernel_of_this_machine_is_understood() {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let process = Process::of(&stat).unwrap();
    assert_eq!(process.parent, std::os::unix::process::parent_id());
    assert!(!process.is_the_kernels());
}

/// A root file system as it was packed.
fn packed() -> TempDir {
    let root = tempfile::tempdir().unwrap();
    for directory in DIRECTORIES {
        fs::create_dir(root.path().join(&directory[1..])).unwrap();
    }
    for file in FILES {
        fs::write(root.path().join(&file[1..]), "").unwrap();
    }
    // Other file systems are mounted here.
    fs::write(root.path().join("proc/version"), "").unwrap();
    root
}

#[test]
fn what_was_packed_may_be_there() {
    assert_eq!(only_what_was_packed(packed().path()), Ok(()));
}

#[test]
fn any_other_file_is_named() {
    for (more, named) in [
        ("shell", "/shell is in"),
        ("config/other.toml", "/config/other.toml is in"),
        ("root/.profile", "/root/.profile is in"),
    ] {
        let root = packed();
        fs::write(root.path().join(more), "").unwrap();
        let refused = only_what_was_packed(root.path()).unwrap_err();
        assert!(refused.starts_with(named), "{refused}");
    }
    let root = packed();
    fs::create_dir(root.path().join("bin")).unwrap();
    let refused = only_what_was_packed(root.path()).unwrap_err();
    assert!(refused.starts_with("/bin/ is in"), "{refused}");
}

#[test]
fn what_is_missing_or_something_else_is_named() {
    let root = packed();
    fs::remove_file(root.path().join("config/enclave.toml")).unwrap();
    let refused = only_what_was_packed(root.path()).unwrap_err();
    assert_eq!(
        refused,
        "/config/enclave.toml is not in the root file system"
    );

    symlink("/init", root.path().join("config/enclave.toml")).unwrap();
    let refused = only_what_was_packed(root.path()).unwrap_err();
    assert!(refused.contains("neither"), "{refused}");

    let root = packed();
    fs::remove_file(root.path().join("init")).unwrap();
    fs::create_dir(root.path().join("init")).unwrap();
    assert!(only_what_was_packed(root.path()).is_err());
}

#[test]
fn a_loaded_module_is_named() {
    let missing = || std::io::Error::from(ErrorKind::NotFound);
    assert_eq!(no_modules(Err(missing())), Ok(()));
    assert_eq!(no_modules(Ok(String::new())), Ok(()));
    let refused = no_modules(Ok("nsm 20480 0 - Live 0x0\n".to_owned())).unwrap_err();
    assert!(refused.contains("nsm"), "{refused}");
    assert!(no_modules(Err(ErrorKind::PermissionDenied.into())).is_err());
}

/// An NSM with these PCRs locked.
struct Locked(BTreeSet<u16>, RootCertificate);

impl Provider for Locked {
    fn name(&self) -> &'static str {
        "locked"
    }

    fn trust_anchor(&self) -> &RootCertificate {
        &self.1
    }

    fn process(&self, _: Request) -> Response {
        Response::DescribeNSM {
            version_major: 1,
            version_minor: 0,
            version_patch: 0,
            module_id: String::new(),
            max_pcrs: 32,
            locked_pcrs: self.0.clone(),
            digest: Digest::SHA384,
        }
    }
}

#[test]
fn a_pcr_that_is_not_locked_is_named() {
    let locked = |pcrs: BTreeSet<u16>| {
        all_pcrs_are_locked(&Nsm::new(Locked(pcrs, RootCertificate::aws_nitro_g1())))
    };
    assert_eq!(locked((0..32).collect()), Ok(32));
    let refused = locked((0..32).filter(|pcr| ![16, 31].contains(pcr)).collect());
    assert_eq!(refused, Err("the PCRs [16, 31] are not locked".to_owned()));
}
