//! `permafrost serve`.

use std::path::PathBuf;

use clap::Args;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::outcome::{Outcome, say, with_causes};
use crate::config::{Config, TEMPLATE};
use crate::log::{self, Format};
use crate::parent::Parent;

const EXAMPLES: &str = "\
Examples:
  permafrost serve --print-config > parent.toml
  permafrost serve --config parent.toml
  curl http://127.0.0.1:8080/readyz

Paths that the parent itself serves, on the same address:
  /healthz   200 while this program lives
  /readyz    200 and a line for each enclave when one says that it is ready, 503 with the reasons otherwise
  /metrics   Prometheus

It logs JSON lines to stderr. SIGTERM or SIGINT stops it gracefully; a second signal ends it at once.";

/// Run the parent: forward requests to the enclave and keep its sealed records.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Serve {
    /// The configuration file, TOML. Unknown keys are errors.
    #[arg(long, required_unless_present = "print_config", value_name = "FILE")]
    config: Option<PathBuf>,

    /// Print the default configuration, with a comment for every key, and exit.
    #[arg(long)]
    print_config: bool,
}

impl Serve {
    pub(super) async fn run(self) -> Result<(), Outcome> {
        if self.print_config {
            return say(TEMPLATE.trim_end());
        }
        let path = self.config.unwrap_or_default();
        let config = Config::read(&path).map_err(|error| {
            Outcome::wrong_call(format!("configuration {}: {error}", path.display()))
        })?;
        let _log = log::start(Format::Json, config.log.level);
        let mut signals = StopSignals::new()?;
        let parent = Parent::start(&config)
            .await
            .map_err(|error| Outcome::failed(with_causes(&error)))?;
        let listen = parent.local_addr().map_err(Outcome::failed)?;
        let enclaves = config.enclaves.iter();
        let enclaves: Vec<_> = enclaves.map(|one| one.address.to_string()).collect();
        tracing::info!(
            %listen,
            enclaves = %enclaves.join(" "),
            store = %config.store.listen,
            version = env!("CARGO_PKG_VERSION"),
            "serving"
        );
        let cut_off = parent.run(signals.stop()).await;
        tracing::info!(cut_off, "stopped");
        Ok(())
    }
}

/// SIGTERM and SIGINT: the first asks the program to stop, the second ends it at once.
pub(super) struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    pub(super) fn new() -> Result<Self, Outcome> {
        let listen = |kind| {
            signal(kind).map_err(|error| {
                Outcome::failed(format!("cannot install a signal handler: {error}"))
            })
        };
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
        })
    }

    /// Returns at the next signal.
    pub(super) async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }

    /// Returns at the first signal, and lets the second end the program.
    pub(super) async fn stop(&mut self) {
        self.next().await;
        tracing::info!("stopping");
        if let Ok(mut second) = Self::new() {
            tokio::spawn(async move {
                second.next().await;
                std::process::exit(1);
            });
        }
    }
}
