//! `permafrost dev` with enclaves that are shell scripts: how the child is started, watched and ended.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a failing test should stop, in its helpers too"
)]

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(20);

struct Stage {
    directory: TempDir,
}

impl Stage {
    /// A directory with an enclave that prints its measurements, and otherwise runs these lines of shell.
    fn with_enclave(lines: &str) -> Self {
        let pcr = |digit: &str| digit.repeat(96);
        let measure = format!(
            "if [ \"$1\" = --measure ]; then echo '{{\"PCR0\": \"{}\", \"PCR1\": \"{}\", \"PCR2\": \"{}\"}}'; exit 0; fi",
            pcr("1"),
            pcr("2"),
            pcr("3")
        );
        Self::with_program(&format!("{measure}\n{lines}"))
    }

    /// A directory with an enclave that consists of these lines of shell.
    fn with_program(lines: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let script = directory.path().join("enclave.sh");
        std::fs::write(
            &script,
            format!("#!/bin/sh\ncd '{}'\n{lines}\n", directory.path().display()),
        )
        .unwrap();
        std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o700)).unwrap();
        Self { directory }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn dev(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_permafrost"));
        command
            .args(["dev", "--listen", "127.0.0.1:0", "--state"])
            .arg(self.path("state"))
            .arg("--enclave")
            .arg(self.path("enclave.sh"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }
}

fn wait_for(what: impl Fn() -> bool) {
    let began = Instant::now();
    while !what() {
        assert!(
            began.elapsed() < PATIENCE,
            "the condition does not come about"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn finish(mut child: Child) -> Output {
    let began = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if began.elapsed() > PATIENCE {
            child.kill().unwrap();
            panic!("the process does not end");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    child.wait_with_output().unwrap()
}

fn signal(child: &Child, signal: rustix::process::Signal) {
    let pid = rustix::process::Pid::from_raw(child.id().try_into().unwrap()).unwrap();
    rustix::process::kill_process(pid, signal).unwrap();
}

fn lines(path: &Path) -> usize {
    std::fs::read_to_string(path).map_or(0, |text| text.lines().count())
}

#[test]
fn an_enclave_without_the_emulator_is_refused_in_words() {
    let stage = Stage::with_program("echo '--measure: this build has no emulator' >&2; exit 2");
    let output = finish(stage.dev().spawn().unwrap());
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("this build has no emulator"), "{said}");
    assert!(said.contains("--features emulator"), "{said}");
}

#[test]
fn an_enclave_that_refuses_its_arguments_is_not_started_again() {
    let stage = Stage::with_enclave("echo '--egress: unknown' >&2; exit 2");
    let output = finish(stage.dev().spawn().unwrap());
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("--egress: unknown"), "{said}");
}

#[test]
fn what_an_enclave_prints_instead_of_measurements_is_refused() {
    let stage = Stage::with_program("echo nonsense");
    let output = finish(stage.dev().spawn().unwrap());
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("the enclave program's measurements"),
        "{said}"
    );
}

#[test]
fn a_missing_enclave_program_is_named() {
    let stage = Stage::with_enclave("");
    std::fs::remove_file(stage.path("enclave.sh")).unwrap();
    let output = finish(stage.dev().spawn().unwrap());
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("enclave.sh") && said.contains("--enclave"),
        "{said}"
    );
    assert!(!stage.path("state").exists());
}

#[test]
fn an_enclave_that_keeps_dying_is_given_up_with_its_last_words() {
    let stage = Stage::with_enclave("echo start >> starts; echo 'no entropy today' >&2; exit 1");
    let output = finish(stage.dev().spawn().unwrap());
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("no entropy today"),
        "{output:?}"
    );
    assert!(lines(&stage.path("starts")) >= 3);
    assert!(
        std::fs::read_to_string(stage.path("state/enclave.log"))
            .unwrap()
            .contains("no entropy")
    );
}

#[test]
fn the_enclave_ends_with_the_stack() {
    let stage = Stage::with_enclave(
        "trap 'echo asked > asked; exit 0' TERM; echo x > started; while :; do sleep 0.05; done",
    );
    let child = stage.dev().spawn().unwrap();
    wait_for(|| stage.path("started").exists());
    signal(&child, rustix::process::Signal::INT);
    let output = finish(child);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(
        stage.path("asked").exists(),
        "the enclave was killed without SIGTERM"
    );
}

#[test]
fn the_enclave_ends_when_the_parent_is_killed() {
    // As the enclave program does with --exit-on-stdin-close.
    let stage = Stage::with_enclave("echo x > started; cat > /dev/null; echo x > ended");
    let mut child = stage.dev().spawn().unwrap();
    wait_for(|| stage.path("started").exists());
    std::thread::sleep(Duration::from_millis(300));
    assert!(
        !stage.path("ended").exists(),
        "its standard input closed early"
    );
    child.kill().unwrap();
    child.wait().unwrap();
    wait_for(|| stage.path("ended").exists());
}

#[test]
fn the_enclave_is_started_as_agreed() {
    let stage = Stage::with_enclave(
        "printf '%s\\n' \"$@\" > arguments.new; mv arguments.new arguments; cat > /dev/null",
    );
    let child = stage.dev().spawn().unwrap();
    wait_for(|| stage.path("arguments").exists());
    let state = stage.path("state").canonicalize().unwrap();
    let arguments = std::fs::read_to_string(stage.path("arguments")).unwrap();
    let expected = format!(
        "--config\n{0}/enclave.toml\n--listen\nunix:{0}/enclave.sock\n--store\nunix:{0}/store.sock\n\
         --egress\nunix:{0}/egress.sock\n--nsm\nemulator\n--state\n{0}/enclave\n--exit-on-stdin-close\n",
        state.display()
    );
    assert_eq!(arguments, expected);
    signal(&child, rustix::process::Signal::TERM);
    assert_eq!(finish(child).status.code(), Some(0));
}

#[test]
fn two_stacks_do_not_share_a_state_directory() {
    let stage = Stage::with_enclave("echo x > started; cat > /dev/null");
    let first = stage.dev().spawn().unwrap();
    wait_for(|| stage.path("started").exists());
    let output = finish(stage.dev().spawn().unwrap());
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("another `permafrost dev`"),
        "{output:?}"
    );
    signal(&first, rustix::process::Signal::TERM);
    finish(first);
}
