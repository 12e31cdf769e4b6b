//! The development KMS, with one key for each deployment.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use permafrost_common::attestation::Measurements;
use permafrost_common::egress::Credentials;
use permafrost_common::kms::{KeyArn, encryption_context};
use permafrost_enclave::nsm::emulator::Measured as Emulated;
use permafrost_enclave::root::{RootName, RootRecord};
use permafrost_enclave::sealing::{RootSecret, RootSecrets};
use permafrost_kms::emulator::{Call, Emulator, EmulatorError, EmulatorOptions};
use permafrost_kms::policy::{GenerateOnly, Release};

use crate::{background, binaries, virtual_machine};

/// A development KMS that verifies documents of one emulated NSM.
#[derive(Clone)]
pub struct DevelopmentKms {
    options: EmulatorOptions,
    running: Option<Arc<Emulator>>,
}

/// How long another process may hold its address when it is started again.
const START: Duration = Duration::from_secs(10);

impl DevelopmentKms {
    /// Starts it with its state in `state`; attestation documents must lead to the root certificate at `root`, which need not exist
    /// yet.
    pub fn start(state: &Path, root: &Path) -> Self {
        Self::start_at(state, root, SocketAddr::from(([127, 0, 0, 1], 0)))
    }

    /// The same, at an address.
    pub fn start_at(state: &Path, root: &Path, listen: SocketAddr) -> Self {
        let mut options = EmulatorOptions::new(state);
        options.listen = listen;
        options.roots = vec![root.to_owned()];
        let emulator = start(&options).expect("a development KMS");
        options.listen = emulator.address();
        Self {
            options,
            running: Some(Arc::new(emulator)),
        }
    }

    /// Stops it. The test must not hold a clone of the emulator.
    pub fn stop(&mut self) {
        let running = self.running.take().expect("it runs");
        let emulator = Arc::into_inner(running).expect("no other clone exists");
        background::wait(emulator.stop());
    }

    /// Starts it again at the same address, with the same keys. It does not remember earlier calls.
    pub fn start_again(&mut self) {
        let started = Instant::now();
        let emulator = loop {
            match start(&self.options) {
                Ok(emulator) => break emulator,
                Err(error) => assert!(started.elapsed() < START, "{error}"),
            }
            std::thread::sleep(Duration::from_millis(20));
        };
        self.running = Some(Arc::new(emulator));
    }

    /// The emulator itself.
    pub fn emulator(&self) -> &Arc<Emulator> {
        self.running.as_ref().expect("it runs")
    }

    /// A new key, whose policy allows no use yet.
    pub fn new_key(&self) -> KeyArn {
        let emulator = Arc::clone(self.emulator());
        background::wait(async move { emulator.create_key(None).await }).expect("a key")
    }

    /// Puts a policy on a key, as its administrator.
    pub fn put_policy(&self, key: &KeyArn, policy: &str) {
        let (emulator, key, policy) = (Arc::clone(self.emulator()), key.clone(), policy.to_owned());
        background::wait(async move { emulator.put_policy(&key, &policy).await })
            .expect("an accepted policy");
    }

    /// Allows only the enclave program as built, with these configurations.
    pub fn allow(&self, key: &KeyArn, deployment: &str, configurations: &[&str]) {
        let releases = configurations
            .iter()
            .map(|configuration| measurements(configuration))
            .collect::<Vec<_>>();
        self.allow_releases(key, deployment, &releases);
    }

    /// Allows only the enclaves with these measurements.
    pub fn allow_releases(&self, key: &KeyArn, deployment: &str, releases: &[Measurements]) {
        self.put_policy(key, &self.generate_only(key, deployment, releases));
    }

    /// The generate-only policy for these measurements.
    pub fn generate_only(
        &self,
        key: &KeyArn,
        deployment: &str,
        releases: &[Measurements],
    ) -> String {
        let releases = releases.iter().enumerate().map(|(at, measurements)| {
            Release::new(&format!("release-{at}"), measurements).expect("a release")
        });
        GenerateOnly {
            releases: releases.collect(),
            roles: vec![self.identity("enclave").arn.clone()],
            administrators: vec![self.identity("administrator").arn.clone()],
            deployment: deployment.to_owned(),
            account: key.account().to_owned(),
            partition: key.partition().to_owned(),
        }
        .policy()
        .expect("a policy")
    }

    /// The sections `kms` and `root` of a measured configuration for this key; `root` is the last.
    pub fn section(&self, key: &KeyArn) -> String {
        format!(
            "[kms]\nkey_arn = \"{key}\"\nendpoint = \"{}:443\"\nroots = \"\"\"\n{}\"\"\"\n[root]\nepoch_settle_s = 0\n",
            self.host(),
            self.emulator().ca_pem()
        )
    }

    /// The host name under which enclaves know it.
    pub fn host(&self) -> String {
        format!("kms.{}.localhost", self.emulator().region())
    }

    /// A blob of a secret that someone knows, made by `Encrypt` while the policy allowed it.
    pub fn encrypt(&self, key: &KeyArn, deployment: &str, epoch: u32, secret: [u8; 32]) -> Vec<u8> {
        let context = encryption_context(deployment, epoch);
        let (emulator, key) = (Arc::clone(self.emulator()), key.clone());
        background::wait(async move { emulator.encrypt(&key, &secret, &context).await })
            .expect("a ciphertext")
    }

    /// The root secrets in a record of the root secret, which nothing outside the enclave can know except a test.
    pub fn root_secrets(&self, record: &[u8], version: u64) -> RootSecrets {
        let record = RootRecord::decode(record).expect("a record of the root secret");
        let context = encryption_context(&record.deployment, record.epoch);
        let (emulator, blob) = (Arc::clone(self.emulator()), record.blob.clone());
        let secret = background::wait(async move { emulator.reveal(&blob, &context).await });
        let secret: [u8; 32] = secret
            .expect("a data key")
            .as_slice()
            .try_into()
            .expect("32 bytes");
        let secret = RootSecret::new(secret.into());
        record
            .open(RootName::Deployment, secret, version, 1)
            .expect("its epochs")
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.emulator().address()
    }

    /// The credentials that the parent gives the enclave.
    pub fn credentials(&self) -> Credentials {
        let identity = self.identity("enclave");
        Credentials {
            access_key_id: identity.access_key_id.clone(),
            secret_access_key: identity.secret_access_key.to_string(),
            token: None,
            expiration: None,
        }
    }

    /// Every call handled so far.
    pub fn calls(&self) -> Vec<Call> {
        self.emulator().calls()
    }

    fn identity(&self, name: &str) -> &permafrost_kms::emulator::Identity {
        self.emulator()
            .identity(name)
            .expect("an identity of the first start")
    }
}

fn start(options: &EmulatorOptions) -> Result<Emulator, EmulatorError> {
    let options = options.clone();
    background::wait(async move { Emulator::start(options).await })
}

/// The measurements of the enclave program as built, with this configuration.
pub fn measurements(configuration: &str) -> Measurements {
    measurements_of(&binaries::enclave(), configuration)
}

/// The measurements of another enclave program, with this configuration.
pub fn measurements_of(program: &Path, configuration: &str) -> Measurements {
    if cfg!(feature = "booted") {
        return virtual_machine::image_measurements(program, configuration);
    }
    let program = std::fs::File::open(program).expect("the enclave program");
    let emulated = Emulated::of(program, configuration.as_bytes()).expect("measurements");
    emulated.measurements()
}

/// The line of a section `root` that names these releases as predecessors.
pub fn predecessors(releases: &[&Measurements]) -> String {
    let named = releases.iter().map(|release| {
        let pcr0 = release.get(0).expect("PCR0");
        format!("\"{}\"", hex::encode(pcr0))
    });
    let named: Vec<_> = named.collect();
    format!("predecessors = [{}]\n", named.join(", "))
}
