//! The `permafrost` program.

fn main() -> std::process::ExitCode {
    permafrost::cli::main()
}
