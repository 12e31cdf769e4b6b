//! What may be asked of any store. Nothing else is sent.

use permafrost_common::store::{
    LISTING_MAX, RECORD_MAX, VERSION_MAX, is_id, is_id_prefix, is_kind,
};

use super::error::StoreClientError;

/// The requested range of a listing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Range<'a> {
    pub(super) prefix: &'a str,
    pub(super) after: &'a str,
    pub(super) limit: usize,
}

impl Range<'_> {
    pub(super) fn check(&self, kind: &str) -> Result<(), StoreClientError> {
        check_kind(kind)?;
        for (name, text) in [("prefix", self.prefix), ("after", self.after)] {
            if !is_id_prefix(text) {
                return invalid(format!(
                    "{name} {text:?}; accepted: 0 to 128 of a-z, 0-9 and -"
                ));
            }
        }
        if !(1..=LISTING_MAX).contains(&self.limit) {
            let found = self.limit;
            return invalid(format!("limit {found}; accepted: 1 to {LISTING_MAX}"));
        }
        Ok(())
    }
}

pub(super) fn check_place(kind: &str, id: &str) -> Result<(), StoreClientError> {
    check_kind(kind)?;
    if is_id(id) {
        return Ok(());
    }
    invalid(format!("id {id:?}; accepted: 1 to 128 of a-z, 0-9 and -"))
}

pub(super) fn check_record(bytes: &[u8]) -> Result<(), StoreClientError> {
    if bytes.len() <= RECORD_MAX {
        return Ok(());
    }
    let found = bytes.len();
    invalid(format!(
        "a record of {found} bytes; accepted: at most {RECORD_MAX}"
    ))
}

/// A version that a later one may follow.
pub(super) fn check_version(version: u64) -> Result<(), StoreClientError> {
    if (1..VERSION_MAX).contains(&version) {
        return Ok(());
    }
    let most = VERSION_MAX - 1;
    invalid(format!("version {version}; accepted: 1 to {most}"))
}

fn check_kind(kind: &str) -> Result<(), StoreClientError> {
    if is_kind(kind) {
        return Ok(());
    }
    invalid(format!("kind {kind:?}; accepted: 1 to 32 of a-z and -"))
}

fn invalid(what: String) -> Result<(), StoreClientError> {
    Err(StoreClientError::Invalid(what))
}
