//! What a ceremony does not begin with.

use rand_core::OsRng;

use super::*;
use crate::check_split;

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
