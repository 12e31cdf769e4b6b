//! What hides a share on its way.

use super::*;

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
