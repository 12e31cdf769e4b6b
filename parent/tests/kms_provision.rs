//! `permafrost kms provision`, as a process against the development KMS.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a failing test should stop, in its helpers too"
)]

use std::fs;
use std::process::Output;
use std::time::Duration;

use permafrost_common::kms::KeyArn;
use permafrost_kms::emulator::{ADMINISTRATOR, ENCLAVE, Emulator, EmulatorOptions};
use permafrost_kms::policy::PolicyDocument;
use serde_json::{Value, json};
use tempfile::TempDir;

/// A development KMS, and a directory with the measurements of two releases.
struct Kms {
    emulator: Emulator,
    directory: TempDir,
}

impl Kms {
    async fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        for (name, pcrs) in [
            ("v1.json", ["10", "11", "12"]),
            ("v2.json", ["20", "21", "12"]),
        ] {
            let [pcr0, pcr1, pcr2] = pcrs.map(|byte| byte.repeat(48));
            let text = json!({"PCR0": pcr0, "PCR1": pcr1, "PCR2": pcr2}).to_string();
            fs::write(directory.path().join(name), text).unwrap();
        }
        let options = EmulatorOptions::new(directory.path().join("kms"));
        Self {
            emulator: Emulator::start(options).await.unwrap(),
            directory,
        }
    }

    fn arn(&self, name: &str) -> String {
        self.emulator.identity(name).unwrap().arn.clone()
    }

    /// Runs `permafrost kms provision` as the administrator, with the usual arguments and these.
    async fn provision(&self, arguments: &[&str]) -> Output {
        self.provision_as(ADMINISTRATOR, &self.arn(ADMINISTRATOR), arguments)
            .await
    }

    async fn provision_as(&self, caller: &str, administrator: &str, arguments: &[&str]) -> Output {
        let caller = self.emulator.identity(caller).unwrap();
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_permafrost"));
        command
            .args([
                "kms",
                "provision",
                "--account",
                "111122223333",
                "--deployment",
                "example",
            ])
            .args([
                "--role",
                &self.arn(ENCLAVE),
                "--administrator",
                administrator,
            ])
            .args([
                "--region",
                self.emulator.region(),
                "--endpoint-url",
                &self.emulator.endpoint_url(),
            ])
            .args(arguments)
            .current_dir(self.directory.path())
            .env_clear()
            .env("HOME", self.directory.path())
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_ACCESS_KEY_ID", &caller.access_key_id)
            .env("AWS_SECRET_ACCESS_KEY", caller.secret_access_key.as_str())
            .kill_on_drop(true);
        if !arguments.contains(&"--ca") {
            command.arg("--ca").arg(self.emulator.ca_path());
        }
        tokio::time::timeout(Duration::from_secs(60), command.output())
            .await
            .unwrap()
            .unwrap()
    }

    /// Runs the same with `--json`, and returns what it printed.
    async fn provisioned(&self, arguments: &[&str]) -> Value {
        let output = self.provision(&[arguments, &["--json"]].concat()).await;
        assert!(output.status.success(), "{output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// The actions requested since the last call, without those that only read.
    fn changes(&self) -> Vec<String> {
        self.emulator
            .calls()
            .into_iter()
            .map(|call| call.action)
            .filter(|action| {
                ["Create", "Put", "Update", "Delete"]
                    .iter()
                    .any(|verb| action.contains(verb))
            })
            .collect()
    }
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_is_made_once_and_found_again_by_its_alias() {
    let kms = Kms::start().await;
    let made = kms.provisioned(&["--measurements", "v1.json"]).await;
    assert_eq!(made["change"], "created");
    assert_eq!(made["alias"], "alias/permafrost-example");
    let key: KeyArn = made["key"].as_str().unwrap().parse().unwrap();
    assert_eq!(key.account(), "111122223333");

    let again = kms.provisioned(&["--measurements", "v1.json"]).await;
    assert_eq!(again["change"], "unchanged");
    assert_eq!(again["key"], made["key"]);
    assert_eq!(kms.changes(), ["CreateKey", "CreateAlias"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_upgrade_adds_the_new_release_and_then_withdraws_the_old() {
    let kms = Kms::start().await;
    let made = kms.provisioned(&["--measurements", "old=v1.json"]).await;
    let both = [
        "--measurements",
        "old=v1.json",
        "--measurements",
        "new=v2.json",
    ];
    let added = kms.provisioned(&both).await;
    assert_eq!(added["change"], "updated");
    assert_eq!(added["key"], made["key"]);
    let difference = added["difference"].as_str().unwrap();
    assert!(
        difference.contains("+       \"Sid\": \"Allow release new\""),
        "{difference}"
    );
    assert!(!difference.contains("\n-"), "{difference}");

    let withdrawn = kms.provisioned(&["--measurements", "new=v2.json"]).await;
    let difference = withdrawn["difference"].as_str().unwrap();
    assert!(
        difference.contains("-       \"Sid\": \"Allow release old\""),
        "{difference}"
    );
    let policy = withdrawn["policy"].as_str().unwrap();
    assert!(PolicyDocument::parse(policy).is_ok());
    assert!(!policy.contains(&"10".repeat(48)), "{policy}");
    assert_eq!(
        kms.changes(),
        ["CreateKey", "CreateAlias", "PutKeyPolicy", "PutKeyPolicy"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_existing_key_gets_the_policy_instead_of_its_own() {
    let kms = Kms::start().await;
    let key = kms.emulator.create_key(None).await.unwrap();
    let arguments = ["--measurements", "v1.json", "--key", key.as_str()];
    let updated = kms.provisioned(&arguments).await;
    assert_eq!(updated["change"], "updated");
    assert_eq!(updated["key"], key.as_str());
    assert_eq!(updated["alias"], Value::Null);
    let difference = updated["difference"].as_str().unwrap();
    assert!(
        difference.contains("-     \"Action\": \"kms:*\""),
        "{difference}"
    );
    assert_eq!(kms.provisioned(&arguments).await["change"], "unchanged");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_shows_everything_and_changes_nothing() {
    let kms = Kms::start().await;
    let output = kms
        .provision(&["--measurements", "v1.json", "--dry-run"])
        .await;
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    for said in [
        "A key would be made",
        "alias/permafrost-example",
        "Allow release v1",
    ] {
        assert!(text.contains(said), "{text}");
    }
    assert_eq!(kms.changes(), [""; 0]);

    kms.provisioned(&["--measurements", "v1.json"]).await;
    let output = kms
        .provision(&["--measurements", "v2.json", "--dry-run"])
        .await;
    let text = String::from_utf8(output.stdout).unwrap();
    for said in [
        "would get the new policy",
        "- ",
        "Allow release v1",
        "+ ",
        "Allow release v2",
    ] {
        assert!(text.contains(said), "{text}");
    }
    assert_eq!(kms.changes(), ["CreateKey", "CreateAlias"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_of_kms_is_reported_by_its_name() {
    let kms = Kms::start().await;
    let absent = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    let output = kms
        .provision(&["--measurements", "v1.json", "--key", absent])
        .await;
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(
        stderr(&output).contains(&format!("no key {absent}")),
        "{output:?}"
    );

    kms.provisioned(&["--measurements", "v1.json"]).await;
    let output = kms
        .provision_as(
            ENCLAVE,
            &kms.arn(ADMINISTRATOR),
            &["--measurements", "v2.json"],
        )
        .await;
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(
        stderr(&output).contains("AccessDeniedException"),
        "{output:?}"
    );

    let output = kms
        .provision_as(
            ENCLAVE,
            &kms.arn(ADMINISTRATOR),
            &["--measurements", "v2.json", "--json"],
        )
        .await;
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let error: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(error["error"]["kind"], "failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_locks_the_caller_out_is_put_only_with_the_option_for_it() {
    let kms = Kms::start().await;
    let somebody = "arn:aws:iam::111122223333:user/somebody-else";
    let key = kms.emulator.create_key(None).await.unwrap();
    let arguments = ["--measurements", "v1.json", "--key", key.as_str()];
    let refused = kms.provision_as(ADMINISTRATOR, somebody, &arguments).await;
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    assert!(
        stderr(&refused).contains("MalformedPolicyDocumentException"),
        "{refused:?}"
    );
    let by_name = [&arguments[..], &["--bypass-policy-lockout-safety-check"]].concat();
    let put = kms.provision_as(ADMINISTRATOR, somebody, &by_name).await;
    assert!(put.status.success(), "{put:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_other_than_the_named_one_is_refused() {
    let kms = Kms::start().await;
    let other = Emulator::start(EmulatorOptions::new(kms.directory.path().join("other")))
        .await
        .unwrap();
    let ca = other.ca_path();
    let ca = ca.to_str().unwrap();
    let output = kms
        .provision(&["--measurements", "v1.json", "--ca", ca])
        .await;
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(stderr(&output).contains("certificate"), "{output:?}");
    assert_eq!(kms.changes(), [""; 0]);

    let output = kms
        .provision(&["--measurements", "v1.json", "--ca", "v1.json"])
        .await;
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(
        stderr(&output).contains("no certificate in PEM"),
        "{output:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn contradictory_arguments_are_a_wrong_call() {
    let kms = Kms::start().await;
    let elsewhere =
        "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    for (arguments, said) in [
        (&["--key", elsewhere][..], "--region is us-east-1"),
        (&["--alias", "permafrost"], "alias/"),
        (&["--alias", "alias/a", "--key", elsewhere], "--key"),
        (&["--role", "*"], "the role is \"*\""),
    ] {
        let arguments = [&["--measurements", "v1.json"], arguments].concat();
        let output = kms.provision(&arguments).await;
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(stderr(&output).contains(said), "{output:?}");
    }
    assert!(kms.emulator.calls().is_empty());
}
