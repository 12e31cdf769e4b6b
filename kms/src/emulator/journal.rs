//! The calls that the emulator has handled, and the failures that tests ask for instead.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use http::StatusCode;

use super::error::KmsError;

/// How many calls are remembered: the latest.
const CALLS_MAX: usize = 10_000;

/// A call that the emulator has responded to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Call {
    /// What was asked for, as `GenerateDataKey`; empty where the request named nothing known.
    pub action: String,
    /// The ARN of the identity that signed the request; `None` where that was not established.
    pub caller: Option<String>,
    /// The name of the error in the response, as `AccessDeniedException`; `None` where the call worked.
    pub error: Option<String>,
}

/// An error to respond with instead of doing what is asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Failure {
    /// `ThrottlingException`, status 400.
    Throttling,
    /// `KMSInternalException`, status 500.
    Internal,
    /// `ServiceUnavailableException`, status 503.
    Unavailable,
}

#[derive(Debug, Default)]
pub(super) struct Journal {
    calls: Mutex<VecDeque<Call>>,
    failures: Mutex<VecDeque<Failure>>,
}

impl Journal {
    pub(super) fn record(&self, call: Call) {
        let mut calls = lock(&self.calls);
        if calls.len() == CALLS_MAX {
            calls.pop_front();
        }
        calls.push_back(call);
    }

    pub(super) fn calls(&self) -> Vec<Call> {
        lock(&self.calls).iter().cloned().collect()
    }

    /// Replaces the failures that are still to come.
    pub(super) fn fail_next(&self, count: usize, failure: Failure) {
        *lock(&self.failures) = std::iter::repeat_n(failure, count).collect();
    }

    /// The failure to respond with now.
    pub(super) fn failure(&self) -> Result<(), KmsError> {
        match lock(&self.failures).pop_front() {
            None => Ok(()),
            Some(Failure::Throttling) => Err(KmsError::new(
                "ThrottlingException",
                "You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls.",
            )),
            Some(Failure::Internal) => Err(KmsError::internal("asked to fail")),
            Some(Failure::Unavailable) => Err(KmsError::bare(
                "ServiceUnavailableException",
                StatusCode::SERVICE_UNAVAILABLE,
            )),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
