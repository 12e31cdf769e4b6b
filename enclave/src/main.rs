//! The measured program.
fn main() {}
