//! The command line: `permafrost COMMAND`.
//!
//! Exit codes: 0 when it worked, 1 when it failed (a check, a request, the network), 2 when the call was wrong (an
//! argument, a file that cannot be read, an invalid configuration).

mod attest;
mod aws;
mod build_kind;
#[cfg(feature = "development")]
mod development;
mod enclaves;
mod keys;
mod kms;
mod outcome;
mod principal;
mod profile_option;
mod root;
mod secret_file;
mod serve;
mod sign_request;
mod store;
mod text_file;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use self::outcome::Outcome;

#[cfg(feature = "development")]
const EXAMPLES: &str = "\
Examples:
  permafrost demo                        see it work, from key to proof
  permafrost dev                         run the whole stack here and keep it running
  permafrost keys create --threshold 2 alice bob carol
  permafrost attest verify document.cbor --at signed

Exit codes: 0 it worked; 1 it failed; 2 the call was wrong.";

#[cfg(not(feature = "development"))]
const EXAMPLES: &str = "\
Examples:
  permafrost serve --config /etc/permafrost/parent.toml
  permafrost keys create --threshold 2 alice bob carol
  permafrost attest verify document.cbor --at signed

This is a production build: it cannot emulate an enclave or a KMS.

Exit codes: 0 it worked; 1 it failed; 2 the call was wrong.";

/// Signing keys that never thaw: the parent instance's program and its tools.
#[derive(Debug, Parser)]
#[command(after_help = EXAMPLES, name = "permafrost", version = build_kind::VERSION)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Serve),
    #[cfg(feature = "development")]
    #[command(flatten)]
    Development(development::Development),
    Enclaves(enclaves::Enclaves),
    Keys(keys::Keys),
    #[command(subcommand)]
    Kms(kms::Kms),
    #[command(subcommand)]
    Attest(attest::Attest),
    #[command(subcommand)]
    Principal(principal::Principal),
    Root(root::Root),
    SignRequest(sign_request::SignRequest),
    Store(store::Store),
}

/// Runs the program with the arguments of this process.
pub fn main() -> ExitCode {
    let command = match Cli::try_parse() {
        Ok(cli) => cli.command,
        Err(error) => build_kind::explained(error).exit(),
    };
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return Outcome::failed(format!("no runtime: {error}")).report(),
    };
    let done = runtime.block_on(async {
        match command {
            Command::Serve(serve) => serve.run().await,
            #[cfg(feature = "development")]
            Command::Development(command) => command.run().await,
            Command::Enclaves(enclaves) => enclaves.run().await,
            Command::Keys(keys) => keys.run().await,
            Command::Kms(kms) => kms.run().await,
            Command::Attest(attest) => attest.run().await,
            Command::Principal(principal) => principal.run(),
            Command::Root(root) => root.run().await,
            Command::SignRequest(request) => request.run().await,
            Command::Store(store) => store.run().await,
        }
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(outcome) => outcome.report(),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_has_examples() {
        fn check(command: &clap::Command) {
            for sub in command.get_subcommands() {
                if sub.get_name() == "help" {
                    continue;
                }
                let help = sub
                    .get_after_help()
                    .map(ToString::to_string)
                    .unwrap_or_default();
                assert!(
                    sub.has_subcommands() || help.contains("permafrost "),
                    "{} has no examples",
                    sub.get_name()
                );
                check(sub);
            }
        }
        check(&Cli::command());
    }
}
