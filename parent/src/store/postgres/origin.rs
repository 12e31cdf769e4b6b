//! Makes the schema in an empty database; refuses a database that is not a record store, and a server that would lose writes.

use sqlx::Connection;
use sqlx::postgres::PgConnection;

use super::super::error::StoreError;
use super::PostgresUrl;

/// The version of this program's schema, as `schema.sql` sets it.
const SCHEMA_VERSION: i32 = 1;

/// The advisory lock under which the schema is made ("PRMF").
const LOCK: i64 = 0x5052_4D46;

/// What another program has made: relations outside PostgreSQL's own schemas and extensions.
const FOREIGN: &str = "SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
    WHERE n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%' \
    AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') \
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e') \
    ORDER BY 1 LIMIT 1";

pub(super) async fn prepare(
    connection: &mut PgConnection,
    database: &PostgresUrl,
) -> Result<(), StoreError> {
    let failed = |source| StoreError::Postgres {
        database: database.to_string(),
        source,
    };
    if let Some(finding) = unfitness(connection).await.map_err(failed)? {
        return Err(StoreError::Unfit {
            database: database.to_string(),
            finding,
        });
    }
    let mut transaction = connection.begin().await.map_err(failed)?;
    // Of two processes that find an empty database, only one makes the schema.
    sqlx::query("SELECT pg_advisory_xact_lock($1)")
        .bind(LOCK)
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
    let made: bool = sqlx::query_scalar("SELECT to_regclass('permafrost.store') IS NOT NULL")
        .fetch_one(&mut *transaction)
        .await
        .map_err(failed)?;
    if !made {
        let foreign: Option<String> = sqlx::query_scalar(FOREIGN)
            .fetch_optional(&mut *transaction)
            .await
            .map_err(failed)?;
        if let Some(found) = foreign {
            return Err(StoreError::ForeignDatabase {
                database: database.to_string(),
                found,
            });
        }
        sqlx::raw_sql(include_str!("schema.sql"))
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
    }
    let found: i32 = sqlx::query_scalar("SELECT schema_version FROM permafrost.store")
        .fetch_one(&mut *transaction)
        .await
        .map_err(failed)?;
    if found != SCHEMA_VERSION {
        return Err(StoreError::DatabaseSchema {
            database: database.to_string(),
            found,
            expected: SCHEMA_VERSION,
        });
    }
    transaction.commit().await.map_err(failed)
}

/// Why a server cannot keep what a store promises. Makes commits of this session wait for the disk, whatever the database's default is.
pub(super) async fn unfitness(
    connection: &mut PgConnection,
) -> Result<Option<String>, sqlx::Error> {
    let (standby, fsync): (bool, String) =
        sqlx::query_as("SELECT pg_is_in_recovery(), current_setting('fsync')")
            .fetch_one(&mut *connection)
            .await?;
    if standby {
        return Ok(Some(
            "the server is a standby, which takes no writes; accepted: the primary".to_owned(),
        ));
    }
    if fsync != "on" {
        return Ok(Some(format!(
            "fsync is {fsync}, so that the server would lose writes; accepted: on"
        )));
    }
    // Only this value: the others wait for the disk, and some for standbys, too.
    sqlx::query(
        "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'",
    )
    .execute(connection)
    .await?;
    Ok(None)
}
