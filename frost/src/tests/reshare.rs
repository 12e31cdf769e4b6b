//! Keys whose participants change.

use k256::{ProjectivePoint, elliptic_curve::group::GroupEncoding};
use rand_core::OsRng;

use super::*;
use crate::sign::{self, By, SignError, ToSign};
use crate::{Misbehaviour, Share};

fn signature(asker: &Share, helpers: &[Share]) -> Result<Hex<64>, SignError> {
    let what = what();
    let nonces = sign::commit(vec![asker.clone()], &mut OsRng)?;
    let parts = sign::respond(helpers, &what, &nonces.commitments(), &mut OsRng)?;
    nonces.complete(&what, &parts)
}

fn what() -> ToSign {
    ToSign {
        message: b"the same key".to_vec(),
        by: By::GroupKey,
    }
}

#[test]
fn a_lost_share_is_replaced_by_a_quorum_of_the_others() {
    let old = generate(2, 3);
    let new = reshare(&old, &[1, 3], 2, &[1, 2, 3]);
    let key = old[0].group_public_key();
    for (asker, helper) in [(0, 1), (1, 2), (2, 0)] {
        let helpers = std::slice::from_ref(&new[helper]);
        verify(
            &key,
            &what().message,
            signature(&new[asker], helpers).unwrap(),
        );
    }
    // Whoever finds the lost share cannot use it with the new ones.
    let found = signature(&new[0], std::slice::from_ref(&old[1])).unwrap_err();
    let participants = vec!["node-2".to_owned()];
    assert_eq!(found, SignError::Misbehaved { participants });
}

#[test]
fn participants_come_and_go_and_the_threshold_changes_while_the_key_stays() {
    let old = generate(2, 3);
    let key = old[0].group_public_key();
    // node-2 leaves and deals, node-3 stays and does not, node-4 and node-5 come.
    let new = reshare(&old, &[1, 2], 3, &[1, 3, 4, 5]);
    assert_eq!(new.len(), 4);
    verify(
        &key,
        &what().message,
        signature(&new[3], &new[..2]).unwrap(),
    );
    verify(
        &key,
        &what().message,
        signature(&new[1], &new[2..]).unwrap(),
    );
    assert!(signature(&new[0], &new[1..2]).is_err());
    // And back, with more dealers than it takes.
    let back = reshare(&new, &[5, 4, 3, 1], 2, &[1, 2]);
    verify(
        &key,
        &what().message,
        signature(&back[1], &back[..1]).unwrap(),
    );
    let again = refresh(&back);
    verify(
        &key,
        &what().message,
        signature(&again[1], &again[..1]).unwrap(),
    );
}

#[test]
fn a_dealer_that_deals_something_else_than_its_share_is_named() {
    let old = generate(2, 3);
    let parameters = of_reshare(&old, &[1, 2], 2, &[1, 2, 3]);
    let mut run = Run::new(parameters, &old);
    let mut board = run.board.clone();
    let (key, own) = (key("node-2"), old[1].clone());
    Member::join(&mut board, "node-2", key.as_ref(), Some(own), &mut OsRng).unwrap();
    let Some(Message::Commitments(mut message)) = board.messages().pop() else {
        panic!("the first message has commitments");
    };
    let other = ProjectivePoint::GENERATOR.to_bytes().into();
    message.commitments[0] = Hex(other);
    run.sign(&mut message);
    assert_eq!(
        run.add(Message::Commitments(message)),
        Err(CeremonyError::Misbehaved {
            participant: "node-2".to_owned(),
            what: Misbehaviour::Constant
        })
    );
}

#[test]
fn dealers_that_do_not_add_up_to_the_key_are_refused_before_anything_is_sent() {
    let (old, other) = (generate(3, 4), generate(3, 4));
    let good = of_reshare(&old, &[1, 2, 3], 2, &[1, 2]);
    assert!(Board::new(good.clone()).is_ok());
    let field = |parameters| match Board::new(parameters).unwrap_err() {
        CeremonyError::Invalid(field) => field.field,
        other => panic!("{other}"),
    };
    let refused = |change: &dyn Fn(&mut Parameters)| {
        let mut parameters = good.clone();
        change(&mut parameters);
        field(parameters)
    };
    let foreign = of_reshare(&other, &[1, 2, 3], 2, &[1, 2]).dealers;
    assert_eq!(refused(&|p| p.dealers.truncate(2)), "/dealers");
    assert_eq!(refused(&|p| p.dealers.clear()), "/dealers");
    assert_eq!(refused(&|p| p.dealers[1] = foreign[1].clone()), "/dealers");
    assert_eq!(
        refused(&|p| p.dealers[1] = p.dealers[0].clone()),
        "/dealers"
    );
    assert_eq!(
        refused(&|p| p.dealers[1].verifying_share = Hex([0; 33])),
        "/dealers"
    );
    assert_eq!(refused(&|p| p.group_public_key = None), "/group_public_key");
    assert_eq!(refused(&|p| p.purpose = Purpose::Refresh), "/dealers");
    // A dealer that stays keeps its key: nobody takes its place under its name.
    let thief = ParticipantKey::random(&mut OsRng).public_key();
    assert_eq!(
        refused(&|p| p.participants[1].public_key = Some(thief)),
        "/dealers"
    );
}

#[test]
fn who_does_not_deal_sends_no_shares_and_who_leaves_gets_none() {
    let old = generate(2, 3);
    let mut run = Run::new(of_reshare(&old, &[1, 2], 2, &[1, 3]), &old);
    run.join();
    run.share();
    assert!(run.board.shares_of(1).is_none(), "node-3 does not deal");
    assert!(matches!(
        run.conclude("node-2"),
        Err(CeremonyError::Mismatch(_))
    ));
    let shares = run.board.shares_of(2).unwrap().clone();
    assert!(shares.shares.keys().eq(["node-1", "node-3"]));
    let mut forged = shares;
    forged.participant = "node-3".to_owned();
    forged.shares.remove("node-3");
    let forged = forged.signed(&run.board, &key("node-3").unwrap(), &mut OsRng);
    assert!(matches!(
        run.add(Message::Shares(forged.unwrap())),
        Err(CeremonyError::OutOfTurn { .. })
    ));
}
