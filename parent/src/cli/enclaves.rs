//! `permafrost enclaves`.

use std::time::{Duration, Instant};

use bytes::Bytes;
use clap::{Args, Subcommand};
use http::header::HOST;
use http::{Method, Request};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use permafrost_common::transport::{self, Address};
use serde::de::DeserializeOwned;

use super::outcome::{Outcome, say};
use crate::admin::EnclaveState;
use crate::proxy::Mode;

const EXAMPLES: &str = "\
Examples:
  permafrost enclaves list
  permafrost enclaves drain enclave-1            its clients stay, new ones go elsewhere
  permafrost enclaves remove enclave-1           its clients move, what is in flight finishes
  permafrost enclaves resume enclave-1

`remove` waits until the enclave has finished every request: then it may be stopped without a request lost. The modes are not kept
over a restart of `permafrost serve`.";

/// How long an exchange with the parent may take.
const EXCHANGE: Duration = Duration::from_secs(5);

/// How often a removed enclave is asked for what it has not finished.
const POLL: Duration = Duration::from_millis(50);

/// How many bytes of a response are read at most.
const RESPONSE_MAX: usize = 64 * 1024;

/// List, drain and remove the enclaves of a running `permafrost serve`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Enclaves {
    #[command(subcommand)]
    action: Action,

    /// The Unix socket of admin.listen in the parent's configuration.
    #[arg(
        long,
        global = true,
        default_value = "unix:/run/permafrost/admin.sock",
        value_name = "unix:PATH"
    )]
    admin: Address,

    /// Print JSON.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show every enclave: mode, readiness, requests in flight, boot.
    #[command(after_help = EXAMPLES)]
    List,
    /// Give it no further request that names no boot.
    #[command(after_help = EXAMPLES)]
    Drain(Named),
    /// Give it no further request, and wait until it has finished those in flight.
    #[command(after_help = EXAMPLES)]
    Remove {
        #[command(flatten)]
        named: Named,
        /// How long to wait, in seconds.
        #[arg(long, default_value_t = 60, value_name = "SECONDS")]
        wait: u64,
    },
    /// Give it its share again.
    #[command(after_help = EXAMPLES)]
    Resume(Named),
}

#[derive(Args, Debug)]
struct Named {
    /// The name in the parent's configuration, such as enclave-1.
    name: String,
}

impl Enclaves {
    pub(super) async fn run(self) -> Result<(), Outcome> {
        let shown = match &self.action {
            Action::List => self.list().await?,
            Action::Drain(named) => vec![self.act(named, "drain").await?],
            Action::Resume(named) => vec![self.act(named, "resume").await?],
            Action::Remove { named, wait } => {
                let removed = self.act(named, "remove").await?;
                vec![self.finished(removed, Duration::from_secs(*wait)).await?]
            }
        };
        match self.json {
            true => say(&serde_json::to_string_pretty(&shown).map_err(Outcome::failed)?),
            false => say(table(&shown)),
        }
    }

    async fn list(&self) -> Result<Vec<EnclaveState>, Outcome> {
        self.ask(Method::GET, "/admin/enclaves").await
    }

    async fn act(&self, Named { name }: &Named, action: &str) -> Result<EnclaveState, Outcome> {
        if !permafrost_common::api::is_name(name) {
            return Err(Outcome::wrong_call(format!(
                "{name:?} is no enclave's name; accepted: 1 to 64 of A-Z a-z 0-9 - _ ."
            )));
        }
        let path = format!("/admin/enclaves/{name}/{action}");
        self.ask(Method::POST, &path).await
    }

    /// Waits until a removed enclave has no request in flight.
    async fn finished(
        &self,
        removed: EnclaveState,
        wait: Duration,
    ) -> Result<EnclaveState, Outcome> {
        let began = Instant::now();
        let mut state = removed;
        while state.in_flight > 0 {
            if began.elapsed() >= wait {
                return Err(Outcome::failed(format!(
                    "{} is removed and has {} requests in flight after {} s",
                    state.name,
                    state.in_flight,
                    wait.as_secs()
                )));
            }
            tokio::time::sleep(POLL).await;
            let listed = self.list().await?.into_iter();
            state = listed
                .into_iter()
                .find(|one| one.name == state.name)
                .ok_or_else(|| Outcome::failed("the parent lists the enclave no more"))?;
        }
        Ok(state)
    }

    async fn ask<T: DeserializeOwned>(&self, method: Method, path: &str) -> Result<T, Outcome> {
        let failed = |error: &dyn std::fmt::Display| {
            Outcome::failed(format!(
                "{}: {error}; accepted: the address of admin.listen of a running `permafrost serve`",
                self.admin
            ))
        };
        let exchange = async {
            let stream = transport::connect(&self.admin)
                .await
                .map_err(|error| failed(&error))?;
            let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
                .await
                .map_err(|error| failed(&error))?;
            tokio::spawn(connection);
            let request = Request::builder()
                .method(method)
                .uri(path)
                .header(HOST, "parent")
                .body(Empty::<Bytes>::new())
                .map_err(|error| failed(&error))?;
            let response = sender
                .send_request(request)
                .await
                .map_err(|error| failed(&error))?;
            let status = response.status();
            let body = Limited::new(response.into_body(), RESPONSE_MAX).collect();
            let body = body.await.map_err(|error| failed(&error))?.to_bytes();
            match status.is_success() {
                true => serde_json::from_slice(&body).map_err(|error| failed(&error)),
                false => Err(Outcome::failed(String::from_utf8_lossy(&body).trim_end())),
            }
        };
        tokio::time::timeout(EXCHANGE, exchange)
            .await
            .unwrap_or_else(|_| Err(failed(&"no response in time")))
    }
}

fn table(enclaves: &[EnclaveState]) -> String {
    let width = enclaves.iter().map(|one| one.name.len()).max();
    let width = width.unwrap_or_default();
    let lines = enclaves.iter().map(|one| {
        let mode = match one.mode {
            Mode::Serving => "serving",
            Mode::Draining => "draining",
            Mode::Removed => "removed",
        };
        let ready = if one.ready { "ready" } else { "not ready" };
        let boot = one.boot.as_deref().unwrap_or("no boot known");
        format!(
            "{:width$}  {mode:8}  {ready:9}  {:4} in flight  {}  {boot}",
            one.name, one.in_flight, one.address
        )
    });
    lines.collect::<Vec<_>>().join("\n")
}
