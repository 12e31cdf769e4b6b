//! The guarantees of the database, and the files that it refuses.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use bytes::Bytes;
use permafrost_common::store::{Expected, RECORD_MAX};

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn exactly_one_of_concurrent_puts_to_a_record_wins_each_version() {
    let served = Served::start().await;
    let mut expected = Expected::Absent;
    for version in 1..=5 {
        let puts: Vec<_> = (0..40u8)
            .map(|i| {
                let store = served.store.clone();
                tokio::spawn(async move {
                    let put = store.put("key", "a", expected, Bytes::from(vec![i]), "");
                    (i, put.await.unwrap())
                })
            })
            .collect();
        let mut winners = Vec::new();
        for put in puts {
            match put.await.unwrap() {
                (i, Put::Stored { version: stored }) => {
                    assert_eq!(stored, version);
                    winners.push(i);
                }
                (_, Put::Conflict { current }) => assert_eq!(current, Some(version)),
            }
        }
        let Fetched::Record(record) = served.store.get("key", "a", None).await.unwrap() else {
            panic!("the record is gone");
        };
        assert_eq!((winners, record.version), (record.bytes.to_vec(), version));
        expected = Expected::Version(version);
    }
}

/// The variable with the database of the process that is killed; set for that process only.
const VICTIM: &str = "PERMAFROST_TEST_STORE_VICTIM";

/// Starts this test again as a process of its own, which writes records and prints what was acknowledged, and kills it.
#[tokio::test(flavor = "multi_thread")]
async fn every_acknowledged_change_survives_a_kill() {
    if let Some(path) = std::env::var_os(VICTIM) {
        return write_until_killed(path.as_ref()).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = database_in(folder.path());
    for round in 0..3 {
        let mut victim = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "store::tests::database::every_acknowledged_change_survives_a_kill",
                "--nocapture",
            ])
            .env(VICTIM, &path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(victim.stdout.take().unwrap()).lines();
        let mut acknowledged = Vec::new();
        let mut deleted = Vec::new();
        for line in lines {
            let line = line.unwrap();
            if let Some(id) = line.strip_prefix("acknowledged ") {
                acknowledged.push(id.to_owned());
            }
            if let Some(id) = line.strip_prefix("deleted ") {
                deleted.push(id.to_owned());
            }
            if acknowledged.len() == 50 + 70 * round {
                // What it had still printed is in the pipe, and must be true, too.
                victim.kill().unwrap();
            }
        }
        victim.wait().unwrap();
        assert!(
            acknowledged.len() >= 50 + 70 * round,
            "the victim ended by itself"
        );
        let store = RecordStore::open(&path).await.unwrap();
        for id in acknowledged {
            let Fetched::Record(record) = store.get("key", &id, None).await.unwrap() else {
                panic!("{id} was acknowledged and has been lost");
            };
            assert_eq!((record.version, record.bytes), (1, Bytes::from(id)));
        }
        assert!(!deleted.is_empty());
        for id in deleted {
            let fetched = store.get("key", &id, None).await.unwrap();
            assert!(matches!(fetched, Fetched::Absent), "{id} is back");
        }
        store.close().await;
    }
}

async fn write_until_killed(path: &Path) {
    let store = RecordStore::open(path).await.unwrap();
    let writers: Vec<_> = (0..8)
        .map(|writer| {
            let store = store.clone();
            tokio::spawn(async move {
                let process = std::process::id();
                // Ends by itself if nothing kills it.
                for i in 0..100_000 {
                    let id = format!("{process}-{writer}-{i}");
                    let record = Bytes::from(id.clone());
                    let put = store.put("key", &id, Expected::Absent, record, "");
                    assert_eq!(put.await.unwrap(), Put::Stored { version: 1 });
                    let what = match i % 4 {
                        3 => {
                            let deleted = store.delete("key", &id, 1).await.unwrap();
                            assert_eq!(deleted, Deletion::Deleted);
                            "deleted"
                        }
                        _ => "acknowledged",
                    };
                    writeln!(std::io::stdout(), "{what} {id}").unwrap();
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
}

#[tokio::test]
async fn records_survive_a_close_and_a_closed_store_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = database_in(folder.path());
    let store = RecordStore::open(&path).await.unwrap();
    let put = |store: RecordStore| async move {
        store
            .put("key", "a", Expected::Absent, Bytes::from_static(b"one"), "")
            .await
    };
    put(store.clone()).await.unwrap();
    store.close().await;
    assert!(matches!(put(store.clone()).await, Err(StoreError::Closed)));
    assert!(matches!(
        store.get("key", "a", None).await,
        Err(StoreError::Closed)
    ));
    assert!(matches!(store.ready().await, Err(StoreError::Closed)));
    let store = RecordStore::open(&path).await.unwrap();
    store.ready().await.unwrap();
    assert_eq!(
        put(store).await.unwrap(),
        Put::Conflict { current: Some(1) }
    );
    assert_eq!(
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777,
        0o600
    );
}

#[tokio::test]
async fn a_file_that_is_not_a_record_store_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = database_in(folder.path());
    let garbage = vec![b'x'; 8192];
    std::fs::write(&path, &garbage).unwrap();
    let error = RecordStore::open(&path).await.unwrap_err();
    assert!(matches!(error, StoreError::Unusable { .. }), "{error}");
    assert!(error.to_string().contains("not a database"), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), garbage);

    let error = RecordStore::open(folder.path()).await.unwrap_err();
    assert!(matches!(error, StoreError::File { .. }), "{error}");

    alter(
        &folder.path().join("foreign"),
        "CREATE TABLE music (title TEXT)",
    )
    .await;
    let error = RecordStore::open(folder.path().join("foreign"))
        .await
        .unwrap_err();
    assert!(
        matches!(error, StoreError::Foreign { found: 0, .. }),
        "{error}"
    );
}

#[tokio::test]
async fn a_store_of_another_release_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = database_in(folder.path());
    RecordStore::open(&path).await.unwrap().close().await;
    alter(&path, "PRAGMA user_version = 1").await;
    let error = RecordStore::open(&path).await.unwrap_err();
    assert!(
        matches!(
            error,
            StoreError::Schema {
                found: 1,
                expected: 2,
                ..
            }
        ),
        "{error}"
    );
}

#[tokio::test]
async fn a_truncated_store_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = database_in(folder.path());
    let store = RecordStore::open(&path).await.unwrap();
    for id in ["a", "b"] {
        let record = Bytes::from(vec![1; RECORD_MAX]);
        store
            .put("key", id, Expected::Absent, record, "")
            .await
            .unwrap();
    }
    store.close().await;
    let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.set_len(6000).unwrap();
    let error = RecordStore::open(&path).await.unwrap_err();
    assert!(matches!(error, StoreError::Unusable { .. }), "{error}");
    assert!(error.to_string().contains("malformed"), "{error}");
}

/// Runs a statement on a database file, bypassing the store.
async fn alter(path: &Path, statement: &'static str) {
    use sqlx::{ConnectOptions, Connection};
    let mut connection = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .connect()
        .await
        .unwrap();
    sqlx::raw_sql(statement)
        .execute(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
}
