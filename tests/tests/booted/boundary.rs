//! What is inside a booted image, and what leads into it and out of it.

use std::io::{Read, Write};
use std::os::unix::net::UnixListener;
use std::sync::mpsc;
use std::time::Duration;

use permafrost_tests::virtual_machine::{VirtualMachine, make_image};
use permafrost_tests::{LyingParent, Measured, binaries};

use crate::log::line;

/// A configuration for an image that gets no further than its first words.
const KMS: &str = "[kms]\nkey_arn = \"arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab\"\n";

#[tokio::test]
async fn there_is_one_process_and_its_configuration_and_nothing_else() {
    let parent = LyingParent::start().await;
    let inspected = line(&parent.enclave, "inspected", 0);
    assert_eq!(inspected["processes"], 1, "{inspected}");
    assert_eq!(
        inspected["files"], "/config/enclave.toml /init",
        "{inspected}"
    );
    assert_eq!(inspected["rng"], "nsm-hwrng", "{inspected}");
    assert_eq!(inspected["pcrs_locked"], 32, "{inspected}");
    let kernel = inspected["kernel"].as_str().unwrap();
    assert!(kernel.starts_with("6.12."), "{inspected}");
}

#[tokio::test]
async fn the_console_says_one_line() {
    let parent = LyingParent::start().await;
    let console = parent.enclave.machine().console();
    assert_eq!(console.lines().count(), 1, "{console}");
    assert!(console.contains("deployment test"), "{console}");
}

#[tokio::test]
async fn nothing_listens_but_the_api() {
    let parent = LyingParent::start().await;
    let machine = parent.enclave.machine();
    let ports = (0..=1024).chain(4_900..5_100).chain(8_990..9_010);
    let others = [10_000, 22_222, 65_535, 65_536, 1 << 20, u32::MAX - 1];
    let open: Vec<_> = ports
        .chain(others)
        .filter(|port| machine.connect(*port).is_ok())
        .collect();
    assert_eq!(open, [5_000]);
}

#[test]
fn the_parent_gets_the_heartbeat_that_nitro_cli_waits_for() {
    let folder = tempfile::tempdir().unwrap();
    let image = folder.path().join("permafrost.eif");
    make_image(
        &binaries::enclave(),
        &Measured::new("test").to_toml(KMS),
        &image,
    );
    let listener = UnixListener::bind(folder.path().join("vsock.sock_9000")).unwrap();
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut heartbeat = [0];
        stream.read_exact(&mut heartbeat).unwrap();
        stream.write_all(&heartbeat).unwrap();
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).unwrap();
        sender.send((heartbeat, rest)).unwrap();
    });
    let _machine = VirtualMachine::boot(&image, folder.path());
    let received = receiver.recv_timeout(Duration::from_secs(60)).unwrap();
    assert_eq!(received, ([0xb7], Vec::new()));
}
