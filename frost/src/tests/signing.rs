//! What quorums of honest participants can do, and what no smaller set can.

use rand_core::OsRng;

use super::*;
use crate::sign;

#[test]
fn every_quorum_of_a_new_key_signs_and_no_smaller_one_does() {
    for (t, n) in [(2, 2), (2, 3), (3, 4), (5, 5)] {
        let shares = generate(t, n);
        let what = sign::ToSign {
            message: b"hello".to_vec(),
            by: sign::By::GroupKey,
        };
        for first in 0..n {
            let asker = shares[first].clone();
            let helpers: Vec<Share> = (1..n).map(|i| shares[(first + i) % n].clone()).collect();
            let nonces = sign::commit(vec![asker], &mut OsRng).unwrap();
            let parts = sign::respond(&helpers, &what, &nonces.commitments(), &mut OsRng).unwrap();
            assert_eq!(parts.len(), usize::from(t) - 1);
            verify(
                &shares[0].group_public_key(),
                &what.message,
                nonces.complete(&what, &parts).unwrap(),
            );

            let nonces = sign::commit(vec![shares[first].clone()], &mut OsRng).unwrap();
            let few = &helpers[..usize::from(t) - 2];
            assert!(sign::respond(few, &what, &nonces.commitments(), &mut OsRng).is_err());
            assert!(
                nonces
                    .complete(&what, &parts[..usize::from(t) - 2])
                    .is_err()
            );
        }
    }
}

#[test]
fn an_output_key_signs_with_and_without_scripts() {
    let shares = generate(2, 2);
    for root in [None, Some([7; 32])] {
        let by = sign::By::OutputKey(root);
        let what = sign::ToSign {
            message: vec![9; 32],
            by,
        };
        let key = by.public_key(&shares[0]);
        assert_ne!(key, shares[0].group_public_key());
        let nonces = sign::commit(vec![shares[0].clone()], &mut OsRng).unwrap();
        let parts = sign::respond(&shares[1..], &what, &nonces.commitments(), &mut OsRng).unwrap();
        verify(&key, &what.message, nonces.complete(&what, &parts).unwrap());
    }
}

#[test]
fn refreshed_shares_sign_for_the_same_key_and_not_together_with_old_ones() {
    let old = generate(2, 3);
    let new = refresh(&old);
    let again = refresh(&new);
    for shares in [&new, &again] {
        assert_eq!(shares[0].group_public_key(), old[0].group_public_key());
    }
    let what = sign::ToSign {
        message: b"hello".to_vec(),
        by: sign::By::GroupKey,
    };
    let signed = |asker: &Share, helper: &Share| {
        let nonces = sign::commit(vec![asker.clone()], &mut OsRng).unwrap();
        let commitments = nonces.commitments();
        let parts = sign::respond(
            std::slice::from_ref(helper),
            &what,
            &commitments,
            &mut OsRng,
        );
        nonces.complete(&what, &parts.unwrap())
    };
    let key = old[0].group_public_key();
    verify(&key, &what.message, signed(&again[0], &again[2]).unwrap());
    for (asker, helper) in [(&old[0], &new[1]), (&new[0], &old[1]), (&new[0], &again[1])] {
        let culprits = sign::SignError::Misbehaved {
            participants: vec![helper.name().to_owned()],
        };
        assert_eq!(signed(asker, helper).unwrap_err(), culprits);
    }
}

#[test]
fn commitments_for_a_signature_are_refused_by_field() {
    let shares = generate(3, 4);
    let what = sign::ToSign {
        message: Vec::new(),
        by: sign::By::GroupKey,
    };
    let nonces = sign::commit(shares[..2].to_vec(), &mut OsRng).unwrap();
    let good = nonces.commitments();
    let respond = |commitments: &[sign::NonceCommitments]| {
        sign::respond(&shares[2..], &what, commitments, &mut OsRng)
    };
    assert_eq!(respond(&good).unwrap().len(), 1);
    assert_eq!(respond(&good[..1]).unwrap().len(), 2);
    let field = |commitments: &[sign::NonceCommitments]| match respond(commitments).unwrap_err() {
        sign::SignError::Invalid(field) => field.field,
        other => panic!("{other}"),
    };
    assert_eq!(field(&[]), "/commitments");
    let changed = |change: fn(&mut Vec<sign::NonceCommitments>)| {
        let mut commitments = good.clone();
        change(&mut commitments);
        field(&commitments)
    };
    assert_eq!(changed(|all| all.push(all[0].clone())), "/commitments");
    assert_eq!(
        changed(|all| all[1] = all[0].clone()),
        "/commitments/1/participant"
    );
    assert_eq!(
        changed(|all| all[0].participant = "nobody".to_owned()),
        "/commitments/0/participant"
    );
    assert_eq!(
        changed(|all| all[0].participant = "node-3".to_owned()),
        "/commitments/0/participant"
    );
    assert_eq!(
        changed(|all| all[1].hiding = Hex([0; 33])),
        "/commitments/1/hiding"
    );
    assert_eq!(
        changed(|all| all[0].binding = Hex([9; 33])),
        "/commitments/0/binding"
    );
}

#[test]
fn shares_of_different_keys_or_generations_do_not_commit_together() {
    let (key, other) = (generate(2, 3), generate(2, 3));
    let new = refresh(&key);
    for stranger in [&other[1], &new[1]] {
        let mixed = vec![key[0].clone(), stranger.clone()];
        let refused = sign::commit(mixed, &mut OsRng).unwrap_err();
        assert!(
            matches!(&refused, sign::SignError::Invalid(field) if field.field == "/shares/1"),
            "{refused}"
        );
    }
}
