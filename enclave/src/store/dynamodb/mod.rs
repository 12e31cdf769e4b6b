//! A DynamoDB table as the record store, which the enclave reaches itself: TLS ends in here, and the parent only carries bytes.
//!
//! # The table
//!
//! One table for one deployment, made beforehand. An item with a record:
//!
//! | attribute | type | value |
//! |---|---|---|
//! | `kind` | S, partition key | the kind of record, 1 to 32 of `a-z` and `-` |
//! | `id` | S, sort key | the record's id, 1 to 128 of `a-z`, `0-9` and `-` |
//! | `version` | N | 1 to 2^63-1, as decimal digits |
//! | `record` | B | the sealed record as it is, 0 to [`RECORD_MAX`] bytes |
//! | `tags` | SS, absent if there are none | the record's tags, 1 to 8 of 32 hexadecimal digits |
//!
//! An item with anything else is refused. It has at most 262,594 bytes as DynamoDB counts (names and values), of the 409,600 that
//! it may have.
//!
//! Each tag of a record is an item of its own, too, which has only a key: as `kind` the record's kind, `#` and the tag, as `id`
//! the record's.
//!
//! **Why the kind is the whole partition key.** A listing of one kind in order of id is then one `Query`. DynamoDB gives one partition
//! 3,000 read units (of 4 KiB, strongly consistent) and 1,000 write units (of 1 KiB) a second; a kind that needs more for some
//! minutes is divided by ranges of the sort key, which works because ids are random and the table has no local secondary index
//! (Developer Guide, "Burst and adaptive capacity"). Until then DynamoDB throttles and the client tries again. There is no limit to
//! what one partition key holds without such an index.
//!
//! # Reads and writes
//!
//! - Every read is strongly consistent (`ConsistentRead`). DynamoDB cannot compare versions, so that a read of a known version costs the
//!   whole item, but one round trip.
//! - Every write has a condition, and DynamoDB runs writes to one item one after the other: of any number of writes with the same
//!   condition exactly one succeeds.
//! - Calls are tried again with full jitter until the client's time is over. A write whose response was lost may have been executed;
//!   if the next attempt then fails its condition, the item that DynamoDB has tells which: a record is sealed with randomness, so
//!   that the same bytes are this very write. What that does not settle is
//!   [`StoreClientError::UnknownOutcome`](super::StoreClientError::UnknownOutcome), never a conflict.

mod call;
mod checksum;
mod client;
mod error;
mod item;
mod query;
mod service;
mod table;
mod tagged;
mod transaction;
mod write;

pub use client::{DynamoDb, Times};
pub use error::Fault;
pub use item::{Item, item};
pub use permafrost_common::store::RECORD_MAX;
pub use permafrost_common::table_arn::{Endpoint, TableArn, TableArnError};
pub use query::page;
pub use service::service;
pub use table::TableState;
pub use tagged::{Batch, batch, tag_page};
pub use transaction::failed_condition;
