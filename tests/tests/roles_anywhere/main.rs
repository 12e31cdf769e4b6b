//! Temporary credentials from IAM Roles Anywhere: the enclave's client against a stand-in that is not our code and checks certificates
//! and signatures as AWS documents them. AWS itself is not tried.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

mod enclaves;
mod requests;
mod sessions;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use permafrost_enclave::aws::roles_anywhere::{self, Authority, Resources};
use permafrost_enclave::aws::{Connector, Credentials, Egress};
use permafrost_enclave::clock::Clock;
use permafrost_tests::{LyingEgress, RolesAnywhere};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tempfile::TempDir;

const DEPLOYMENT: &str = "test";

/// The stand-in, and the enclave's client of it, behind the parent's egress.
struct Setting {
    stand_in: RolesAnywhere,
    client: roles_anywhere::RolesAnywhere,
    egress: LyingEgress,
    _folder: TempDir,
}

impl Setting {
    fn new() -> Self {
        let stand_in = RolesAnywhere::start(DEPLOYMENT);
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("egress.sock");
        let credentials = Credentials {
            access_key_id: "ASIAPARENTSEXAMPLE".to_owned(),
            secret_access_key: "s3cret".to_owned(),
            token: None,
            expiration: None,
        };
        let egress = LyingEgress::serve(&socket, stand_in.address(), credentials);
        let mut roots = RootCertStore::empty();
        roots
            .add(CertificateDer::from_pem_slice(stand_in.authority().as_bytes()).unwrap())
            .unwrap();
        let resources = Resources::new(
            RolesAnywhere::ANCHOR,
            RolesAnywhere::PROFILE,
            RolesAnywhere::ROLE,
        )
        .unwrap();
        let connector = Connector::new(
            resources.service(RolesAnywhere::HOST.to_owned(), 443),
            roots,
            Egress::new(format!("unix:{}", socket.display()).parse().unwrap()),
            Arc::new(Clock::starting_at(now() * 1000)),
        );
        let attempt = Duration::from_secs(20);
        Self {
            client: roles_anywhere::RolesAnywhere::new(connector.unwrap(), resources, attempt),
            stand_in,
            egress,
            _folder: folder,
        }
    }
}

/// In seconds since 1970.
fn now() -> u64 {
    SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs()
}

fn pem(authority: &Authority) -> String {
    let base64 = STANDARD.encode(authority.certificate());
    format!("-----BEGIN CERTIFICATE-----\n{base64}\n-----END CERTIFICATE-----\n")
}
