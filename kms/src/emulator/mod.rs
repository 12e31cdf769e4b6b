//! A KMS for **development**: the wire protocol, the key policies, the responses and the errors of AWS KMS, with keys
//! in a file. It protects nothing.
//!
//! - It speaks AWS JSON 1.1 over TLS, under a certificate authority of its own that the state directory keeps, and
//!   checks the Signature Version 4 of every request.
//! - It verifies the attestation document of a `Recipient` against configured roots and evaluates key policies for
//!   real, `kms:RecipientAttestation:*` and `kms:EncryptionContext:*` included: changed code and changed configuration are refused.
//! - Every change is on the disk before the response.
//!
//! | file of the state directory | what it is |
//! |---|---|
//! | `ca.pem`, `ca-key.pem` | what clients trust, and its key |
//! | `identities.toml` | who may call, with their access keys |
//! | `credentials` | the same access keys as AWS's SDKs read them |
//! | `keys.json` | the keys with their material, policies and aliases |
//! | `lock` | held while an emulator runs |
//!
//! What it does not do as AWS: no grants, no multi-Region, asymmetric or imported keys, no key rotation, no CloudTrail, no
//! IAM beyond "everything" or "nothing". What is missing is refused, never ignored.

mod actions;
mod authorization;
mod blob;
mod certificate;
mod clock;
mod cms;
mod emulator_error;
mod error;
mod files;
mod identity;
mod journal;
mod keys;
mod options;
mod provision;
mod recipient;
mod reference;
mod server;
mod service;
mod signature;
mod store;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use permafrost_common::kms::KeyArn;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use zeroize::Zeroizing;

pub use self::certificate::{CA_FILE, CA_KEY_FILE};
pub use self::cms::{ContentForm, Recipient};
pub use self::emulator_error::EmulatorError;
pub use self::identity::{
    ADMINISTRATOR, CREDENTIALS_FILE, ENCLAVE, IDENTITIES_FILE, Iam, Identity,
};
pub use self::journal::{Call, Failure};
pub use self::options::{ACCOUNT, EmulatorOptions, REGION};
pub use self::store::KEYS_FILE;

use self::certificate::Authority;
use self::clock::Clock;
use self::files::Lock;
use self::identity::Identities;
use self::server::Server;
use self::service::Service;
use self::store::Store;

/// What every start says.
pub const WARNING: &str =
    "this is a DEVELOPMENT KMS: its keys are in a file, and it protects nothing";

/// The name by which clients reach an emulator; it is in the server's certificate.
const HOST: &str = "localhost";

/// A development KMS that runs until it is stopped or dropped.
pub struct Emulator {
    address: SocketAddr,
    state: PathBuf,
    ca_pem: String,
    server: Arc<Server>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
    _lock: Lock,
}

impl Emulator {
    /// Starts an emulator: makes what is missing in the state directory, listens, and serves in the background.
    ///
    /// # Errors
    /// [`EmulatorError`]: the address, the state directory, or what lies in it.
    pub async fn start(options: EmulatorOptions) -> Result<Self, EmulatorError> {
        Self::start_at(options, clock::system()).await
    }

    async fn start_at(options: EmulatorOptions, clock: Clock) -> Result<Self, EmulatorError> {
        options.check()?;
        let EmulatorOptions {
            listen,
            state,
            roots,
            region,
            account,
        } = options;
        let lock = Lock::take(&state)?;
        let state = files::absolute(&state)?;
        let authority = Authority::load_or_make(&state)?;
        let identities = Identities::load_or_make(&state, &account)?;
        identities.write_credentials(&state)?;
        let store = Store::load(&state, &region, &account)?;
        let tls = authority.server(&region)?;
        let of_listen = |source| EmulatorError::Listen {
            address: listen,
            source,
        };
        let listener = TcpListener::bind(listen).await.map_err(of_listen)?;
        let address = listener.local_addr().map_err(of_listen)?;
        let service = Arc::new(Service::new(region, identities, roots, store, clock));
        let server = Arc::new(Server::new(service, tls));
        let stop = watch::Sender::new(false);
        let task = tokio::spawn(server.clone().run(listener, stop.subscribe()));
        tracing::warn!(%address, state = %state.display(), "{WARNING}");
        Ok(Self {
            address,
            state,
            ca_pem: authority.pem().to_owned(),
            server,
            stop,
            task,
            _lock: lock,
        })
    }

    /// Where it listens; the port is the one in use.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The DNS name to reach it by, with the port of [`Emulator::address`]: `localhost`. It is in the server's
    /// certificate, as are `kms.REGION.localhost`, 127.0.0.1 and ::1.
    pub fn endpoint_host(&self) -> String {
        HOST.to_owned()
    }

    /// `https://HOST:PORT`, as `AWS_ENDPOINT_URL_KMS` takes it.
    pub fn endpoint_url(&self) -> String {
        format!("https://{HOST}:{}", self.address.port())
    }

    /// The certificate of its authority, PEM: what clients must trust.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// The file of [`Emulator::ca_pem`], as `AWS_CA_BUNDLE` takes it.
    pub fn ca_path(&self) -> PathBuf {
        certificate::path(&self.state)
    }

    /// The file with the identities and their access keys.
    pub fn identities_path(&self) -> PathBuf {
        identity::path(&self.state)
    }

    /// The same access keys as `AWS_SHARED_CREDENTIALS_FILE` takes them, with a profile for each identity.
    pub fn credentials_path(&self) -> PathBuf {
        self.state.join(CREDENTIALS_FILE)
    }

    /// The state directory, absolute.
    pub fn state(&self) -> &Path {
        &self.state
    }

    /// The region of its keys.
    pub fn region(&self) -> &str {
        &self.server.service.region
    }

    /// An identity by its name, such as [`ADMINISTRATOR`] or [`ENCLAVE`].
    pub fn identity(&self, name: &str) -> Option<&Identity> {
        self.server.service.identities.named(name)
    }

    /// Makes a key, by default with the policy that leaves everything to IAM. No policy is checked, and this one may lock
    /// everyone out.
    ///
    /// # Errors
    /// [`EmulatorError::Policy`], [`EmulatorError::NoRandomness`], [`EmulatorError::NotKept`].
    pub async fn create_key(&self, policy: Option<&str>) -> Result<KeyArn, EmulatorError> {
        let policy = policy.map(str::to_owned);
        self.blocking(move |service| provision::create_key(service, policy.as_deref()))
            .await
    }

    /// Replaces a key's policy. No policy is checked, and the new one may lock everyone out.
    ///
    /// # Errors
    /// [`EmulatorError::Policy`], [`EmulatorError::NoSuchKey`], [`EmulatorError::NotKept`].
    pub async fn put_policy(&self, key: &KeyArn, policy: &str) -> Result<(), EmulatorError> {
        let (key, policy) = (key.clone(), policy.to_owned());
        self.blocking(move |service| provision::put_policy(service, &key, &policy))
            .await
    }

    /// What `Encrypt` would return if the key's policy allowed it. No policy is checked.
    ///
    /// # Errors
    /// [`EmulatorError::NoSuchKey`], [`EmulatorError::NotKept`].
    pub async fn encrypt(
        &self,
        key: &KeyArn,
        plaintext: &[u8],
        context: &BTreeMap<String, String>,
    ) -> Result<Vec<u8>, EmulatorError> {
        let (key, plaintext) = (key.clone(), Zeroizing::new(plaintext.to_vec()));
        let context = context.clone();
        self.blocking(move |service| provision::encrypt(service, &key, &plaintext, &context))
            .await
    }

    /// The plaintext of a ciphertext. No policy is checked: this is for tests that look for leaked secrets.
    ///
    /// # Errors
    /// [`EmulatorError::NotRevealed`]: another context, altered, or not made here.
    pub async fn reveal(
        &self,
        ciphertext: &[u8],
        context: &BTreeMap<String, String>,
    ) -> Result<Zeroizing<Vec<u8>>, EmulatorError> {
        let (ciphertext, context) = (ciphertext.to_vec(), context.clone());
        self.blocking(move |service| provision::reveal(service, &ciphertext, &context))
            .await
    }

    /// The calls handled so far, oldest first; the latest ten thousand.
    pub fn calls(&self) -> Vec<Call> {
        self.server.service.journal.calls()
    }

    /// Responds to the next `count` calls with an error, before it checks their signatures. Replaces the last such call;
    /// 0 ends it.
    pub fn fail_next(&self, count: usize, failure: Failure) {
        self.server.service.journal.fail_next(count, failure);
    }

    /// Waits this long before each response.
    pub fn set_latency(&self, latency: Duration) {
        self.server.set_latency(latency);
    }

    /// How `CiphertextForRecipient` is written from now on.
    pub fn set_content_form(&self, form: ContentForm) {
        self.server.service.set_content_form(form);
    }

    /// Stops: accepts nothing more, finishes what is under way within two seconds, frees the state directory.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        // It ends by itself, and a panic in it has been logged.
        let _ended = (&mut self.task).await;
    }

    /// Runs what writes files where it blocks no other task.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Service) -> Result<T, EmulatorError> + Send + 'static,
    ) -> Result<T, EmulatorError> {
        let service = self.server.service.clone();
        tokio::task::spawn_blocking(move || work(&service))
            .await
            .unwrap_or_else(|error| Err(EmulatorError::NotKept(error.to_string())))
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl fmt::Debug for Emulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emulator")
            .field("address", &self.address)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}
