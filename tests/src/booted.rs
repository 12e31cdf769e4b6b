//! An enclave in its virtual machine, with the parent's side of it.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use tokio::io::{AsyncWriteExt, copy_bidirectional};
use tokio::net::{UnixListener, UnixStream};

use crate::virtual_machine::{VirtualMachine, connect, make_image};
use crate::{ParentSide, background};

/// An enclave whose image runs in a virtual machine. It ends with this value.
pub(crate) struct BootedEnclave {
    machine: VirtualMachine,
}

/// Where the enclave, as the first process, finds its parent's store, egress proxy and log.
const STORE: u32 = 5001;
const EGRESS: u32 = 5002;
const LOGS: u32 = 5003;

/// Where the enclave listens.
const API: u32 = 5000;

/// Where the machine of an enclave in `folder` has its files.
pub(crate) fn machine_folder(folder: &Path) -> PathBuf {
    folder.join("vm")
}

impl BootedEnclave {
    /// Makes the image of this program and configuration and boots it; everything is in `folder`. The Unix socket
    /// `enclave.sock` there leads to the enclave, and `enclave.log` gets its log.
    pub(crate) fn start(
        program: &Path,
        configuration: &str,
        folder: &Path,
        parent: &ParentSide,
    ) -> Self {
        let files = machine_folder(folder);
        fs::create_dir_all(&files).expect("a folder");
        let image = files.join("permafrost.eif");
        make_image(program, configuration, &image);
        lead(&files, STORE, &parent.store);
        lead(&files, EGRESS, &parent.egress);
        keep_log(&files, &folder.join("enclave.log"));
        relay(folder, &files);
        Self {
            machine: VirtualMachine::boot(&image, &files),
        }
    }

    pub(crate) fn machine(&self) -> &VirtualMachine {
        &self.machine
    }

    /// Whether something accepts connections where the API is.
    pub(crate) fn listens(&self) -> bool {
        self.machine.connect(API).is_ok()
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.machine.has_ended()
    }
}

/// What the enclave reaches at a port of its parent's is what listens at this address.
fn lead(files: &Path, port: u32, address: &str) {
    let socket = address.strip_prefix("unix:").expect("a Unix socket");
    match symlink(socket, at_port(files, port)) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => panic!("{error}"),
        _ => {}
    }
}

/// Appends every line of the enclave's log to a file, until the test ends.
fn keep_log(files: &Path, log: &Path) {
    let Some(listener) = listen(&at_port(files, LOGS)) else {
        return;
    };
    let log = log.to_owned();
    background::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let log = log.clone();
            background::spawn(async move {
                let file = std::fs::File::options().append(true).create(true).open(log);
                let mut file = tokio::fs::File::from_std(file.expect("a log file"));
                // The machine may be switched off at any moment.
                let _cut = tokio::io::copy(&mut stream, &mut file).await;
                file.flush().await.expect("a log file");
            });
        }
    });
}

/// Passes every connection to `enclave.sock` on to the enclave, until the test ends.
fn relay(folder: &Path, files: &Path) {
    let Some(listener) = listen(&folder.join("enclave.sock")) else {
        return;
    };
    let files = files.to_owned();
    background::spawn(async move {
        while let Ok((mut here, _)) = listener.accept().await {
            let files = files.clone();
            background::spawn(async move {
                let there = tokio::task::spawn_blocking(move || {
                    connect(&files, API).and_then(|stream| {
                        stream.set_nonblocking(true)?;
                        Ok(stream)
                    })
                });
                if let Ok(there) = there.await.expect("it ends") {
                    let mut there = UnixStream::from_std(there).expect("a socket");
                    let _either_may_end_it = copy_bidirectional(&mut here, &mut there).await;
                }
            });
        }
    });
}

/// A listener at this path, or none if an earlier start of the same enclave has left one.
fn listen(path: &Path) -> Option<UnixListener> {
    if path.exists() {
        return None;
    }
    let path = path.to_owned();
    Some(background::wait(async move {
        UnixListener::bind(path).expect("a socket")
    }))
}

/// Where vhost-device-vsock leads the enclave's connections to a port of its parent's.
fn at_port(files: &Path, port: u32) -> PathBuf {
    files.join(format!("vsock.sock_{port}"))
}
