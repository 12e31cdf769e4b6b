//! PostgreSQL itself, started by the tests: Debian's binaries, with a folder of its own.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

const PROGRAMS: &str = "/usr/lib/postgresql/15/bin";

/// Takes the server with it: its standard input ends when the program of the tests does, however that ends.
const UNTIL_INPUT_ENDS: &str =
    r#""$@" </dev/null & read -r _; kill -QUIT $!; wait; [ -z "$REMOVE" ] || rm -rf "$REMOVE""#;

/// A server with databases for tests. It ends with this value, or with the program of the tests.
pub struct PostgresServer {
    folder: PathBuf,
    port: u16,
    /// What is passed to the server besides its folder.
    options: Vec<String>,
    process: Option<Child>,
    _removed: Option<TempDir>,
}

impl PostgresServer {
    /// The one for all the tests that only need databases.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<PostgresServer> = OnceLock::new();
        SHARED.get_or_init(|| {
            let mut server = Self::made(5432, &["max_connections=1000"]);
            let folder = server._removed.take().unwrap().keep();
            server.run(folder.as_os_str());
            server
        })
    }

    /// One of its own, with these settings; it listens at a Unix socket only, unless a setting says otherwise.
    pub fn start(settings: &[&str]) -> Self {
        let mut server = Self::made(5432, settings);
        server.restart();
        server
    }

    /// The files of a server that does not run. The port is also in the name of its Unix socket.
    pub fn made(port: u16, settings: &[&str]) -> Self {
        let removed = tempfile::tempdir().unwrap();
        let folder = removed.path().to_owned();
        give(&folder);
        let mut initdb = as_its_user(format!("{PROGRAMS}/initdb"));
        let arguments = [
            "--no-sync",
            "--auth=trust",
            "--username=postgres",
            "--pgdata",
        ];
        let initdb = initdb.args(arguments).arg(folder.join("data"));
        let made = initdb
            .output()
            .expect("PostgreSQL 15 is in /usr/lib/postgresql/15: run `scripts/setup interop`");
        assert!(made.status.success(), "{made:?}");
        let mut options = vec!["listen_addresses=".to_owned(), format!("port={port}")];
        options.extend(settings.iter().map(|setting| (*setting).to_owned()));
        Self {
            folder,
            port,
            options,
            process: None,
            _removed: Some(removed),
        }
    }

    /// Starts it on what is in its folder, and waits until it takes connections.
    pub fn restart(&mut self) {
        self.run(OsStr::new(""));
    }

    fn run(&mut self, removed: &OsStr) {
        let mut command = as_its_user("sh");
        command.args(["-c", UNTIL_INPUT_ENDS, "sh"]);
        command.arg(format!("{PROGRAMS}/postgres")).arg("-D");
        command.arg(self.data()).arg("-k").arg(&self.folder);
        for option in &self.options {
            command.arg("-c").arg(option);
        }
        let log = fs::File::create(self.folder.join("log")).unwrap();
        let command = command
            .env("REMOVE", removed)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(log);
        let mut process = command.spawn().unwrap();
        let deadline = Instant::now() + Duration::from_secs(60);
        while !self.try_sql("postgres", "SELECT 1").status.success() {
            let log = fs::read_to_string(self.folder.join("log")).unwrap();
            assert!(Instant::now() < deadline, "it does not start: {log}");
            std::thread::sleep(Duration::from_millis(50));
            // One that was forked while the others were killed ends by itself soon.
            if process.try_wait().unwrap().is_some() {
                process = command.spawn().unwrap();
            }
        }
        self.process = Some(process);
    }

    /// SIGKILL to the server and to each process of a connection. No server starts while one of them still has the shared memory, so
    /// this waits until they have ended.
    pub fn kill(&mut self) {
        let pid = fs::read_to_string(self.data().join("postmaster.pid")).unwrap();
        let server: u32 = pid.lines().next().unwrap().parse().unwrap();
        // A stopped server makes no further processes.
        send(server, Signal::STOP);
        let children = children(server);
        assert!(children.len() > 3, "{children:?}");
        let all: Vec<u32> = std::iter::once(server).chain(children).collect();
        for pid in &all {
            send(*pid, Signal::KILL);
        }
        let mut process = self.process.take().unwrap();
        drop(process.stdin.take());
        process.wait().unwrap();
        let deadline = Instant::now() + Duration::from_secs(60);
        while all.iter().any(|pid| is_running(*pid)) {
            assert!(Instant::now() < deadline, "{all:?} do not end");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Makes an empty database, and gives its name.
    pub fn new_database(&self) -> String {
        static DATABASES: AtomicU32 = AtomicU32::new(0);
        let name = format!("store_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
        // Its order is that of a language, which a listing must not follow.
        self.sql(
            "postgres",
            &format!(
                "CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER icu ICU_LOCALE 'en' LOCALE 'C.UTF-8'"
            ),
        );
        name
    }

    /// The URL of a database of it by the Unix socket.
    pub fn url(&self, database: &str) -> String {
        let folder = self.folder.display();
        format!(
            "postgresql://postgres@:{}/{database}?host={folder}",
            self.port
        )
    }

    /// The folder with its data.
    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// Copies a database to an empty one, with the options in docs/backup.md.
    pub fn dump_and_restore(&self, from: &str, to: &str) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("store.dump");
        let mut dump = Command::new(format!("{PROGRAMS}/pg_dump"));
        dump.args(["--format=custom", "--schema=permafrost"]);
        dump.arg(format!("--file={}", file.display()));
        let mut restore = Command::new(format!("{PROGRAMS}/pg_restore"));
        restore.args(["--exit-on-error", "--single-transaction", "--no-owner"]);
        restore.arg(format!("--dbname={}", self.url(to)));
        for command in [dump.arg(self.url(from)), restore.arg(&file)] {
            let output = command.output().unwrap();
            assert!(output.status.success(), "{output:?}");
        }
    }

    /// Writes a file for it, which no one else can read.
    pub fn write(&self, name: &str, content: &str) -> PathBuf {
        let path = self.data().join(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        give(&path);
        path
    }

    /// Where it listens by TCP, if a setting says that it does.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What a statement returns, by PostgreSQL's own client.
    pub fn sql(&self, database: &str, statement: &str) -> String {
        let output = self.try_sql(database, statement);
        assert!(output.status.success(), "{statement}: {output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn try_sql(&self, database: &str, statement: &str) -> Output {
        Command::new(format!("{PROGRAMS}/psql"))
            .args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align"])
            .args(["--username=postgres", "--set=ON_ERROR_STOP=1", "--host"])
            .arg(&self.folder)
            .args(["--port", &self.port.to_string()])
            .args(["--dbname", database, "--command", statement])
            .output()
            .unwrap()
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            drop(process.stdin.take());
            let _ = process.wait();
        }
    }
}

/// PostgreSQL refuses to run as root; Debian's package has a user for it.
fn as_its_user(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    if let Some((user, group)) = its_user() {
        command.uid(user).gid(group);
    }
    command.current_dir("/").env("LC_ALL", "C.UTF-8");
    command
}

fn give(path: &Path) {
    if let Some((user, group)) = its_user() {
        chown(path, Some(user), Some(group)).unwrap();
    }
}

fn its_user() -> Option<(u32, u32)> {
    rustix::process::geteuid().is_root().then(|| {
        let users = fs::read_to_string("/etc/passwd").unwrap();
        let fields = users
            .lines()
            .map(|line| line.split(':').collect::<Vec<_>>())
            .find(|fields| fields[0] == "postgres")
            .expect("Debian's package makes a user postgres");
        (fields[2].parse().unwrap(), fields[3].parse().unwrap())
    })
}

/// Sends a signal to a process, which may have ended by itself.
fn send(pid: u32, signal: Signal) {
    let pid = Pid::from_raw(pid.cast_signed()).unwrap();
    let _ = kill_process(pid, signal);
}

/// Whether a process still has its memory: it exists, and is not a zombie.
fn is_running(pid: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = status.rsplit_once(") ").map(|(_, state)| state);
    state.is_some_and(|state| !state.starts_with(['Z', 'X']))
}

fn children(parent: u32) -> Vec<u32> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let Ok(pid) = entry.file_name().to_string_lossy().parse() else {
            continue;
        };
        let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        // After the name in parentheses: the state and the parent.
        let after = stat.rsplit_once(") ").map_or("", |(_, after)| after);
        if after.split(' ').nth(1) == Some(&parent.to_string()) {
            found.push(pid);
        }
    }
    found
}
