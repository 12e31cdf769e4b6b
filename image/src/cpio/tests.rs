use super::*;
use proptest::prelude::*;

fn two() -> Files {
    Files::default()
        .with("init", b"program".to_vec(), true)
        .with("config/enclave.toml", b"deployment".to_vec(), false)
}

#[test]
fn a_ramdisk_contains_its_files_and_the_directories_that_they_need() {
    let archive = two().to_archive();
    let entry = |path, mode, content| Entry {
        path,
        mode,
        content,
    };
    assert_eq!(
        entries(&archive).unwrap(),
        [
            entry("config", 0o040_555, b"".as_slice()),
            entry("config/enclave.toml", 0o100_444, b"deployment"),
            entry("init", 0o100_555, b"program"),
        ]
    );
}

#[test]
fn the_order_in_which_files_are_added_does_not_change_the_ramdisk() {
    let other = Files::default()
        .with("config/enclave.toml", b"deployment".to_vec(), false)
        .with("init", b"program".to_vec(), true);
    assert_eq!(two().to_archive(), other.to_archive());
}

#[test]
fn a_ramdisk_has_these_bytes() {
    let archive = Files::default()
        .with("init", b"program".to_vec(), true)
        .to_archive();
    let header = |number: &str, mode: &str, links: &str, length: &str, name_length: &str| {
        let zero = "00000000";
        format!(
            "070701{number}{mode}{zero}{zero}{links}{zero}{length}{zero}{zero}{zero}{zero}{name_length}{zero}"
        )
    };
    let mut expected = header("00000001", "0000816d", "00000001", "00000007", "00000005");
    expected += "init\0\0program\0";
    expected += &header("00000000", "00000000", "00000001", "00000000", "0000000b");
    expected += "TRAILER!!!\0";
    let mut expected = expected.into_bytes();
    expected.resize(512, 0);
    assert_eq!(archive, expected);
}

#[test]
fn an_archive_that_ends_early_is_refused_wherever_it_ends() {
    let archive = two().to_archive();
    let end = archive
        .windows(10)
        .position(|bytes| bytes == b"TRAILER!!!")
        .unwrap()
        + 11;
    for length in 0..end {
        assert!(entries(&archive[..length]).is_err(), "{length} bytes");
    }
}

#[test]
fn a_second_archive_behind_the_trailer_is_refused() {
    let mut archive = two().to_archive();
    let length = archive.len();
    archive.extend_from_slice(&two().to_archive());
    assert_eq!(
        entries(&archive),
        Err(CpioError {
            at: length,
            expected: "zero after the trailer"
        })
    );
}

proptest! {
    #[test]
    fn any_bytes_are_an_archive_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
        let _ = entries(&bytes);
    }

    #[test]
    fn what_was_packed_is_unpacked(contents in proptest::collection::btree_map("[a-z]{1,8}", proptest::collection::vec(any::<u8>(), 0..64), 0..8)) {
        let files = contents.iter().fold(Files::default(), |files, (path, content)| files.with(path, content.clone(), false));
        let archive = files.to_archive();
        let read: Vec<_> = entries(&archive).unwrap().into_iter().map(|entry| (entry.path.to_owned(), entry.content.to_vec())).collect();
        prop_assert_eq!(read, contents.into_iter().collect::<Vec<_>>());
    }
}
