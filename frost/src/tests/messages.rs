//! Messages that are repeated, forged, of another ceremony or out of turn: none of them changes anything.

use rand_core::OsRng;

use super::*;
use crate::State;

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
