//! `permafrost dev`.

use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use crate::cli::outcome::{Outcome, say, with_causes};
use crate::cli::serve::StopSignals;
use crate::log::{self, Format};
use crate::stack::{DevStack, StackOptions};

const EXAMPLES: &str = "\
Examples:
  permafrost dev
  permafrost dev --state /tmp/frost --listen 127.0.0.1:9000
  permafrost dev --page clients/page/dist
  permafrost dev --json-lines 2> stack.log

The first start makes the state directory, closed to other users. It keeps everything: keys made here still sign after a
restart. Ctrl-C ends the stack.";

/// How long the enclave may take to become ready.
const READY_TIME: Duration = Duration::from_secs(30);

/// Run the whole stack here: the parent, a development KMS, and an enclave process with an emulated NSM.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct Dev {
    /// The state directory.
    #[arg(long, default_value = ".permafrost", value_name = "DIR")]
    state: PathBuf,

    /// Where clients connect; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDR")]
    listen: SocketAddr,

    /// The enclave program, built with the emulator. Default: permafrost-enclave beside this program, or in the PATH.
    #[arg(long, value_name = "FILE")]
    enclave: Option<PathBuf>,

    /// Serve this folder as the page, and let users register: clients/page/dist, once it is built.
    #[arg(long, value_name = "FOLDER")]
    page: Option<PathBuf>,

    /// Log JSON lines, the enclave's among them, to stderr.
    #[arg(long)]
    json_lines: bool,
}

impl Dev {
    pub(in crate::cli) async fn run(self) -> Result<(), Outcome> {
        let format = match self.json_lines {
            true => Format::Json,
            false => Format::Text,
        };
        let _log = log::start(format, tracing::Level::INFO);
        let mut signals = StopSignals::new()?;
        let stack = DevStack::start(&StackOptions {
            state: self.state.clone(),
            listen: self.listen,
            enclave: self.enclave,
            page: self.page,
            enclave_log_to_stderr: self.json_lines,
        })
        .await
        .map_err(|error| Outcome::failed(with_causes(&error)))?;

        let ready = {
            let _progress = progress("starting the enclave");
            tokio::select! {
                ready = stack.wait_ready(READY_TIME) => ready,
                () = signals.next() => {
                    stack.stop().await;
                    return Ok(());
                }
            }
        };
        if let Err(error) = ready {
            stack.stop().await;
            return Err(Outcome::failed(error));
        }
        let printed = say(what_to_try(&stack));
        signals.stop().await;
        stack.stop().await;
        printed
    }
}

/// A spinner on a terminal, nothing elsewhere.
pub(super) fn progress(what: &'static str) -> Option<ProgressBar> {
    if !std::io::stderr().is_terminal() {
        return None;
    }
    let spinner = ProgressBar::new_spinner().with_message(what);
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed}") {
        spinner.set_style(style);
    }
    spinner.enable_steady_tick(Duration::from_millis(100));
    Some(spinner)
}

fn what_to_try(stack: &DevStack) -> String {
    let url = format!("http://{}", stack.address());
    let state = stack.state().directory().display().to_string();
    let profile = stack.state().profile().display().to_string();
    let kms = stack.kms_endpoint();
    let root = stack.state().root().display().to_string();
    let page = stack
        .page()
        .map(|origin| format!("The page is at {origin}/\n\n"));
    let page = page.unwrap_or_default();
    format!(
        "Permafrost is ready at {url} (state in {state}).\n\
         \n\
         {page}\
         Try, in another terminal:\n\
         \n  \
         export PERMAFROST_PROFILE='{profile}'\n  \
         permafrost keys create --threshold 2 alice bob carol\n  \
         permafrost keys list\n  \
         permafrost attest fetch | permafrost attest verify - --root-certificate '{root}'\n\
         \n  \
         curl {url}/readyz\n  \
         curl {url}/v1/health\n  \
         permafrost sign-request GET /v1/keys | curl -H @- {url}/v1/keys\n\
         \n\
         The root secret comes from a development KMS at {kms} (state and\n\
         identities in {state}/kms): `permafrost root show`, `permafrost root rotate`.\n\
         The API is described at {url}/docs. Ctrl-C ends everything; the keys stay."
    )
}
