//! What may be asked of any store. Nothing else is sent.

use permafrost_common::store::{
    LISTING_MAX, RECORD_MAX, VERSION_MAX, is_id, is_id_prefix, is_kind, is_tag, is_tags,
};

use super::error::StoreClientError;

/// Which records of a kind a listing has.
#[derive(Clone, Copy, Debug)]
pub struct Range<'a> {
    /// What their ids begin with.
    pub prefix: &'a str,
    /// The tag that they have.
    pub tag: Option<&'a str>,
    /// The id that theirs are greater than.
    pub after: &'a str,
    /// How many there are at most: 1 to 100.
    pub limit: usize,
}

impl<'a> Range<'a> {
    /// All records after this id, from the first if it is empty.
    pub fn after(after: &'a str, limit: usize) -> Self {
        Self {
            prefix: "",
            tag: None,
            after,
            limit,
        }
    }

    /// Of these only the records whose ids begin so.
    #[must_use]
    pub fn under(self, prefix: &'a str) -> Self {
        Self { prefix, ..self }
    }

    /// The same, of what comes after this id if it is not empty.
    pub(super) fn starting(self, start: &'a str) -> Self {
        match start {
            "" => self,
            after => Self { after, ..self },
        }
    }

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
        if let Some(tag) = self.tag.filter(|tag| !is_tag(tag)) {
            return invalid(format!("tag {tag:?}; accepted: that of a record"));
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

/// The tags of a record, as in the header, or empty.
pub(super) fn check_tags(tags: &str) -> Result<(), StoreClientError> {
    if tags.is_empty() || is_tags(tags) {
        return Ok(());
    }
    invalid(format!("tags {tags:?}; accepted: those of a record"))
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
