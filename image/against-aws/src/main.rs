//! Builds the same image with AWS's library and with ours, compares the bytes, and reads our image with AWS's library.
//!
//! Exits with 0 if both agree. Takes no arguments, and makes its files in a temporary folder.

use std::fs::{self, File};

use aws_nitro_enclaves_image_format::defs::EifIdentityInfo;
use aws_nitro_enclaves_image_format::utils::EifBuilder;
use aws_nitro_enclaves_image_format::utils::eif_reader::EifReader;
use permafrost_image::eif::Kind;
use permafrost_image::image::Parts;
use permafrost_image::measurement::Pcrs;
use sha2::{Digest, Sha384};

fn main() {
    let parts = Parts {
        kernel: (0..100_000_u32).flat_map(u32::to_be_bytes).collect(),
        program: b"not a program".repeat(777),
        configuration: b"deployment = \"compared\"\n".to_vec(),
    };
    let eif = parts.to_eif();
    let ours = eif.to_bytes().expect("our image has five sections");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = |name: &str| folder.path().join(name);

    let content = |kind| eif.of_kind(kind).map(|section| section.content.clone());
    let metadata: EifIdentityInfo =
        serde_json::from_slice(&content(Kind::Metadata).next().expect("metadata"))
            .expect("metadata as AWS reads it");
    let command_line = content(Kind::CommandLine).next().expect("a command line");
    fs::write(at("kernel"), &parts.kernel).expect("the kernel written");
    let mut builder = EifBuilder::new(
        &at("kernel"),
        String::from_utf8(command_line).expect("a command line of text"),
        None,
        Sha384::new(),
        0,
        metadata,
    );
    for (number, ramdisk) in content(Kind::Ramdisk).enumerate() {
        let path = at(&format!("ramdisk-{number}"));
        fs::write(&path, ramdisk).expect("a ramdisk written");
        builder.add_ramdisk(&path);
    }
    let path = at("theirs.eif");
    let pcrs = builder.write_to(&mut File::create(&path).expect("an image file"));
    assert!(
        fs::read(&path).expect("their image") == ours,
        "AWS's library makes different bytes from the same parts"
    );

    let our_pcrs = Pcrs::of(&eif);
    let expected = [
        ("PCR0", our_pcrs.image),
        ("PCR1", our_pcrs.code),
        ("PCR2", our_pcrs.configuration),
    ];
    let path = at("ours.eif");
    fs::write(&path, &ours).expect("our image written");
    let mut reader =
        EifReader::from_eif(path.display().to_string()).expect("our image as AWS reads it");
    assert!(reader.check_crc(), "AWS's library computes a different CRC-32");
    let read = reader.get_measurements().expect("measurements");
    for (name, value) in expected {
        let value: String = value.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(
            pcrs.get(name),
            Some(&value),
            "{name} as AWS's library writes it"
        );
        assert_eq!(
            read.get(name),
            Some(&value),
            "{name} as AWS's library reads it"
        );
    }
    println!(
        "AWS's library makes the same {} bytes and the same PCRs",
        ours.len()
    );
}
