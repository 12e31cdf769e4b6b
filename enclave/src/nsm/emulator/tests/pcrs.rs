//! The PCR bank: what it holds at boot, how it is extended, and what locks.

use super::super::bank;
use super::{MEASURED, code, fresh};

#[test]
fn pcrs_at_boot_are_measured_below_3_and_zero_above() {
    let nsm = fresh();
    for index in 0..32 {
        let pcr = nsm.describe_pcr(index).unwrap();
        assert_eq!(pcr.locked, index < 16, "PCR{index}");
        match MEASURED.pcrs().get(usize::from(index)) {
            Some(measured) => assert_eq!(pcr.value, measured),
            None => assert_eq!(pcr.value, [0; 48], "PCR{index}"),
        }
    }
}

#[test]
fn an_index_above_31_is_invalid_in_every_request() {
    let nsm = fresh();
    for index in [32, 255, 256, u16::MAX] {
        assert_eq!(code(nsm.describe_pcr(index)), "InvalidIndex");
        assert_eq!(code(nsm.extend_pcr(index, b"data")), "InvalidIndex");
        assert_eq!(code(nsm.lock_pcr(index)), "InvalidIndex");
    }
    assert_eq!(code(nsm.lock_pcrs(33)), "InvalidIndex");
    assert_eq!(nsm.describe().unwrap().locked_pcrs.len(), 16);
}

#[test]
fn extending_hashes_the_old_value_and_the_data() {
    let nsm = fresh();
    let once = nsm.extend_pcr(16, b"data").unwrap();
    assert_eq!(once, bank::extended(&[0; 48], b"data"));
    let twice = nsm.extend_pcr(16, b"").unwrap();
    assert_eq!(twice, bank::extended(&once.try_into().unwrap(), b""));
    assert_eq!(nsm.describe_pcr(16).unwrap().value, twice);
    assert_eq!(nsm.describe_pcr(17).unwrap().value, [0; 48]);
}

#[test]
fn an_extension_with_nothing_is_the_sha384_of_the_old_value() {
    // From `head -c 48 /dev/zero | sha384sum`.
    let zeros = "8f0d145c0368ad6b70be22e41c400eea91b971d96ba220fec9fae25a58dffdaa\
                 f72dbe8f6783d55128c9df4efaf6f8a7";
    assert_eq!(hex::encode(bank::extended(&[0; 48], b"")), zeros);
}

#[test]
fn a_locked_pcr_is_read_only() {
    let nsm = fresh();
    for index in 0..16 {
        assert_eq!(code(nsm.extend_pcr(index, b"data")), "ReadOnlyIndex");
        assert_eq!(code(nsm.lock_pcr(index)), "ReadOnlyIndex");
    }
    let value = nsm.extend_pcr(20, b"data").unwrap();
    nsm.lock_pcr(20).unwrap();
    assert_eq!(code(nsm.extend_pcr(20, b"more")), "ReadOnlyIndex");
    assert_eq!(code(nsm.lock_pcr(20)), "ReadOnlyIndex");
    let pcr = nsm.describe_pcr(20).unwrap();
    assert_eq!((pcr.locked, pcr.value), (true, value));
}

#[test]
fn a_range_locks_up_to_but_not_including_its_end() {
    let nsm = fresh();
    nsm.lock_pcrs(0).unwrap();
    nsm.lock_pcrs(18).unwrap();
    assert_eq!(nsm.describe().unwrap().locked_pcrs, (0..18).collect());
    nsm.lock_pcrs(3).unwrap();
    nsm.lock_pcrs(32).unwrap();
    nsm.lock_pcrs(32).unwrap();
    assert_eq!(nsm.describe().unwrap().locked_pcrs, (0..32).collect());
}
