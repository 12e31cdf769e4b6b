//! `permafrost-enclave`: the measured program.

#![forbid(unsafe_code)]

mod arguments;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use arguments::{Arguments, Command, NsmChoice};
use permafrost_common::transport::Listener;
use permafrost_enclave::boot::boot;
use permafrost_enclave::config::CONFIGURATION_MAX;
use permafrost_enclave::custody::Custody;
use permafrost_enclave::enclave::Enclave;
use permafrost_enclave::nsm::{Device, Nsm};
use permafrost_enclave::records::Records;
use permafrost_enclave::sealing::RootSecrets;
use permafrost_enclave::serve::serve;
use permafrost_enclave::store::StoreClient;
use tokio::sync::oneshot;

fn main() -> ExitCode {
    let arguments = match arguments::parse(std::env::args().skip(1)) {
        Ok(Command::Run(arguments)) => arguments,
        Ok(Command::Print(text)) => {
            println!("{text}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("permafrost-enclave: {error}\nTry --help.");
            return ExitCode::from(2);
        }
    };
    tracing_subscriber::fmt()
        .json()
        .with_writer(std::io::stderr)
        .init();
    let ended = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("no runtime: {error}"))
        .and_then(|runtime| runtime.block_on(run(arguments)));
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("the enclave ends: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), String> {
    let configuration = read_configuration(&arguments)?;
    let nsm = nsm(&arguments, &configuration)?;
    let enclave = Arc::new(boot(&configuration, nsm).map_err(|error| error.to_string())?);
    let listener = Listener::bind(&arguments.listen, arguments.peers())
        .await
        .map_err(|error| error.to_string())?;
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        deployment = enclave.config.deployment,
        nsm = enclave.nsm.name(),
        attestation = %enclave.boot.attestation,
        listen = %arguments.listen,
        "booted"
    );
    match root_secrets(&arguments)? {
        Some(secrets) => thaw(&enclave, &arguments, secrets),
        None => {
            tracing::error!("this build has no source of the root secret: serving attestation only")
        }
    }
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

fn thaw(enclave: &Enclave, arguments: &Arguments, secrets: RootSecrets) {
    let config = &enclave.config;
    let timeout = Duration::from_millis(config.limits.store_timeout_ms);
    let store = Arc::new(StoreClient::new(arguments.store.clone(), timeout));
    let records = Records::new(
        store,
        secrets,
        config.deployment.clone(),
        config.limits.cache_bytes,
    );
    enclave.thaw(Custody::new(
        records,
        config.deployment.clone(),
        config.network,
    ));
}

fn read_configuration(arguments: &Arguments) -> Result<Vec<u8>, String> {
    use std::io::Read;
    let path = arguments.config.display();
    let mut bytes = Vec::new();
    // One byte more than is accepted, so that what is too long is seen to be.
    std::fs::File::open(&arguments.config)
        .and_then(|file| {
            file.take(CONFIGURATION_MAX as u64 + 1)
                .read_to_end(&mut bytes)
        })
        .map_err(|error| format!("the configuration {path} cannot be read: {error}"))?;
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

#[cfg(not(feature = "emulator"))]
fn nsm(arguments: &Arguments, _: &[u8]) -> Result<Nsm, String> {
    match arguments.nsm {
        NsmChoice::Device => device(),
    }
}

fn device() -> Result<Nsm, String> {
    Device::open()
        .map(Nsm::new)
        .map_err(|error| error.to_string())
}

#[cfg(feature = "emulator")]
fn root_secrets(arguments: &Arguments) -> Result<Option<RootSecrets>, String> {
    use permafrost_enclave::sealing::development_root_secret;
    let NsmChoice::Emulator { state, .. } = &arguments.nsm else {
        return Ok(None);
    };
    let secret = development_root_secret(state).map_err(|error| error.to_string())?;
    tracing::warn!("DEVELOPMENT: the root secret is a file in the state directory");
    Ok(Some(RootSecrets::new(1, secret)))
}

#[cfg(not(feature = "emulator"))]
fn root_secrets(_: &Arguments) -> Result<Option<RootSecrets>, String> {
    Ok(None)
}

/// The name of the signal that asks the process to end.
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

/// Whoever started this process holds the other end, so that it never outlives them.
async fn stdin_closed() {
    let (sender, closed) = oneshot::channel::<()>();
    // A thread of its own: the runtime would wait for a read of its own when it ends.
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
        drop(sender);
    });
    let _ = closed.await;
}
