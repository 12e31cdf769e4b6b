//! A million derived keys and a hundred thousand stored ones, on this machine: `scripts/scale` says what it measures and takes.
//!
//! The parent, the development KMS and the client are in this process, the enclave program in one of its own. What was done is kept in a
//! folder, and another run goes on from there.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a benchmark that cannot run should stop"
)]

use std::fs;
use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use permafrost::profile::Profile;
use permafrost::stack::{DevStack, StackOptions};
use permafrost_client::Principal;
use permafrost_common::api::batch::{BATCH_MAX, CreateKeys};
use permafrost_common::api::derived::{DERIVED_MAX, KeyPath};
use permafrost_common::api::{KeyFilter, SignRequest};
use serde_json::{Value, json};
use tokio::task::JoinSet;

/// How many keys there are when signatures are first measured.
const FEW: u64 = 1_000;

/// How many signatures are measured each time.
const SIGNATURES: usize = 2_000;

/// How many listings are measured.
const LISTINGS: usize = 50;

/// How many requests are on their way at once while keys are made or derived.
const AT_ONCE: usize = 4;

/// How many keys have the same label.
const LABELLED: u64 = BATCH_MAX as u64;

/// How many keys are made or derived before the progress is written.
const PIECE: u64 = 2_000;

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    // `cargo test --benches` only builds and starts it.
    if !arguments.iter().any(|argument| argument == "--bench") {
        return;
    }
    let value = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name);
        at.and_then(|at| arguments.get(at + 1)).expect(name).clone()
    };
    let number = |name: &str| value(name).parse::<u64>().expect("a number");
    let mut scale = Scale::start(
        Path::new(&value("--folder")),
        PathBuf::from(value("--enclave")),
    )
    .await;
    scale.derived(number("--derived")).await;
    scale.stored(number("--stored")).await;
    scale.measure(number("--derived"), number("--stored")).await;
    let enclave = scale.stack.stop().await;
    assert_eq!(enclave, 0, "connections were cut off");
}

/// The running stack, and what was done in its folder so far.
struct Scale {
    stack: DevStack,
    principal: Principal,
    folder: PathBuf,
    /// What was measured, by name; `derived` and `keys` are how far it came.
    done: Value,
    keys: Vec<Made>,
}

/// A stored key.
#[derive(Clone)]
struct Made {
    id: String,
    public_key: String,
}

impl Scale {
    async fn start(folder: &Path, enclave: PathBuf) -> Self {
        fs::create_dir_all(folder).expect("a folder");
        let options = StackOptions {
            state: folder.join("state"),
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            enclave: Some(enclave),
            page: None,
            enclave_log_to_stderr: false,
        };
        let mut stack = DevStack::start(&options).await.expect("a stack");
        let configuration = stack.state().enclave_config();
        let text = fs::read_to_string(&configuration).expect("a configuration");
        // The rate of a development stack is for people.
        let fast = text.replace(
            "requests_per_minute = 6000\n",
            "requests_per_minute = 60000000\n",
        );
        if fast != text {
            stack.stop().await;
            fs::write(&configuration, fast).expect("a configuration");
            stack = DevStack::start(&options).await.expect("a stack");
        }
        stack
            .wait_ready(Duration::from_secs(60))
            .await
            .expect("a ready enclave");
        let profile = Profile::read(&stack.state().profile()).expect("a profile");
        let principal = profile.principal().await.expect("a principal");
        let done = fs::read(folder.join("done.json")).ok();
        let keys = fs::read_to_string(folder.join("keys.txt")).unwrap_or_default();
        Self {
            stack,
            principal,
            folder: folder.to_owned(),
            done: done.map_or_else(
                || json!({}),
                |bytes| serde_json::from_slice(&bytes).expect("JSON"),
            ),
            // A last line that was cut has no end, and its batch is requested once more.
            keys: keys
                .split_inclusive('\n')
                .filter_map(|line| line.strip_suffix('\n')?.split_once(' '))
                .map(|(id, public_key)| Made {
                    id: id.to_owned(),
                    public_key: public_key.to_owned(),
                })
                .collect(),
        }
    }

    /// Derives so many users' keys. The rate is that of this run.
    async fn derived(&mut self, all: u64) {
        let begun = self.number("derived").min(all);
        if begun == 0 {
            self.signatures("derived", FEW.min(all), Self::derived_id)
                .await;
        }
        let progress = progress("derived keys", all, begun);
        let started = Instant::now();
        let mut next = begun;
        while next < all {
            let end = all.min(next + PIECE);
            let mut running = JoinSet::new();
            for from in (next..end).step_by(DERIVED_MAX) {
                let principal = self.principal.clone();
                let paths: Vec<KeyPath> = (from..end.min(from + DERIVED_MAX as u64))
                    .map(path)
                    .collect();
                running.spawn(async move {
                    let derived = principal.derive_keys(&paths).await.expect("derived");
                    assert_eq!(derived.keys.len(), paths.len());
                });
                if running.len() >= AT_ONCE {
                    running.join_next().await.expect("one").expect("no panic");
                }
            }
            running.join_all().await;
            progress.inc(end - next);
            next = end;
            let seconds = started.elapsed().as_secs_f64();
            self.keep("derived", json!(next));
            self.keep("derived_per_second", json!((next - begun) as f64 / seconds));
        }
        progress.finish_and_clear();
    }

    /// Makes keys until there are so many.
    async fn stored(&mut self, all: u64) {
        for target in [FEW.min(all), all] {
            self.make(target).await;
            if self.done.get("stored_at_1000").is_none() {
                let bytes = self.store_bytes();
                self.keep("store_bytes_at_1000", json!(bytes));
                self.signatures("stored", target, self.stored_id()).await;
            }
        }
    }

    async fn make(&mut self, target: u64) {
        // Whole batches: one that was written in part gives the same keys again.
        let kept = self.keys.len() as u64 / LABELLED * LABELLED;
        self.keys.truncate(kept as usize);
        let progress = progress("stored keys", target, kept.min(target));
        let started = Instant::now();
        while (self.keys.len() as u64) < target {
            let next = self.keys.len() as u64;
            let end = target.min(next + PIECE);
            let mut running = JoinSet::new();
            let mut made = Vec::new();
            for from in (next..end).step_by(BATCH_MAX) {
                let principal = self.principal.clone();
                let wanted = wanted(from, end.min(from + LABELLED));
                running.spawn(async move {
                    let once = format!("scale-{from}").parse().expect("a key");
                    let made = principal.create_keys(&wanted, &once).await;
                    (from, made.expect("made").keys)
                });
                if running.len() >= AT_ONCE {
                    made.push(running.join_next().await.expect("one").expect("no panic"));
                }
            }
            made.extend(running.join_all().await);
            made.sort_by_key(|(from, _)| *from);
            let keys = made.into_iter().flat_map(|(_, keys)| keys);
            self.keys.extend(keys.map(|key| Made {
                id: key.id,
                public_key: key.group_public_key,
            }));
            self.keep_keys();
            progress.inc(end - next);
            let seconds = started.elapsed().as_secs_f64();
            self.keep("stored_per_second", json!((end - kept) as f64 / seconds));
        }
        progress.finish_and_clear();
    }

    fn keep_keys(&self) {
        let line = |key: &Made| format!("{} {}\n", key.id, key.public_key);
        let lines: String = self.keys.iter().map(line).collect();
        fs::write(self.folder.join("keys.txt"), lines).expect("written");
    }

    /// Everything at the full number.
    async fn measure(&mut self, derived: u64, stored: u64) {
        self.signatures_of("derived_at_all", derived, Self::derived_id)
            .await;
        self.signatures_of("stored_at_all", stored, self.stored_id())
            .await;
        let mut ids: Vec<String> = self.keys.iter().map(|key| key.id.clone()).collect();
        ids.sort();
        // None of them is in the cache.
        let middle = |number: usize| ids[ids.len() / 4 + number * 199 % (ids.len() / 2)].clone();
        let from_the_middle = self.listings(100, |number| {
            let after = middle(number);
            (KeyFilter::default(), Some(after))
        });
        let from_the_middle = from_the_middle.await;
        self.keep("listing_of_100_from_the_middle", from_the_middle);
        let labels = stored / LABELLED;
        let of_a_label = self.listings(LABELLED as usize, |number| {
            let label = Some(label(number as u64 * 7 % labels * LABELLED));
            let filter = KeyFilter {
                label,
                ..KeyFilter::default()
            };
            (filter, None)
        });
        let of_a_label = of_a_label.await;
        self.keep("listing_of_100_with_a_label", of_a_label);
        let of_a_public_key = self.listings(1, |number| {
            let key = &self.keys[number * 7919 % self.keys.len()];
            let public_key = key.public_key.parse().expect("a public key");
            let filter = KeyFilter {
                group_public_key: Some(public_key),
                ..KeyFilter::default()
            };
            (filter, None)
        });
        let of_a_public_key = of_a_public_key.await;
        self.keep("listing_of_a_public_key", of_a_public_key);
        let bytes = self.store_bytes();
        self.keep("store_bytes", json!(bytes));
        self.keep("stored", json!(self.keys.len()));
        let pid = self.stack.enclave().pid.expect("an enclave");
        let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("its status");
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes: u64 = resident
            .and_then(|text| text.trim().strip_suffix(" kB")?.parse().ok())
            .expect("a number");
        self.keep("enclave_resident_bytes", json!(kilobytes * 1024));
    }

    /// Listings, one after the other, each of so many keys.
    async fn listings(
        &self,
        keys: usize,
        which: impl Fn(usize) -> (KeyFilter, Option<String>),
    ) -> Value {
        let mut latencies = Vec::with_capacity(LISTINGS);
        for number in 0..LISTINGS {
            let (filter, after) = which(number);
            let sent = Instant::now();
            let listing = self
                .principal
                .find_keys(&filter, after.as_deref(), Some(100));
            let listing = listing.await.expect("a listing");
            latencies.push(sent.elapsed());
            assert_eq!(listing.keys.len(), keys, "{filter:?}");
        }
        percentiles(latencies)
    }

    fn stored_id(&self) -> impl Fn(u64) -> String + use<> {
        let ids: Vec<String> = self.keys.iter().map(|key| key.id.clone()).collect();
        move |number| ids[number as usize].clone()
    }

    async fn signatures(&mut self, what: &str, keys: u64, id: impl Fn(u64) -> String) {
        self.signatures_of(&format!("{what}_at_1000"), keys, id)
            .await;
    }

    /// Signs with keys chosen at random, one request after the other; and asks for health in between, which takes the same way.
    async fn signatures_of(&mut self, name: &str, keys: u64, id: impl Fn(u64) -> String) {
        let digest = SignRequest::Digest {
            digest: "d1".repeat(32),
        };
        let mut seed = 7_u64;
        let (mut signatures, mut health) = (Vec::new(), Vec::new());
        for _ in 0..SIGNATURES {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let id = id((seed >> 20) % keys);
            let sent = Instant::now();
            self.principal.sign(&id, &digest).await.expect("signed");
            signatures.push(sent.elapsed());
            let sent = Instant::now();
            self.principal.enclave().health().await.expect("health");
            health.push(sent.elapsed());
        }
        self.keep(
            name,
            json!({"keys": keys, "sign": percentiles(signatures), "health": percentiles(health)}),
        );
    }

    fn derived_id(number: u64) -> String {
        path(number).parse().expect("a path").key_id()
    }

    fn store_bytes(&self) -> u64 {
        let store = self.stack.state().store();
        fs::metadata(store).expect("a store").len()
    }

    fn number(&self, name: &str) -> u64 {
        self.done
            .get(name)
            .and_then(Value::as_u64)
            .unwrap_or_default()
    }

    fn keep(&mut self, name: &str, value: Value) {
        self.done[name] = value;
        let (path, new) = (
            self.folder.join("done.json"),
            self.folder.join("done.json.new"),
        );
        let text = serde_json::to_vec_pretty(&self.done).expect("JSON");
        fs::write(&new, text)
            .and_then(|()| fs::rename(&new, &path))
            .expect("written");
    }
}

fn path(number: u64) -> KeyPath {
    KeyPath {
        purpose: "users".to_owned(),
        name: format!("user-{number}@example.com"),
        ..KeyPath::default()
    }
}

/// The batch of the keys with these numbers.
fn wanted(from: u64, end: u64) -> CreateKeys {
    CreateKeys {
        count: (end - from) as u16,
        threshold: 2,
        participants: ["alice", "bob", "carol"].map(str::to_owned).to_vec(),
        label: Some(label(from)),
    }
}

fn label(number: u64) -> String {
    format!("customer-{}", number / LABELLED)
}

fn percentiles(mut latencies: Vec<Duration>) -> Value {
    latencies.sort();
    let at = |percent: usize| latencies[(latencies.len() - 1) * percent / 100].as_micros() as u64;
    json!({"p50_us": at(50), "p99_us": at(99)})
}

fn progress(what: &'static str, all: u64, begun: u64) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(all)
        .with_position(begun)
        .with_message(what);
    let style = ProgressStyle::with_template(
        "{msg} {bar:40} {human_pos} of {human_len}  {per_sec}  {eta} left",
    );
    bar.set_style(style.expect("a template"));
    bar.reset_eta();
    bar
}
