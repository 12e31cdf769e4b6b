//! What is kept in every state, and what the model finds where one of the protocol's parts is taken out.
//!
//! A state that is not visited breaks no promise, so each exploration has a least number of states: a model that has become smaller has to
//! be looked at.

use permafrost_model::freshness::{
    Action, Does, Freshness, LeaseFrom, NO_CHANGE_IS_UNDONE, NO_REMOVED_RIGHT_IS_USED, Store,
};
use permafrost_model::{explored, found};

#[test]
fn a_table_keeps_both_promises_in_every_state() {
    let states = explored(Freshness::table());
    println!("a table: {states} states");
    assert!(states > 500_000, "{states}");
}

#[test]
fn a_table_with_a_lease_keeps_both_promises_once_the_lease_is_over() {
    let states = explored(a_lease_of(2));
    println!("a table with a lease: {states} states");
    assert!(states > 50_000, "{states}");
}

#[test]
fn a_lease_that_nobody_accounts_for_breaks_the_promise() {
    let trace = broken(
        Freshness {
            lease_is_promised: false,
            ..a_lease_of(2)
        },
        NO_REMOVED_RIGHT_IS_USED,
    );
    // The other enclave has read the right before, and asks no more.
    let (user, last) = user_of_the_removed_right(&trace);
    let read = position(&trace, |action| reads_the_right(action, user));
    assert!(
        read < removal(&trace) && removal(&trace) < last,
        "{trace:#?}"
    );
}

#[test]
fn a_lease_from_the_response_on_is_stretched_by_a_parent_that_delays_it() {
    let trace = broken(
        Freshness {
            lease_from: LeaseFrom::Response,
            ..a_lease_of(2)
        },
        NO_REMOVED_RIGHT_IS_USED,
    );
    let (user, _) = user_of_the_removed_right(&trace);
    let read = position(&trace, |action| reads_the_right(action, user));
    let received = read + position(&trace[read..], |action| *action == Action::Receive(user));
    let delay = &trace[read..received];
    assert!(delay.contains(&Action::Tick), "{trace:#?}");
}

#[test]
fn without_consistent_reads_a_removed_right_is_used() {
    let model = Freshness {
        store: Store::Table {
            consistent_reads: false,
        },
        ..Freshness::table()
    };
    let trace = broken(model, NO_REMOVED_RIGHT_IS_USED);
    let (user, begun) = user_of_the_removed_right(&trace);
    assert!(removal(&trace) < begun, "{trace:#?}");
    let read = position(&trace[begun..], |action| reads_the_right(action, user));
    assert!(read > 0, "{trace:#?}");
}

#[test]
fn a_put_without_its_condition_undoes_a_removal() {
    let model = Freshness {
        conditional_puts: false,
        ..Freshness::table()
    };
    let trace = broken(model, NO_CHANGE_IS_UNDONE);
    let writes = |action: &Action| matches!(action, Action::Write(..));
    let written: Vec<_> = trace.iter().filter(|action| writes(action)).collect();
    let [Action::Write(first, _), Action::Write(second, _)] = written[..] else {
        panic!("{trace:#?}")
    };
    assert_eq!(first.record.version, second.record.version);
    assert_ne!(first.record.has, second.record.has);
}

#[test]
fn a_store_of_the_parents_is_forked() {
    let trace = broken(Freshness::parents_store(), NO_REMOVED_RIGHT_IS_USED);
    let (user, begun) = user_of_the_removed_right(&trace);
    let copied = position(&trace, |action| *action == Action::Copy);
    assert!(copied < begun && removal(&trace) < begun, "{trace:#?}");
    let read = position(&trace[begun..], |action| reads_the_right(action, user));
    assert!(read > 0, "{trace:#?}");
}

#[test]
fn two_enclaves_on_a_fork_acknowledge_changes_that_no_copy_has_together() {
    let trace = broken(Freshness::parents_store(), NO_CHANGE_IS_UNDONE);
    let copies: Vec<usize> = trace
        .iter()
        .filter_map(|action| match action {
            Action::Write(_, copy) => Some(*copy),
            _ => None,
        })
        .collect();
    assert!(trace.contains(&Action::Copy), "{trace:#?}");
    assert!(copies.contains(&0) && copies.contains(&1), "{trace:#?}");
}

#[test]
fn a_client_that_remembers_the_least_version_notices_a_copy_that_stayed_behind() {
    let states = explored(Freshness {
        clients_remember: true,
        others_change: false,
        ..Freshness::parents_store()
    });
    println!("a store of the parent's, and clients that remember: {states} states");
    assert!(states > 50_000, "{states}");
}

#[test]
fn a_copy_that_was_changed_as_often_has_a_version_that_no_client_can_tell() {
    let trace = broken(
        Freshness {
            clients_remember: true,
            ..Freshness::parents_store()
        },
        NO_REMOVED_RIGHT_IS_USED,
    );
    let others = |action: &Action| matches!(action, Action::Write(put, _) if put.record.has.label);
    assert!(trace.iter().any(others), "{trace:#?}");
}

/// With the changes that a lease concerns: it multiplies the states.
fn a_lease_of(ticks: u8) -> Freshness {
    Freshness {
        lease: ticks,
        others_change: false,
        ..Freshness::table()
    }
}

fn broken(model: Freshness, promise: &'static str) -> Vec<Action> {
    found(model, promise).expect("the model finds how the promise is broken")
}

/// The enclave that acted on the right at the end, and when it began.
fn user_of_the_removed_right(trace: &[Action]) -> (usize, usize) {
    let begins = |action: &Action| matches!(action, Action::Begin(_, Does::Use));
    let begun = trace.iter().rposition(begins);
    let begun = begun.unwrap_or_else(|| panic!("{trace:#?}"));
    match trace[begun] {
        Action::Begin(user, _) => (user, begun),
        _ => unreachable!(),
    }
}

/// When the removal was carried out.
fn removal(trace: &[Action]) -> usize {
    position(
        trace,
        |action| matches!(action, Action::Write(put, _) if put.record.has.removal),
    )
}

fn reads_the_right(action: &Action, enclave: usize) -> bool {
    matches!(action, Action::Read(number, record) if *number == enclave && !record.has.removal)
}

fn position(trace: &[Action], is: impl Fn(&Action) -> bool) -> usize {
    let found = trace.iter().position(is);
    found.unwrap_or_else(|| panic!("{trace:#?}"))
}
