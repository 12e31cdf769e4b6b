//! What only PostgreSQL's store has: several parents, a server that may fail by itself, and a connection that has to be secured.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use permafrost::store::{PostgresConfig, RecordStore, StoreError};
use permafrost_enclave::store::{Expected, PutOutcome, Range, Store, StoreClientError};
use permafrost_tests::{Authority, PostgresServer};
use tokio::sync::Barrier;

use crate::cases::{expected, put, read, together};
use crate::postgres_parent::{Parent, by_socket, by_tcp};

#[tokio::test(flavor = "multi_thread")]
async fn of_sixteen_writers_at_two_parents_exactly_one_wins_each_version() {
    let server = PostgresServer::shared();
    let database = by_socket(server, &server.new_database());
    let parents = [
        Parent::serve(&database).await,
        Parent::serve(&database).await,
    ];
    let stores = parents.each_ref().map(Parent::store);
    let mut won = [0, 0];
    for version in 1..=24 {
        let start = Barrier::new(16);
        let tasks = (0..16u8).map(|writer| {
            let (start, store) = (&start, &stores[usize::from(writer % 2)]);
            async move {
                start.wait().await;
                put(store, "a", version - 1, &[writer]).await
            }
        });
        let mut winners = Vec::new();
        for (writer, outcome) in (0..).zip(together(tasks.collect()).await) {
            match outcome {
                PutOutcome::Stored { version: stored } => {
                    assert_eq!(stored, version);
                    winners.push(writer);
                }
                PutOutcome::Conflict { current } => assert_eq!(current, Some(version)),
            }
        }
        assert_eq!(winners.len(), 1, "version {version}: {winners:?}");
        won[usize::from(winners[0] % 2)] += 1;
        for store in &stores {
            assert_eq!(read(store, "a").await, Some((version, winners.clone())));
        }
    }
    assert!(won[0] > 0 && won[1] > 0, "{won:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn parents_that_find_an_empty_database_at_once_make_one_store() {
    let server = PostgresServer::shared();
    for _ in 0..3 {
        let database = by_socket(server, &server.new_database());
        let opened = together((0..8).map(|_| RecordStore::connect(&database)).collect()).await;
        for store in opened {
            store.unwrap().ready().await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_acknowledged_write_survives_a_kill_of_the_database() {
    let mut server = PostgresServer::start(&["max_wal_size=32MB"]);
    let database = by_socket(&server, &server.new_database());
    let parent = Parent::serve(&database).await;
    for round in 0..3 {
        let written = Arc::new(AtomicU32::new(0));
        let writers: Vec<_> = (0..8)
            .map(|writer| {
                let (store, written) = (parent.store(), Arc::clone(&written));
                tokio::spawn(write_until_killed(
                    store,
                    format!("r{round}-{writer}"),
                    written,
                ))
            })
            .collect();
        while written.load(Ordering::Relaxed) < 200 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        server.kill();
        let mut told = BTreeMap::new();
        for writer in writers {
            let (id, acknowledged) = writer.await.unwrap();
            told.insert(id, acknowledged);
        }
        server.restart();
        for (id, acknowledged) in told {
            let store = parent.store();
            let Some((version, record)) = read(&store, &id).await else {
                assert_eq!(acknowledged, 0, "{id} is gone");
                continue;
            };
            // The write that had no response may have been made.
            assert!(
                version == acknowledged || version == acknowledged + 1,
                "{id}: {version}, acknowledged: {acknowledged}"
            );
            assert_eq!(record, version.to_string().into_bytes());
        }
    }
}

/// Puts one version after the other until one has no outcome: the last that was acknowledged, of which it counts each.
async fn write_until_killed(store: Store, id: String, written: Arc<AtomicU32>) -> (String, u64) {
    let mut version = 0;
    loop {
        let record = (version + 1).to_string();
        let put = store.put("key", &id, expected(version), record.as_bytes(), "");
        match put.await {
            Ok(PutOutcome::Stored { version: stored }) => version = stored,
            Ok(conflict) => panic!("{id}: {conflict:?}"),
            Err(StoreClientError::UnknownOutcome(_)) => return (id, version),
            Err(other) => panic!("{id}: {other}"),
        }
        written.fetch_add(1, Ordering::Relaxed);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_does_not_prove_its_name_is_refused() {
    let (ca, other) = (Authority::new("one"), Authority::new("other"));
    let tls = ["listen_addresses=127.0.0.1", "ssl=on"];
    let mut server = PostgresServer::made(free_port(), &tls);
    certify(&server, &ca, "127.0.0.1");
    server.write(
        "pg_hba.conf",
        "local all all trust\nhostssl all all 127.0.0.1/32 trust\n",
    );
    server.restart();
    let url = "postgres@127.0.0.1:PORT/postgres?sslmode=verify-full";
    let right = by_tcp(&server, url, Some(server.write("right.pem", &ca.pem())));
    let wrong = by_tcp(&server, url, Some(server.write("wrong.pem", &other.pem())));

    let store = RecordStore::connect(&right).await.unwrap();
    store.ready().await.unwrap();
    let encrypted = "SELECT count(*) > 0 AND bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
        WHERE application_name = 'permafrost'";
    assert_eq!(server.sql("postgres", encrypted), "t");
    store.close().await;

    for refused in [wrong, by_tcp(&server, url, None)] {
        let text = refusal(&refused).await;
        assert!(text.contains("UnknownIssuer"), "{text}");
    }
    certify(&server, &ca, "db.internal");
    server.sql("postgres", "SELECT pg_reload_conf()");
    let text = eventually_refused(&right).await;
    assert!(text.contains("not valid for name"), "{text}");
    // The name is what is compared, not only the address.
    let other_name = by_tcp(
        &server,
        "postgres@localhost:PORT/postgres?sslmode=verify-full",
        right.root_certificates.clone(),
    );
    let text = refusal(&other_name).await;
    assert!(text.contains("not valid for name"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_tls_is_refused() {
    let mut server = PostgresServer::made(free_port(), &["listen_addresses=127.0.0.1"]);
    server.restart();
    let text = refusal(&by_tcp(
        &server,
        "postgres@127.0.0.1:PORT/postgres?sslmode=verify-full",
        None,
    ))
    .await;
    assert!(text.contains("does not support TLS"), "{text}");
    // On this machine TLS is not required.
    let store =
        RecordStore::connect(&by_tcp(&server, "postgres@127.0.0.1:PORT/postgres", None)).await;
    store.unwrap().ready().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_without_certificates_is_refused() {
    let server = PostgresServer::shared();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("roots.pem");
    for content in ["", "no certificate", "-----BEGIN CERTIFICATE-----\nAA"] {
        fs::write(&file, content).unwrap();
        let mut database = by_socket(server, "postgres");
        database.root_certificates = Some(file.clone());
        let text = refusal(&database).await;
        assert!(text.contains("store.postgres_ca"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_of_another_program_or_release_is_refused() {
    let server = PostgresServer::shared();
    let name = server.new_database();
    server.sql(&name, "CREATE TABLE orders (id integer)");
    let refused = RecordStore::connect(&by_socket(server, &name)).await;
    assert!(
        matches!(&refused, Err(StoreError::ForeignDatabase { found, .. }) if found == "public.orders"),
        "{refused:?}"
    );
    let made = server.sql(
        &name,
        "SELECT count(*) FROM pg_namespace WHERE nspname = 'permafrost'",
    );
    assert_eq!(made, "0");

    let name = server.new_database();
    let database = by_socket(server, &name);
    RecordStore::connect(&database).await.unwrap().close().await;
    // Beside its own tables, others are the owner's business.
    server.sql(&name, "CREATE TABLE notes (text text)");
    RecordStore::connect(&database).await.unwrap().close().await;
    server.sql(&name, "UPDATE permafrost.store SET schema_version = 7");
    let refused = RecordStore::connect(&database).await;
    assert!(
        matches!(
            refused,
            Err(StoreError::DatabaseSchema {
                found: 7,
                expected: 1,
                ..
            })
        ),
        "{refused:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_would_lose_writes_or_takes_none_is_refused() {
    let mut server = PostgresServer::start(&["fsync=off"]);
    let database = by_socket(&server, "postgres");
    let text = refusal(&database).await;
    assert!(text.contains("fsync is off"), "{text}");
    server.kill();
    server.write("standby.signal", "");
    server.restart();
    let text = refusal(&database).await;
    assert!(text.contains("standby"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_defaults_of_the_database_do_not_weaken_a_write() {
    let server = PostgresServer::shared();
    let name = server.new_database();
    let database = by_socket(server, &name);
    for default in [
        "synchronous_commit = off",
        "default_transaction_isolation = 'serializable'",
        "statement_timeout = 1",
    ] {
        server.sql("postgres", &format!("ALTER DATABASE {name} SET {default}"));
    }
    RecordStore::connect(&database).await.unwrap().close().await;
    let check = "CREATE FUNCTION public.check_settings() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
        IF current_setting('synchronous_commit') <> 'on' OR current_setting('transaction_isolation') <> 'read committed' \
        THEN RAISE 'weakened'; END IF; RETURN NEW; END $$; \
        CREATE TRIGGER check_settings BEFORE INSERT OR UPDATE ON permafrost.records \
        FOR EACH ROW EXECUTE FUNCTION public.check_settings()";
    server.sql(&name, &format!("SET statement_timeout = 0; {check}"));
    let parent = Parent::serve(&database).await;
    for version in 1..=3 {
        let stored = put(&parent.store(), "a", version - 1, b"x").await;
        assert_eq!(stored, PutOutcome::Stored { version });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_and_a_new_first_version_leave_no_tag_behind() {
    let server = PostgresServer::shared();
    let name = server.new_database();
    let parent = Parent::serve(&by_socket(server, &name)).await;
    let store = parent.store();
    let tags = format!("{},{}", "0".repeat(32), "f".repeat(32));
    let put = store.put("key", "a", Expected::Absent, b"x", &tags).await;
    assert_eq!(put.unwrap(), PutOutcome::Stored { version: 1 });
    let count = "SELECT count(*) FROM permafrost.tags";
    assert_eq!(server.sql(&name, count), "2");
    // What changed nothing changed no tag.
    let conflict = store.put("key", "a", Expected::Absent, b"y", "").await;
    assert_eq!(conflict.unwrap(), PutOutcome::Conflict { current: Some(1) });
    assert_eq!(server.sql(&name, count), "2");
    store.delete("key", "a", 1).await.unwrap();
    assert_eq!(server.sql(&name, count), "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dump_is_restored_as_the_backup_document_says() {
    let server = PostgresServer::shared();
    let [name, restored] = [server.new_database(), server.new_database()];
    let parent = Parent::serve(&by_socket(server, &name)).await;
    let tag = "7".repeat(32);
    for (id, record) in [("a", b"first"), ("b", b"other")] {
        let put = parent
            .store()
            .put("key", id, Expected::Absent, record, &tag)
            .await;
        put.unwrap();
    }
    put(&parent.store(), "a", 1, b"second").await;
    server.dump_and_restore(&name, &restored);
    let parent = Parent::serve(&by_socket(server, &restored)).await;
    let copy = parent.store();
    assert_eq!(read(&copy, "a").await, Some((2, b"second".to_vec())));
    let range = Range {
        tag: Some(&tag),
        ..Range::after("", 100)
    };
    let listing = copy.listing("key", range).await.unwrap();
    assert_eq!(listing.records.len(), 1);
    assert_eq!(listing.records[0].id, "b");
    let stored = put(&copy, "a", 2, b"third").await;
    assert_eq!(stored, PutOutcome::Stored { version: 3 });
}

#[test]
fn the_password_is_read_from_a_file_and_never_printed() {
    let mut server = PostgresServer::made(free_port(), &["listen_addresses=127.0.0.1"]);
    server.write(
        "pg_hba.conf",
        "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n",
    );
    server.restart();
    server.sql("postgres", "ALTER USER postgres PASSWORD 'hunter2'");
    let url = "postgres@127.0.0.1:PORT/postgres";
    let database = by_tcp(&server, url, None).database.to_string();
    let serving = served(&database, "hunter2");
    assert!(serving.contains("\"serving\""), "{serving}");
    let refused = served(&database, "hunter3");
    assert!(
        refused.contains("password authentication failed"),
        "{refused}"
    );
    let named = served(&database.replace("postgres@", "postgres:hunter2@"), "");
    assert!(
        named.contains("PGPASSFILE") && named.contains("line "),
        "{named}"
    );
    for text in [serving, refused, named] {
        assert!(!text.contains("hunter"), "{text}");
    }
}

/// What a parent prints with a password file, until it serves or ends.
fn served(database: &str, password: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().display();
    let configuration = format!(
        "listen = \"127.0.0.1:0\"\n\
         [store]\nlisten = \"unix:{place}/store.sock\"\npostgres = \"{database}\"\n\
         [enclave]\naddress = \"unix:{place}/enclave.sock\"\n\
         [enclave_log]\nlisten = \"none\"\n[log]\nlevel = \"debug\"\n"
    );
    let [file, passwords] = ["parent.toml", "passwords"].map(|name| folder.path().join(name));
    fs::write(&file, configuration).unwrap();
    fs::write(&passwords, format!("*:*:*:*:{password}\n")).unwrap();
    fs::set_permissions(&passwords, fs::Permissions::from_mode(0o600)).unwrap();
    let mut parent = Command::new(permafrost_tests::binaries::parent())
        .args(["serve", "--config"])
        .arg(&file)
        .env("PGPASSFILE", &passwords)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut printed = String::new();
    let mut lines = BufReader::new(parent.stderr.take().unwrap());
    while !printed.contains("\"serving\"") && lines.read_line(&mut printed).unwrap() > 0 {}
    parent.kill().unwrap();
    parent.wait().unwrap();
    printed
}

/// Why a database is not opened.
async fn refusal(database: &PostgresConfig) -> String {
    RecordStore::connect(database)
        .await
        .map(drop)
        .unwrap_err()
        .to_string()
}

/// The same, once the server has read its new files.
async fn eventually_refused(database: &PostgresConfig) -> String {
    for _ in 0..100 {
        if let Err(refused) = RecordStore::connect(database).await {
            return refused.to_string();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("it is still accepted");
}

/// Gives a server a certificate for a name.
fn certify(server: &PostgresServer, ca: &Authority, name: &str) {
    let (certificate, key) = ca.server(name);
    server.write("server.crt", &certificate.pem());
    server.write("server.key", &key.serialize_pem());
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}
