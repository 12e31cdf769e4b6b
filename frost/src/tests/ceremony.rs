//! Ceremonies among honest participants, and what a dishonest one gets.

use rand_core::OsRng;

use super::*;
use crate::{Misbehaviour, Shares, State, check_split, sign};

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
fn messages_may_come_again_but_not_others_in_their_place() {
    let mut run = Run::new(parameters(2, 3), &[]);
    run.join();
    let messages = run.board.messages();
    for message in &messages {
        let name = message.participant().to_owned();
        run.add(message.clone()).unwrap();
        if name == "node-1" {
            continue;
        }
        let other = commitments(run.board.parameters(), &name, key(&name).as_ref());
        let refused = run.add(Message::Commitments(other)).unwrap_err();
        assert!(
            matches!(refused, CeremonyError::Contradiction { participant, .. } if participant == name)
        );
    }
    assert_eq!(run.board.messages(), messages);
}

#[test]
fn a_message_without_the_signature_of_its_participant_is_refused_and_blames_nobody() {
    let mut run = Run::new(parameters(2, 3), &[]);
    // A stranger makes whole commitments for node-2, and signs them with a key of its own.
    let stranger = ParticipantKey::random(&mut OsRng);
    let mut forged = run.board.parameters().clone();
    forged.participants[1].public_key = Some(stranger.public_key());
    let message = commitments(&forged, "node-2", Some(&stranger));
    let refused = run.add(Message::Commitments(message)).unwrap_err();
    assert_eq!(
        refused,
        CeremonyError::Unsigned {
            participant: "node-2".to_owned(),
            message: "commitments"
        }
    );
    run.finish();
    assert_eq!(run.board.state(), State::Complete);
}

#[test]
fn nothing_is_accepted_in_the_name_of_the_enclave_from_outside() {
    let mut run = Run::new(parameters(2, 3), &[]);
    let message = commitments(run.board.parameters(), "node-1", None);
    let refused = run.board.add(Message::Commitments(message)).unwrap_err();
    assert!(matches!(refused, CeremonyError::Unsigned { .. }));
}

#[test]
fn commitments_of_another_ceremony_are_refused_though_the_participants_are_the_same() {
    let mut run = Run::new(parameters(2, 3), &[]);
    let mut other = run.board.parameters().clone();
    other.id = Hex([0x77; 32]);
    let replayed = commitments(&other, "node-2", key("node-2").as_ref());
    assert!(matches!(
        run.add(Message::Commitments(replayed)).unwrap_err(),
        CeremonyError::Unsigned { .. }
    ));
}

#[test]
fn a_rogue_key_whose_secret_its_participant_does_not_know_is_refused_by_name() {
    // node-2 signs the commitments, proof of knowledge included, that node-2 of another ceremony made: somebody else's constant term.
    let mut run = Run::new(parameters(2, 3), &[]);
    let mut other = run.board.parameters().clone();
    other.id = Hex([0x77; 32]);
    let mut stolen = commitments(&other, "node-2", key("node-2").as_ref());
    run.sign(&mut stolen);
    assert_eq!(
        run.add(Message::Commitments(stolen)).unwrap_err(),
        CeremonyError::Misbehaved {
            participant: "node-2".to_owned(),
            what: Misbehaviour::Possession
        }
    );
}

#[test]
fn each_misbehaviour_in_commitments_names_the_participant() {
    let parameters = parameters(3, 3);
    let message = commitments(&parameters, "node-3", key("node-3").as_ref());
    type Change = fn(&mut Commitments);
    let cases: [(Change, Misbehaviour); 6] = [
        (|m| m.commitments.truncate(2), Misbehaviour::CommitmentCount),
        (|m| m.commitments[2] = Hex([5; 33]), Misbehaviour::NotAPoint),
        (|m| m.encryption_key = Hex([0; 33]), Misbehaviour::NotAPoint),
        (
            |m| m.proof_of_knowledge = None,
            Misbehaviour::ProofOfKnowledge,
        ),
        (
            |m| m.proof_of_knowledge.as_mut().unwrap().0[63] ^= 1,
            Misbehaviour::ProofOfKnowledge,
        ),
        (|m| m.possession = None, Misbehaviour::Possession),
    ];
    for (change, what) in cases {
        let mut run = Run::new(parameters.clone(), &[]);
        let mut changed = message.clone();
        change(&mut changed);
        run.sign(&mut changed);
        let participant = "node-3".to_owned();
        let expected = CeremonyError::Misbehaved { participant, what };
        assert_eq!(run.add(Message::Commitments(changed)), Err(expected));
    }
}

#[test]
fn a_share_off_the_polynomial_names_its_sender_in_generation_and_refresh() {
    let key_of = generate(2, 3);
    for old in [&[][..], &key_of] {
        let parameters = match old {
            [] => parameters(2, 3),
            shares => of_refresh(shares),
        };
        let mut run = Run::new(parameters, old);
        run.join();
        run.share();
        run.board.replace_share("node-2", "node-3", Hex([3; 32]));
        let refused = run.conclude("node-3").unwrap_err();
        assert_eq!(
            refused,
            CeremonyError::Misbehaved {
                participant: "node-2".to_owned(),
                what: Misbehaviour::Share
            }
        );
    }
}

#[test]
fn shares_from_before_a_change_of_the_commitments_do_not_count() {
    // Two runs with the same parameters differ in node-3's commitments: node-2's shares of one do not pass in the other.
    let mut first = Run::new(parameters(2, 3), &[]);
    let mut second = Run::new(first.board.parameters().clone(), &[]);
    first.join();
    second.join();
    first.share();
    let shares = first.board.messages().into_iter().find(
        |message| matches!(message, Message::Shares(shares) if shares.participant == "node-2"),
    );
    assert!(matches!(
        second.add(shares.unwrap()).unwrap_err(),
        CeremonyError::Unsigned { .. }
    ));
}

#[test]
fn two_sides_that_were_shown_different_transcripts_do_not_confirm_each_other() {
    // A relay gives each of two participants other messages of the enclave.
    let mut first = Run::new(parameters(2, 2), &[]);
    let mut second = Run::new(first.board.parameters().clone(), &[]);
    first.finish();
    second.join();
    second.share();
    second.conclude("node-1").unwrap();
    let confirmation = first.board.confirmations().pop().unwrap();
    assert_eq!(confirmation.participant, "node-2");
    assert!(matches!(
        second.add(Message::Confirmation(confirmation)).unwrap_err(),
        CeremonyError::Unsigned { .. }
    ));
    assert_eq!(second.board.state(), State::Confirmations);
}

#[test]
fn messages_out_of_turn_are_refused_and_lose_nothing() {
    let mut whole = Run::new(parameters(2, 3), &[]);
    whole.finish();
    let mut board = Board::new(whole.board.parameters().clone()).unwrap();
    let later = whole.board.messages();
    for message in later
        .iter()
        .filter(|m| !matches!(m, Message::Commitments(_)))
    {
        if message.participant() == "node-1" {
            continue;
        }
        assert!(matches!(
            board.add(message.clone()).unwrap_err(),
            CeremonyError::OutOfTurn { .. }
        ));
    }
    assert_eq!(board.state(), State::Commitments);
    assert!(board.messages().is_empty());
}

#[test]
fn a_share_of_another_key_or_participant_is_not_refreshed() {
    let (key, other) = (generate(2, 3), generate(2, 3));
    let parameters = of_refresh(&key);
    for wrong in [&other[0], &key[1]] {
        let mut board = Board::new(parameters.clone()).unwrap();
        let refused = Member::join(&mut board, "node-1", None, Some(wrong.clone()), &mut OsRng);
        assert!(matches!(refused.unwrap_err(), CeremonyError::Mismatch(_)));
        assert!(board.messages().is_empty());
    }
}

#[test]
fn shares_for_others_than_the_other_participants_name_their_sender() {
    let mut run = Run::new(parameters(2, 3), &[]);
    run.join();
    run.share();
    let Some(Message::Shares(honest)) = run.board.messages().into_iter().find(
        |message| matches!(message, Message::Shares(shares) if shares.participant == "node-2"),
    ) else {
        panic!("node-2 has sent shares");
    };
    let changes: [fn(&mut Shares); 3] = [
        |m| m.shares.retain(|name, _| name != "node-3"),
        |m| m.shares.extend([("node-2".to_owned(), Hex([1; 32]))]),
        |m| m.shares.extend([("nobody".to_owned(), Hex([1; 32]))]),
    ];
    for change in changes {
        let mut changed = honest.clone();
        change(&mut changed);
        let signed = changed.signed(&run.board, &key("node-2").unwrap(), &mut OsRng);
        let mut board = run.board.clone();
        board.take_back_shares("node-2");
        assert_eq!(
            board.add(Message::Shares(signed.unwrap())),
            Err(CeremonyError::Misbehaved {
                participant: "node-2".to_owned(),
                what: Misbehaviour::Recipients
            })
        );
    }
}

#[test]
fn the_enclave_holds_at_least_one_share_and_never_enough_to_sign() {
    let mut parties = parameters(2, 3).participants;
    assert_eq!(check_split(2, &parties), Ok(()));
    assert_eq!(check_split(3, &parties), Ok(()));
    parties[1].public_key = None;
    assert_eq!(check_split(2, &parties).unwrap_err().field, "/participants");
    assert_eq!(check_split(3, &parties), Ok(()));
    let key = ParticipantKey::random(&mut OsRng).public_key();
    for party in &mut parties {
        party.public_key = Some(key);
    }
    let refused = check_split(2, &parties).unwrap_err();
    assert_eq!(refused.field, "/participants/1/public_key");
    for (index, party) in parties.iter_mut().enumerate() {
        party.public_key = Some(ParticipantKey::random(&mut OsRng).public_key());
        assert!(index < 3);
    }
    assert_eq!(
        check_split(2, &parties).unwrap_err().came,
        "0 without a public key"
    );
    parties[0].public_key = Some(Hex([0xff; 32]));
    assert_eq!(
        check_split(2, &parties).unwrap_err().field,
        "/participants/0/public_key"
    );
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
fn a_purpose_without_what_it_is_about_is_refused() {
    let mut wrong = parameters(2, 2);
    wrong.purpose = Purpose::Refresh;
    assert!(
        matches!(Board::new(wrong), Err(CeremonyError::Invalid(field)) if field.field == "/group_public_key")
    );
    let mut wrong = parameters(2, 2);
    wrong.group_public_key = Some(Hex([1; 32]));
    assert!(Board::new(wrong).is_err());
}

#[test]
fn two_participants_and_nobody_else_have_the_pad_of_a_share_and_each_direction_has_its_own() {
    let mut run = Run::new(parameters(2, 3), &[]);
    run.join();
    let names = run.names();
    let pad = |whose: usize, with: usize, from: usize, to: usize| {
        let pad = run.members[&names[whose]].pad(&run.board, with, &names[from], &names[to]);
        *pad.unwrap()
    };
    assert_eq!(pad(0, 1, 0, 1), pad(1, 0, 0, 1));
    assert_ne!(pad(0, 1, 0, 1), pad(0, 1, 1, 0));
    for with in [0, 1] {
        assert_ne!(pad(2, with, 0, 1), pad(0, 1, 0, 1));
    }
}
