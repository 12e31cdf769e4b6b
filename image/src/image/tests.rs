use permafrost_common::attestation::Measurements;

use super::*;
use crate::measurement::{self, Pcrs};

fn parts() -> Parts {
    Parts {
        kernel: b"kernel".to_vec(),
        program: b"program".to_vec(),
        configuration: b"deployment = \"test\"".to_vec(),
    }
}

fn pcrs(change: impl FnOnce(&mut Parts)) -> Pcrs {
    let mut parts = parts();
    change(&mut parts);
    Pcrs::of(&parts.to_eif())
}

#[test]
fn the_same_parts_make_the_same_bytes() {
    assert_eq!(parts().to_eif().to_bytes(), parts().to_eif().to_bytes());
}

#[test]
fn one_byte_of_configuration_changes_pcr0_and_pcr2_alone() {
    let (before, after) = (pcrs(|_| ()), pcrs(|parts| parts.configuration[0] ^= 1));
    assert_ne!(before.image, after.image);
    assert_eq!(before.code, after.code);
    assert_ne!(before.configuration, after.configuration);
}

#[test]
fn one_byte_of_code_changes_pcr0_and_pcr1_alone() {
    let before = pcrs(|_| ());
    for after in [
        pcrs(|parts| parts.program[0] ^= 1),
        pcrs(|parts| parts.kernel[0] ^= 1),
    ] {
        assert_ne!(before.image, after.image);
        assert_ne!(before.code, after.code);
        assert_eq!(before.configuration, after.configuration);
    }
}

#[test]
fn a_configuration_measured_alone_gives_the_pcr2_that_it_gives_in_an_image() {
    assert_eq!(
        measurement::of_configuration(&configuration_ramdisk(&parts().configuration)),
        pcrs(|_| ()).configuration
    );
}

#[test]
fn verifiers_read_the_measurements_that_are_written() {
    let pcrs = pcrs(|_| ());
    let read = Measurements::from_json(&pcrs.to_json()).unwrap();
    assert_eq!(
        read,
        Measurements::of_image([pcrs.image, pcrs.code, pcrs.configuration].map(Into::into))
    );
}

#[test]
fn metadata_is_not_measured() {
    let mut eif = parts().to_eif();
    let before = Pcrs::of(&eif);
    eif.sections
        .retain(|section| section.kind != Kind::Metadata);
    assert_eq!(Pcrs::of(&eif), before);
}
