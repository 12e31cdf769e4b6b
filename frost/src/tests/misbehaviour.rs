//! Participants that break the protocol in messages that they sign: each is named.

use rand_core::OsRng;

use super::*;
use crate::{Misbehaviour, Shares};

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
