//! Which credentials are taken: none is ever registered twice, by whomever, and not again after it was revoked.

use permafrost_common::problem::{Problem, ProblemType};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteArray;
use zeroize::Zeroizing;

use super::{People, UserId, place};
use crate::records::Record;

/// Whose a credential is. The place is a digest of its id.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Claim {
    v: u8,
    user: ByteArray<{ UserId::LEN }>,
}

impl People {
    /// Takes a credential for a user, for good.
    ///
    /// # Errors
    /// `passkey-exists` where it was taken before. A user who was not written after it was cannot have this credential any more.
    pub(super) async fn claim(&self, credential_id: &[u8], user: UserId) -> Result<(), Problem> {
        let claim = Claim {
            v: 1,
            user: ByteArray::new(user.0),
        };
        let place = place("permafrost credential", &self.deployment, credential_id);
        let taken = Problem::new(
            ProblemType::PasskeyExists,
            "a passkey of this credential id was registered before; accepted: a new passkey",
        );
        let put = self.records.claims.put(&place, None, claim).await;
        put.map_err(|error| error.or(taken))?;
        Ok(())
    }
}

impl Record for Claim {
    const KIND: &'static str = "credential";

    fn encode(&self) -> Result<Zeroizing<Vec<u8>>, String> {
        super::user::to_cbor(self)
    }

    fn decode(bytes: &[u8]) -> Result<Self, String> {
        super::user::from_cbor(bytes, 1, |claim: &Self| claim.v)
    }
}
