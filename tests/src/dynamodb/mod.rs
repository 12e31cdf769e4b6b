//! A DynamoDB for tests: servers that are not ours, moto and dynalite, and what stands before them: TLS, and every fault that they have
//! not.

mod front;
mod server;
mod transactions;

pub use front::{Act, Front, HOST, Seen, refusal};
pub use server::{Server, dynalite, moto};
