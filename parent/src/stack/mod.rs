//! The whole stack on one machine, for development: the parent in this process, the enclave with an emulated NSM in a
//! process of its own, and a development KMS that lets that very program have its root secret.

mod enclave_process;
mod kms;
mod page;
mod state;

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use permafrost_common::transport::{Address, AddressError};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::config::{Config, DatabaseConfig, EnclaveConfig, StopConfig, StoreConfig};
use crate::egress::{CredentialsConfig, CredentialsSource, EgressConfig};
use crate::enclave_log::EnclaveLogConfig;
use crate::parent::{Parent, ParentError};
use crate::proxy::Readiness;

pub use self::enclave_process::{EnclaveCommand, EnclaveProcess, Ended, Status};
use self::kms::StackKms;
pub use self::kms::StackKmsError;
use self::page::StackPage;
pub use self::page::StackPageError;
pub use self::state::{PRINCIPAL, Sockets, State, StateError};

/// The enclave program's file name.
const ENCLAVE_PROGRAM: &str = "permafrost-enclave";

/// How often a starting enclave is asked whether it is ready.
const POLL: Duration = Duration::from_millis(50);

/// An enclave that has ended this often before it was ready will not become ready.
const ENDS_MAX: u32 = 3;

/// What to start.
#[derive(Clone, Debug)]
pub struct StackOptions {
    /// The state directory.
    pub state: PathBuf,
    /// Where clients connect; port 0 takes any free one.
    pub listen: SocketAddr,
    /// The enclave program. `None`: the one beside this program, or one in the PATH.
    pub enclave: Option<PathBuf>,
    /// The folder of the page. `None`: no page, and no users.
    pub page: Option<PathBuf>,
    /// Whether the enclave's log goes to stderr instead of a file.
    pub enclave_log_to_stderr: bool,
}

/// A running stack. End it with [`DevStack::stop`].
pub struct DevStack {
    state: State,
    address: SocketAddr,
    readiness: Readiness,
    enclave: EnclaveProcess,
    kms: StackKms,
    page: Option<StackPage>,
    stop: oneshot::Sender<()>,
    parent: JoinHandle<usize>,
}

/// Why the stack does not start.
#[derive(Debug, thiserror::Error)]
pub enum StackError {
    /// The state directory cannot be used.
    #[error(transparent)]
    State(#[from] StateError),
    /// The parent does not start.
    #[error(transparent)]
    Parent(#[from] ParentError),
    /// The development KMS does not start, or not with this enclave.
    #[error(transparent)]
    Kms(#[from] StackKmsError),
    /// The page cannot be served.
    #[error(transparent)]
    Page(#[from] StackPageError),
    /// A socket has no proper address.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// The enclave program is not found.
    #[error(
        "there is no {ENCLAVE_PROGRAM} at {} or in the PATH; build it with\n  \
         cargo build -p permafrost-enclave --features emulator\nor name one with --enclave",
        looked.display()
    )]
    NoEnclave {
        /// The first place searched.
        looked: PathBuf,
    },
    /// The enclave program cannot be started.
    #[error("{}: {source}", program.display())]
    Spawn {
        /// The program.
        program: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The enclave ends instead of serving.
    #[error("the enclave does not start ({how}); it said:\n{said}\n{}", emulator_hint(*wrong_call))]
    EnclaveEnds {
        /// How it ended.
        how: String,
        /// The end of its log.
        said: String,
        /// Whether it refused how it was called.
        wrong_call: bool,
    },
    /// The enclave runs, and is not ready.
    #[error("the enclave is not ready after {} s: {why}", after.as_secs())]
    NotReady {
        /// How long the stack waited.
        after: Duration,
        /// The reason that it gives.
        why: String,
    },
    /// The proxy's address cannot be read.
    #[error("the proxy's address: {0}")]
    LocalAddress(io::Error),
}

impl DevStack {
    /// Starts everything. The enclave is not ready yet: [`DevStack::wait_ready`] waits for that.
    ///
    /// # Errors
    /// Where the state directory is in use, an address is taken, or the enclave program cannot be started.
    pub async fn start(options: &StackOptions) -> Result<Self, StackError> {
        let program = find_enclave(options.enclave.as_deref())?;
        let state = State::open(&options.state)?;
        let origin = options
            .page
            .is_some()
            .then(|| page::origin(options.listen))
            .transpose()?;
        let kms = StackKms::start(&state, origin.as_deref()).await?;
        let measurements = kms.allow(&program, &state).await?;
        let mut config = config(&state, options.listen, &kms)?;
        let page = match (&options.page, &origin) {
            (Some(folder), Some(origin)) => {
                page::check_people(&state, origin)?;
                config.page.folder = folder.clone();
                config.page.expectation = Some(state.expectation());
                Some(StackPage::new(origin, measurements))
            }
            _ => None,
        };
        let parent = Parent::start(&config).await?;
        let address = parent.local_addr().map_err(StackError::LocalAddress)?;
        state.write_profile(&format!("http://{address}"))?;
        let enclave = EnclaveProcess::start(EnclaveCommand {
            program: program.clone(),
            config: state.enclave_config(),
            listen: format!("unix:{}", state.sockets().enclave().display()),
            store: config.store.listen.to_string(),
            egress: config.egress.listen.to_string(),
            state: state.enclave_directory(),
            log: (!options.enclave_log_to_stderr).then(|| state.enclave_log()),
        })
        .map_err(|source| StackError::Spawn { program, source })?;
        let (stop, stopped) = oneshot::channel();
        let readiness = parent.readiness();
        let parent = tokio::spawn(parent.run(async {
            let _stopped_or_dropped = stopped.await;
        }));
        Ok(Self {
            state,
            address,
            readiness,
            enclave,
            kms,
            page,
            stop,
            parent,
        })
    }

    /// Waits until the enclave says that it is ready.
    ///
    /// # Errors
    /// [`StackError::EnclaveEnds`] as soon as it is clear that it will not start, [`StackError::NotReady`] after `time`.
    pub async fn wait_ready(&self, time: Duration) -> Result<(), StackError> {
        let began = Instant::now();
        loop {
            let why = match self.is_ready().await {
                Ok(()) => break,
                Err(why) => why,
            };
            let status = self.enclave.status();
            if let Some(ended) = status.ended
                && (ended.wrong_call || status.ends >= ENDS_MAX)
            {
                return Err(StackError::EnclaveEnds {
                    how: ended.how,
                    said: self.enclave.log_tail().join("\n"),
                    wrong_call: ended.wrong_call,
                });
            }
            if began.elapsed() >= time {
                return Err(StackError::NotReady { after: time, why });
            }
            tokio::time::sleep(POLL).await;
        }
        match &self.page {
            Some(page) => Ok(page.write_expectation(&self.state)?),
            None => Ok(()),
        }
    }

    async fn is_ready(&self) -> Result<(), String> {
        // A request before the enclave listens would log an outage that did not happen.
        if !self.state.sockets().enclave().exists() {
            return Err("it does not listen yet".to_owned());
        }
        self.readiness.ask().await.map_err(|problem| problem.detail)
    }

    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The origin of the page, if the stack serves one: `http://localhost:PORT`.
    pub fn page(&self) -> Option<&str> {
        self.page.as_ref().map(StackPage::origin)
    }

    /// The address of the development KMS: `https://HOST:PORT`.
    pub fn kms_endpoint(&self) -> String {
        self.kms.endpoint_url()
    }

    /// The state directory.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The enclave process.
    pub fn enclave(&self) -> Status {
        self.enclave.status()
    }

    /// Finishes open requests, stops the parent, then the enclave and the KMS. Returns how many connections it had to cut off.
    pub async fn stop(self) -> usize {
        let _already_ended = self.stop.send(());
        let cut_off = self.parent.await.unwrap_or_else(|error| {
            tracing::error!(%error, "the parent failed");
            0
        });
        self.enclave.stop().await;
        self.kms.stop().await;
        cut_off
    }
}

/// The enclave program that is named, or the one beside this program, or one in the PATH.
fn find_enclave(named: Option<&Path>) -> Result<PathBuf, StackError> {
    if let Some(named) = named {
        return match named.is_file() {
            true => Ok(named.to_owned()),
            false => Err(StackError::NoEnclave {
                looked: named.to_owned(),
            }),
        };
    }
    let beside = std::env::current_exe()
        .ok()
        .and_then(|program| Some(program.parent()?.join(ENCLAVE_PROGRAM)))
        .unwrap_or_else(|| PathBuf::from(ENCLAVE_PROGRAM));
    if beside.is_file() {
        return Ok(beside);
    }
    std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())
        .map(|directory| directory.join(ENCLAVE_PROGRAM))
        .find(|program| program.is_file())
        .ok_or(StackError::NoEnclave { looked: beside })
}

fn config(state: &State, listen: SocketAddr, kms: &StackKms) -> Result<Config, StackError> {
    let socket = |path: PathBuf| -> Result<Address, AddressError> {
        format!("unix:{}", path.display()).parse()
    };
    Ok(Config {
        listen,
        enclaves: vec![EnclaveConfig {
            name: "enclave".to_owned(),
            address: socket(state.sockets().enclave())?,
            ..EnclaveConfig::default()
        }],
        store: StoreConfig {
            listen: socket(state.sockets().store())?,
            database: DatabaseConfig::Sqlite(state.store()),
            enclave_cid: 0,
        },
        // The stack reads the enclave's standard error instead.
        enclave_log: EnclaveLogConfig {
            listen: None,
            ..EnclaveLogConfig::default()
        },
        egress: EgressConfig {
            listen: socket(state.sockets().egress())?,
            allow: vec![kms.allowed()?],
            ..EgressConfig::default()
        },
        credentials: CredentialsConfig {
            source: CredentialsSource::Fixed(kms.credentials()?),
            ..CredentialsConfig::default()
        },
        stop: StopConfig {
            grace: Duration::from_secs(5),
        },
        ..Config::default()
    })
}

fn emulator_hint(wrong_call: bool) -> &'static str {
    if wrong_call {
        "A production enclave has no emulated NSM. For development build it with\n  \
         cargo build -p permafrost-enclave --features emulator"
    } else {
        "enclave.log in the state directory has its whole output."
    }
}
