//! What callers did with each key, and what a key does with what is asked of it.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex};

use permafrost_client::Principal;
use permafrost_common::api::{self, KeyStatus};
use permafrost_tests::history::{History, Sequential};
use permafrost_tests::{Random, is_signed_by, message, refusal};

/// How many keys are in use at a time: few, so that callers meet.
const IN_USE: usize = 4;

/// After so many operations a key is left alone.
const OPERATIONS: usize = 80;

/// A key's record, one operation after the other.
#[derive(Debug)]
pub(crate) struct KeyRecord;

/// What can be seen of it.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(crate) struct Seen {
    disabled: bool,
    label: Option<String>,
    generation: u32,
}

/// What is asked of a key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Call {
    Show,
    Sign,
    /// Each with another label, so that what is seen says which of them was carried out.
    Label(String),
    Rotate,
    Disable,
}

/// What callers are told.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Told {
    Key(Seen),
    SignedBy { generation: u32 },
    IsDisabled,
}

impl Sequential for KeyRecord {
    type State = Seen;
    type Call = Call;
    type Outcome = Told;

    fn apply(seen: &Seen, call: &Call) -> (Seen, Told) {
        let mut after = seen.clone();
        match call {
            Call::Sign | Call::Rotate if seen.disabled => return (after, Told::IsDisabled),
            Call::Sign => {
                let generation = seen.generation;
                return (after, Told::SignedBy { generation });
            }
            Call::Show => {}
            Call::Label(label) => after.label = Some(label.clone()),
            Call::Rotate => after.generation += 1,
            Call::Disable => after.disabled = true,
        }
        (after.clone(), Told::Key(after))
    }
}

impl Call {
    pub(crate) fn changes(&self) -> bool {
        !matches!(self, Self::Show | Self::Sign)
    }
}

impl From<&api::Key> for Seen {
    fn from(key: &api::Key) -> Self {
        Self {
            disabled: key.status == KeyStatus::Disabled,
            label: key.label.clone(),
            generation: key.generation,
        }
    }
}

/// A key whose making was acknowledged.
pub(crate) struct Known {
    pub(crate) key: api::Key,
    pub(crate) history: History<KeyRecord>,
    /// What was acknowledged, which has to be there at the end whatever else was.
    acknowledged: Mutex<Acknowledged>,
}

#[derive(Default)]
struct Acknowledged {
    changes: u32,
    disabled: bool,
    generation: u32,
}

/// All of them.
#[derive(Default)]
pub(crate) struct Keys {
    in_use: Mutex<Vec<Arc<Known>>>,
    all: Mutex<Vec<Arc<Known>>>,
}

impl Keys {
    /// One of those in use; `None` while there are too few.
    pub(crate) fn one(&self, random: &mut Random) -> Option<Arc<Known>> {
        let mut in_use = self.in_use.lock().unwrap();
        in_use.retain(|known| known.history.len() < OPERATIONS);
        (in_use.len() >= IN_USE).then(|| Arc::clone(random.one_of(&in_use)))
    }

    pub(crate) fn add(&self, key: api::Key) {
        let known = Arc::new(Known {
            history: History::of(Seen::from(&key)),
            acknowledged: Mutex::default(),
            key,
        });
        self.in_use.lock().unwrap().push(Arc::clone(&known));
        self.all.lock().unwrap().push(known);
    }

    /// Asks both enclaves for every key, now that nothing is killed any more: each change that was acknowledged is there, and each
    /// history is linearizable together with what is there.
    pub(crate) async fn examine(&self, enclaves: &[Principal]) -> Summary {
        let all = self.all.lock().unwrap().clone();
        let mut summary = Summary::default();
        for known in &all {
            for enclave in enclaves {
                known.is_kept_at(enclave).await;
            }
            let checked = known.history.check();
            assert!(
                checked.is_ok(),
                "{}: {}",
                known.key.id,
                checked.unwrap_err()
            );
            summary.keys += 1;
            summary.operations += known.history.len();
            let acknowledged = known.acknowledged.lock().unwrap();
            summary.changes += acknowledged.changes;
            summary.disabled += u32::from(acknowledged.disabled);
        }
        for enclave in enclaves {
            let made: BTreeSet<_> = all.iter().map(|known| known.key.id.clone()).collect();
            assert_eq!(made.len(), all.len(), "one key for each request");
            assert_eq!(listed(enclave).await, made);
        }
        summary
    }
}

impl Known {
    /// Remembers what a caller was told.
    pub(crate) fn told(&self, requested: u64, call: Call, told: Told) {
        let mut acknowledged = self.acknowledged.lock().unwrap();
        if let Told::Key(seen) = &told {
            acknowledged.changes += u32::from(call.changes());
            acknowledged.disabled |= seen.disabled;
            acknowledged.generation = acknowledged.generation.max(seen.generation);
        }
        drop(acknowledged);
        self.history.told(requested, call, told);
    }

    async fn is_kept_at(&self, enclave: &Principal) {
        let id = &self.key.id;
        let requested = self.history.request();
        let shown = enclave.key(id).await.unwrap();
        assert_eq!(shown.group_public_key, self.key.group_public_key);
        {
            let acknowledged = self.acknowledged.lock().unwrap();
            assert!(
                shown.status == KeyStatus::Disabled || !acknowledged.disabled,
                "{id} was disabled, and is no more"
            );
            assert!(shown.generation >= acknowledged.generation, "{id}");
        }
        self.told(requested, Call::Show, Told::Key(Seen::from(&shown)));
        let requested = self.history.request();
        let told = match shown.status {
            KeyStatus::Enabled => {
                let signed = enclave.sign(id, &message()).await.unwrap();
                assert!(is_signed_by(&signed, &self.key.group_public_key));
                Told::SignedBy {
                    generation: signed.generation,
                }
            }
            _ => {
                assert_eq!(refusal(enclave.sign(id, &message()).await), "key-disabled");
                Told::IsDisabled
            }
        };
        self.told(requested, Call::Sign, told);
    }
}

async fn listed(enclave: &Principal) -> BTreeSet<String> {
    let mut listed = BTreeSet::new();
    let mut after = None;
    loop {
        let page = enclave.list_keys(after.as_deref(), None).await.unwrap();
        listed.extend(page.keys.into_iter().map(|key| key.id));
        after = page.next;
        if after.is_none() {
            return listed;
        }
    }
}

/// What was examined.
#[derive(Default)]
pub(crate) struct Summary {
    pub(crate) keys: u32,
    pub(crate) operations: usize,
    pub(crate) changes: u32,
    pub(crate) disabled: u32,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} histories of {} operations are linearizable: {} acknowledged changes, {} keys disabled",
            self.keys, self.operations, self.changes, self.disabled
        )
    }
}
