//! The real enclave program as a child process; with the feature `booted`, in its image in a virtual machine.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::booted::{self, BootedEnclave};
use crate::{VirtualMachine, binaries, virtual_machine};

/// A running enclave with the emulated NSM, or with QEMU's. It ends with this value.
pub struct EnclaveProcess {
    running: Option<Running>,
    program: PathBuf,
    folder: PathBuf,
    parent: ParentSide,
    arguments: Vec<String>,
    /// The length of the log file when this boot began.
    log_before: usize,
}

enum Running {
    Process(Child),
    Booted(BootedEnclave),
}

/// Where the enclave finds its parent's services, as its arguments name them.
#[derive(Clone, Debug)]
pub struct ParentSide {
    /// The record store.
    pub store: String,
    /// The egress proxy.
    pub egress: String,
}

/// How long a start may take before a test gives up.
const START: Duration = match cfg!(feature = "booted") {
    true => Duration::from_secs(120),
    false => Duration::from_secs(30),
};

/// What stands in the place of the development root when the NSM is QEMU's.
const UNSIGNED: &str = include_str!("../../image/accept-unsigned-documents.pem");

impl EnclaveProcess {
    /// Starts an enclave whose configuration, state, socket and log are in `folder`, with further arguments of the
    /// program. It listens then; [`EnclaveProcess::wait_until_ready`] waits for the root secret.
    pub fn start(
        folder: &Path,
        configuration: &str,
        parent: &ParentSide,
        arguments: &[&str],
    ) -> Self {
        let program = binaries::enclave();
        Self::start_program(&program, folder, configuration, parent, arguments)
    }

    /// The same with another program than the one that was built, such as [`binaries::another_enclave`].
    pub fn start_program(
        program: &Path,
        folder: &Path,
        configuration: &str,
        parent: &ParentSide,
        arguments: &[&str],
    ) -> Self {
        fs::create_dir_all(folder.join("state")).expect("a state folder");
        fs::write(folder.join("enclave.toml"), configuration).expect("a configuration");
        let mut enclave = Self {
            running: None,
            program: program.to_owned(),
            folder: folder.to_owned(),
            parent: parent.clone(),
            arguments: arguments.iter().map(ToString::to_string).collect(),
            log_before: 0,
        };
        enclave.restart_unready();
        enclave
    }

    /// Starts it again, after whatever it was doing was cut off by SIGKILL, and waits until it is ready.
    pub fn restart(&mut self) {
        self.restart_unready();
        self.wait_until_ready();
    }

    /// Starts it again, and waits only until it listens.
    pub fn restart_unready(&mut self) {
        self.kill();
        self.log_before = fs::read(self.log_path()).map_or(0, |log| log.len());
        self.running = Some(match cfg!(feature = "booted") {
            true => Running::Booted(self.boot()),
            false => Running::Process(self.start_process()),
        });
        self.wait_until_it_listens();
    }

    fn boot(&self) -> BootedEnclave {
        assert!(
            self.arguments.is_empty(),
            "an image takes no arguments: {:?}",
            self.arguments
        );
        fs::write(self.state().join("development-root.pem"), UNSIGNED).expect("a root");
        let configuration = fs::read_to_string(self.folder.join("enclave.toml"));
        let configuration = configuration.expect("a configuration");
        BootedEnclave::start(&self.program, &configuration, &self.folder, &self.parent)
    }

    fn start_process(&self) -> Child {
        let log = File::options()
            .append(true)
            .create(true)
            .open(self.log_path())
            .expect("a log file");
        Command::new(&self.program)
            .arg("--config")
            .arg(self.folder.join("enclave.toml"))
            .arg("--listen")
            .arg(self.address())
            .args([
                "--store",
                &self.parent.store,
                "--egress",
                &self.parent.egress,
            ])
            .args(["--nsm", "emulator", "--exit-on-stdin-close", "--state"])
            .arg(self.state())
            .args(&self.arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("the enclave program starts")
    }

    /// Runs another program, from the next start on.
    pub fn run(&mut self, program: &Path) {
        self.program = program.to_owned();
    }

    /// Changes its configuration, for the next start.
    pub fn configure(&self, configuration: &str) {
        fs::write(self.folder.join("enclave.toml"), configuration).expect("a configuration");
    }

    /// Waits until it has its root secret.
    pub fn wait_until_ready(&self) {
        let started = Instant::now();
        while let Some(reason) = self.waits_for() {
            assert!(
                started.elapsed() < START,
                "the enclave is not ready: {reason}"
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until it has all that it needs to take credentials of its table.
    pub fn wait_until_it_takes_credentials(&self) {
        let started = Instant::now();
        while let Some(reason) = self.waits_for() {
            // Before, it has no root secret to seal them with.
            if reason.contains("table") {
                return;
            }
            assert!(started.elapsed() < START, "it takes none: {reason}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Why it is not ready, in its own words; nothing when it is.
    pub fn waits_for(&self) -> Option<String> {
        let asked = UnixStream::connect(self.socket()).and_then(|mut stream| {
            stream.write_all(
                b"GET /v1/health HTTP/1.1\r\nhost: enclave\r\nconnection: close\r\n\r\n",
            )?;
            let mut response = String::new();
            stream.read_to_string(&mut response)?;
            Ok(response)
        });
        let response = match asked {
            Ok(response) => response,
            Err(error) => return Some(error.to_string()),
        };
        let body = response.split("\r\n\r\n").nth(1).unwrap_or_default();
        let health: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
        match health["ready"] == true {
            true => None,
            false => Some(health["reason"].as_str().unwrap_or(&response).to_owned()),
        }
    }

    /// Waits until the reason that it logs for having no root secret has this text in it, and gives the whole reason. Health
    /// gives only the kind of reason.
    pub fn refuses_with(&self, text: &str) -> String {
        let started = Instant::now();
        loop {
            let health = self
                .waits_for()
                .unwrap_or_else(|| panic!("it is ready, without {text:?}"));
            let reason = self.last_logged_reason().unwrap_or(health);
            if reason.contains(text) {
                return reason;
            }
            assert!(
                started.elapsed() < START,
                "expected {text:?}, got: {reason}"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Why the last attempt of this boot to obtain the root secret failed, from the enclave log.
    fn last_logged_reason(&self) -> Option<String> {
        self.log_since(self.log_before)
            .lines()
            .rev()
            .find_map(|line| {
                let event: serde_json::Value = serde_json::from_str(line).ok()?;
                let fields = &event["fields"];
                (fields["message"] == "cannot obtain the root secret")
                    .then(|| fields["error"].as_str().map(ToOwned::to_owned))?
            })
    }

    /// Ends it by SIGKILL; a virtual machine by its power.
    pub fn kill(&mut self) {
        if let Some(Running::Process(mut child)) = self.running.take() {
            child.kill().expect("a child can be killed");
            child.wait().expect("a killed child ends");
        }
    }

    /// What ends it by SIGKILL from within a lie of the store or of the proxy, and returns when it serves no more.
    ///
    /// # Panics
    /// It does not run.
    pub fn killer(&self) -> impl Fn() + Clone + Send + Sync + use<> {
        let id = match &self.running {
            Some(Running::Process(child)) => child.id(),
            Some(Running::Booted(booted)) => booted.machine().id(),
            None => panic!("it does not run"),
        };
        let id = i32::try_from(id).ok().and_then(Pid::from_raw);
        let (id, socket) = (id.expect("an id"), self.socket());
        move || {
            // It may have been killed before.
            let _gone = kill_process(id, Signal::KILL);
            while UnixStream::connect(&socket).is_ok() {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }

    /// Whether it runs no more.
    pub(crate) fn has_ended(&mut self) -> bool {
        match &mut self.running {
            Some(Running::Process(child)) => {
                child.try_wait().expect("a child has a status").is_some()
            }
            Some(Running::Booted(booted)) => booted.has_ended(),
            None => true,
        }
    }

    /// Where it listens.
    pub fn address(&self) -> String {
        Self::address_in(&self.folder)
    }

    /// Where an enclave listens that is started in this folder.
    pub fn address_in(folder: &Path) -> String {
        match cfg!(feature = "booted") {
            true => virtual_machine::machine_address(&booted::machine_folder(folder)),
            false => format!("unix:{}", socket_in(folder).display()),
        }
    }

    /// The Unix socket at which it listens, or that leads to where it listens.
    pub fn socket(&self) -> PathBuf {
        socket_in(&self.folder)
    }

    /// The virtual machine that it runs in.
    ///
    /// # Panics
    /// Without the feature `booted` there is none.
    pub fn machine(&self) -> &VirtualMachine {
        match &self.running {
            Some(Running::Booted(booted)) => booted.machine(),
            _ => panic!("it does not run in a virtual machine"),
        }
    }

    /// The emulator's state folder.
    pub fn state(&self) -> PathBuf {
        self.folder.join("state")
    }

    /// Gives another enclave, with this state folder, an emulated NSM under the same root certificate.
    pub fn copy_state(&self, state: &Path) {
        fs::create_dir_all(state).expect("a folder");
        for file in fs::read_dir(self.state()).expect("a state folder") {
            let file = file.expect("a file");
            fs::copy(file.path(), state.join(file.file_name())).expect("a copy");
        }
    }

    /// The development root certificate, PEM.
    pub fn root_pem(&self) -> String {
        fs::read_to_string(self.state().join("development-root.pem")).expect("a development root")
    }

    /// Everything it has logged, and what a virtual machine has on its console.
    pub fn log(&self) -> String {
        self.log_since(0)
    }

    fn log_since(&self, start: usize) -> String {
        let console = match &self.running {
            Some(Running::Booted(booted)) => booted.machine().console(),
            _ => String::new(),
        };
        // A machine that ends early has logged nothing.
        let log = fs::read_to_string(self.log_path()).unwrap_or_default();
        console + log.get(start..).unwrap_or_default()
    }

    fn wait_until_it_listens(&mut self) {
        let started = Instant::now();
        let socket = self.socket();
        loop {
            let listens = match self.running.as_ref().expect("it was started") {
                Running::Process(_) => UnixStream::connect(&socket).is_ok(),
                Running::Booted(booted) => booted.listens(),
            };
            if listens {
                return;
            }
            assert!(!self.has_ended(), "the enclave ended:\n{}", self.log());
            assert!(
                started.elapsed() < START,
                "the enclave does not listen:\n{}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn log_path(&self) -> PathBuf {
        self.folder.join("enclave.log")
    }
}

fn socket_in(folder: &Path) -> PathBuf {
    folder.join("enclave.sock")
}

impl Drop for EnclaveProcess {
    fn drop(&mut self) {
        self.kill();
    }
}
