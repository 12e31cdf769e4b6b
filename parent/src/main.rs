//! The parent program.
fn main() {}
