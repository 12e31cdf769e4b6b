//! The parent program in front of a socket of the test's.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use permafrost_tests::binaries;

/// `permafrost serve`, which ends with this value.
pub(crate) struct Front {
    child: Child,
    address: SocketAddr,
}

impl Front {
    /// Starts it with its files in `folder`; it forwards to the socket `enclave`.
    pub(crate) fn start(folder: &Path, enclave: &Path) -> Self {
        let address = TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .expect("a free port");
        let place = folder.join("front");
        fs::create_dir(&place).expect("a folder");
        let configuration = format!(
            "listen = \"{address}\"\n\
             enclave = {{ address = \"unix:{}\" }}\n\
             store = {{ listen = \"unix:{1}/store.sock\", sqlite = \"{1}/store.sqlite\" }}\n\
             enclave_log = {{ listen = \"none\" }}\n",
            enclave.display(),
            place.display()
        );
        let file = place.join("parent.toml");
        fs::write(&file, configuration).expect("a configuration");
        let child = Command::new(binaries::parent())
            .arg("serve")
            .arg("--config")
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(place.join("parent.log")).expect("a log file"))
            .spawn()
            .expect("the parent program starts");
        let front = Self { child, address };
        let started = Instant::now();
        while TcpStream::connect(address).is_err() {
            assert!(
                started.elapsed() < Duration::from_secs(30),
                "no parent: {}",
                fs::read_to_string(place.join("parent.log")).unwrap_or_default()
            );
            std::thread::sleep(Duration::from_millis(5));
        }
        front
    }

    /// Where clients connect.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
