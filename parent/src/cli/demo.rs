//! `permafrost demo`.
use clap::Args;
use super::outcome::Outcome;
/// Demo
#[derive(Args, Debug)]
#[command(after_help = "permafrost demo")]
pub(super) struct Demo {}
impl Demo { pub(super) async fn run(self) -> Result<(), Outcome> { Ok(()) } }
