//! The `permafrost` program.

#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    permafrost::cli::main()
}
