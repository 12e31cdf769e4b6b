//! What is left in memory when a key is no longer used, as the kernel shows it.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
};

use frost_secp256k1_tr::keys::reconstruct;
use rand_core::OsRng;
use zeroize::Zeroizing;

use super::{KeyRecord, Network, Payload, testing::record};

/// A secret, complemented so that it is not itself in memory: big-endian as on the wire and as `k256` holds it.
type Trace = [[u8; 32]; 2];

fn trace(secret: &Zeroizing<[u8; 32]>) -> Trace {
    let complement: [u8; 32] = std::array::from_fn(|i| !secret[i]);
    [complement, std::array::from_fn(|i| complement[31 - i])]
}

/// Deals, signs, encodes, decodes and rotates a key; gives the traces of all its shares, old and new, and of its secret.
#[inline(never)]
fn use_a_key() -> Vec<Trace> {
    let old = record(3, 5);
    let reopened = KeyRecord::decode(&old.encode().unwrap()).unwrap();
    let new = reopened.rotate(&mut OsRng).unwrap();
    for record in [&old, &new] {
        record
            .sign(&Payload::Digest([7; 32]), Network::Mainnet, &mut OsRng)
            .unwrap();
    }
    let mut traces: Vec<Trace> = [&old, &new]
        .iter()
        .flat_map(|record| &record.material.packages)
        .map(|package| {
            trace(&Zeroizing::new(
                package.signing_share().to_scalar().to_bytes().into(),
            ))
        })
        .collect();
    assert_eq!(traces.iter().map(found).filter(|n| *n > 0).count(), 10);

    let secret = reconstruct(&old.material.packages).unwrap().to_scalar();
    let kept = Box::new(Zeroizing::new(<[u8; 32]>::from(secret.to_bytes())));
    traces.push(trace(&kept));
    assert!(found(&traces[10]) > 0);
    traces
}

/// How often a secret is in the heap of this process.
fn found(trace: &Trace) -> usize {
    let mut memory = File::open("/proc/self/mem").unwrap();
    let mut count = 0;
    for (start, end) in heap() {
        let mut bytes = vec![0; end - start];
        memory.seek(SeekFrom::Start(start as u64)).unwrap();
        if memory.read_exact(&mut bytes).is_err() {
            continue;
        }
        bytes.iter_mut().for_each(|byte| *byte = !*byte);
        count += bytes
            .windows(32)
            .filter(|window| trace.iter().any(|secret| secret == window))
            .count();
    }
    count
}

/// Writable memory without a file, but for this thread's stack: dead frames there are overwritten, not wiped.
fn heap() -> Vec<(usize, usize)> {
    let on_the_stack = 0_u8;
    let here = std::ptr::from_ref(&on_the_stack).addr();
    std::fs::read_to_string("/proc/self/maps")
        .unwrap()
        .lines()
        .filter_map(|line| {
            let mut fields = line.split_whitespace();
            let (range, access) = (fields.next()?, fields.next()?);
            let name = fields.nth(3).unwrap_or("");
            let (start, end) = range.split_once('-')?;
            let address = |text| usize::from_str_radix(text, 16).unwrap();
            let (start, end) = (address(start), address(end));
            let heap = access.starts_with("rw") && (name.is_empty() || name == "[heap]");
            (heap && !(start..end).contains(&here)).then_some((start, end))
        })
        .collect()
}

#[test]
fn no_share_and_no_secret_is_left_in_the_heap_when_its_record_is_dropped() {
    for (index, trace) in use_a_key().iter().enumerate() {
        assert_eq!(
            found(trace),
            0,
            "secret {index} of 5 old shares, 5 new, the key"
        );
    }
}
