//! `permafrost store table` against moto's DynamoDB and IAM, beside AWS's own command line.
//!
//! moto keeps a table's resource policy, but does not enforce it; what it says is judged by `permafrost store table check`, whose
//! evaluation has tests of its own. moto enforces the actions of users' policies, but neither their resources nor that a transaction needs
//! the actions of its parts.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use permafrost_kms::table::{Ability, ENCLAVE_ACTIONS};
use permafrost_tests::binaries;
use permafrost_tests::python::{python, script};
use serde_json::{Value, json};
use tempfile::TempDir;

const TABLE: &str = "arn:aws:dynamodb:eu-central-1:123456789012:table/permafrost-example";
const ADMINISTRATOR: &str = "arn:aws:iam::123456789012:role/administrator";
const PARENT: &str = "arn:aws:iam::123456789012:role/parent";

/// A running moto, and who calls it. It ends with this value.
struct Moto {
    process: Child,
    url: String,
    folder: TempDir,
}

impl Moto {
    fn start() -> Self {
        let mut process = Command::new(python())
            .arg(script("moto_server.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut port = String::new();
        BufReader::new(process.stdout.take().unwrap())
            .read_line(&mut port)
            .unwrap();
        Self {
            process,
            url: format!("http://127.0.0.1:{}", port.trim()),
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// A program in an environment with these credentials and nothing else of AWS.
    fn run(&self, mut command: Command, key: [&str; 2]) -> Output {
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.folder.path())
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_REGION", "eu-central-1")
            .env("AWS_DEFAULT_REGION", "eu-central-1")
            .env("AWS_ACCESS_KEY_ID", key[0])
            .env("AWS_SECRET_ACCESS_KEY", key[1])
            .current_dir(self.folder.path())
            .output()
            .unwrap()
    }

    /// `permafrost store table ...` about the table; its exit code and what it prints.
    fn permafrost(&self, arguments: &[&str]) -> (i32, String) {
        let mut command = Command::new(binaries::parent());
        command.args(["store", "table"]).args(arguments);
        command.args(["--table", TABLE, "--endpoint-url", &self.url]);
        let done = self.run(command, ADMINISTRATORS_KEY);
        let text = String::from_utf8([done.stdout, done.stderr].concat()).unwrap();
        (done.status.code().unwrap(), text)
    }

    fn provision(&self, arguments: &[&str]) -> (i32, String) {
        let usual = ["provision", "--administrator", ADMINISTRATOR];
        self.permafrost(&[&usual, arguments].concat())
    }

    /// What provisioning changed: each thing, and `created`, `updated` or `unchanged`.
    fn changes(&self, arguments: &[&str]) -> Vec<String> {
        let (code, text) = self.provision(&[arguments, &["--json"]].concat());
        assert_eq!(code, 0, "{text}");
        let done: Value = serde_json::from_str(&text).unwrap();
        let steps = done["steps"].as_array().unwrap().iter();
        steps
            .map(|step| step["change"].as_str().unwrap().to_owned())
            .collect()
    }

    /// The rules of the findings, with whom they are about.
    fn findings(&self) -> Vec<String> {
        let (code, text) = self.permafrost(&["check", "--parent-role", PARENT, "--json"]);
        let report: Value = serde_json::from_str(&text).unwrap();
        let findings = report["findings"].as_array().unwrap();
        assert_eq!(code, i32::from(!findings.is_empty()), "{text}");
        let named = |finding: &Value| {
            let principal = finding["principal"].as_str().unwrap_or("-");
            format!("{} {principal}", finding["rule"].as_str().unwrap())
        };
        findings.iter().map(named).collect()
    }

    /// AWS's own command line; none if it fails with `AccessDenied`.
    fn aws_as(&self, key: [&str; 2], arguments: &[&str]) -> Option<Value> {
        let mut command = Command::new(python());
        command.arg(python().with_file_name("aws")).args(arguments);
        command.args(["--output", "json", "--endpoint-url", &self.url]);
        let done = self.run(command, key);
        let said = String::from_utf8_lossy(&done.stderr);
        match done.status.success() {
            true if done.stdout.is_empty() => Some(Value::Null),
            true => Some(serde_json::from_slice(&done.stdout).unwrap()),
            false => {
                assert!(said.contains("AccessDenied"), "{arguments:?}: {said}");
                None
            }
        }
    }

    fn aws(&self, arguments: &[&str]) -> Value {
        self.aws_as(ADMINISTRATORS_KEY, arguments).unwrap()
    }

    /// Makes the role of a parent's instance, with these statements.
    fn parent(&self, statements: &Value) {
        let trust = json!({"Version": "2012-10-17", "Statement": {
            "Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}});
        let trust = trust.to_string();
        let made = ["iam", "create-role", "--role-name", "parent"];
        self.aws(&[&made[..], &["--assume-role-policy-document", &trust]].concat());
        let policy = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
        let put = ["iam", "put-role-policy", "--role-name", "parent"];
        self.aws(
            &[
                &put[..],
                &["--policy-name", "p", "--policy-document", &policy],
            ]
            .concat(),
        );
    }

    /// Replaces the policy of the enclave's user.
    fn put_user_policy(&self, policy: &str) {
        let user = [
            "iam",
            "put-user-policy",
            "--user-name",
            "permafrost-example",
        ];
        let policy = [
            "--policy-name",
            "permafrost-store",
            "--policy-document",
            policy,
        ];
        self.aws(&[user, policy].concat());
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

#[test]
fn what_is_provisioned_passes_the_check_and_is_left_as_it_is_by_a_second_call() {
    let moto = Moto::start();
    moto.parent(
        &json!({"Effect": "Allow", "Action": "ssm:UpdateInstanceInformation", "Resource": "*"}),
    );
    assert_eq!(
        moto.changes(&["--dry-run"]),
        [
            "created",
            "created",
            "created",
            "unchanged",
            "updated",
            "created"
        ]
    );
    assert_eq!(
        moto.aws(&["dynamodb", "list-tables"])["TableNames"],
        json!([])
    );
    assert_eq!(moto.aws(&["iam", "list-users"])["Users"], json!([]));

    assert_eq!(
        moto.changes(&[]),
        [
            "created",
            "created",
            "created",
            "unchanged",
            "updated",
            "created"
        ]
    );
    assert_eq!(moto.changes(&[]), ["unchanged"; 6]);
    assert_eq!(moto.findings(), [""; 0]);
    let table = moto.aws(&[
        "dynamodb",
        "describe-table",
        "--table-name",
        "permafrost-example",
    ]);
    assert_eq!(table["Table"]["DeletionProtectionEnabled"], true);

    // What AWS's own command line prints says the same without AWS.
    let account = moto.aws(&["iam", "get-account-authorization-details"]);
    let policy = moto.aws(&["dynamodb", "get-resource-policy", "--resource-arn", TABLE]);
    for (name, json) in [("account", account), ("policy", policy), ("table", table)] {
        fs::write(moto.folder.path().join(name), json.to_string()).unwrap();
    }
    let files = [
        "--policy",
        "policy",
        "--account",
        "account",
        "--description",
        "table",
    ];
    let offline = [&["check", "--offline", "--parent-role", PARENT][..], &files].concat();
    let (code, text) = moto.permafrost(&offline);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("No one but the enclave"), "{text}");
}

#[test]
fn a_parent_that_could_write_is_refused_until_the_tables_policy_denies_it() {
    let moto = Moto::start();
    moto.parent(&json!({"Effect": "Allow", "Action": "dynamodb:*", "Resource": "*"}));
    moto.changes(&[]);
    // Restoring a backup is the one action that a table's policy does not cover.
    assert_eq!(moto.findings(), [format!("parent-may-copy {PARENT}")]);
    moto.aws(&[
        "dynamodb",
        "delete-resource-policy",
        "--resource-arn",
        TABLE,
    ]);
    let findings = moto.findings();
    for rule in [
        "parent-may-write",
        "parent-may-read",
        "parent-may-delete",
        "parent-may-change-policy",
    ] {
        assert!(
            findings.contains(&format!("{rule} {PARENT}")),
            "{findings:?}"
        );
    }
    assert!(
        findings.contains(&"write-not-denied -".to_owned()),
        "{findings:?}"
    );
    // The same call that made it brings it back.
    assert_eq!(moto.changes(&[]).last().unwrap(), "created");
    assert_eq!(moto.findings(), [format!("parent-may-copy {PARENT}")]);
}

#[test]
fn what_was_begun_is_finished_and_what_was_changed_is_changed_back() {
    let moto = Moto::start();
    moto.aws(&["iam", "create-user", "--user-name", "permafrost-example"]);
    assert_eq!(
        moto.changes(&[]),
        [
            "unchanged",
            "created",
            "created",
            "unchanged",
            "updated",
            "created"
        ]
    );
    let name = ["--table-name", "permafrost-example"];
    moto.aws(
        &[
            &[
                "dynamodb",
                "update-table",
                "--no-deletion-protection-enabled",
            ],
            &name[..],
        ]
        .concat(),
    );
    let off = [
        "--point-in-time-recovery-specification",
        "PointInTimeRecoveryEnabled=false",
    ];
    moto.aws(&[&["dynamodb", "update-continuous-backups"], &name[..], &off].concat());
    let open = json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}).to_string();
    moto.put_user_policy(&open);
    assert_eq!(
        moto.changes(&[]),
        [
            "unchanged",
            "updated",
            "unchanged",
            "updated",
            "updated",
            "unchanged"
        ]
    );
    assert_eq!(moto.changes(&[]), ["unchanged"; 6]);
}

#[test]
fn a_table_of_another_kind_is_refused_before_anything_is_changed() {
    let moto = Moto::start();
    let keys = ["--key-schema", "AttributeName=id,KeyType=HASH"];
    let types = [
        "--attribute-definitions",
        "AttributeName=id,AttributeType=S",
    ];
    let made = [
        "dynamodb",
        "create-table",
        "--table-name",
        "permafrost-example",
        "--billing-mode",
        "PAY_PER_REQUEST",
    ];
    moto.aws(&[&made[..], &keys, &types].concat());
    let (code, text) = moto.provision(&[]);
    assert!(
        code == 1 && text.contains("the table is refused") && text.contains("keys"),
        "{text}"
    );
    assert_eq!(moto.aws(&["iam", "list-users"])["Users"], json!([]));
}

#[test]
fn the_access_key_that_is_printed_does_what_the_store_does_and_nothing_else() {
    let moto = Moto::start();
    moto.changes(&[]);
    let (code, text) = moto.permafrost(&["access-key"]);
    assert_eq!(code, 0, "{text}");
    let made: Value = serde_json::from_str(&text).unwrap();
    let key =
        ["AccessKeyId", "SecretAccessKey"].map(|name| made["AccessKey"][name].as_str().unwrap());
    // For moto every call is on the resource *.
    let at_table = ["policy", "--of-enclave", "--administrator", ADMINISTRATOR];
    let policy = Command::new(binaries::parent())
        .args(["store", "table"])
        .args(at_table)
        .args(["--table", TABLE])
        .output();
    let policy = String::from_utf8(policy.unwrap().stdout).unwrap();
    assert!(policy.contains(TABLE), "{policy}");
    moto.put_user_policy(&policy.replace(TABLE, "*"));
    // From here on moto checks signatures and policies.
    let on = Command::new("curl")
        .args([
            "-sf",
            "-X",
            "POST",
            "-H",
            "content-type: text/plain",
            "-d",
            "0",
        ])
        .arg(format!("{}/moto-api/reset-auth", moto.url))
        .output();
    assert!(on.unwrap().status.success());

    let table = "permafrost-example";
    let item = r#"{"kind": {"S": "user"}, "id": {"S": "a"}, "version": {"N": "1"}, "record": {"B": "AA=="}}"#;
    let at = r#"{"kind": {"S": "user"}, "id": {"S": "a"}}"#;
    let of = |call| ["dynamodb", call, "--table-name", table];
    let batch = format!(r#"{{"{table}": {{"Keys": [{at}]}}}}"#);
    let query = [
        "--key-condition-expression",
        "kind = :k",
        "--expression-attribute-values",
        r#"{":k": {"S": "user"}}"#,
    ];
    for call in [
        of("describe-table").to_vec(),
        [&of("put-item")[..], &["--item", item]].concat(),
        [&of("get-item")[..], &["--key", at, "--consistent-read"]].concat(),
        [&of("query")[..], &query].concat(),
        vec!["dynamodb", "batch-get-item", "--request-items", &batch],
        [&of("delete-item")[..], &["--key", at]].concat(),
    ] {
        assert!(moto.aws_as(key, &call).is_some(), "{call:?}");
    }
    for call in [
        of("scan").to_vec(),
        of("delete-table").to_vec(),
        of("describe-continuous-backups").to_vec(),
        vec!["dynamodb", "list-tables"],
        vec!["dynamodb", "get-resource-policy", "--resource-arn", TABLE],
        vec!["iam", "create-access-key"],
    ] {
        assert_eq!(moto.aws_as(key, &call), None, "{call:?}");
    }
}

#[test]
fn the_users_policy_has_every_call_that_the_enclave_makes_and_no_other() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../enclave/src/store/dynamodb");
    let sources = fs::read_dir(folder).unwrap();
    let sources: String = sources
        .map(|file| fs::read_to_string(file.unwrap().path()).unwrap())
        .collect();
    let all = Ability::ALL.iter().flat_map(|ability| ability.actions());
    let made: BTreeSet<_> = all
        .copied()
        .chain(["dynamodb:DescribeTable"])
        .filter(|action| sources.contains(&format!("\"{}\"", action.rsplit(':').next().unwrap())))
        .collect();
    assert_eq!(made, BTreeSet::from(ENCLAVE_ACTIONS));
    // The parts of a transaction have actions of their own.
    assert!(sources.contains("\"TransactWriteItems\""));
    for part in ["Update", "ConditionCheck"] {
        assert!(!sources.contains(&format!("\"{part}\"")), "{part}");
    }
}

#[test]
fn of_two_access_keys_a_third_is_refused_with_what_to_do() {
    let moto = Moto::start();
    let (code, text) = moto.permafrost(&["access-key"]);
    assert!(
        code == 1 && text.contains("there is no user permafrost-example"),
        "{text}"
    );
    moto.changes(&[]);
    for _ in 0..2 {
        assert_eq!(moto.permafrost(&["access-key"]).0, 0);
    }
    let (code, text) = moto.permafrost(&["access-key"]);
    assert!(code == 1 && text.contains("delete-access-key"), "{text}");
}

const ADMINISTRATORS_KEY: [&str; 2] = [
    "AKIAIOSFODNN7EXAMPLE",
    "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
];
