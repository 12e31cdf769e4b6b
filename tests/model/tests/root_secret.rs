//! Two boots on an empty store, in every order of their steps.

use permafrost_model::root_secret::{ALL_HAVE_ONE, Action, RootSecret};
use permafrost_model::{explored, found};

#[test]
fn two_boots_on_an_empty_store_agree_on_one_root_secret() {
    let states = explored(RootSecret {
        put_if_absent: true,
    });
    println!("two boots: {states} states");
    assert!(states > 100, "{states}");
}

#[test]
fn a_put_over_what_is_there_leaves_two_boots_with_different_root_secrets() {
    let trace = found(
        RootSecret {
            put_if_absent: false,
        },
        ALL_HAVE_ONE,
    );
    let trace = trace.expect("the model finds how the promise is broken");
    let written = trace
        .iter()
        .filter(|action| matches!(action, Action::Write(_)));
    let written: Vec<_> = written.collect();
    assert_eq!(written.len(), 2, "{trace:#?}");
    assert_ne!(written[0], written[1]);
}
