//! Two pairs of a parent and an enclave, of one deployment on one store.

use std::fs;
use std::path::Path;

use permafrost_client::{Client, Expectation, Principal, RootCertificate, SigningKey};
use permafrost_tests::{
    DevelopmentKms, EnclaveProcess, Measured, ParentProcess, ParentSide, measurements,
};
use tempfile::TempDir;

pub(crate) const PAIRS: usize = 2;

/// Both pairs. They end with this value.
pub(crate) struct Pairs {
    pub(crate) each: [Pair; PAIRS],
    measured: Measured,
    _kms: DevelopmentKms,
    _folder: TempDir,
}

/// A parent and its enclave, each a process that can be killed and started again.
pub(crate) struct Pair {
    pub(crate) enclave: EnclaveProcess,
    pub(crate) parent: ParentProcess,
}

impl Pairs {
    /// Starts them on the store that these lines of the parents' section `store` name.
    pub(crate) fn start(store: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let [first, second] = ["first", "second"].map(|name| folder.path().join(name));
        let root = first.join("state/development-root.pem");
        let kms = DevelopmentKms::start(&folder.path().join("kms"), &root);
        let measured = Measured::new("kills");
        let key_arn = kms.new_key();
        let configuration = measured.to_toml(&kms.section(&key_arn));
        kms.allow_releases(&key_arn, "kills", &[measurements(&configuration)]);
        let start = |place: &Path| Pair::start(place, store, &kms, &configuration);
        let first = start(&first);
        // Both have an emulated NSM under the same root certificate.
        first.enclave.copy_state(&second.join("state"));
        let pairs = Self {
            each: [first, start(&second)],
            measured,
            _kms: kms,
            _folder: folder,
        };
        for pair in &pairs.each {
            pair.enclave.wait_until_ready();
        }
        pairs
    }

    /// A principal as it uses each of the enclaves.
    pub(crate) async fn principals(&self) -> [Principal; PAIRS] {
        let root = RootCertificate::from_pem(&self.each[0].enclave.root_pem()).expect("a root");
        let expectation = Expectation::any_measurements().root_certificate(root);
        let mut principals = Vec::new();
        for pair in &self.each {
            let client = Client::new(pair.parent.endpoint().parse().expect("an endpoint"));
            let enclave = client.verify(&expectation).await.expect("it verifies");
            let pkcs8 = self.measured.key("alice").to_pkcs8().expect("PKCS #8");
            let key = SigningKey::from_pkcs8(&pkcs8).expect("a key");
            principals.push(enclave.as_principal("alice", key).expect("a principal"));
        }
        principals.try_into().unwrap_or_else(|_| unreachable!())
    }
}

impl Pair {
    fn start(place: &Path, store: &str, kms: &DevelopmentKms, configuration: &str) -> Self {
        fs::create_dir_all(place).expect("a folder");
        let socket = |name: &str| format!("unix:{}/{name}.sock", place.display());
        let side = ParentSide {
            store: socket("store"),
            egress: socket("egress"),
        };
        let mut parent = ParentProcess::in_folder(place, kms);
        parent.configure(&format!(
            "[[enclave]]\naddress = \"{}\"\n\
             [store]\nlisten = \"{}\"\n{store}\
             [enclave_log]\nlisten = \"{}\"\n\
             [egress]\nlisten = \"{}\"\n\
             [[egress.allow]]\nhost = \"{}\"\nport = 443\naddresses = [\"{}\"]\n",
            EnclaveProcess::address_in(place),
            side.store,
            socket("log"),
            side.egress,
            kms.host(),
            kms.address(),
        ));
        let enclave = EnclaveProcess::start(place, configuration, &side, &[]);
        parent.restart();
        Self { enclave, parent }
    }
}
