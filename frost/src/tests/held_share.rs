//! Shares as they are written.

use super::*;
use crate::HeldShare;

/// What a wrapped share has room for (docs/split.md, "A person's share"), and the longest name.
const PLAINTEXT_MAX: usize = 4051;
const NAME_MAX: usize = 64;

#[test]
fn the_json_of_a_share_of_fifteen_participants_can_be_wrapped_whatever_their_names() {
    let share = generate(2, 15).remove(1);
    let names = share.participants().members().iter();
    let missing: usize = names.map(|one| NAME_MAX - one.name.as_str().len()).sum();
    let own = NAME_MAX - share.name().len();
    let key = key(share.name()).unwrap();
    let held = HeldShare::new(Hex([0xaa; 22]), u32::MAX, key, share);
    let length = held.to_json().unwrap().len() + missing + own;
    assert!(length <= PLAINTEXT_MAX, "{length}");
}
