//! The record store: the enclave's sealed records in SQLite, behind HTTP.
//!
//! The protocol is [`permafrost_common::store`]'s. [`RecordStore`] is the database, [`router`] its HTTP face,
//! [`serve`] runs it on a transport listener:
//!
//! ```no_run
//! use permafrost::store::{RecordStore, serve};
//! use permafrost_common::transport::{Listener, Peers};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let store = RecordStore::open("records.sqlite").await?;
//! let listener = Listener::bind(&"unix:store.sock".parse()?, Peers::Any).await?;
//! serve(store, listener, async { tokio::signal::ctrl_c().await.unwrap_or_default() }).await;
//! # Ok(())
//! # }
//! ```
//!
//! Metrics and logs are layers around the router, for [`serve_router`]. Nothing here can read a record, and
//! nothing here is trusted: a parent that loses, swaps or rolls back records is found out by the enclave.

mod database;
mod error;
mod read;
mod router;
mod server;
mod write;

pub use database::RecordStore;
pub use error::StoreError;
pub use read::{Fetched, Record};
pub use router::router;
pub use server::{serve, serve_router};
pub use write::Put;

#[cfg(test)]
mod tests;
