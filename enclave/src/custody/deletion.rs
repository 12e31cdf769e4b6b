//! The end of a key.

use permafrost_common::api::Key;
use permafrost_common::problem::Problem;
use permafrost_frost::Hex;

use super::Custody;
use crate::keys::{KeyId, KeyRecord};
use crate::principal::Caller;

impl Custody {
    /// Overwrites the record of a disabled key with one that has no shares. What stays keeps its id from being used again.
    pub async fn delete(&self, caller: &Caller, id: &str) -> Result<Key, Problem> {
        let deleted = self.change(caller, id, KeyRecord::deleted).await?;
        // A ceremony that began before the key was disabled still has the enclave's old shares.
        if let Ok(id) = id.parse::<KeyId>() {
            self.ceremonies.forget_of_key(Hex(*id.as_bytes()));
        }
        Ok(deleted)
    }
}
