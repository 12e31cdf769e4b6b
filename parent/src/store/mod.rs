//! The record store: the enclave's sealed records in SQLite or PostgreSQL, behind HTTP.
//!
//! [`permafrost_common::store`] defines the protocol. [`RecordStore`] is the database, [`router`] serves it over HTTP, and
//! [`serve`] runs that on a transport listener:
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
//! Metrics and logging are layers around the router, for [`serve_router`]. Nothing here can read a record, and nothing here
//! is trusted: the enclave detects a parent that loses, swaps or rolls back records.

mod error;
mod listing;
mod outcome;
mod postgres;
mod record_store;
mod router;
mod server;
mod sqlite;

pub use error::StoreError;
pub use outcome::{Deletion, Fetched, Put, Record};
pub use postgres::{PostgresConfig, PostgresUrl, PostgresUrlError};
pub use record_store::RecordStore;
pub use router::router;
pub use server::{serve, serve_router};
pub use sqlite::{Content, check, copy};

#[cfg(test)]
mod tests;
