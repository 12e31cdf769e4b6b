//! Each ceremony and the one-round-trip signature, beside the same work done by the bare `frost-secp256k1-tr` crate.

#![allow(
    clippy::expect_used,
    missing_docs,
    reason = "a benchmark that cannot run should stop"
)]

use std::collections::BTreeMap;

use criterion::{Criterion, criterion_group, criterion_main};
use frost_secp256k1_tr::{
    Identifier, SigningPackage, aggregate,
    keys::{KeyPackage, PublicKeyPackage, dkg, refresh},
    round1, round2,
};
use permafrost_frost::sign::{self, By, ToSign};
use permafrost_frost::{
    Board, CeremonyParticipant, Hex, Member, Parameters, ParticipantKey, Purpose, Share,
};
use rand_core::OsRng;

const NAMES: [&str; 2] = ["alice", "server"];

fn generation(c: &mut Criterion) {
    let mut group = c.benchmark_group("generate_2_of_2");
    group.bench_function("bare", |b| b.iter(bare_generation));
    let key = ParticipantKey::random(&mut OsRng);
    group.bench_function("ceremony", |b| b.iter(|| ceremony(&key, &[])));
    group.finish();
}

fn refreshing(c: &mut Criterion) {
    let mut group = c.benchmark_group("refresh_2_of_2");
    let old = bare_generation();
    group.bench_function("bare", |b| b.iter(|| bare_refresh(&old)));
    let key = ParticipantKey::random(&mut OsRng);
    let old = ceremony(&key, &[]);
    group.bench_function("ceremony", |b| b.iter(|| ceremony(&key, &old)));
    group.finish();
}

fn signing(c: &mut Criterion) {
    let mut group = c.benchmark_group("sign_together_2_of_2");
    let bare = bare_generation();
    group.bench_function("bare", |b| b.iter(|| bare_signature(&bare)));
    let shares = ceremony(&ParticipantKey::random(&mut OsRng), &[]);
    group.bench_function("one_round_trip", |b| b.iter(|| signature(&shares)));
    group.finish();
}

/// Both sides of a ceremony: a new key, or new shares in the place of the old.
fn ceremony(key: &ParticipantKey, old: &[Share]) -> Vec<Share> {
    let participants = NAMES.map(|name| CeremonyParticipant {
        name: name.to_owned(),
        public_key: (name == "alice").then(|| key.public_key()),
    });
    let parameters = Parameters {
        id: Hex([7; 32]),
        purpose: match old {
            [] => Purpose::Generate,
            _ => Purpose::Refresh,
        },
        deployment: "bench".to_owned(),
        key_id: Hex([1; 22]),
        generation: 1,
        threshold: 2,
        participants: participants.into(),
        boot: Hex([9; 32]),
        dealers: Vec::new(),
        group_public_key: old.first().map(Share::group_public_key),
        expires_at: 1_800_000_600,
    };
    let mut board = Board::new(parameters).expect("a board");
    let keys = [Some(key), None];
    let mut members: Vec<Member> = NAMES
        .iter()
        .zip(keys)
        .enumerate()
        .map(|(index, (name, key))| {
            Member::join(&mut board, name, key, old.get(index).cloned(), &mut OsRng)
                .expect("a participant")
        })
        .collect();
    for (member, key) in members.iter_mut().zip(keys) {
        member.share(&mut board, key, &mut OsRng).expect("shares");
    }
    let concluded = members.iter().zip(keys);
    concluded
        .map(|(member, key)| {
            member
                .conclude(&mut board, key, &mut OsRng)
                .expect("a share")
        })
        .collect()
}

fn signature(shares: &[Share]) -> Hex<64> {
    let (asker, helpers) = shares.split_first().expect("shares");
    let what = ToSign {
        message: vec![0xd1; 32],
        by: By::GroupKey,
    };
    let nonces = sign::commit(vec![asker.clone()], &mut OsRng).expect("commitments");
    let parts = sign::respond(helpers, &what, &nonces.commitments(), &mut OsRng).expect("parts");
    nonces.complete(&what, &parts).expect("a signature")
}

type Bare = Vec<(KeyPackage, PublicKeyPackage)>;

fn identifiers() -> [Identifier; 2] {
    NAMES.map(|name| Identifier::derive(name.as_bytes()).expect("an identifier"))
}

/// Both sides of the library's own key generation.
fn bare_generation() -> Bare {
    let [a, b] = identifiers();
    let (secret_a, package_a) = dkg::part1(a, 2, 2, OsRng).expect("part 1");
    let (secret_b, package_b) = dkg::part1(b, 2, 2, OsRng).expect("part 1");
    let (for_a, for_b) = (
        BTreeMap::from([(b, package_b)]),
        BTreeMap::from([(a, package_a)]),
    );
    let (secret_a, from_a) = dkg::part2(secret_a, &for_a).expect("part 2");
    let (secret_b, from_b) = dkg::part2(secret_b, &for_b).expect("part 2");
    let to = |from: Identifier, packages: BTreeMap<Identifier, dkg::round2::Package>| {
        packages
            .into_values()
            .map(|package| (from, package))
            .collect()
    };
    vec![
        dkg::part3(&secret_a, &for_a, &to(b, from_b)).expect("part 3"),
        dkg::part3(&secret_b, &for_b, &to(a, from_a)).expect("part 3"),
    ]
}

fn bare_refresh(old: &Bare) -> Bare {
    let [a, b] = identifiers();
    let (secret_a, package_a) = refresh::refresh_dkg_part1(a, 2, 2, OsRng).expect("part 1");
    let (secret_b, package_b) = refresh::refresh_dkg_part1(b, 2, 2, OsRng).expect("part 1");
    let (for_a, for_b) = (
        BTreeMap::from([(b, package_b)]),
        BTreeMap::from([(a, package_a)]),
    );
    let (secret_a, from_a) = refresh::refresh_dkg_part2(secret_a, &for_a).expect("part 2");
    let (secret_b, from_b) = refresh::refresh_dkg_part2(secret_b, &for_b).expect("part 2");
    let to = |from: Identifier, packages: BTreeMap<Identifier, dkg::round2::Package>| {
        packages
            .into_values()
            .map(|package| (from, package))
            .collect::<BTreeMap<_, _>>()
    };
    let received = [
        (secret_a, for_a, to(b, from_b)),
        (secret_b, for_b, to(a, from_a)),
    ];
    received
        .into_iter()
        .zip(old)
        .map(|((secret, first, second), (package, public))| {
            refresh::refresh_dkg_shares(&secret, &first, &second, public.clone(), package.clone())
                .expect("part 3")
        })
        .collect()
}

fn bare_signature(keys: &Bare) -> Vec<u8> {
    let message = [0xd1; 32];
    let committed: Vec<_> = keys
        .iter()
        .map(|(package, _)| round1::commit(package.signing_share(), &mut OsRng))
        .collect();
    let commitments = keys.iter().zip(&committed);
    let commitments = commitments.map(|((package, _), (_, one))| (*package.identifier(), *one));
    let package = SigningPackage::new(commitments.collect(), &message);
    let shares = keys.iter().zip(&committed).map(|((key, _), (nonces, _))| {
        let share = round2::sign(&package, nonces, key).expect("a signature share");
        (*key.identifier(), share)
    });
    let shares = shares.collect();
    let (_, public) = keys.first().expect("a key");
    let signature = aggregate(&package, &shares, public).expect("a signature");
    signature.serialize().expect("64 bytes")
}

criterion_group!(benches, generation, refreshing, signing);
criterion_main!(benches);
