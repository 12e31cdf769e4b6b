//! The production image in a machine whose NSM does not sign.

use std::time::{Duration, Instant};

use permafrost_tests::virtual_machine::{VirtualMachine, images};

#[test]
fn the_production_image_refuses_documents_that_nobody_signed() {
    let folder = tempfile::tempdir().unwrap();
    let image = images().join("production/permafrost.eif");
    let mut machine = VirtualMachine::boot(&image, folder.path());
    let started = Instant::now();
    while !machine.has_ended() {
        assert!(
            started.elapsed() < Duration::from_secs(60),
            "it does not end:\n{}",
            machine.console()
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    let console = machine.console();
    let lines: Vec<_> = console.lines().collect();
    let [reason, "reboot: Restarting system"] = lines[..] else {
        panic!("{console}");
    };
    assert!(
        reason.contains("the NSM's own document does not verify: the protected header is"),
        "{console}"
    );
}
