//! The first process boots only what was packed.

use std::fs;
use std::time::{Duration, Instant};

use permafrost_image::cpio::Files;
use permafrost_image::eif::{Eif, Kind, Section};
use permafrost_tests::virtual_machine::{VirtualMachine, images};

#[test]
fn an_image_with_a_file_more_ends_with_its_name_on_the_console() {
    let folder = tempfile::tempdir().unwrap();
    let image = folder.path().join("permafrost.eif");
    let mut eif = Eif::from_bytes(&fs::read(images().join("unsigned/permafrost.eif")).unwrap());
    let content = Files::default()
        .with("bin/sh", b"#!/init\n".to_vec(), true)
        .to_archive();
    let kind = Kind::Ramdisk;
    let sections = &mut eif.as_mut().unwrap().sections;
    sections.push(Section { kind, content });
    fs::write(&image, eif.unwrap().to_bytes().unwrap()).unwrap();

    let mut machine = VirtualMachine::boot(&image, folder.path());
    let started = Instant::now();
    while !machine.has_ended() {
        let console = machine.console();
        assert!(started.elapsed() < Duration::from_secs(60), "{console}");
        std::thread::sleep(Duration::from_millis(20));
    }
    let console = machine.console();
    let lines: Vec<_> = console.lines().collect();
    let expected =
        "permafrost-enclave: /bin/ is in the root file system, but was not packed into it";
    assert_eq!(lines, [expected, "reboot: Restarting system"], "{console}");
}
