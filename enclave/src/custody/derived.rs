//! Derived keys: which principal may use which, and what is stored of them.

use std::collections::HashMap;

use permafrost_common::api::derived::{DERIVED_MAX, DeriveKeys, DerivedKeys, Wallet};
use permafrost_common::api::{Key, KeyStatus, SignRequest, Signed};
use permafrost_common::key_path::Path;
use permafrost_common::problem::{Problem, ProblemType};
use rand_core::OsRng;

use super::{ATTEMPTS, blocking};
use crate::derivation::{self, Bucket, DerivationError, Exception, Node, Place};
use crate::keys::{DerivedKey, KeyError, Network, Payload};
use crate::principal::Caller;
use crate::records::{PutError, Records, Resealed, Versioned};
use crate::sealing::HeldSecrets;

/// The derived keys of one deployment.
pub struct Derivation {
    exceptions: Records<Bucket>,
    secrets: HeldSecrets,
    deployment: String,
    network: Network,
}

impl Derivation {
    /// Keys derived from the derivation root of these secrets.
    pub fn new(
        exceptions: Records<Bucket>,
        secrets: HeldSecrets,
        deployment: String,
        network: Network,
    ) -> Self {
        Self {
            exceptions,
            secrets,
            deployment,
            network,
        }
    }

    /// Shows the keys of these paths. At most one round trip to the store for each bucket of exceptions.
    pub async fn derive(
        &self,
        caller: &Caller,
        request: DeriveKeys,
    ) -> Result<DerivedKeys, Problem> {
        let count = request.paths.len();
        if !(1..=DERIVED_MAX).contains(&count) {
            let accepted = "1 to 100 paths";
            return Err(Problem::field("/paths", format!("{count} paths"), accepted));
        }
        let mut paths = Vec::with_capacity(count);
        for (index, path) in request.paths.iter().enumerate() {
            let path = path.parse().map_err(|error| {
                let member = match error.part {
                    part @ ("chain" | "index") => format!("address/{part}"),
                    part => part.to_owned(),
                };
                let field = format!("/paths/{index}/{member}");
                Problem::field(field, error.came, error.accepted)
            })?;
            if !caller.policy.allows_path(&path) {
                let detail =
                    format!("the path {path} does not begin with one of those allowed (derived)");
                return Err(Problem::new(ProblemType::NotPermitted, detail));
            }
            paths.push(path);
        }
        let mut buckets: HashMap<String, Versioned<Bucket>> = HashMap::new();
        let mut wanted = Vec::with_capacity(count);
        for path in paths {
            let place = self.place(&path);
            let bucket = match buckets.get(&place.bucket) {
                Some(bucket) => bucket.clone(),
                None => self.bucket(&place).await?,
            };
            wanted.push((path, Found::at(&bucket, &place)));
            buckets.insert(place.bucket, bucket);
        }
        let (master, network) = (self.master()?, self.network);
        let keys = blocking(move || {
            let derive = |(path, found)| view(&master, path, found, network);
            wanted.into_iter().map(derive).collect()
        });
        Ok(DerivedKeys { keys: keys.await? })
    }

    /// Shows a key.
    pub(super) async fn show(&self, caller: &Caller, path: Path) -> Result<Key, Problem> {
        check_path(caller, &path)?;
        let found = self.found(caller, &path).await?;
        self.view(path, found).await
    }

    /// Signs. One round trip to the store, for an address two.
    pub(super) async fn sign(
        &self,
        caller: &Caller,
        path: Path,
        request: SignRequest,
    ) -> Result<Signed, Problem> {
        let payload = Payload::parse(request)?;
        caller.policy.check_payload(&payload)?;
        check_path(caller, &path)?;
        let Found {
            mut exception,
            version,
        } = self.found(caller, &path).await?;
        if path.address().is_some() {
            // The keys of addresses are disabled with the user's.
            let user = path.without_address();
            let user = self.found(caller, &user).await?.exception;
            if user.status != KeyStatus::Enabled {
                exception.status = user.status;
            }
        }
        let (master, network) = (self.master()?, self.network);
        blocking(move || {
            let key = DerivedKey::derive(&master, path, exception, network)?;
            Ok(Signed {
                record_version: version,
                ..key.sign(&payload, network, &mut OsRng)?
            })
        })
        .await
    }

    /// Gives a key other shares; its public key stays the same.
    pub(super) async fn rotate(&self, caller: &Caller, path: Path) -> Result<Key, Problem> {
        self.change(caller, path, |path, exception| {
            let path = || path.to_string();
            if exception.status != KeyStatus::Enabled {
                return Err(KeyError::DerivedDisabled { path: path() }.into());
            }
            let generation = exception.generation.checked_add(1).ok_or_else(|| {
                let detail = format!("the key {} was rotated {} times", path(), u32::MAX);
                Problem::new(ProblemType::KeyConflict, detail)
            })?;
            Ok(Exception {
                generation,
                ..exception
            })
        })
        .await
    }

    /// Disables a key for good; that of a user with the keys of all addresses.
    pub(super) async fn disable(&self, caller: &Caller, path: Path) -> Result<Key, Problem> {
        self.change(caller, path, |_, exception| {
            Ok(Exception {
                status: KeyStatus::Disabled,
                ..exception
            })
        })
        .await
    }

    /// The wallet of a key.
    pub async fn wallet(&self, caller: &Caller, id: &str) -> Result<Wallet, Problem> {
        let path = Path::of_key_id(id).filter(|path| path.address().is_none());
        let path = path.ok_or_else(|| {
            let detail = "only derived keys have a wallet; accepted: the id of one that is not that of an address";
            Problem::new(ProblemType::KeyCustody, detail)
        })?;
        check_path(caller, &path)?;
        let (master, coin) = (self.master()?, self.network.coin_type());
        let wallet = master
            .at(&path, coin)
            .and_then(|user| derivation::Wallet::of(&user, coin))
            .map_err(internal)?;
        Ok(Wallet {
            key_id: path.key_id(),
            receive: wallet.descriptor(0),
            change: wallet.descriptor(1),
            extended_public_key: wallet.extended_public_key,
        })
    }

    /// Reseals some of the exceptions in the newest epoch: those after the record `after`, or from the first. Only those of this derivation
    /// root: an enclave that made a first root secret at the same time as another, and was second, has left some that nothing opens.
    pub async fn reseal(&self, after: &str, limit: usize) -> Result<Resealed, Problem> {
        let ids = Place::buckets(self.secrets.now().derivation());
        let start = match after {
            "" => 0,
            after => ids
                .iter()
                .position(|id| id == after)
                .map_or(ids.len(), |at| at + 1),
        };
        let end = ids.len().min(start + limit);
        let these = ids.get(start..end).unwrap_or_default();
        let next = these.last().filter(|_| end < ids.len()).cloned();
        Ok(Resealed {
            next,
            ..self.exceptions.reseal_these(these).await?
        })
    }

    async fn change(
        &self,
        caller: &Caller,
        path: Path,
        change: impl Fn(&Path, Exception) -> Result<Exception, Problem>,
    ) -> Result<Key, Problem> {
        check_path(caller, &path)?;
        let place = self.place(&path);
        for _ in 0..ATTEMPTS {
            let bucket = self.bucket(&place).await?;
            caller.check_version(&path.key_id(), bucket.version)?;
            let before = Found::at(&bucket, &place);
            let exception = change(&path, before.exception)?;
            if exception == before.exception {
                return self.view(path, before).await;
            }
            let changed = bucket.value.with(&place, exception).ok_or_else(|| {
                let detail =
                    "too many derived keys are disabled or rotated already; nothing was done";
                Problem::new(ProblemType::TooMany, detail)
            })?;
            let put = self
                .exceptions
                .put(&place.bucket, Some(bucket.version), changed);
            match put.await {
                Ok(bucket) => return self.view(path, Found::at(&bucket, &place)).await,
                Err(PutError::Problem(problem)) => return Err(problem),
                Err(PutError::Conflict) => {}
            }
        }
        let detail = format!(
            "other requests changed derived keys during each of {ATTEMPTS} attempts; nothing was done"
        );
        Err(Problem::new(ProblemType::KeyConflict, detail))
    }

    async fn view(&self, path: Path, found: Found) -> Result<Key, Problem> {
        let (master, network) = (self.master()?, self.network);
        blocking(move || view(&master, path, found, network)).await
    }

    /// The exception of a path, from a record of no older version than the request demands.
    async fn found(&self, caller: &Caller, path: &Path) -> Result<Found, Problem> {
        let place = self.place(path);
        let found = Found::at(&self.bucket(&place).await?, &place);
        caller.check_version(&path.key_id(), found.version)?;
        Ok(found)
    }

    /// The exceptions among which that of a place is. They were stored before the record of the derivation root: without them nothing is
    /// derived.
    async fn bucket(&self, place: &Place) -> Result<Versioned<Bucket>, Problem> {
        let bucket = self.exceptions.get(&place.bucket).await?;
        bucket.ok_or_else(|| {
            let detail = format!(
                "the store has no derived/{}, which is older than the record of the root secret",
                place.bucket
            );
            Problem::new(ProblemType::RecordLost, detail)
        })
    }

    fn place(&self, path: &Path) -> Place {
        Place::of(self.secrets.now().derivation(), path)
    }

    fn master(&self) -> Result<Node, Problem> {
        Node::master(self.secrets.now().derivation(), &self.deployment).map_err(internal)
    }
}

/// How a derived key is, by a record of this version.
#[derive(Clone, Copy)]
struct Found {
    exception: Exception,
    version: u64,
}

impl Found {
    fn at(bucket: &Versioned<Bucket>, place: &Place) -> Self {
        Self {
            exception: bucket.value.at(place),
            version: bucket.version,
        }
    }
}

fn view(master: &Node, path: Path, found: Found, network: Network) -> Result<Key, KeyError> {
    Ok(Key {
        record_version: found.version,
        ..DerivedKey::derive(master, path, found.exception, network)?.view(network)?
    })
}

fn check_path(caller: &Caller, path: &Path) -> Result<(), Problem> {
    if caller.policy.allows_path(path) {
        return Ok(());
    }
    let id = path.key_id();
    let detail = format!("there is no key {id:?} that {} may use", caller.name);
    Err(Problem::new(ProblemType::KeyNotFound, detail))
}

fn internal(error: DerivationError) -> Problem {
    KeyError::from(error).into()
}
