//! Keys with split custody: ceremonies that make and refresh them, and the enclave's parts of their signatures.

use std::sync::Arc;

use permafrost_common::api::split::{
    Ceremony, CeremonyMessages, Certificate, StartKeyGeneration, StartReshare,
};
use permafrost_common::http_signature::{AttestationDigest, SigningKey};
use permafrost_common::problem::{Problem, ProblemType};
use permafrost_frost::{
    CeremonyParticipant, Hex, Outcome, Parameters, Purpose, Share, State, check_split,
};
use rand_core::{OsRng, RngCore};
use tokio::sync::Mutex;

use super::Custody;
use super::ceremonies::{LIFETIME_S, MESSAGES_MAX, Running, not_found};
use super::reshare::{check_stays_needed, dealers, sha256_of_request};
use crate::keys::{HeldShares, KeyError, KeyId, KeyRecord, NewKey};
use crate::principal::Caller;
use crate::records::{PutError, Versioned};

/// What this boot signs the outcome of a ceremony with.
#[derive(Clone, Copy, Debug)]
pub struct BootIdentity<'a> {
    /// The boot key.
    pub key: &'a SigningKey,
    /// The document that binds it.
    pub document: &'a [u8],
    /// The digest of the document.
    pub attestation: AttestationDigest,
}

impl BootIdentity<'_> {
    fn digest(&self) -> Hex<32> {
        Hex(*self.attestation.as_bytes())
    }
}

impl Custody {
    /// Begins a ceremony that makes a key. Repeated with the same idempotency key, it gives the same ceremony or the key that came of it.
    pub async fn start_generation(
        &self,
        caller: &Caller,
        idempotency_key: &str,
        request: StartKeyGeneration,
        now: u64,
        boot: BootIdentity<'_>,
    ) -> Result<Ceremony, Problem> {
        check_split(request.threshold, &request.participants)?;
        let new = self.new_split_key(caller, idempotency_key, &request, now);
        let key_id = Hex(*new.id.as_bytes());
        if let Some(made) = self.records.get(&new.id.to_string()).await? {
            return match made.value.request_digest() == &new.request_digest {
                true => completed(&made),
                false => Err(Self::idempotency_key_reused()),
            };
        }
        let parameters = Parameters {
            id: random()?,
            purpose: Purpose::Generate,
            deployment: self.deployment.clone(),
            key_id,
            generation: 1,
            threshold: request.threshold,
            participants: request.participants,
            boot: boot.digest(),
            group_public_key: None,
            dealers: Vec::new(),
            expires_at: now + LIFETIME_S,
        };
        self.begin(caller, new.request_digest, parameters, (Vec::new(), 0), now)
            .await
    }

    /// Begins a ceremony that gives every participant of a key a new share, or gives the one that is under way.
    pub async fn start_refresh(
        &self,
        caller: &Caller,
        id: &str,
        now: u64,
        boot: BootIdentity<'_>,
    ) -> Result<Ceremony, Problem> {
        let Versioned {
            version,
            value: record,
        } = self.find(caller, id).await?;
        let held = record.held()?;
        record.check_enabled()?;
        let old = &held.certificate().outcome.parameters;
        let generation = next_generation(&record)?;
        // The generation tells one refresh from the next.
        let digest = super::sha256(&["refresh", id, &generation.to_string()]);
        let parameters = Parameters {
            id: random()?,
            purpose: Purpose::Refresh,
            generation,
            boot: boot.digest(),
            group_public_key: Some(held.certificate().outcome.group_public_key),
            dealers: Vec::new(),
            expires_at: now + LIFETIME_S,
            ..old.clone()
        };
        let before = (held.shares().to_vec(), version);
        self.begin(caller, digest, parameters, before, now).await
    }

    /// Begins a ceremony that gives shares of a key to these participants, or gives the one that is under way.
    pub async fn start_reshare(
        &self,
        caller: &Caller,
        id: &str,
        request: StartReshare,
        now: u64,
        boot: BootIdentity<'_>,
    ) -> Result<Ceremony, Problem> {
        check_split(request.threshold, &request.participants)?;
        let Versioned {
            version,
            value: record,
        } = self.find(caller, id).await?;
        let held = record.held()?;
        record.check_enabled()?;
        let old = &held.certificate().outcome;
        check_stays_needed(&old.parameters, &request)?;
        let dealers = dealers(old, &request.dealers)?;
        let generation = next_generation(&record)?;
        let digest = sha256_of_request(id, generation, &request);
        let parameters = Parameters {
            id: random()?,
            purpose: Purpose::Reshare,
            generation,
            threshold: request.threshold,
            participants: request.participants,
            boot: boot.digest(),
            group_public_key: Some(old.group_public_key),
            dealers,
            expires_at: now + LIFETIME_S,
            ..old.parameters.clone()
        };
        let before = (held.shares().to_vec(), version);
        self.begin(caller, digest, parameters, before, now).await
    }

    /// The ceremony that the same request began before, or a new one with these shares of the enclave's, from this version of the key's record.
    async fn begin(
        &self,
        caller: &Caller,
        request_digest: [u8; 32],
        parameters: Parameters,
        old: (Vec<Share>, u64),
        now: u64,
    ) -> Result<Ceremony, Problem> {
        let (owner, key_id) = (&caller.name, parameters.key_id);
        let before = self
            .ceremonies
            .of_key(owner, key_id, &request_digest, now)?;
        let running = match before {
            Some(running) => running,
            None => self
                .ceremonies
                .begin(owner, request_digest, parameters, old)?,
        };
        Ok(view(&running).await)
    }

    /// Takes messages of participants, and stores what the ceremony came to once all have confirmed it.
    pub async fn advance(
        &self,
        caller: &Caller,
        id: &str,
        CeremonyMessages {
            messages,
            wrapped_shares,
        }: CeremonyMessages,
        now: u64,
        boot: BootIdentity<'_>,
    ) -> Result<Ceremony, Problem> {
        if messages.len() > MESSAGES_MAX {
            return Err(Problem::field(
                "/messages",
                format!("{} messages", messages.len()),
                format!("at most {MESSAGES_MAX}"),
            ));
        }
        let (owner, running) = self.ceremonies.find(id, now)?;
        if !wrapped_shares.is_empty() {
            // Participants sign their messages, but nothing says whose a ciphertext is.
            if owner != caller.name {
                return Err(Problem::field(
                    "/wrapped_shares",
                    format!("{} shares", wrapped_shares.len()),
                    "none but from the principal that began the ceremony",
                ));
            }
            running.lock().await.wrap(&wrapped_shares)?;
        }
        let advanced = tokio::task::spawn_blocking({
            let running = Arc::clone(&running);
            move || running.blocking_lock().advance(messages, &mut OsRng)
        });
        let advanced = advanced
            .await
            .map_err(|error| Problem::new(ProblemType::Internal, error.to_string()))?;
        if let Err(problem) = advanced {
            let over = [ProblemType::CeremonyFailed, ProblemType::Internal];
            if problem.kind().is_some_and(|kind| over.contains(&kind)) {
                self.ceremonies.forget(running.lock().await.parameters().id);
            }
            return Err(problem);
        }
        // Locked until it is stored: of two last confirmations at once, the second finds it done.
        let mut running = running.lock().await;
        if let Some(held) = unstored(&running, boot)? {
            let id = running.parameters().id;
            match self.store(owner, held, now).await {
                Ok(stored) => {
                    self.ceremonies.end(id);
                    let certificate = stored.value.certificate()?.clone();
                    running.complete(certificate, stored.version);
                }
                Err(problem) => {
                    // What others changed meanwhile does not change back.
                    if problem.kind() != Some(ProblemType::StoreUnavailable) {
                        self.ceremonies.forget(id);
                    }
                    return Err(problem);
                }
            }
        }
        Ok(running.view())
    }

    /// A ceremony.
    pub async fn show_ceremony(&self, id: &str, now: u64) -> Result<Ceremony, Problem> {
        let (_, running) = self.ceremonies.find(id, now)?;
        Ok(view(&running).await)
    }

    /// Ends a ceremony that the caller began: nothing of it is kept. A key that it made, or shares that it refreshed, stay.
    pub async fn abort_ceremony(
        &self,
        caller: &Caller,
        id: &str,
        now: u64,
    ) -> Result<Ceremony, Problem> {
        let (owner, running) = self.ceremonies.find(id, now)?;
        if owner != caller.name {
            return Err(not_found());
        }
        let last = view(&running).await;
        self.ceremonies.forget(last.parameters.id);
        Ok(last)
    }

    /// Writes the enclave's shares: of a new key, or in the place of those that were refreshed.
    async fn store(
        &self,
        owner: String,
        (held, request_digest): (HeldShares, [u8; 32]),
        now: u64,
    ) -> Result<Versioned<KeyRecord>, Problem> {
        let parameters = &held.certificate().outcome.parameters;
        let id = KeyId::from_bytes(parameters.key_id.0);
        if parameters.purpose == Purpose::Generate {
            let new = NewKey {
                id,
                owner,
                label: None,
                created_at: now,
                request_digest,
            };
            let outcome = held.certificate().outcome.clone();
            let record = KeyRecord::from_ceremony(new.clone(), held);
            let made = self.put_new(&new, record).await?;
            return match is_from(&made.value, &outcome) {
                true => Ok(made),
                false => Err(Problem::new(
                    ProblemType::KeyConflict,
                    "another ceremony of the same request made the key first",
                )),
            };
        }
        let outcome = held.certificate().outcome.clone();
        // Who may change the key was decided when the ceremony began.
        let old = self.record(id).await?.ok_or_else(|| {
            let detail = format!("there is no key {id}");
            Problem::new(ProblemType::KeyNotFound, detail)
        })?;
        if is_from(&old.value, &outcome) {
            return Ok(old);
        }
        let conflict = || {
            let detail = format!(
                "another request changed key {id} meanwhile; the new shares of this ceremony are not stored"
            );
            Problem::new(ProblemType::KeyConflict, detail)
        };
        // Another enclave of the deployment may have refreshed it first.
        let next = old.value.generation().checked_add(1);
        if next != Some(outcome.parameters.generation) {
            return Err(conflict());
        }
        let refreshed = old.value.refreshed(held)?;
        let name = id.to_string();
        match self.records.put(&name, Some(old.version), refreshed).await {
            Ok(stored) => Ok(stored),
            Err(PutError::Problem(problem)) => Err(problem),
            // A store that has written, and says this of its own write, is not to make clients drop the shares that now sign.
            Err(PutError::Conflict) => match self.record(id).await? {
                Some(now) if is_from(&now.value, &outcome) => Ok(now),
                _ => Err(conflict()),
            },
        }
    }

    fn new_split_key(
        &self,
        caller: &Caller,
        idempotency_key: &str,
        request: &StartKeyGeneration,
        now: u64,
    ) -> NewKey {
        let threshold = request.threshold.to_string();
        let mut parts = vec!["split".to_owned(), threshold];
        for CeremonyParticipant { name, public_key } in &request.participants {
            parts.push(name.clone());
            parts.push(public_key.map_or_else(String::new, |key| key.to_string()));
        }
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        self.new_key(caller, &caller.name, idempotency_key, &parts, now)
    }
}

fn next_generation(record: &KeyRecord) -> Result<u32, KeyError> {
    let id = record.id();
    let next = record.generation().checked_add(1);
    next.ok_or(KeyError::GenerationExhausted { id })
}

/// Whether the key's shares come from this ceremony.
fn is_from(record: &KeyRecord, outcome: &Outcome) -> bool {
    record
        .certificate()
        .is_ok_and(|certificate| certificate.outcome == *outcome)
}

/// What a complete ceremony came to, with the enclave's signature, if it is not stored yet.
fn unstored(
    running: &Running,
    boot: BootIdentity<'_>,
) -> Result<Option<(HeldShares, [u8; 32])>, Problem> {
    let Some((board, shares, wrapped)) = running.unstored() else {
        return Ok(None);
    };
    let internal = |error: String| Problem::new(ProblemType::Internal, error);
    let outcome = board
        .outcome()
        .ok_or_else(|| internal("a complete ceremony has no result".to_owned()))?;
    let certificate = Certificate::issue(
        outcome.clone(),
        board.confirmations(),
        boot.document,
        boot.key,
    );
    let certificate = certificate.map_err(|error| internal(error.to_string()))?;
    let held = HeldShares::new(shares.to_vec(), certificate)
        .and_then(|held| held.with_wrapped(wrapped))
        .map_err(KeyError::from)?;
    Ok(Some((held, running.request_digest())))
}

fn completed(made: &Versioned<KeyRecord>) -> Result<Ceremony, Problem> {
    let certificate = made.value.certificate()?.clone();
    Ok(Ceremony {
        parameters: certificate.outcome.parameters.clone(),
        state: State::Complete,
        waits_for: Vec::new(),
        messages: Vec::new(),
        record_version: made.version,
        certificate: Some(certificate),
    })
}

async fn view(running: &Mutex<Running>) -> Ceremony {
    running.lock().await.view()
}

fn random() -> Result<Hex<32>, Problem> {
    let mut bytes = [0; 32];
    OsRng
        .try_fill_bytes(&mut bytes)
        .map_err(|error| Problem::new(ProblemType::Internal, error.to_string()))?;
    Ok(Hex(bytes))
}
