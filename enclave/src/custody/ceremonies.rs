//! Ceremonies under way: in memory only, bounded, and forgotten after ten minutes or with the boot.
//!
//! A key exists, or has its new shares, when a ceremony is complete and its outcome is stored. Whatever happens before leaves nothing.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex as Table, MutexGuard, PoisonError};

use permafrost_common::api::split::{self as api, Ceremony, Certificate};
use permafrost_common::problem::{Problem, ProblemType};
use permafrost_frost::{Board, CeremonyError, Hex, Member, Message, Parameters, Share, State};
use rand_core::{CryptoRng, RngCore};
use tokio::sync::Mutex;

use super::cosigning::wrapped;
use crate::keys::WrappedShare;

/// How long a ceremony may take, in seconds.
pub(super) const LIFETIME_S: u64 = 600;

/// The most messages in one request: three from each of 32 participants.
pub(super) const MESSAGES_MAX: usize = 96;

/// What all ceremonies together may take, and those of one principal. A ceremony of n participants counts n squared: so many encrypted
/// shares it has, of some 150 bytes each.
const ROOM: usize = 65_536;
const ROOM_OF_ONE: usize = 4_096;

/// The ceremonies of one boot.
#[derive(Default)]
pub(super) struct Ceremonies {
    open: Table<HashMap<Hex<32>, Entry>>,
}

struct Entry {
    owner: String,
    key_id: Hex<22>,
    request_digest: [u8; 32],
    weight: usize,
    expires_at: u64,
    /// Whether its outcome is stored: it is only there to repeat its last response.
    is_over: bool,
    running: Arc<Mutex<Running>>,
}

/// One ceremony.
pub(super) struct Running {
    board: Board,
    /// The enclave's participants, once all others have committed.
    members: Vec<Member>,
    /// The enclave's shares that are refreshed, or dealt.
    old: Vec<Share>,
    /// The enclave's new shares, once all messages are there. Of no use before every participant has confirmed the result.
    shares: Vec<Share>,
    /// What the holders of the other new shares have encrypted, by the holder's place among the participants.
    wrapped: BTreeMap<usize, WrappedShare>,
    certificate: Option<Certificate>,
    /// The version of the key's record that the ceremony began with, or that it has written; 0: there is none yet.
    record_version: u64,
    request_digest: [u8; 32],
}

impl Ceremonies {
    /// The ceremony that this principal began for the key, if there is one; a problem if it was another request.
    pub(super) fn of_key(
        &self,
        owner: &str,
        key_id: Hex<22>,
        request_digest: &[u8; 32],
        now: u64,
    ) -> Result<Option<Arc<Mutex<Running>>>, Problem> {
        let mut open = self.open();
        open.retain(|_, entry| entry.expires_at > now);
        let mut of_key = open.values().filter(|entry| entry.is_of(key_id));
        match of_key.next() {
            None => Ok(None),
            Some(entry) if entry.owner == owner && entry.request_digest == *request_digest => {
                Ok(Some(Arc::clone(&entry.running)))
            }
            Some(_) => Err(Problem::new(
                ProblemType::KeyConflict,
                "another ceremony of this key is under way; accepted: to finish it or to abort it first",
            )),
        }
    }

    /// Begins a ceremony.
    pub(super) fn begin(
        &self,
        owner: &str,
        request_digest: [u8; 32],
        parameters: Parameters,
        (old, record_version): (Vec<Share>, u64),
    ) -> Result<Arc<Mutex<Running>>, Problem> {
        let weight = parameters.participants.len().pow(2);
        let (id, key_id, expires_at) = (parameters.id, parameters.key_id, parameters.expires_at);
        let running = Arc::new(Mutex::new(Running {
            board: Board::new(parameters).map_err(refused)?,
            members: Vec::new(),
            old,
            shares: Vec::new(),
            wrapped: BTreeMap::new(),
            certificate: None,
            record_version,
            request_digest,
        }));
        let mut open = self.open();
        let taken = |of: &dyn Fn(&Entry) -> bool| -> usize {
            let entries = open.values().filter(|entry| of(entry));
            entries.map(|entry| entry.weight).sum()
        };
        if taken(&|entry| entry.owner == owner) + weight > ROOM_OF_ONE {
            let detail = "too many ceremonies of this principal are under way; accepted: to finish or to abort one";
            return Err(Problem::new(ProblemType::TooMany, detail));
        }
        if taken(&|_| true) + weight > ROOM {
            let detail = "too many ceremonies are under way";
            return Err(Problem::new(ProblemType::Overloaded, detail).retry_after(60));
        }
        if open.values().any(|entry| entry.is_of(key_id)) {
            let detail = "another request began a ceremony of this key at the same time";
            return Err(Problem::new(ProblemType::KeyConflict, detail));
        }
        let entry = Entry {
            owner: owner.to_owned(),
            key_id,
            request_digest,
            weight,
            expires_at,
            is_over: false,
            running: Arc::clone(&running),
        };
        open.insert(id, entry);
        Ok(running)
    }

    /// The ceremony of this id, which nobody knows but those who were told, and the principal that began it.
    pub(super) fn find(
        &self,
        id: &str,
        now: u64,
    ) -> Result<(String, Arc<Mutex<Running>>), Problem> {
        let id: Option<Hex<32>> = id.parse().ok();
        let mut open = self.open();
        open.retain(|_, entry| entry.expires_at > now);
        id.and_then(|id| open.get(&id))
            .map(|entry| (entry.owner.clone(), Arc::clone(&entry.running)))
            .ok_or_else(not_found)
    }

    /// Lets another ceremony of the key begin: the outcome of this one is stored.
    pub(super) fn end(&self, id: Hex<32>) {
        if let Some(entry) = self.open().get_mut(&id) {
            entry.is_over = true;
        }
    }

    /// Forgets a ceremony with all its secrets.
    pub(super) fn forget(&self, id: Hex<32>) {
        self.open().remove(&id);
    }

    /// Forgets every ceremony of a key with all their secrets.
    pub(super) fn forget_of_key(&self, key_id: Hex<22>) {
        self.open().retain(|_, entry| entry.key_id != key_id);
    }

    fn open(&self) -> MutexGuard<'_, HashMap<Hex<32>, Entry>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    /// Whether it is under way for this key.
    fn is_of(&self, key_id: Hex<22>) -> bool {
        self.key_id == key_id && !self.is_over
    }
}

impl Running {
    /// Takes messages one after the other, and adds the enclave's as soon as they are due.
    ///
    /// # Errors
    /// The messages before the refused one stay. After `ceremony-failed` the ceremony is over.
    pub(super) fn advance(
        &mut self,
        messages: Vec<Message>,
        rng: &mut (impl CryptoRng + RngCore),
    ) -> Result<(), Problem> {
        for (index, message) in messages.into_iter().enumerate() {
            self.board.add(message).map_err(|error| match error {
                CeremonyError::Stranger { name } => Problem::field(
                    format!("/messages/{index}/participant"),
                    format!("{name:?}"),
                    "a participant of the ceremony",
                ),
                other => refused(other),
            })?;
            self.add_own(rng).map_err(refused)?;
        }
        Ok(())
    }

    /// The enclave commits last, so that no other participant can choose its polynomial by the enclave's.
    fn add_own(&mut self, rng: &mut (impl CryptoRng + RngCore)) -> Result<(), CeremonyError> {
        let own = self.board.of_the_enclave();
        if self.board.state() == State::Commitments && self.board.waits_for() == own {
            for name in &own {
                let takes = self.board.takes_old_share(name);
                let mut old = self.old.iter().filter(|old| takes && old.name() == name);
                let old = old.next().cloned();
                let member = Member::join(&mut self.board, name, None, old, rng)?;
                self.members.push(member);
            }
        }
        if self.board.state() == State::Shares {
            for member in &mut self.members {
                member.share(&mut self.board, None, rng)?;
            }
        }
        if self.board.state() == State::Confirmations && self.shares.is_empty() {
            let participants = self.board.parameters().participants.clone();
            let stays = |member: &&Member| participants.iter().any(|one| one.name == member.name());
            for member in self.members.iter().filter(stays) {
                self.shares
                    .push(member.conclude(&mut self.board, None, rng)?);
            }
        }
        Ok(())
    }

    pub(super) fn request_digest(&self) -> [u8; 32] {
        self.request_digest
    }

    /// Keeps wrapped shares until the outcome is stored, in the place of earlier ones of the same participants.
    pub(super) fn wrap(&mut self, sent: &[api::WrappedShare]) -> Result<(), Problem> {
        self.wrapped.extend(wrapped(self.parameters(), sent)?);
        Ok(())
    }

    /// The board, the enclave's shares and those that others have wrapped, if every participant has confirmed the result and it is not
    /// stored yet.
    pub(super) fn unstored(&self) -> Option<(&Board, &[Share], Vec<WrappedShare>)> {
        let is_new = self.board.state() == State::Complete && self.certificate.is_none();
        is_new.then(|| {
            let wrapped = self.wrapped.values().cloned();
            (&self.board, self.shares.as_slice(), wrapped.collect())
        })
    }

    /// Ends the ceremony: its outcome is stored, in this version of the key's record.
    pub(super) fn complete(&mut self, certificate: Certificate, record_version: u64) {
        self.certificate = Some(certificate);
        self.record_version = record_version;
        self.members.clear();
        self.old.clear();
        self.shares.clear();
        self.wrapped.clear();
    }

    pub(super) fn parameters(&self) -> &Parameters {
        self.board.parameters()
    }

    /// The ceremony as the API shows it.
    pub(super) fn view(&self) -> Ceremony {
        Ceremony {
            parameters: self.board.parameters().clone(),
            state: self.board.state(),
            waits_for: self.board.waits_for(),
            messages: self.board.messages(),
            record_version: self.record_version,
            certificate: self.certificate.clone(),
        }
    }
}

/// The problem for a ceremony that is not there, or not this principal's.
pub(super) fn not_found() -> Problem {
    let detail = "there is no such ceremony, or it is another principal's; begin another one";
    Problem::new(ProblemType::CeremonyNotFound, detail)
}

/// The problem for a message that a ceremony does not take.
pub(super) fn refused(error: CeremonyError) -> Problem {
    let kind = match error {
        CeremonyError::Invalid(field) => return field.into(),
        CeremonyError::Misbehaved { .. } => ProblemType::CeremonyFailed,
        CeremonyError::Unsigned { .. }
        | CeremonyError::OutOfTurn { .. }
        | CeremonyError::Contradiction { .. }
        | CeremonyError::Stranger { .. } => ProblemType::CeremonyMessageRefused,
        _ => ProblemType::Internal,
    };
    Problem::new(kind, error.to_string())
}
