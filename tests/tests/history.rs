//! The checker of histories finds what cannot have happened, and nothing else.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test that fails should stop, in its helpers too"
)]

use permafrost_tests::history::{History, Sequential};

/// A number that is written, read, and increased.
#[derive(Debug)]
struct Number;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Call {
    Write(u8),
    Read,
    Increase,
}
use Call::{Increase, Read, Write};

impl Sequential for Number {
    type State = u8;
    type Call = Call;
    type Outcome = u8;

    fn apply(state: &u8, call: &Call) -> (u8, u8) {
        let next = match call {
            Write(number) => *number,
            Read => *state,
            Increase => *state + 1,
        };
        (next, next)
    }
}

/// A call, the moment of its request, and those of its response and its outcome if they are known.
type Operation = (Call, u8, Option<(u8, u8)>);

/// Whether a history from 0 of these operations is linearizable. At one moment they happen in the order of the list.
fn linearizable(operations: &[Operation]) -> bool {
    let history = History::<Number>::of(0);
    let mut requested = vec![0; operations.len()];
    for moment in 0..100 {
        for (at, (call, request, told)) in operations.iter().enumerate() {
            if *request == moment {
                requested[at] = history.request();
            }
            if let Some((response, outcome)) = told
                && *response == moment
            {
                history.told(requested[at], *call, *outcome);
            }
        }
    }
    for (at, (call, _, told)) in operations.iter().enumerate() {
        if told.is_none() {
            history.unknown(requested[at], *call);
        }
    }
    history.check().is_ok()
}

#[test]
fn what_happened_one_after_the_other_is_linearizable() {
    assert!(linearizable(&[]));
    assert!(linearizable(&[
        (Write(1), 0, Some((1, 1))),
        (Read, 2, Some((3, 1))),
        (Increase, 4, Some((5, 2))),
        (Read, 6, Some((7, 2))),
    ]));
}

#[test]
fn of_two_at_once_either_may_be_first() {
    for read in [1, 2] {
        assert!(linearizable(&[
            (Write(1), 0, Some((3, 1))),
            (Write(2), 1, Some((2, 2))),
            (Read, 4, Some((5, read))),
        ]));
    }
    // And all who look afterwards saw the same one first.
    assert!(!linearizable(&[
        (Write(1), 0, Some((3, 1))),
        (Write(2), 1, Some((2, 2))),
        (Read, 4, Some((5, 1))),
        (Read, 6, Some((7, 2))),
    ]));
}

#[test]
fn a_stale_read_is_found() {
    assert!(!linearizable(&[
        (Write(1), 0, Some((1, 1))),
        (Write(2), 2, Some((3, 2))),
        (Read, 4, Some((5, 1))),
    ]));
    // Which is none while the write may still happen.
    assert!(linearizable(&[
        (Write(1), 0, Some((1, 1))),
        (Write(2), 2, Some((6, 2))),
        (Read, 4, Some((5, 1))),
    ]));
}

#[test]
fn a_value_that_was_read_and_is_gone_again_is_found() {
    assert!(!linearizable(&[
        (Write(1), 0, Some((9, 1))),
        (Read, 2, Some((3, 1))),
        (Read, 4, Some((5, 0))),
    ]));
}

#[test]
fn a_lost_update_is_found() {
    assert!(!linearizable(&[
        (Increase, 0, Some((2, 1))),
        (Increase, 1, Some((3, 1))),
    ]));
    assert!(!linearizable(&[
        (Increase, 0, Some((2, 1))),
        (Increase, 1, Some((3, 2))),
        (Read, 4, Some((5, 1))),
    ]));
    assert!(linearizable(&[
        (Increase, 0, Some((2, 2))),
        (Increase, 1, Some((3, 1))),
        (Read, 4, Some((5, 2))),
    ]));
}

#[test]
fn an_unknown_outcome_may_have_happened_or_not() {
    for read in [0, 1] {
        assert!(linearizable(&[
            (Write(1), 0, None),
            (Read, 2, Some((3, read))),
        ]));
    }
    assert!(!linearizable(&[
        (Write(1), 0, None),
        (Read, 2, Some((3, 2))),
    ]));
}

#[test]
fn an_unknown_outcome_happens_once_at_most_and_not_before_its_request() {
    // Late, after others were told that it had not.
    assert!(linearizable(&[
        (Write(1), 0, None),
        (Read, 2, Some((3, 0))),
        (Read, 4, Some((5, 1))),
    ]));
    assert!(!linearizable(&[
        (Write(1), 0, None),
        (Read, 2, Some((3, 1))),
        (Write(2), 4, Some((5, 2))),
        (Read, 6, Some((7, 1))),
    ]));
    assert!(!linearizable(&[
        (Read, 0, Some((1, 1))),
        (Write(1), 2, None),
    ]));
    // As often as it was requested, and no more.
    assert!(linearizable(&[
        (Increase, 0, None),
        (Increase, 1, None),
        (Read, 2, Some((3, 2))),
    ]));
    assert!(!linearizable(&[
        (Increase, 0, None),
        (Increase, 1, None),
        (Read, 2, Some((3, 3))),
    ]));
}

#[test]
fn a_history_that_is_found_says_how_far_it_can_have_happened() {
    let history = History::<Number>::of(0);
    for (call, outcome) in [(Write(1), 1), (Increase, 2), (Read, 1)] {
        history.told(history.request(), call, outcome);
    }
    history.unknown(history.request(), Write(1));
    let refusal = history.check().unwrap_err();
    for said in [
        "order is [0, 1] of",
        "2: 4..5 Read: 1",
        "3: 6.. Write(1): unknown",
    ] {
        assert!(refusal.contains(said), "{refusal}");
    }
}
