//! `permafrost-enclave`: the measured program.

#![forbid(unsafe_code)]

mod arguments;
mod console;
mod core_dumps;
mod init;
mod panics;
mod thaw;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use arguments::{Arguments, Command, NsmChoice};
use panics::LAST_LINES;
use permafrost_common::transport::Listener;
use permafrost_enclave::boot::boot;
use permafrost_enclave::config::CONFIGURATION_MAX;
use permafrost_enclave::enclave::Enclave;
use permafrost_enclave::kms::recipient::PendingRecipientKey;
use permafrost_enclave::log::Log;
use permafrost_enclave::nsm::{Device, Nsm};
use permafrost_enclave::resources;
use permafrost_enclave::serve::serve;
use thaw::thaw;
use tokio::sync::oneshot;

fn main() -> ExitCode {
    if init::is_this_process() {
        let prepared = init::prepare();
        let cid = std::env::var("PERMAFROST_PARENT_CID").ok();
        match prepared.and_then(|()| arguments::of_first_process(cid)) {
            Ok(arguments) => _ = run_to_the_end(arguments),
            Err(error) => console::say(&error),
        }
        init::end();
        return ExitCode::FAILURE;
    }
    let arguments = match arguments::parse(std::env::args().skip(1)) {
        Ok(Command::Run(arguments)) => arguments,
        Ok(Command::Print(text)) => {
            println!("{text}");
            return ExitCode::SUCCESS;
        }
        #[cfg(feature = "emulator")]
        Ok(Command::Measure(config)) => return measure(&config),
        Err(error) => {
            eprintln!("permafrost-enclave: {error}\nTry --help.");
            return ExitCode::from(2);
        }
    };
    run_to_the_end(arguments)
}

fn run_to_the_end(arguments: Arguments) -> ExitCode {
    let logs = match core_dumps::forbid().and_then(|()| logs(&arguments)) {
        Ok(logs) => logs,
        Err(error) => {
            console::say(&error);
            return ExitCode::FAILURE;
        }
    };
    panics::watch(logs.clone());
    let ended = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start the runtime: {error}"))
        .and_then(|runtime| {
            let ended = runtime.block_on(run(arguments));
            // A blocking call, above all one to the NSM, may never return.
            runtime.shutdown_timeout(LAST_LINES);
            ended
        });
    let code = match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("the enclave ends: {error}");
            if logs.are_sent() {
                console::say(&error);
            }
            ExitCode::FAILURE
        }
    };
    logs.end(LAST_LINES);
    code
}

fn logs(arguments: &Arguments) -> Result<Log, String> {
    Log::start(arguments.logs.clone())
        .map_err(|error| format!("cannot start the log thread: {error}"))
}

async fn run(arguments: Arguments) -> Result<(), String> {
    let configuration = read_configuration(&arguments.config)?;
    let nsm = nsm(&arguments, &configuration)?;
    if init::is_this_process() {
        init::begin(&nsm, arguments.parent_cid)?;
    }
    let recipient = PendingRecipientKey::begin();
    let enclave = Arc::new(boot(&configuration, nsm).map_err(|error| error.to_string())?);
    let listener = Listener::bind(&arguments.listen, arguments.peers())
        .await
        .map_err(|error| error.to_string())?;
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        deployment = enclave.config.deployment,
        nsm = enclave.attestor.nsm.name(),
        attestation = %enclave.boot.attestation,
        listen = %arguments.listen,
        "booted"
    );
    if let Some(logs) = &arguments.logs {
        console::say(&format!(
            "{}, deployment {}: requests at {}, records at {}, egress proxy at {}, log to {logs}",
            env!("CARGO_PKG_VERSION"),
            enclave.config.deployment,
            arguments.listen,
            arguments.store,
            arguments.egress
        ));
    }
    tokio::spawn(log_resources(Arc::clone(&enclave)));
    tokio::spawn(Arc::clone(&enclave.attestor).keep_time());
    tokio::spawn(thaw(Arc::clone(&enclave), arguments.clone(), recipient));
    tokio::select! {
        never = serve(enclave, listener) => match never {},
        signal = ended() => {
            tracing::info!(signal, "stopping");
            Ok(())
        }
        () = stdin_closed(), if arguments.exit_on_stdin_close => {
            tracing::info!("stopping: standard input was closed");
            Ok(())
        }
    }
}

async fn log_resources(enclave: Arc<Enclave>) {
    let interval = Duration::from_millis(enclave.config.limits.resources_interval_ms);
    resources::log(interval, || enclave.answered.load(Ordering::Relaxed)).await;
}

fn read_configuration(path: &Path) -> Result<Vec<u8>, String> {
    use std::io::Read;
    let mut bytes = Vec::new();
    // One byte more than is accepted, so that a file that is too long is noticed.
    std::fs::File::open(path)
        .and_then(|file| {
            file.take(CONFIGURATION_MAX as u64 + 1)
                .read_to_end(&mut bytes)
        })
        .map_err(|error| {
            format!(
                "the configuration {} cannot be read: {error}",
                path.display()
            )
        })?;
    Ok(bytes)
}

#[cfg(feature = "emulator")]
fn nsm(arguments: &Arguments, configuration: &[u8]) -> Result<Nsm, String> {
    use permafrost_enclave::nsm::emulator::{Emulator, Measured};
    match &arguments.nsm {
        NsmChoice::Device => device(),
        NsmChoice::Emulator { state, debug_mode } => {
            let emulator = if *debug_mode {
                Emulator::start_in_debug_mode(state)
            } else {
                let measured = Measured::of_this_process(configuration);
                Emulator::start(state, measured.map_err(|error| error.to_string())?)
            };
            let emulator = emulator.map_err(|error| error.to_string())?;
            tracing::warn!("DEVELOPMENT: the NSM is emulated and protects nothing");
            Ok(Nsm::new(emulator))
        }
    }
}

#[cfg(feature = "emulator")]
fn measure(config: &Path) -> ExitCode {
    use permafrost_enclave::nsm::emulator::Measured;
    let measured = read_configuration(config).and_then(|configuration| {
        Measured::of_this_process(&configuration).map_err(|error| error.to_string())
    });
    match measured {
        Ok(measured) => {
            println!("{}", measured.measurements().to_json());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("permafrost-enclave: {error}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(not(feature = "emulator"))]
fn nsm(arguments: &Arguments, _: &[u8]) -> Result<Nsm, String> {
    match arguments.nsm {
        NsmChoice::Device => device(),
    }
}

fn device() -> Result<Nsm, String> {
    if cfg!(feature = "accept-unsigned-documents") {
        tracing::warn!("TEST BUILD: attestation documents are accepted unsigned and prove nothing");
    }
    Device::open()
        .map(Nsm::new)
        .map_err(|error| error.to_string())
}

/// Waits for a signal that asks the process to end; gives its name.
async fn ended() -> &'static str {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut terminate), Ok(mut interrupt)) = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
    ) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    }
}

/// The process that started this one holds the other end, so this one never outlives it.
async fn stdin_closed() {
    let (sender, closed) = oneshot::channel::<()>();
    // On a separate thread: the runtime would wait at its end for a blocking read.
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
        drop(sender);
    });
    let _ = closed.await;
}
