//! Signing a 32-byte digest: the enclave's whole operation beside the bare `frost` crate.
//!
//! `enclave` is [`KeyRecord::sign`]: both rounds, aggregation, BIP-340 verification of the result, and the response as text.
//! `frost` is `commit`, `sign` and `aggregate` of `frost-secp256k1-tr`, all participants in one place, without anything else.
//! `hot` signs with an opened record; `cold` opens the sealed record as the store gives it and signs. They alternate, and their ratio,
//! of the medians, is printed: at most 1.4 is wanted.
//! Only their ratio means something on a shared machine.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a benchmark that cannot run should stop"
)]

use std::{collections::BTreeMap, hint::black_box, time::Instant};

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use frost_secp256k1_tr::{
    Identifier, Signature, SigningPackage, aggregate,
    keys::{IdentifierList, KeyPackage, PublicKeyPackage, generate_with_dealer},
    round1::commit,
    round2::sign,
};
use permafrost_enclave::keys::{KeyId, KeyRecord, Network, NewKey, Participants, Payload};
use permafrost_enclave::sealing::{DerivationRoot, Place, RootSecret, RootSecrets, open, seal};
use rand_core::OsRng;
use zeroize::Zeroizing;

const DIGEST: [u8; 32] = [0xd1; 32];

/// How many hot and cold signatures are compared.
const PAIRS: usize = 1001;

fn signing(c: &mut Criterion) {
    let mut group = c.benchmark_group("sign");
    for (t, n) in [(2, 3), (3, 5), (7, 10)] {
        let name = format!("{t}-of-{n}");
        let record = record(t, n);
        let payload = Payload::Digest(DIGEST);
        group.bench_function(BenchmarkId::new("enclave", &name), |b| {
            b.iter(|| record.sign(black_box(&payload), Network::Bitcoin, &mut OsRng));
        });
        let (packages, public) = frost_key(t, n);
        group.bench_function(BenchmarkId::new("frost", &name), |b| {
            b.iter(|| frost_sign(&packages, &public, black_box(&DIGEST)));
        });
    }
    group.finish();
}

/// The first signature with a record that is not in memory, beside later ones.
fn cold(c: &mut Criterion) {
    let secrets = RootSecrets::new(
        1,
        RootSecret::new(Zeroizing::new([7; 32])),
        DerivationRoot::new(Zeroizing::new([8; 32])),
    );
    let place = Place {
        deployment: "bench",
        kind: "key",
        id: "01",
        version: 1,
    };
    let payload = Payload::Digest(DIGEST);
    let sign = |record: &KeyRecord| {
        let signed = record.sign(black_box(&payload), Network::Bitcoin, &mut OsRng);
        signed.expect("a signature")
    };
    let mut group = c.benchmark_group("cold");
    for (t, n) in [(2, 3), (7, 10)] {
        let name = format!("{t}-of-{n}");
        let record = record(t, n);
        let plaintext = record.encode().expect("an encoding");
        let sealed = seal(&secrets, &place, &plaintext).expect("a sealed record");
        let open = || {
            let plaintext = open(&secrets, &place, black_box(&sealed)).expect("the plaintext");
            KeyRecord::decode(&plaintext).expect("the record")
        };
        group.bench_function(BenchmarkId::new("hot", &name), |b| {
            b.iter(|| sign(&record));
        });
        group.bench_function(BenchmarkId::new("cold", &name), |b| {
            b.iter(|| sign(&open()));
        });
        let mut times = [const { Vec::new() }; 2];
        for _ in 0..PAIRS {
            let start = Instant::now();
            sign(&record);
            let between = Instant::now();
            sign(&open());
            times[0].push(between - start);
            times[1].push(between.elapsed());
        }
        let [hot, cold] = times.map(|mut times| {
            times.sort();
            times[PAIRS / 2].as_secs_f64()
        });
        println!("cold/{name}: {:.2} times a hot signature", cold / hot);
    }
    group.finish();
}

/// Opening a record and what the enclave does only now and then.
fn lifecycle(c: &mut Criterion) {
    let mut group = c.benchmark_group("record");
    for (t, n) in [(2, 3), (7, 10)] {
        let record = record(t, n);
        let name = format!("{t}-of-{n}");
        let encoded = record.encode().ok();
        group.bench_function(BenchmarkId::new("decode", &name), |b| {
            b.iter(|| encoded.as_ref().map(|bytes| KeyRecord::decode(bytes)));
        });
        group.bench_function(BenchmarkId::new("rotate", &name), |b| {
            b.iter(|| record.rotate(&mut OsRng));
        });
    }
    group.finish();
}

fn record(t: u16, n: u16) -> KeyRecord {
    let names: Vec<String> = (1..=n).map(|i| format!("node-{i}")).collect();
    let new = NewKey {
        id: KeyId::from_bytes([1; KeyId::LEN]),
        owner: "bench".to_owned(),
        label: None,
        created_at: 0,
        request_digest: [0; 32],
    };
    let participants = Participants::new(t, &names).expect("valid participants");
    KeyRecord::deal(new, participants, &mut OsRng).expect("a key")
}

/// A key of the same shape, of which only the signers' packages are kept.
fn frost_key(t: u16, n: u16) -> (BTreeMap<Identifier, KeyPackage>, PublicKeyPackage) {
    let (shares, public) =
        generate_with_dealer(n, t, IdentifierList::Default, OsRng).expect("shares");
    let packages = shares
        .into_iter()
        .take(usize::from(t))
        .map(|(identifier, share)| (identifier, share.try_into().expect("a valid share")))
        .collect();
    (packages, public)
}

fn frost_sign(
    packages: &BTreeMap<Identifier, KeyPackage>,
    public: &PublicKeyPackage,
    message: &[u8],
) -> Signature {
    let mut nonces = BTreeMap::new();
    let mut commitments = BTreeMap::new();
    for (identifier, package) in packages {
        let (nonce, commitment) = commit(package.signing_share(), &mut OsRng);
        nonces.insert(*identifier, nonce);
        commitments.insert(*identifier, commitment);
    }
    let package = SigningPackage::new(commitments, message);
    let shares = packages
        .iter()
        .map(|(identifier, signer)| {
            let share = sign(&package, &nonces[identifier], signer).expect("a signature share");
            (*identifier, share)
        })
        .collect();
    aggregate(&package, &shares, public).expect("a signature")
}

criterion_group!(benches, signing, cold, lifecycle);
criterion_main!(benches);
