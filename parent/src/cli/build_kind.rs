//! Which of its two builds this program is, and how a production build refuses the commands of the other.

use clap::error::{ContextKind, ContextValue, ErrorKind};

/// What `--version` prints after the name.
pub(super) const VERSION: &str = match cfg!(feature = "development") {
    true => concat!(
        env!("CARGO_PKG_VERSION"),
        " (development build, with the demo and the KMS emulator)"
    ),
    false => concat!(
        env!("CARGO_PKG_VERSION"),
        " (production build, without the demo and the KMS emulator)"
    ),
};

/// The commands of [`super::development`].
const DEVELOPMENT_COMMANDS: [&str; 3] = ["dev", "demo", "kms-emulator"];

/// Where the error is about a command of development builds, adds how to make such a build.
pub(super) fn explained(mut error: clap::Error) -> clap::Error {
    let unknown = match (error.kind(), error.get(ContextKind::InvalidSubcommand)) {
        (ErrorKind::InvalidSubcommand, Some(ContextValue::String(unknown))) => unknown.clone(),
        _ => return error,
    };
    if DEVELOPMENT_COMMANDS.contains(&unknown.as_str()) {
        let tip = format!(
            "this is a production build, and `{unknown}` is only in development builds; in a checkout, build one with\n  \
             cargo build -p permafrost -p permafrost-enclave --features permafrost-enclave/emulator"
        );
        error.remove(ContextKind::SuggestedSubcommand);
        error.insert(
            ContextKind::Suggested,
            ContextValue::StyledStrs(vec![tip.into()]),
        );
    }
    error
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::super::Cli;
    use super::*;

    #[test]
    fn development_commands_are_in_development_builds_alone() {
        for command in DEVELOPMENT_COMMANDS {
            assert_eq!(
                Cli::command().find_subcommand(command).is_some(),
                cfg!(feature = "development"),
                "{command}"
            );
        }
    }

    #[test]
    fn a_command_that_no_build_has_is_refused_as_clap_does() {
        let refused = || Cli::try_parse_from(["permafrost", "kms-imitator"]).unwrap_err();
        assert_eq!(explained(refused()).to_string(), refused().to_string());
    }
}
