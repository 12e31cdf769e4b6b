//! What the enclaves promise of fresh records, as models whose every state is visited. docs/freshness-model.md says what is in them and
//! what is not.
//!
//! - [`freshness::Freshness`]: two enclaves use a right, remove it and change its record, while the parent does what it can.
//! - [`root_secret::RootSecret`]: two enclaves boot on an empty store.
//!
//! [`explored`] visits every state; [`found`] is the shortest way to a state in which a promise is broken.

#![forbid(unsafe_code)]

use std::fmt::Debug;
use std::hash::Hash;

use stateright::{Checker, HasDiscoveries, Model};

pub mod freshness;
pub mod root_secret;

/// Visits every state of a model, and gives how many there are.
///
/// # Panics
/// A promise is broken in one of them, or something that has to occur does not.
pub fn explored<M>(model: M) -> usize
where
    M: Model + Send + Sync + 'static,
    M::State: Clone + Debug + Hash + PartialEq + Send + Sync,
    M::Action: Clone + Debug + PartialEq,
{
    let checker = model.checker().threads(2).spawn_bfs().join();
    assert!(checker.is_done());
    checker.assert_properties();
    checker.unique_state_count()
}

/// The steps of a shortest way to a state that breaks this promise; `None` if it is kept in every state.
pub fn found<M>(model: M, promise: &'static str) -> Option<Vec<M::Action>>
where
    M: Model + Send + Sync + 'static,
    M::State: Clone + Debug + Hash + PartialEq + Send + Sync,
    M::Action: Clone + Debug + PartialEq,
{
    let wanted = HasDiscoveries::AllOf([promise].into());
    let checker = model.checker().finish_when(wanted).spawn_bfs().join();
    Some(checker.discovery(promise)?.into_actions())
}
