//! `permafrost keys` with split custody, as a person calls it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use permafrost_tests::{HonestStack, Measured, binaries};
use serde_json::Value;

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_made_used_refreshed_and_recovered_with_share_files() {
    let person = Person::new();
    let create = [
        "create",
        "--custody",
        "split",
        "--threshold",
        "2",
        "--share-out",
        "alice.share",
        "--share-out",
        "drawer=drawer.share",
        "alice",
        "drawer",
        "server",
    ];
    let key = person.printed(&create);
    assert_eq!(key["custody"], "split");
    let id = key["id"].as_str().unwrap();
    for name in ["alice.share", "drawer.share"] {
        let file = person.path(name);
        assert_eq!(
            fs::metadata(&file).unwrap().permissions().mode() & 0o777,
            0o600
        );
        let text = fs::read_to_string(&file).unwrap();
        assert!(
            text.starts_with("-----BEGIN AGE ENCRYPTED FILE-----"),
            "{text}"
        );
        assert!(!text.contains("key_package"));
    }
    let certificate = person.printed(&["certificate", id]);
    assert_eq!(
        certificate["outcome"]["group_public_key"],
        key["group_public_key"]
    );
    fs::write(person.path("certificate.json"), certificate.to_string()).unwrap();
    assert_eq!(
        person.printed(&["certificate", "--file", "certificate.json"]),
        certificate
    );
    let forged = certificate
        .to_string()
        .replace("\"threshold\":2", "\"threshold\":3");
    fs::write(person.path("certificate.json"), forged).unwrap();
    let told = person.refused(1, &["certificate", "--file", "certificate.json"]);
    assert!(
        told.contains("does not have the signature of alice"),
        "{told}"
    );
    // Either file signs with the enclave.
    let sign = |share: &str| person.printed(&["sign", id, "--message", "hello", "--share", share]);
    for share in ["alice.share", "drawer.share"] {
        assert_eq!(sign(share)["public_key"], key["group_public_key"]);
    }
    let rotated = person.printed(&[
        "rotate",
        id,
        "--share",
        "alice.share",
        "--share",
        "drawer.share",
        "--share-out",
        "alice=alice-2.share",
        "--share-out",
        "drawer=drawer-2.share",
    ]);
    assert_eq!(rotated["generation"], 2);
    assert_eq!(rotated["group_public_key"], key["group_public_key"]);
    assert_eq!(sign("drawer-2.share")["generation"], 2);
    let told = person.refused(1, &["show", id, "--share", "alice.share"]);
    assert!(told.contains("generation 1; this is key"), "{told}");
    person.printed(&["show", id, "--share", "alice-2.share"]);
    let told = person.refused(
        2,
        &["sign", id, "--message", "hello", "--share", "alice.share"],
    );
    assert!(told.contains("which the key has now"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_share_file_is_replaced_with_the_one_from_the_drawer() {
    let person = Person::new();
    let files = [
        "--share-out",
        "alice.share",
        "--share-out",
        "drawer=drawer.share",
    ];
    let key = person.printed(&create(
        &[&files[..], &["alice", "drawer", "server"]].concat(),
    ));
    let id = key["id"].as_str().unwrap();
    fs::remove_file(person.path("alice.share")).unwrap();
    let files = [
        "--share-out",
        "alice-2.share",
        "--share-out",
        "drawer=drawer-2.share",
    ];
    let reshare = ["reshare", id, "--threshold", "2", "--share", "drawer.share"];
    let names = ["alice", "drawer", "server"];
    let new = person.printed(&[&reshare[..], &files, &names].concat());
    assert_eq!(new["generation"], 2);
    assert_eq!(new["group_public_key"], key["group_public_key"]);
    for share in ["alice-2.share", "drawer-2.share"] {
        person.printed(&["sign", id, "--message", "hello", "--share", share]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_share_file_is_written_over_and_a_wrong_call_makes_no_key() {
    let person = Person::new();
    fs::write(person.path("taken.share"), "precious").unwrap();
    let told = person.refused(
        2,
        &create(&["--share-out", "taken.share", "alice", "server"]),
    );
    assert!(told.contains("exists; accepted: a new file"), "{told}");
    assert_eq!(
        fs::read_to_string(person.path("taken.share")).unwrap(),
        "precious"
    );
    let told = person.refused(2, &create(&["alice", "server"]));
    assert!(told.contains("--share-out for each participant"), "{told}");
    let both = [
        "--share-out",
        "a.share",
        "--share-out",
        "alice=b.share",
        "alice",
        "server",
    ];
    let told = person.refused(2, &create(&both));
    assert!(told.contains("one new file for each participant"), "{told}");
    let told = person.refused(
        2,
        &[
            "create",
            "--threshold",
            "2",
            "--share-out",
            "a.share",
            "a",
            "b",
        ],
    );
    assert!(told.contains("accepted: --custody split"), "{told}");
    // All shares outside: there is nothing for the enclave to do.
    let all = [
        "--share-out",
        "alice=a.share",
        "--share-out",
        "bob=b.share",
        "alice",
        "bob",
    ];
    let told = person.refused(1, &create(&all));
    assert!(told.contains("0 without a public key"), "{told}");
    let unwritable = ["--share-out", "no/such/folder.share", "alice", "server"];
    let told = person.refused(1, &create(&unwritable));
    assert!(told.contains("No such file"), "{told}");
    assert_eq!(person.printed(&["list"])["keys"], serde_json::json!([]));
    assert!(!person.path("a.share").exists());
}

fn create<'a>(rest: &[&'a str]) -> Vec<&'a str> {
    [&["create", "--custody", "split", "--threshold", "2"], rest].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_share_file_that_does_not_open_says_so_and_shows_nothing() {
    let person = Person::new();
    let key = person.printed(&[
        "create",
        "--custody",
        "split",
        "--threshold",
        "2",
        "--share-out",
        "alice.share",
        "alice",
        "server",
    ]);
    let id = key["id"].as_str().unwrap();
    let sign = ["sign", id, "--message", "hello", "--share"];
    let with = |file: &str| person.refused(2, &[&sign[..], &[file]].concat());
    assert!(with("missing.share").contains("No such file"));
    fs::write(person.path("other.share"), "not a share").unwrap();
    assert!(with("other.share").contains("not an age file"));
    fs::write(person.path("passphrase"), "wrong\n").unwrap();
    assert!(with("alice.share").contains("does not open"));
    let other = person.refused(
        2,
        &[
            "sign",
            &"0".repeat(44),
            "--message",
            "x",
            "--share",
            "alice.share",
        ],
    );
    assert!(other.contains("does not open"), "{other}");
    fs::write(person.path("passphrase"), "correct horse\n").unwrap();
    let other = person.refused(
        2,
        &[
            "sign",
            &"0".repeat(44),
            "--message",
            "x",
            "--share",
            "alice.share",
        ],
    );
    assert!(other.contains("the share of alice is of key"), "{other}");
    let no_key = "0".repeat(44);
    let reshare = [
        "reshare",
        &no_key,
        "--threshold",
        "2",
        "--share",
        "alice.share",
    ];
    let names = ["--share-out", "alice=new.share", "alice", "server"];
    let other = person.refused(2, &[&reshare[..], &names].concat());
    assert!(other.contains("the share of alice is of key"), "{other}");
    assert!(!person.path("new.share").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_replaced_and_its_statement_is_verified_without_an_enclave() {
    let person = Person::new();
    let create = |file: &str| {
        let shares = ["--threshold", "2", "--share-out", file, "alice", "server"];
        person.printed(&[&["create", "--custody", "split"][..], &shares].concat())
    };
    let old = create("alice.share");
    let id = old["id"].as_str().unwrap();
    let replace = ["replace", id, "--disable-old", "--share", "alice.share"];
    let told = person.refused(2, &replace);
    assert!(told.contains("0 files for the shares of alice"), "{told}");
    let replaced = person.printed(&[&replace[..], &["--share-out", "new.share"]].concat());
    let new = &replaced["key"];
    assert_eq!(new["replaces"], old["id"]);
    let shown = person.printed(&["replacement", id]);
    assert_eq!(shown, replaced["replacement"]);
    assert_eq!(shown["old_public_key"], old["group_public_key"]);
    assert_eq!(shown["new_public_key"], new["group_public_key"]);
    let new = new["id"].as_str().unwrap();
    let sign = ["sign", new, "--message", "hello", "--share", "new.share"];
    person.printed(&sign);
    person.refused(1, &["sign", id, "--message", "x", "--share", "alice.share"]);
    person.printed(&["delete", id]);

    // A stored statement is verified by a program that knows nothing else.
    let verify = |statement: &str| {
        fs::write(person.path("replacement.json"), statement).unwrap();
        let mut command = Command::new(binaries::parent());
        command.args(["keys", "replacement", "--file", "replacement.json"]);
        command.current_dir(person.folder.path());
        command.output().unwrap()
    };
    let verified = verify(&shown.to_string());
    assert!(verified.status.success(), "{verified:?}");
    let text = String::from_utf8(verified.stdout).unwrap();
    assert!(text.contains("by the old key: verified"), "{text}");
    let forged = shown
        .to_string()
        .replace("\"deployment\":\"test\"", "\"deployment\":\"tests\"");
    let refused = verify(&forged);
    assert_eq!(refused.status.code(), Some(1));
    let text = String::from_utf8(refused.stderr).unwrap();
    assert!(text.contains("is not signed by the old key"), "{text}");
    assert_eq!(verify("{}").status.code(), Some(2));

    // A key made before takes the place of another with that one's share file.
    let third = create("third.share");
    let by = third["id"].as_str().unwrap();
    let replaced = person.printed(&["replace", new, "--by", by, "--share", "new.share"]);
    assert_eq!(replaced["replacement"]["old_key_id"], new);
    assert_eq!(replaced["key"]["id"], by);
    person.printed(&sign);
}

struct Person {
    _stack: HonestStack,
    profile: PathBuf,
    folder: tempfile::TempDir,
}

impl Person {
    fn new() -> Self {
        let stack = HonestStack::start(Measured::new("test"));
        let profile = stack.profile("alice");
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("passphrase"), "correct horse\n").unwrap();
        Self {
            _stack: stack,
            profile,
            folder,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What a command prints as JSON when it succeeds.
    fn printed(&self, arguments: &[&str]) -> Value {
        let output = self.keys(arguments);
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// The message of a command that fails with this exit code.
    fn refused(&self, code: i32, arguments: &[&str]) -> String {
        let output = self.keys(arguments);
        assert_eq!(
            output.status.code(),
            Some(code),
            "{arguments:?}: {output:?}"
        );
        let told: Value = serde_json::from_slice(&output.stdout).unwrap();
        told["error"]["detail"].as_str().unwrap().to_owned()
    }

    fn keys(&self, arguments: &[&str]) -> Output {
        let uses_files = arguments.iter().any(|one| one.starts_with("--share"));
        let passphrase: &[&str] = match uses_files {
            true => &["--passphrase-file", "passphrase"],
            false => &[],
        };
        Command::new(binaries::parent())
            .arg("keys")
            .args(arguments)
            .args(passphrase)
            .arg("--json")
            .arg("--profile")
            .arg::<&Path>(&self.profile)
            .current_dir(self.folder.path())
            .output()
            .unwrap()
    }
}
