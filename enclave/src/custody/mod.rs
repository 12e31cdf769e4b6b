//! Keys as the API offers them: which principal may use which key, and how each change is stored.

mod batch;
mod ceremonies;
mod cosigning;
mod deletion;
mod derived;
mod import;
mod listing;
mod receipt;
mod replacement;
mod reshare;
mod split;

use ciborium::Value;
use permafrost_common::api::{CreateKey, Key, LabelKey, SignRequest, Signed, is_name};
use permafrost_common::key_path::Path;
use permafrost_common::problem::{Problem, ProblemType};
use rand_core::OsRng;
use zeroize::Zeroizing;

use crate::hash::sha256_of;
use crate::keys::{KeyError, KeyId, KeyRecord, Network, NewKey, Participants, Payload};
use crate::principal::Caller;
use ceremonies::Ceremonies;
pub use derived::Derivation;
pub use import::{ImportClaim, SealedToBoot};
pub use split::BootIdentity;

use crate::records::{Indexed, PutError, Record, Records, Resealed, Versioned};

/// The most keys in one listing.
pub const LISTING_MAX: usize = 100;

/// The keys of one deployment.
pub struct Custody {
    records: Records<KeyRecord>,
    derivation: Derivation,
    imports: Records<ImportClaim>,
    ceremonies: Ceremonies,
    deployment: String,
    network: Network,
}

/// How many leading bytes of a key's id identify its owner, so that an owner's keys can be listed.
const OWNER_TAG_LEN: usize = 6;

/// How many times a change is attempted when other changes come first.
const ATTEMPTS: usize = 3;

impl Record for KeyRecord {
    const KIND: &'static str = "key";

    fn encode(&self) -> Result<Zeroizing<Vec<u8>>, String> {
        Self::encode(self).map_err(|error| error.to_string())
    }

    fn decode(bytes: &[u8]) -> Result<Self, String> {
        Self::decode(bytes).map_err(|error| error.to_string())
    }

    fn check(&self) -> Result<(), String> {
        Self::check(self).map_err(|error| error.to_string())
    }

    fn indexed(&self) -> Vec<Indexed> {
        listing::indexed(self)
    }
}

impl Custody {
    /// The keys in these records, those derived, and the claims of those that were imported.
    pub fn new(
        records: Records<KeyRecord>,
        derivation: Derivation,
        imports: Records<ImportClaim>,
        deployment: String,
        network: Network,
    ) -> Self {
        Self {
            records,
            derivation,
            imports,
            ceremonies: Ceremonies::default(),
            deployment,
            network,
        }
    }

    /// Makes a key. Repeating it with the same idempotency key gives the same key; with another body it is refused.
    pub async fn create(
        &self,
        caller: &Caller,
        idempotency_key: &str,
        request: CreateKey,
        now: u64,
    ) -> Result<Key, Problem> {
        let participants = Participants::new(request.threshold, &request.participants)?;
        let mut parts: Vec<&str> = vec!["create"];
        parts.extend(request.participants.iter().map(String::as_str));
        let threshold = request.threshold.to_string();
        parts.push(&threshold);
        let new = self.new_key(caller, &caller.name, idempotency_key, &parts, now);
        let new = labelled(new, request.label)?;
        let record = blocking({
            let new = new.clone();
            move || KeyRecord::deal(new, participants, &mut OsRng)
        })
        .await?;
        let made = self.put_new(&new, record).await?;
        Ok(made.view(self.network)?)
    }

    /// The derived keys.
    pub fn derivation(&self) -> &Derivation {
        &self.derivation
    }

    /// A key.
    pub async fn show(&self, caller: &Caller, id: &str) -> Result<Key, Problem> {
        if let Some(path) = Path::of_key_id(id) {
            return self.derivation.show(caller, path).await;
        }
        let record = self.find(caller, id).await?;
        Ok(record.view(self.network)?)
    }

    /// Signs. At most one round trip to the store; no state outlives the call.
    pub async fn sign(
        &self,
        caller: &Caller,
        id: &str,
        request: SignRequest,
    ) -> Result<Signed, Problem> {
        if let Some(path) = Path::of_key_id(id) {
            return self.derivation.sign(caller, path, request).await;
        }
        let payload = Payload::parse(request)?;
        caller.policy.check_payload(&payload)?;
        let record = self.find(caller, id).await?;
        let network = self.network;
        blocking(move || record.sign(&payload, network, &mut OsRng)).await
    }

    /// Refreshes every share; the public key stays the same.
    pub async fn rotate(&self, caller: &Caller, id: &str) -> Result<Key, Problem> {
        if let Some(path) = Path::of_key_id(id) {
            return self.derivation.rotate(caller, path).await;
        }
        self.change(caller, id, |record| record.rotate(&mut OsRng))
            .await
    }

    /// Disables a key for good: it no longer signs.
    pub async fn disable(&self, caller: &Caller, id: &str) -> Result<Key, Problem> {
        if let Some(path) = Path::of_key_id(id) {
            return self.derivation.disable(caller, path).await;
        }
        self.change(caller, id, KeyRecord::disabled).await
    }

    /// Gives a key another label, or none.
    pub async fn label(
        &self,
        caller: &Caller,
        id: &str,
        LabelKey { label }: LabelKey,
    ) -> Result<Key, Problem> {
        let label = checked_label(label)?;
        self.change(caller, id, |record| Ok(record.labelled(label.clone())))
            .await
    }

    /// Reseals one listing of records in the newest epoch; the cursor `after` is a key's id, or empty.
    pub async fn reseal(&self, after: &str, limit: usize) -> Result<Resealed, Problem> {
        if !after.is_empty() && after.parse::<KeyId>().is_err() {
            let accepted = "the `next` of the previous response, or nothing";
            return Err(Problem::field(
                "/after",
                format!("{} bytes", after.len()),
                accepted,
            ));
        }
        self.records.reseal(after, limit).await
    }

    /// Writes a new key, or finds the one that the same request made before.
    async fn put_new(
        &self,
        new: &NewKey,
        record: KeyRecord,
    ) -> Result<Versioned<KeyRecord>, Problem> {
        let id = new.id.to_string();
        match self.records.put(&id, None, record).await {
            Ok(made) => return Ok(made),
            Err(PutError::Problem(problem)) => return Err(problem),
            Err(PutError::Conflict) => {}
        }
        self.made_before(new).await
    }

    /// The key that the same request made before.
    async fn made_before(&self, new: &NewKey) -> Result<Versioned<KeyRecord>, Problem> {
        let id = new.id.to_string();
        let made = self.records.get(&id).await?.ok_or_else(|| {
            Problem::new(
                ProblemType::StoreUnavailable,
                format!("the store first said that it has key {id}, then that it does not"),
            )
        })?;
        if made.value.request_digest() == &new.request_digest {
            return Ok(made);
        }
        Err(Self::idempotency_key_reused())
    }

    fn idempotency_key_reused() -> Problem {
        Problem::new(
            ProblemType::IdempotencyKeyReused,
            "the Idempotency-Key was used for another request; accepted: the same request, or a new value",
        )
    }

    /// Changes a key, and shows it.
    async fn change(
        &self,
        caller: &Caller,
        id: &str,
        change: impl Fn(&KeyRecord) -> Result<KeyRecord, KeyError>,
    ) -> Result<Key, Problem> {
        let changed = self.change_record(caller, id, change).await?;
        Ok(changed.view(self.network)?)
    }

    /// Reads a key, changes it and writes it if that makes a difference; starts over, a few times at most, when another change came first.
    async fn change_record(
        &self,
        caller: &Caller,
        id: &str,
        change: impl Fn(&KeyRecord) -> Result<KeyRecord, KeyError>,
    ) -> Result<Versioned<KeyRecord>, Problem> {
        for _ in 0..ATTEMPTS {
            let old = self.find(caller, id).await?;
            let changed = change(&old.value)?;
            // A repeated request is no other version: whoever has seen the one before has seen it all.
            if encoded(&changed)? == encoded(&old.value)? {
                return Ok(old);
            }
            match self.records.put(id, Some(old.version), changed).await {
                Ok(record) => return Ok(record),
                Err(PutError::Problem(problem)) => return Err(problem),
                Err(PutError::Conflict) => {}
            }
        }
        Err(Problem::new(
            ProblemType::KeyConflict,
            format!(
                "other requests changed key {id} during each of {ATTEMPTS} attempts; nothing was done"
            ),
        ))
    }

    /// A key that the caller may see, in no older version than the request demands.
    async fn find(&self, caller: &Caller, id: &str) -> Result<Versioned<KeyRecord>, Problem> {
        let not_found = || {
            let detail = format!("there is no key {id:?} that {} may use", caller.name);
            Problem::new(ProblemType::KeyNotFound, detail)
        };
        if let Some(path) = Path::of_key_id(id).filter(|path| caller.policy.allows_path(path)) {
            let detail = format!(
                "the key {path} has derived custody: it signs, rotates and is disabled, and nothing else"
            );
            return Err(Problem::new(ProblemType::KeyCustody, detail));
        }
        // Only well-formed ids are requested, so that nothing else gets into the paths of store requests.
        let key: KeyId = id.parse().map_err(|_| not_found())?;
        let record = self.record(key).await?;
        let record = record
            .filter(|record| {
                let owner = record.value.owner();
                caller.policy.allows_key(&caller.name, id, owner)
            })
            .ok_or_else(not_found)?;
        caller.check_version(id, record.version)?;
        Ok(record)
    }

    /// The record of a key, whoever may see it.
    async fn record(&self, key: KeyId) -> Result<Option<Versioned<KeyRecord>>, Problem> {
        let record = self.records.get(&key.to_string()).await?;
        match record.as_ref().map(|record| record.value.id()) {
            Some(other) if other != key => Err(Problem::new(
                ProblemType::RecordInvalid,
                format!("the record stored as key {key} is that of key {other}"),
            )),
            _ => Ok(record),
        }
    }

    /// The id follows from the deployment, the caller and the idempotency key, so that the store itself refuses a
    /// second key for the same request.
    fn new_key(
        &self,
        caller: &Caller,
        owner: &str,
        idempotency_key: &str,
        request: &[&str],
        now: u64,
    ) -> NewKey {
        let own = sha256(&[
            "permafrost key",
            &self.deployment,
            &caller.name,
            idempotency_key,
        ]);
        self.new_key_with(owner, own, request, now)
    }

    fn new_key_with(&self, owner: &str, own: [u8; 32], request: &[&str], now: u64) -> NewKey {
        let mut id = [0; KeyId::LEN];
        let tag = self.owner_tag(owner);
        for (to, from) in id.iter_mut().zip(tag.iter().chain(&own)) {
            *to = *from;
        }
        NewKey {
            id: KeyId::from_bytes(id),
            owner: owner.to_owned(),
            label: None,
            created_at: now,
            request_digest: sha256(request),
        }
    }

    fn owner_tag(&self, owner: &str) -> [u8; OWNER_TAG_LEN] {
        let digest = sha256(&["permafrost owner", &self.deployment, owner]);
        let mut tag = [0; OWNER_TAG_LEN];
        for (to, from) in tag.iter_mut().zip(digest) {
            *to = from;
        }
        tag
    }
}

fn encoded(record: &KeyRecord) -> Result<Zeroizing<Vec<u8>>, Problem> {
    let encoded = Record::encode(record);
    encoded.map_err(|error| Problem::new(ProblemType::Internal, error))
}

/// A new key that has a label from the beginning.
fn labelled(new: NewKey, label: Option<String>) -> Result<NewKey, Problem> {
    let Some(label) = checked_label(label)? else {
        return Ok(new);
    };
    let digest = hex::encode(new.request_digest);
    Ok(NewKey {
        request_digest: sha256(&["labelled", &digest, &label]),
        label: Some(label),
        ..new
    })
}

fn checked_label(label: Option<String>) -> Result<Option<String>, Problem> {
    match label {
        Some(label) if !is_name(&label) => {
            let came = format!("{} characters", label.chars().count());
            let accepted = "1 to 64 of A-Z a-z 0-9 - _ .";
            Err(Problem::field("/label", came, accepted))
        }
        label => Ok(label),
    }
}

/// SHA-256 of the CBOR array of the texts.
fn sha256(texts: &[&str]) -> [u8; 32] {
    sha256_of(texts.iter().map(|text| Value::from(*text)).collect())
}

/// Curve arithmetic takes a millisecond or more, which would delay every connection of its worker.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, KeyError> + Send + 'static,
) -> Result<T, Problem> {
    let done = tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Problem::new(ProblemType::Internal, error.to_string()))?;
    Ok(done?)
}
