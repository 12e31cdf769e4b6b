//! `[store]`: where the enclave reaches the record store, and which database it is in.

use std::path::PathBuf;

use permafrost_common::transport::{Address, Cid};
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::store::PostgresConfig;

/// `[store]`.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(try_from = "Keys")]
pub struct StoreConfig {
    /// The address of the record store.
    pub listen: Address,
    /// The database.
    pub database: DatabaseConfig,
    /// The vsock CID whose connections are accepted; 0: the CID in the enclave's address.
    pub enclave_cid: u32,
}

/// The database that has the records.
#[derive(Clone, Debug, PartialEq)]
pub enum DatabaseConfig {
    /// The SQLite database file.
    Sqlite(PathBuf),
    /// A PostgreSQL database.
    Postgres(PostgresConfig),
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self {
            listen: Address::Vsock {
                cid: Cid::Any,
                port: 5001,
            },
            database: DatabaseConfig::Sqlite(PathBuf::from("/var/lib/permafrost/store.sqlite")),
            enclave_cid: 0,
        }
    }
}

/// The keys as they are written.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Keys {
    listen: Address,
    sqlite: Option<PathBuf>,
    /// What `sqlite` was called before there was another database.
    path: Option<IgnoredAny>,
    postgres: Option<String>,
    postgres_ca: Option<PathBuf>,
    enclave_cid: u32,
}

impl Default for Keys {
    fn default() -> Self {
        let StoreConfig {
            listen,
            enclave_cid,
            ..
        } = StoreConfig::default();
        Self {
            listen,
            sqlite: None,
            path: None,
            postgres: None,
            postgres_ca: None,
            enclave_cid,
        }
    }
}

impl TryFrom<Keys> for StoreConfig {
    type Error = String;

    fn try_from(keys: Keys) -> Result<Self, String> {
        if keys.path.is_some() {
            return Err("store.path; accepted: store.sqlite, which is its name now".to_owned());
        }
        let database = match (keys.sqlite, keys.postgres, keys.postgres_ca) {
            (Some(_), Some(_), _) => {
                return Err("store.sqlite and store.postgres; accepted: one of them".to_owned());
            }
            (_, None, Some(_)) => {
                return Err("store.postgres_ca without store.postgres; accepted: both".to_owned());
            }
            (Some(path), None, None) if path.as_os_str().is_empty() => {
                return Err(
                    "store.sqlite = \"\"; accepted: a path, or store.postgres instead".to_owned(),
                );
            }
            (Some(path), None, None) => DatabaseConfig::Sqlite(path),
            (None, None, None) => Self::default().database,
            (None, Some(url), root_certificates) => DatabaseConfig::Postgres(PostgresConfig {
                database: url
                    .parse()
                    .map_err(|error| format!("store.postgres: {error}"))?,
                root_certificates,
            }),
        };
        Ok(Self {
            listen: keys.listen,
            database,
            enclave_cid: keys.enclave_cid,
        })
    }
}
