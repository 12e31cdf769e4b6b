//! What remains in memory after a key is dropped, according to Linux.

#![cfg(target_os = "linux")]

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    sync::Mutex,
};

use frost_secp256k1_tr::keys::reconstruct;
use rand_core::{OsRng, RngCore};
use zeroize::Zeroizing;

use super::testing::{new_key, participants, record};
use super::{KeyRecord, Network, Payload};

/// A secret, complemented so that it is not itself in memory: big-endian as on the wire, and in the form in which `k256` holds it.
type Trace = [[u8; 32]; 2];

fn trace(secret: &Zeroizing<[u8; 32]>) -> Trace {
    let complement: [u8; 32] = std::array::from_fn(|i| !secret[i]);
    [complement, std::array::from_fn(|i| complement[31 - i])]
}

/// Deals, signs, encodes, decodes and rotates a key; gives the traces of its shares, five old and five new, and of its secret.
#[inline(never)]
fn use_a_key() -> Vec<Trace> {
    let old = record(3, 5);
    let reopened = KeyRecord::decode(&old.encode().unwrap()).unwrap();
    let new = reopened.rotate(&mut OsRng).unwrap();
    for record in [&old, &new] {
        record
            .sign(&Payload::Digest([7; 32]), Network::Bitcoin, &mut OsRng)
            .unwrap();
    }
    let secret = reconstruct(&old.packages().keys).unwrap().to_scalar();
    let kept = Box::new(Zeroizing::new(secret.to_bytes().into()));
    let traces: Vec<Trace> = [&old, &new]
        .iter()
        .flat_map(|record| &record.packages().keys)
        .map(|package| package.signing_share().to_scalar().to_bytes().into())
        .map(|share| trace(&Zeroizing::new(share)))
        .chain([trace(&kept)])
        .collect();
    // Otherwise the search would find nothing in any case.
    assert!(count_in_heap(&traces).iter().all(|count| *count > 0));
    traces
}

/// How often each secret is in the heap of this process.
fn count_in_heap(traces: &[Trace]) -> Vec<usize> {
    let head = |bytes: &[u8]| usize::from(u16::from_be_bytes([bytes[0], bytes[1]]));
    let mut heads = vec![false; 1 << 16];
    for secret in traces.iter().flatten() {
        heads[head(secret)] = true;
    }
    let mut counts = vec![0; traces.len()];
    let mut memory = File::open("/proc/self/mem").unwrap();
    for (start, end) in heap() {
        let mut bytes = vec![0; end - start];
        memory.seek(SeekFrom::Start(start as u64)).unwrap();
        if memory.read_exact(&mut bytes).is_err() {
            continue;
        }
        bytes.iter_mut().for_each(|byte| *byte = !*byte);
        for window in bytes.windows(32).filter(|window| heads[head(window)]) {
            for (trace, count) in traces.iter().zip(&mut counts) {
                *count += usize::from(trace.iter().any(|secret| secret == window));
            }
        }
    }
    counts
}

/// Writable memory that maps no file, except for this thread's stack: dead frames there are overwritten, not wiped.
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

/// Imports a secret; gives its traces and those of its shares.
#[inline(never)]
fn import_a_key() -> Vec<Trace> {
    let mut secret = Box::new(Zeroizing::new([0; 32]));
    OsRng.fill_bytes(&mut **secret);
    let public_key = secp256k1::SecretKey::from_secret_bytes(**secret)
        .map(|key| key.x_only_public_key().0.to_byte_array())
        .unwrap();
    let record = KeyRecord::import(
        new_key(1),
        participants(2, 3),
        &secret,
        &public_key,
        &mut OsRng,
    )
    .unwrap();
    let packages = &record.packages().keys;
    let traces: Vec<Trace> = packages
        .iter()
        .map(|package| package.signing_share().to_scalar().to_bytes().into())
        .map(|share| trace(&Zeroizing::new(share)))
        .chain([trace(&secret)])
        .collect();
    assert!(count_in_heap(&traces).iter().all(|count| *count > 0));
    traces
}

/// The search has all memory in a buffer, complemented: another search would find it there.
static ONE_SEARCH: Mutex<()> = Mutex::new(());

#[test]
fn no_imported_secret_is_left_in_the_heap() {
    let _alone = ONE_SEARCH.lock();
    let traces = import_a_key();
    assert_eq!(count_in_heap(&traces), vec![0; 4]);
}

#[test]
fn no_share_and_no_secret_is_left_in_the_heap_when_its_record_is_dropped() {
    let _alone = ONE_SEARCH.lock();
    let traces = use_a_key();
    assert_eq!(count_in_heap(&traces), vec![0; 11]);
}
