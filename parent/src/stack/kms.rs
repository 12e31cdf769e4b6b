//! The development KMS of a stack, with the one key that the stack's enclave gets its root secret from.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use permafrost_common::attestation::{Measurements, MeasurementsError};
use permafrost_common::egress::Credentials;
use permafrost_common::kms::KeyArn;
use permafrost_kms::emulator::{
    ADMINISTRATOR, ENCLAVE, Emulator, EmulatorError, EmulatorOptions, Identity,
};
use permafrost_kms::policy::{GenerateError, GenerateOnly, Release};
use tokio::process::Command;

use super::state::{State, StateError};
use crate::egress::{AllowConfig, HostNameError};

/// The port that the enclave names; the egress proxy connects it to the port that the development KMS really has.
const PORT: u16 = 443;

/// How long the enclave program may take to measure itself.
const MEASURE_TIME: Duration = Duration::from_secs(30);

/// A running development KMS.
pub(super) struct StackKms(Emulator);

/// Why the stack has no development KMS.
#[derive(Debug, thiserror::Error)]
pub enum StackKmsError {
    /// It does not start, or fails an operation.
    #[error("the development KMS: {0}")]
    Emulator(#[from] EmulatorError),
    /// Its state lacks an identity that was made on first start.
    #[error("the development KMS has no identity {0:?}; put it back into kms/identities.toml")]
    Identity(&'static str),
    /// Its host name is invalid.
    #[error("the development KMS: {0}")]
    Host(#[from] HostNameError),
    /// The measured configuration does not name one of its keys.
    #[error(
        "{}: kms.key_arn is missing or not the ARN of a KMS key; remove the file to have it made again (existing records will not open)",
        path.display()
    )]
    NoKey {
        /// The measured configuration.
        path: PathBuf,
    },
    /// The enclave program does not say what it measures.
    #[error(
        "{} --measure: {problem}\nOnly a development enclave has an emulated NSM to measure for; build it with\n  \
         cargo build -p permafrost-enclave --features emulator",
        program.display()
    )]
    Measure {
        /// The program.
        program: PathBuf,
        /// What went wrong.
        problem: String,
    },
    /// What it prints are not measurements.
    #[error("the enclave program's measurements: {0}")]
    Measurements(#[from] MeasurementsError),
    /// No key policy can be made.
    #[error("the key policy: {0}")]
    Policy(#[from] GenerateError),
    /// A file of the state directory.
    #[error(transparent)]
    State(#[from] StateError),
}

impl StackKms {
    /// Starts it, with its state inside the stack's. If there is no measured configuration, makes a key and a configuration that
    /// names it, with users at the origin `people`.
    pub(super) async fn start(state: &State, people: Option<&str>) -> Result<Self, StackKmsError> {
        let mut options = EmulatorOptions::new(state.kms_directory());
        options.roots = vec![state.root()];
        let kms = Self(Emulator::start(options).await?);
        if !state.enclave_config().exists() {
            let key = kms.0.create_key(None).await?;
            state.write_enclave_config(&kms.section(&key), people)?;
        }
        Ok(kms)
    }

    /// Lets the enclave program as it is now, with the measured configuration as it is now, use the key, and nothing
    /// else: what an operator does with `permafrost kms provision` for each release. Returns its measurements.
    pub(super) async fn allow(
        &self,
        program: &Path,
        state: &State,
    ) -> Result<Measurements, StackKmsError> {
        let config = state.enclave_config();
        let key = key_of(&config)?;
        let measurements = measure(program, &config).await?;
        let policy = GenerateOnly {
            releases: vec![Release::new("development", &measurements)?],
            roles: vec![self.identity(ENCLAVE)?.arn.clone()],
            administrators: vec![self.identity(ADMINISTRATOR)?.arn.clone()],
            deployment: super::state::DEPLOYMENT.to_owned(),
            account: key.account().to_owned(),
            partition: key.partition().to_owned(),
        };
        self.0.put_policy(&key, &policy.policy()?).await?;
        Ok(measurements)
    }

    /// What the enclave may reach: this, under the name in its measured configuration.
    pub(super) fn allowed(&self) -> Result<AllowConfig, StackKmsError> {
        Ok(AllowConfig {
            host: self.host().parse()?,
            port: PORT,
            addresses: vec![self.0.address()],
            networks: Vec::new(),
        })
    }

    /// What the enclave signs its requests with.
    pub(super) fn credentials(&self) -> Result<Credentials, StackKmsError> {
        let identity = self.identity(ENCLAVE)?;
        Ok(Credentials {
            access_key_id: identity.access_key_id.clone(),
            secret_access_key: identity.secret_access_key.to_string(),
            token: identity
                .session_token
                .as_ref()
                .map(|token| token.to_string()),
            expiration: identity.expires.clone(),
        })
    }

    /// `https://HOST:PORT`, for other clients.
    pub(super) fn endpoint_url(&self) -> String {
        self.0.endpoint_url()
    }

    pub(super) async fn stop(self) {
        self.0.stop().await;
    }

    fn host(&self) -> String {
        format!("kms.{}.localhost", self.0.region())
    }

    fn section(&self, key: &KeyArn) -> String {
        format!(
            "# The root secret comes from this key of the development KMS. On AWS, endpoint and roots are left out.\n\
             [kms]\nkey_arn = \"{key}\"\n\
             endpoint = \"{}:{PORT}\"\nroots = \"\"\"\n{}\"\"\"\n\n\
             [root]\n\
             # Every build is another enclave here. Elsewhere: predecessors = [\"PCR0 of the release before\"].\n\
             any_predecessor = true\n\
             # One enclave is all there is, so `permafrost root retire` need not wait for others.\n\
             epoch_settle_s = 0\n",
            self.host(),
            self.0.ca_pem()
        )
    }

    fn identity(&self, name: &'static str) -> Result<&Identity, StackKmsError> {
        self.0.identity(name).ok_or(StackKmsError::Identity(name))
    }
}

fn key_of(config: &Path) -> Result<KeyArn, StackKmsError> {
    std::fs::read_to_string(config)
        .ok()
        .and_then(|text| text.parse::<toml::Table>().ok())
        .and_then(|table| table.get("kms")?.get("key_arn")?.as_str()?.parse().ok())
        .ok_or_else(|| StackKmsError::NoKey {
            path: config.to_owned(),
        })
}

async fn measure(program: &Path, config: &Path) -> Result<Measurements, StackKmsError> {
    let failed = |problem: String| StackKmsError::Measure {
        program: program.to_owned(),
        problem,
    };
    let running = Command::new(program)
        .arg("--measure")
        .arg("--config")
        .arg(config)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(MEASURE_TIME, running)
        .await
        .map_err(|_| failed(format!("no response within {} s", MEASURE_TIME.as_secs())))?
        .map_err(|error: io::Error| failed(error.to_string()))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(failed(format!("{}: {said}", output.status)));
    }
    Ok(Measurements::from_json(&String::from_utf8_lossy(
        &output.stdout,
    ))?)
}
