//! Whether what clients were told can have happened: linearizability, after Wing and Gong, with the memory of visited states that Lowe
//! added (Testing for linearizability, 2017).
//!
//! A history is linearizable if each operation can be given one moment between its request and its response, such that all of them one
//! after the other have the outcomes that were told. An operation without a response may have happened at any moment from its request on,
//! or not at all.

use std::collections::HashSet;
use std::fmt::Debug;
use std::hash::Hash;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// What a record does, one operation after the other.
pub trait Sequential {
    /// What it has.
    type State: Clone + Debug + Eq + Hash;
    /// What is asked of it.
    type Call: Debug + Eq;
    /// What it says.
    type Outcome: Debug + Eq;

    /// What an operation makes of a state, and its outcome.
    fn apply(state: &Self::State, call: &Self::Call) -> (Self::State, Self::Outcome);
}

/// An operation as its client saw it.
#[derive(Debug)]
pub struct Operation<C, O> {
    call: C,
    requested: u64,
    /// When the response came, and the outcome that it told; `None` if what became of it is unknown.
    told: Option<(u64, O)>,
}

/// What clients did with one record.
#[derive(Debug)]
pub struct History<S: Sequential> {
    initial: S::State,
    now: AtomicU64,
    operations: Mutex<Vec<Operation<S::Call, S::Outcome>>>,
}

impl<S: Sequential> History<S> {
    /// Of a record that begins with this state.
    pub fn of(initial: S::State) -> Self {
        Self {
            initial,
            now: AtomicU64::new(0),
            operations: Mutex::default(),
        }
    }

    /// The moment at which a request is made.
    pub fn request(&self) -> u64 {
        self.now.fetch_add(1, Ordering::SeqCst)
    }

    /// An operation whose response has just come.
    pub fn told(&self, requested: u64, call: S::Call, outcome: S::Outcome) {
        let told = Some((self.request(), outcome));
        self.add(Operation {
            call,
            requested,
            told,
        });
    }

    /// An operation of which nobody knows whether it has happened, or still will.
    pub fn unknown(&self, requested: u64, call: S::Call) {
        self.add(Operation {
            call,
            requested,
            told: None,
        });
    }

    /// How many operations there are.
    pub fn len(&self) -> usize {
        self.operations.lock().expect("no thread panicked").len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Looks for an order in which all of it can have happened.
    ///
    /// # Errors
    /// There is none; says how far the best one came, and the whole history.
    pub fn check(&self) -> Result<(), String> {
        let mut operations = self.operations.lock().expect("no thread panicked");
        operations.sort_by_key(|operation| operation.requested);
        let mut search = Search::<S> {
            operations: &operations,
            visited: HashSet::new(),
            longest: Vec::new(),
            order: Vec::new(),
        };
        if search.completes(vec![false; operations.len()], &self.initial) {
            return Ok(());
        }
        Err(format!(
            "not linearizable; the longest order is {:?} of these, from {:?}:\n{}",
            search.longest,
            self.initial,
            lines(&operations)
        ))
    }

    fn add(&self, operation: Operation<S::Call, S::Outcome>) {
        let mut operations = self.operations.lock().expect("no thread panicked");
        operations.push(operation);
    }
}

struct Search<'a, S: Sequential> {
    operations: &'a [Operation<S::Call, S::Outcome>],
    /// Which operations have happened, and the state after them, from where everything was tried before.
    visited: HashSet<(Vec<bool>, S::State)>,
    longest: Vec<usize>,
    order: Vec<usize>,
}

impl<S: Sequential> Search<'_, S> {
    /// Whether those operations that have not happened can follow a state, in some order.
    fn completes(&mut self, happened: Vec<bool>, state: &S::State) -> bool {
        let left = || (0..self.operations.len()).filter(|at| !happened[*at]);
        let response = |at: usize| self.operations[at].told.as_ref().map(|(when, _)| *when);
        // None that was requested after a response can have happened before that operation.
        let Some(first_response) = left().filter_map(response).min() else {
            return true;
        };
        let mut possible: Vec<usize> = Vec::new();
        for at in left().take_while(|at| self.operations[*at].requested < first_response) {
            // Of the same unknown operations, it makes no difference which is the first.
            let same = |other: &usize| self.are_the_same(*other, at);
            if !possible.iter().any(same) {
                possible.push(at);
            }
        }
        possible.sort_by_key(|at| response(*at).unwrap_or(u64::MAX));
        if !self.visited.insert((happened.clone(), state.clone())) {
            return false;
        }
        for at in possible {
            let Operation { call, told, .. } = &self.operations[at];
            let (next, outcome) = S::apply(state, call);
            let fits = match told {
                Some((_, told)) => *told == outcome,
                // One that changes nothing need not happen.
                None => next != *state,
            };
            if !fits {
                continue;
            }
            let mut happened = happened.clone();
            happened[at] = true;
            self.order.push(at);
            if self.order.len() > self.longest.len() {
                self.longest.clone_from(&self.order);
            }
            if self.completes(happened, &next) {
                return true;
            }
            self.order.pop();
        }
        false
    }

    fn are_the_same(&self, one: usize, other: usize) -> bool {
        let (one, other) = (&self.operations[one], &self.operations[other]);
        one.told.is_none() && other.told.is_none() && one.call == other.call
    }
}

fn lines<C: Debug, O: Debug>(operations: &[Operation<C, O>]) -> String {
    let line = |(at, operation): (usize, &Operation<C, O>)| {
        let Operation {
            call,
            requested,
            told,
        } = operation;
        match told {
            Some((when, outcome)) => format!("{at}: {requested}..{when} {call:?}: {outcome:?}\n"),
            None => format!("{at}: {requested}.. {call:?}: unknown\n"),
        }
    };
    operations.iter().enumerate().map(line).collect()
}
