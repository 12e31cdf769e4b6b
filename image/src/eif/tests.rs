use proptest::prelude::*;

use super::*;

fn small() -> Eif {
    let section = |kind, content: &[u8]| Section {
        kind,
        content: content.to_vec(),
    };
    Eif {
        architecture: Architecture::X86_64,
        default_memory: 1 << 30,
        default_cpus: 2,
        sections: vec![
            section(Kind::Kernel, b"kernel"),
            section(Kind::CommandLine, b"console=ttyS0"),
            section(Kind::Metadata, b"{}"),
            section(Kind::Ramdisk, b"first"),
            section(Kind::Ramdisk, b"second"),
        ],
    }
}

#[test]
fn what_was_written_is_read() {
    assert_eq!(
        Eif::from_bytes(&small().to_bytes().unwrap()).unwrap(),
        small()
    );
}

#[test]
fn an_image_that_ends_early_is_refused_wherever_it_ends() {
    let file = small().to_bytes().unwrap();
    for length in 0..file.len() {
        assert!(Eif::from_bytes(&file[..length]).is_err(), "{length} bytes");
    }
}

#[test]
fn an_image_with_one_changed_bit_is_refused_wherever_the_bit_is() {
    let file = small().to_bytes().unwrap();
    for at in 0..file.len() {
        let mut changed = file.clone();
        changed[at] ^= 1;
        assert!(Eif::from_bytes(&changed).is_err(), "byte {at}");
    }
}

#[test]
fn bytes_after_the_last_section_are_refused() {
    let mut file = small().to_bytes().unwrap();
    file.push(0);
    assert_eq!(Eif::from_bytes(&file), Err(EifError::Trailing(1)));
}

#[test]
fn a_header_that_contradicts_a_section_is_refused() {
    let mut file = small().to_bytes().unwrap();
    // The last byte of the first offset, after magic, version, flags, memory, CPUs, reserved and count.
    file[28 + 7] += 1;
    assert_eq!(
        Eif::from_bytes(&file),
        Err(EifError::Table {
            index: 0,
            what: "offset",
            found: 549,
            expected: 548
        })
    );
}

#[test]
fn more_than_32_sections_are_refused() {
    let mut eif = small();
    eif.sections = vec![eif.sections[0].clone(); 33];
    assert_eq!(eif.to_bytes(), Err(EifError::Sections(33)));
}

proptest! {
    #[test]
    fn any_bytes_are_an_image_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..1024)) {
        let _ = Eif::from_bytes(&bytes);
        let _ = Eif::from_bytes(&[b".eif\0\x04", bytes.as_slice()].concat());
    }
}
