//! A real enclave whose parent instance lies: its store, its proxy, and its power over the process.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use permafrost_client::{
    Client, Enclave, Error, Expectation, IdempotencyKey, Principal, RootCertificate, SigningKey,
};
use permafrost_common::api::{CreateKey, Key, SignRequest, Signed};
use permafrost_common::kms::KeyArn;
use permafrost_common::problem::{Problem, ProblemType};
use tempfile::TempDir;

use crate::development_kms::{measurements, predecessors};
use crate::{
    Cut, DevelopmentKms, EnclaveProcess, KmsRequest, KmsResponse, LyingEgress, LyingKms,
    LyingProxy, LyingStore, Measured, ParentSide, Presented, SharedParent,
};

/// A real enclave between a store, an egress proxy and a proxy that can lie.
pub struct LyingParent {
    /// The enclave.
    pub enclave: EnclaveProcess,
    /// The store.
    pub store: LyingStore,
    /// The egress proxy.
    pub egress: LyingEgress,
    /// The proxy.
    pub proxy: LyingProxy,
    /// The KMS, which does not lie.
    pub kms: DevelopmentKms,
    /// The key of the measured configuration.
    pub key_arn: KeyArn,
    measured: Measured,
    folder: Arc<TempDir>,
}

impl LyingParent {
    /// With the principals `alice` and `bob`.
    pub async fn start() -> Self {
        Self::with(Measured::new("test")).await
    }

    /// With this configuration.
    pub async fn with(measured: Measured) -> Self {
        let parent = Self::within(Start::new(), measured).await;
        parent.enclave.wait_until_ready();
        parent
    }

    /// With this configuration, for a test that leaves the enclave serving.
    pub async fn shared(measured: Measured) -> SharedParent {
        SharedParent::take(measured).await
    }

    /// With an egress proxy that leads nowhere yet: the enclave has never spoken to KMS.
    pub async fn before_kms() -> Self {
        let cut = Some(Cut::AtOnce);
        Self::within(
            Start {
                cut,
                ..Start::new()
            },
            Measured::new("test"),
        )
        .await
    }

    /// In debug mode, with a key policy that knows the enclave's measurements.
    pub async fn in_refused_debug_mode() -> Self {
        let measured = Measured::new("test").allowing_debug_mode();
        let arguments = &["--debug-mode"];
        Self::within(
            Start {
                arguments,
                ..Start::new()
            },
            measured,
        )
        .await
    }

    /// With an enclave in debug mode, to which KMS gives a root secret nevertheless.
    pub async fn in_debug_mode() -> Self {
        let parent = Self::in_refused_debug_mode().await;
        let roles = r#"{"AWS": "arn:aws:iam::111122223333:role/enclave"}"#;
        let policy = format!(
            r#"{{"Version": "2012-10-17", "Statement": {{"Effect": "Allow", "Principal": {roles},
                "Action": ["kms:GenerateDataKey", "kms:Decrypt"], "Resource": "*"}}}}"#
        );
        parent.kms.put_policy(&parent.key_arn, &policy);
        parent.enclave.wait_until_ready();
        parent
    }

    /// A second deployment in the same folder, with the same emulator state and the same KMS: the same root certificates, but another
    /// configuration and another key.
    pub async fn neighbour(&self, measured: Measured) -> Self {
        static NEIGHBOURS: AtomicU32 = AtomicU32::new(0);
        let name = format!("neighbour{}", NEIGHBOURS.fetch_add(1, Ordering::Relaxed));
        self.enclave
            .copy_state(&self.folder.path().join(&name).join("state"));
        let start = Start {
            folder: Arc::clone(&self.folder),
            name: &name,
            kms: Some(self.kms.clone()),
            ..Start::new()
        };
        let neighbour = Self::within(start, measured).await;
        neighbour.enclave.wait_until_ready();
        neighbour
    }

    async fn within(start: Start<'_>, measured: Measured) -> Self {
        let Start {
            folder,
            name,
            kms,
            arguments,
            cut,
        } = start;
        let place = folder.path().join(name);
        std::fs::create_dir_all(&place).expect("a folder");
        let kms = kms.unwrap_or_else(|| {
            DevelopmentKms::start(
                &place.join("kms"),
                &place.join("state/development-root.pem"),
            )
        });
        let key_arn = kms.new_key();
        let configuration = measured.to_toml(&kms.section(&key_arn));
        kms.allow(&key_arn, measured.deployment(), &[&configuration]);
        let store = LyingStore::serve(&place.join(STORE));
        let egress = LyingEgress::serve(&place.join(EGRESS), kms.address(), kms.credentials());
        if let Some(cut) = cut {
            egress.cut(cut);
        }
        let enclave = EnclaveProcess::start(&place, &configuration, &side(&place), arguments);
        let proxy = LyingProxy::serve(&place.join("enclave.sock"));
        Self {
            enclave,
            store,
            egress,
            proxy,
            kms,
            key_arn,
            measured,
            folder,
        }
    }

    /// Another enclave of the same deployment, with the same store and the same egress proxy, in a folder of its own. It
    /// listens; it may not be ready yet.
    pub fn second_enclave(
        &self,
        name: &str,
        program: &Path,
        configuration: &str,
    ) -> EnclaveProcess {
        let place = self.folder.path().join(name);
        self.enclave.copy_state(&place.join("state"));
        let first = self.enclave.state();
        let side = side(first.parent().expect("a folder"));
        EnclaveProcess::start_program(program, &place, configuration, &side, &[])
    }

    /// The fork: a copy of the store as it is now, and on it a second enclave of the same image and configuration, ready. KMS serves both.
    pub fn forked_enclave(&self, name: &str) -> Fork {
        let place = self.folder.path().join(name);
        self.enclave.copy_state(&place.join("state"));
        let store = self.store.copied_to(&place.join(STORE));
        let first = self.enclave.state();
        let beside = side(first.parent().expect("a folder"));
        let side = ParentSide {
            store: side(&place).store,
            ..beside
        };
        let enclave = EnclaveProcess::start(&place, &self.configuration(), &side, &[]);
        enclave.wait_until_ready();
        Fork { enclave, store }
    }

    /// A server of the parent's that impersonates this KMS.
    pub fn lying_kms(
        &self,
        presented: Presented,
        response: impl Fn(&KmsRequest) -> KmsResponse + Send + Sync + 'static,
    ) -> LyingKms {
        let root = self.enclave.state().join("development-root.pem");
        let state = self.kms.emulator().state();
        LyingKms::start(state, &root, &self.kms.host(), presented, response)
    }

    /// The measured configuration.
    pub fn configuration(&self) -> String {
        self.configuration_with("")
    }

    /// The measured configuration with further lines in its section `root`, each with its end of line.
    pub fn configuration_with(&self, lines: &str) -> String {
        let section = self.kms.section(&self.key_arn);
        self.measured.to_toml(&format!("{section}{lines}"))
    }

    /// From the next boot on, the measured configuration has these lines in its section `root`, each with its end of line; KMS admits it, and
    /// it accepts the root secret of the one before.
    pub fn reconfigure(&self, lines: &str) {
        let before = self.configuration();
        let lines = format!("{lines}{}", predecessors(&[&measurements(&before)]));
        let after = self.configuration_with(&lines);
        self.kms.allow(
            &self.key_arn,
            self.measured.deployment(),
            &[&before, &after],
        );
        self.enclave.configure(&after);
    }

    /// Where everything is.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What a client of this deployment trusts.
    pub fn expectation(&self) -> Expectation {
        let root = RootCertificate::from_pem(&self.enclave.root_pem()).expect("a root");
        Expectation::any_measurements().root_certificate(root)
    }

    /// A client's connection through the proxy.
    pub fn client(&self) -> Client {
        Client::new(self.proxy.endpoint().parse().expect("an endpoint"))
    }

    /// The enclave as a client has verified it, through the proxy.
    pub async fn verified(&self) -> Enclave {
        let verified = self.client().verify(&self.expectation()).await;
        verified.expect("the enclave verifies")
    }

    /// A principal of the configuration, through the proxy.
    pub async fn principal(&self, name: &str) -> Principal {
        let enclave = self.verified().await;
        enclave
            .as_principal(name, self.key(name))
            .expect("a principal")
    }

    /// An enclave as a client has verified it, without the proxy.
    pub async fn verified_at(&self, enclave: &EnclaveProcess) -> Enclave {
        let client = Client::new(enclave.address().parse().expect("an endpoint"));
        let verified = client.verify(&self.expectation()).await;
        verified.expect("the enclave verifies")
    }

    /// A principal of the configuration, straight to an enclave.
    pub async fn principal_at(&self, enclave: &EnclaveProcess, name: &str) -> Principal {
        let enclave = self.verified_at(enclave).await;
        enclave
            .as_principal(name, self.key(name))
            .expect("a principal")
    }

    /// The key of a principal of the configuration.
    pub fn key(&self, name: &str) -> SigningKey {
        let pkcs8 = self.measured.key(name).to_pkcs8().expect("PKCS #8");
        SigningKey::from_pkcs8(&pkcs8).expect("a key")
    }
}

/// A second enclave on a copy of the store: what the first one does after the copy, it never learns.
pub struct Fork {
    /// The second enclave.
    pub enclave: EnclaveProcess,
    /// The copy.
    pub store: LyingStore,
}

/// The parent's side for an enclave in this folder.
fn side(place: &Path) -> ParentSide {
    ParentSide {
        store: format!("unix:{}", place.join(STORE).display()),
        egress: format!("unix:{}", place.join(EGRESS).display()),
    }
}

const STORE: &str = "store.sock";
const EGRESS: &str = "egress.sock";

/// A new 2-of-3 key.
pub async fn new_key(principal: &Principal) -> Key {
    let idempotency_key = IdempotencyKey::random().expect("random bytes");
    let made = principal
        .create_key(&two_of_three(), &idempotency_key)
        .await;
    made.expect("a key")
}

/// How to start an enclave.
struct Start<'a> {
    folder: Arc<TempDir>,
    name: &'a str,
    kms: Option<DevelopmentKms>,
    arguments: &'a [&'a str],
    cut: Option<Cut>,
}

impl Start<'_> {
    fn new() -> Self {
        Self {
            folder: Arc::new(tempfile::tempdir().expect("a folder")),
            name: "only",
            kms: None,
            arguments: &[],
            cut: None,
        }
    }
}

/// The request for a 2-of-3 key.
pub fn two_of_three() -> CreateKey {
    CreateKey {
        threshold: 2,
        participants: ["one", "two", "three"].map(String::from).to_vec(),
        label: None,
    }
}

/// A message to sign.
pub fn message() -> SignRequest {
    SignRequest::Message {
        message: hex::encode(MESSAGE),
    }
}

/// The bytes of [`message`].
pub const MESSAGE: &[u8] = b"a message that is not a digest";

/// Whether libsecp256k1 accepts the signature over [`MESSAGE`] by this key.
pub fn is_signed_by(signed: &Signed, group_public_key: &str) -> bool {
    let key: [u8; 32] = hex::decode(group_public_key)
        .ok()
        .and_then(|bytes| bytes.try_into().ok())
        .expect("32 bytes of hex");
    let signature: [u8; 64] = hex::decode(&signed.signature)
        .ok()
        .and_then(|bytes| bytes.try_into().ok())
        .expect("64 bytes of hex");
    let key = secp256k1::XOnlyPublicKey::from_byte_array(key).expect("a point");
    let signature = secp256k1::schnorr::Signature::from_byte_array(signature);
    secp256k1::schnorr::verify(&signature, MESSAGE, &key).is_ok()
}

/// The slug of a client's error: of a problem that the enclave signed, or of the client library's own refusal.
pub fn refusal<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    let error = result.expect_err("a refusal");
    let problem = error.problem().and_then(Problem::kind);
    problem.map_or(error.slug(), ProblemType::slug).to_owned()
}
