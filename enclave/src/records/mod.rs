//! Sealed records as the rest of the enclave sees them: typed, opened, cached, and never older than one seen before.

mod cache;
mod expiry;
mod seen;
mod tags;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use permafrost_common::problem::{Problem, ProblemType};
use zeroize::Zeroizing;

use crate::sealing::{self, Envelope, Epoch, HeldSecrets, OpenError, Place};
use crate::store::{Expected, Fetched, PutOutcome, Range, Store, StoreClientError};
use cache::Cache;
pub use expiry::Swept;
use seen::Seen;

/// A field by which records are found, and its value.
pub type Indexed = (&'static str, String);

/// A type that is stored in sealed records.
pub trait Record: Sized {
    /// The kind of record; see [`permafrost_common::store::is_kind`].
    const KIND: &'static str;

    /// The bytes to seal; an error says which rule failed, without secrets.
    fn encode(&self) -> Result<Zeroizing<Vec<u8>>, String>;

    /// Reads opened bytes; an error says which rule failed, without secrets.
    fn decode(bytes: &[u8]) -> Result<Self, String>;

    /// The fields by which records are found, and their values: at most eight.
    fn indexed(&self) -> Vec<Indexed> {
        Vec::new()
    }

    /// Checks what [`Record::decode`] leaves out because it takes long. A value that fails is never sealed, nor sealed again.
    fn check(&self) -> Result<(), String> {
        Ok(())
    }

    /// When the record expires, seconds since 1970, the same in every version; `None` if it never does.
    ///
    /// From then on the record is worth no more than one that never existed. So it may be missing from the store, and
    /// [`Records::sweep`] deletes it.
    fn expires_at(&self) -> Option<u64> {
        None
    }
}

/// A record of a known version.
#[derive(Debug)]
pub struct Versioned<T> {
    /// From 1.
    pub version: u64,
    /// The opened record.
    pub value: Arc<T>,
}

impl<T> Clone for Versioned<T> {
    fn clone(&self) -> Self {
        Self {
            version: self.version,
            value: Arc::clone(&self.value),
        }
    }
}

/// Why a record was not written.
#[derive(Debug)]
pub enum PutError {
    /// The store has, or had, another version.
    Conflict,
    /// Any other problem.
    Problem(Problem),
}

impl PutError {
    /// The problem; a conflict becomes the given one.
    pub fn or(self, conflict: Problem) -> Problem {
        match self {
            Self::Conflict => conflict,
            Self::Problem(problem) => problem,
        }
    }
}

/// The result of resealing one listing of records.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Resealed {
    /// How many records the listing had.
    pub examined: usize,
    /// How many of them were resealed.
    pub resealed: usize,
    /// How many were changed by other requests meanwhile and may still be in an older epoch.
    pub left: usize,
    /// The id after which the next listing begins; `None` after the last.
    pub next: Option<String>,
}

/// The sealed records of one kind.
pub struct Records<T> {
    store: Arc<Store>,
    secrets: HeldSecrets,
    deployment: String,
    memory: Mutex<Memory<T>>,
}

struct Memory<T> {
    seen: Seen,
    /// Empty for a kind that never expires.
    expiries: Seen,
    cache: Cache<T>,
}

impl<T: Record> Records<T> {
    /// Records of `deployment` in `store`; opened ones are cached up to about `cache_bytes` of memory, and the versions of the last
    /// `seen_records` that were used are remembered.
    pub fn new(
        store: Arc<Store>,
        secrets: HeldSecrets,
        deployment: String,
        (cache_bytes, seen_records): (usize, usize),
    ) -> Self {
        Self {
            store,
            secrets,
            deployment,
            memory: Mutex::new(Memory {
                seen: Seen::with_room_for(seen_records),
                expiries: Seen::with_room_for(seen_records),
                cache: Cache::new(cache_bytes),
            }),
        }
    }

    /// The newest version of a record; `None` if the store has none and this enclave has seen none.
    ///
    /// One round trip to the store, unless the store's lease on what is cached still runs. Problems: `store-unavailable`, `record-invalid`, `record-rolled-back`, `record-lost`.
    pub async fn get(&self, id: &str) -> Result<Option<Versioned<T>>, Problem> {
        let lease = self.store.lease().0;
        if let Some(record) = self.memory().cache.leased(id, lease) {
            return Ok(Some(record));
        }
        let (cached, seen) = self.memory().known(id);
        let known = cached.as_ref().map(|record| record.version);
        let asked = Instant::now();
        let fetched = self
            .store
            .get(T::KIND, id, known)
            .await
            .map_err(unavailable)?;
        match (fetched, cached) {
            (Fetched::NotModified, Some(record)) => {
                self.memory().cache.confirm(id, record.version, asked);
                Ok(Some(record))
            }
            (Fetched::NotModified, None) => Err(Problem::new(
                ProblemType::StoreUnavailable,
                "the store said that a record is unchanged, though it was not asked to compare versions",
            )),
            (Fetched::Absent, _) => check_absence::<T>(id, seen).map(|()| None),
            (Fetched::Record { version, bytes }, _) => {
                self.open(id, version, &bytes, (seen, asked)).map(Some)
            }
        }
    }

    /// Writes the first version of a record (`known` is `None`) or the one after `known`.
    pub async fn put(
        &self,
        id: &str,
        known: Option<u64>,
        value: impl Into<Arc<T>>,
    ) -> Result<Versioned<T>, PutError> {
        let written = self.write(id, known, value.into()).await;
        if written.is_err() {
            // The store has, or may have, another version: it is asked before any is believed.
            self.memory().cache.remove(id);
        }
        written
    }

    async fn write(
        &self,
        id: &str,
        known: Option<u64>,
        value: Arc<T>,
    ) -> Result<Versioned<T>, PutError> {
        let version = known.unwrap_or(0) + 1;
        // The store may have lost or rolled back a version that was seen; nothing is written in its place.
        if version <= self.memory().seen.highest(id) {
            return Err(PutError::Conflict);
        }
        let internal =
            |error: String| PutError::Problem(Problem::new(ProblemType::Internal, error));
        value.check().map_err(internal)?;
        let plaintext = value.encode().map_err(internal)?;
        // Nothing is sealed that does not open. And what is cached is what opening gives, which takes less memory than a record that was
        // just made, with everything that it was checked by.
        let opened = T::decode(&plaintext).map_err(internal)?;
        let sealed = sealing::seal(&self.secrets.now(), &self.place(id, version), &plaintext)
            .map_err(|error| internal(error.to_string()))?;
        let expected = known.map_or(Expected::Absent, Expected::Version);
        let tags = self.tags_of(&*value);
        let asked = Instant::now();
        let put = self.store.put(T::KIND, id, expected, &sealed, &tags);
        let stored = match put.await {
            Ok(PutOutcome::Stored { version: stored }) => stored == version,
            Ok(PutOutcome::Conflict { .. }) => return Err(PutError::Conflict),
            Err(StoreClientError::UnknownOutcome { .. }) => {
                self.was_stored(id, version, &sealed).await?
            }
            Err(error) => return Err(PutError::Problem(unavailable(error))),
        };
        if !stored {
            return Err(PutError::Problem(Problem::new(
                ProblemType::StoreUnavailable,
                "the store did not confirm that it has written the record; the request can be repeated",
            )));
        }
        let opened = Versioned {
            version,
            value: Arc::new(opened),
        };
        let weight = weight(plaintext.len());
        self.memory().remember(id, &opened, weight, asked);
        Ok(Versioned { version, value })
    }

    /// Reseals in the newest epoch those records of one listing that are sealed in an older one. Contents stay the same, the version
    /// increases by one. A record that another request changes meanwhile is left for the next pass.
    ///
    /// What the store gives is checked as for any other use: an older version than one seen before is refused, not resealed.
    pub async fn reseal(&self, after: &str, limit: usize) -> Result<Resealed, Problem> {
        let newest = self.secrets.now().newest().0;
        let asked = Instant::now();
        let listing = self
            .store
            .listing(T::KIND, Range::after(after, limit))
            .await
            .map_err(unavailable)?;
        let mut done = Resealed {
            next: listing
                .records
                .last()
                .filter(|_| listing.more)
                .map(|entry| entry.id.clone()),
            ..Resealed::default()
        };
        for entry in listing.records {
            done.examined += 1;
            if sealed_in::<T>(&entry.id, entry.version, &entry.bytes)? == newest {
                continue;
            }
            let seen = self.memory().seen.highest(&entry.id);
            let record = self.open(&entry.id, entry.version, &entry.bytes, (seen, asked))?;
            self.reseal_one(&entry.id, record, &mut done).await?;
        }
        Ok(done)
    }

    /// Reseals in the newest epoch those of these records that are sealed in an older one. All of them must be there.
    pub async fn reseal_these(&self, ids: &[String]) -> Result<Resealed, Problem> {
        let newest = self.secrets.now().newest().0;
        let mut done = Resealed::default();
        for id in ids {
            done.examined += 1;
            let seen = self.memory().seen.highest(id);
            let asked = Instant::now();
            // Not from the cache, which does not know the epoch.
            let fetched = self
                .store
                .get(T::KIND, id, None)
                .await
                .map_err(unavailable)?;
            let Fetched::Record { version, bytes } = fetched else {
                return Err(lost::<T>(id, seen));
            };
            let record = self.open(id, version, &bytes, (seen, asked))?;
            if sealed_in::<T>(id, version, &bytes)? == newest {
                continue;
            }
            self.reseal_one(id, record, &mut done).await?;
        }
        Ok(done)
    }

    async fn reseal_one(
        &self,
        id: &str,
        record: Versioned<T>,
        done: &mut Resealed,
    ) -> Result<(), Problem> {
        let checked = record.value.check();
        checked.map_err(|error| invalid::<T>(id, record.version, &error))?;
        match self.put(id, Some(record.version), record.value).await {
            Ok(_) => done.resealed += 1,
            Err(PutError::Conflict) => done.left += 1,
            Err(PutError::Problem(problem)) => return Err(problem),
        }
        Ok(())
    }

    /// Records whose ids start with `prefix` and come after `after`, in ascending order, and whether there are more; if `with` is there,
    /// only those that have this value in this indexed field. A record of another value is refused; the store may leave out any.
    pub async fn list(
        &self,
        prefix: &str,
        with: Option<&Indexed>,
        after: &str,
        limit: usize,
    ) -> Result<(Vec<(String, Versioned<T>)>, bool), Problem> {
        let tag = with.map(|indexed| self.tag(indexed));
        let range = Range {
            prefix,
            tag: tag.as_deref(),
            after,
            limit,
        };
        let asked = Instant::now();
        let listing = self.store.listing(T::KIND, range).await;
        let listing = listing.map_err(unavailable)?;
        let records = listing
            .records
            .into_iter()
            .map(|entry| {
                let (cached, seen) = self.memory().known(&entry.id);
                let record = match cached {
                    Some(record) if record.version == entry.version => record,
                    _ => self.open(&entry.id, entry.version, &entry.bytes, (seen, asked))?,
                };
                if let Some(with) = with
                    && !record.value.indexed().contains(with)
                {
                    let error = format!("it was listed for another {} than its own", with.0);
                    return Err(invalid::<T>(&entry.id, entry.version, &error));
                }
                Ok((entry.id, record))
            })
            .collect::<Result<_, Problem>>()?;
        Ok((records, listing.more))
    }

    /// After a write whose response was lost: whether the store now has this very record.
    async fn was_stored(&self, id: &str, version: u64, sealed: &[u8]) -> Result<bool, PutError> {
        match self.store.get(T::KIND, id, None).await {
            Ok(Fetched::Record {
                version: found,
                bytes,
            }) if found == version => {
                if bytes == sealed {
                    return Ok(true);
                }
                Err(PutError::Conflict)
            }
            Ok(_) => Ok(false),
            Err(error) => Err(PutError::Problem(unavailable(error))),
        }
    }

    /// Opens what the store gave when it was asked at this time; `seen` is the version that was seen then. A later one may have been written since,
    /// by another request, without the store having lied.
    fn open(
        &self,
        id: &str,
        version: u64,
        bytes: &[u8],
        (seen, asked): (u64, Instant),
    ) -> Result<Versioned<T>, Problem> {
        let (record, weight) = self.unseal(id, version, bytes, seen)?;
        self.memory().remember(id, &record, weight, asked);
        Ok(record)
    }

    /// Opens a record without remembering it; also gives its weight.
    fn unseal(
        &self,
        id: &str,
        version: u64,
        bytes: &[u8],
        seen: u64,
    ) -> Result<(Versioned<T>, usize), Problem> {
        if version < seen {
            return Err(Problem::new(
                ProblemType::RecordRolledBack,
                format!(
                    "the store gave {}/{id} version {version}; this enclave has seen version {seen}",
                    T::KIND
                ),
            ));
        }
        let plaintext = sealing::open(&self.secrets.now(), &self.place(id, version), bytes)
            .map_err(|error| self.refused(id, version, &error))?;
        let value = T::decode(&plaintext).map_err(|error| invalid::<T>(id, version, &error))?;
        let record = Versioned {
            version,
            value: Arc::new(value),
        };
        Ok((record, weight(plaintext.len())))
    }

    /// Another enclave of the deployment may just have made a later epoch than those held.
    fn refused(&self, id: &str, version: u64, error: &OpenError) -> Problem {
        match error {
            OpenError::Epoch { found, .. } if self.secrets.ask_for_later(*found) => {
                let detail = format!(
                    "{}/{id} is sealed in epoch {found}, which this enclave is now fetching",
                    T::KIND
                );
                Problem::new(ProblemType::NotReady, detail).retry_after(1)
            }
            _ => invalid::<T>(id, version, &error.to_string()),
        }
    }

    fn place<'a>(&'a self, id: &'a str, version: u64) -> Place<'a> {
        Place {
            deployment: &self.deployment,
            kind: T::KIND,
            id,
            version,
        }
    }

    fn memory(&self) -> MutexGuard<'_, Memory<T>> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Record> Memory<T> {
    /// The record if it is cached, and the highest version seen.
    fn known(&mut self, id: &str) -> (Option<Versioned<T>>, u64) {
        (self.cache.get(id), self.seen.highest(id))
    }

    fn remember(&mut self, id: &str, record: &Versioned<T>, weight: usize, asked: Instant) {
        if let Some(expires_at) = record.value.expires_at() {
            self.expiries.see(id, expires_at);
        }
        // Two requests may open different versions at once, and the older one may finish last.
        if self.seen.see(id, record.version) {
            self.cache.insert(id, record.clone(), weight, asked);
        }
    }
}

/// About the memory that a cached record takes: twice its encoding for a key, and what the cache adds to it.
fn weight(encoded: usize) -> usize {
    2 * encoded + 1024
}

/// The epoch that a record names, which only opening it proves.
fn sealed_in<T: Record>(id: &str, version: u64, bytes: &[u8]) -> Result<Epoch, Problem> {
    let envelope = Envelope::decode(bytes);
    Ok(envelope
        .map_err(|error| invalid::<T>(id, version, &error.to_string()))?
        .epoch)
}

fn check_absence<T: Record>(id: &str, seen: u64) -> Result<(), Problem> {
    match seen {
        0 => Ok(()),
        seen => Err(lost::<T>(id, seen)),
    }
}

fn lost<T: Record>(id: &str, seen: u64) -> Problem {
    Problem::new(
        ProblemType::RecordLost,
        format!(
            "the store has no {}/{id}; this enclave has seen version {seen}",
            T::KIND
        ),
    )
}

fn unavailable(error: StoreClientError) -> Problem {
    Problem::new(ProblemType::StoreUnavailable, error.to_string()).retry_after(1)
}

fn invalid<T: Record>(id: &str, version: u64, error: &str) -> Problem {
    Problem::new(
        ProblemType::RecordInvalid,
        format!(
            "the record that the store gave as {}/{id} version {version} is refused: {error}",
            T::KIND
        ),
    )
}
