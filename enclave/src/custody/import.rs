//! Keys whose secret existed before: sealed to this boot by a client, dealt into shares on arrival, and imported once only.

use permafrost_common::api::{ImportKey, Key, is_name};
use permafrost_common::http_signature::AttestationDigest;
use permafrost_common::import::ImportContext;
use permafrost_common::oblivious::GatewayKey;
use permafrost_common::problem::{Problem, ProblemType};
use rand_core::OsRng;
use zeroize::Zeroizing;

use super::{Custody, blocking, sha256};
use crate::keys::{KeyRecord, NewKey, Participants};
use crate::principal::Caller;
use crate::records::{PutError, Record, Resealed};

/// What opens a secret that was sealed to this boot.
#[derive(Clone, Copy, Debug)]
pub struct SealedToBoot<'a> {
    /// The key that the document binds.
    pub key: &'a GatewayKey,
    /// The digest of the document.
    pub attestation: &'a AttestationDigest,
}

/// Which principal has imported a public key. The place is a digest of the key, so that the store itself refuses a second import.
///
/// Encoded as one byte, the version 1, and the principal's name.
#[derive(Debug)]
pub struct ImportClaim {
    owner: String,
}

impl Custody {
    /// Imports a key. Repeating it with the same idempotency key, sealed to whichever boot, gives the same key.
    pub async fn import(
        &self,
        caller: &Caller,
        idempotency_key: &str,
        request: ImportKey,
        boot: SealedToBoot<'_>,
        now: u64,
    ) -> Result<Key, Problem> {
        let participants = Participants::new(request.threshold, &request.participants)?;
        let context = ImportContext {
            deployment: &self.deployment,
            boot: boot.attestation,
            principal: &caller.name,
            idempotency_key,
            public_key: &request.public_key,
            threshold: request.threshold,
            participants: &request.participants,
        };
        let secret = context
            .open(boot.key, &request.sealed)
            .map_err(|error| Problem::new(ProblemType::ImportNotOpened, error.to_string()))?;
        let new = self.imported_key(caller, idempotency_key, &request, now);
        let record = blocking({
            let (new, public_key) = (new.clone(), request.public_key.0);
            move || KeyRecord::import(new, participants, &secret, &public_key, &mut OsRng)
        })
        .await?;
        self.claim(&caller.name, &request).await?;
        let id = new.id.to_string();
        let made =
            match self.records.put(&id, None, record).await {
                Ok(made) => made,
                Err(PutError::Problem(problem)) => return Err(problem),
                Err(PutError::Conflict) => self.made_before(&new).await.map_err(|problem| {
                    match problem.kind() == Some(ProblemType::IdempotencyKeyReused) {
                        true => already_imported(&request),
                        false => problem,
                    }
                })?,
            };
        tracing::info!(key = id, principal = caller.name, "imported a key");
        Ok(made.view(self.network)?)
    }

    /// Reseals one listing of claims in the newest epoch; the cursor `after` is a place, or empty.
    pub async fn reseal_imports(&self, after: &str, limit: usize) -> Result<Resealed, Problem> {
        if !(after.is_empty() || permafrost_common::store::is_id(after)) {
            let accepted = "the `next` of the previous response, or nothing";
            let came = format!("{} bytes", after.len());
            return Err(Problem::field("/after", came, accepted));
        }
        self.imports.reseal(after, limit).await
    }

    /// Claims the public key for a principal, for good. What an import left that ended here, the same principal's next one completes.
    async fn claim(&self, owner: &str, request: &ImportKey) -> Result<(), Problem> {
        let place = sha256(&[
            "permafrost import",
            &self.deployment,
            &request.public_key.to_string(),
        ]);
        let place = hex::encode(place.get(..16).unwrap_or_default());
        let claim = ImportClaim {
            owner: owner.to_owned(),
        };
        match self.imports.put(&place, None, claim).await {
            Ok(_) => return Ok(()),
            Err(PutError::Problem(problem)) => return Err(problem),
            Err(PutError::Conflict) => {}
        }
        match self.imports.get(&place).await? {
            Some(claim) if claim.value.owner == owner => Ok(()),
            _ => Err(already_imported(request)),
        }
    }

    /// The id follows from the deployment, the principal and the public key: a principal has one record of it.
    fn imported_key(
        &self,
        caller: &Caller,
        idempotency_key: &str,
        request: &ImportKey,
        now: u64,
    ) -> NewKey {
        let public_key = request.public_key.to_string();
        let own = sha256(&["permafrost imported key", &self.deployment, &public_key]);
        let threshold = request.threshold.to_string();
        let mut parts = vec!["import", idempotency_key, &public_key, &threshold];
        parts.extend(request.participants.iter().map(String::as_str));
        self.new_key_with(&caller.name, own, &parts, now)
    }
}

impl Record for ImportClaim {
    const KIND: &'static str = "import";

    fn encode(&self) -> Result<Zeroizing<Vec<u8>>, String> {
        let bytes = [[VERSION].as_slice(), self.owner.as_bytes()].concat();
        Ok(Zeroizing::new(bytes))
    }

    fn decode(bytes: &[u8]) -> Result<Self, String> {
        let owner = bytes
            .strip_prefix(&[VERSION])
            .and_then(|owner| std::str::from_utf8(owner).ok())
            .filter(|owner| is_name(owner))
            .ok_or("not the claim of an imported key")?;
        Ok(Self {
            owner: owner.to_owned(),
        })
    }
}

const VERSION: u8 = 1;

fn already_imported(request: &ImportKey) -> Problem {
    let detail = format!(
        "the key {} was imported into this deployment before; a key is imported once only, also after it is disabled or deleted",
        request.public_key
    );
    Problem::new(ProblemType::KeyAlreadyImported, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_has_one_encoding_and_reads_back() {
        let claim = ImportClaim {
            owner: "alice".to_owned(),
        };
        let bytes = claim.encode().unwrap();
        assert_eq!(ImportClaim::decode(&bytes).unwrap().owner, "alice");
        for other in [&b""[..], b"\x01", b"\x02alice", b"\x01al ice", b"\x01\xff"] {
            assert!(ImportClaim::decode(other).is_err(), "{other:?}");
        }
    }
}
