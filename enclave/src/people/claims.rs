//! Claims of credentials: no credential is ever registered twice, by any user, not even after it was revoked.

use permafrost_common::problem::{Problem, ProblemType};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteArray;
use zeroize::Zeroizing;

use super::{People, UserId, place};
use crate::records::Record;

/// Which user has claimed a credential. The place is a digest of the credential's id.
///
/// A claim never expires: [`Record::expires_at`] stays `None`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    v: u8,
    user: ByteArray<{ UserId::LEN }>,
}

impl People {
    /// Claims a credential for a user, for good.
    ///
    /// # Errors
    /// `passkey-exists` if it was claimed before. If the claim is stored and the user's record is not, the credential stays claimed.
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
