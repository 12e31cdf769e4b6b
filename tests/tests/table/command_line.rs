//! `permafrost store credentials`, as an administrator calls it.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use permafrost_tests::dynamodb::{dynalite, moto};
use permafrost_tests::{TableDeployment, binaries, credentials};
use serde_json::{Value, json};

use crate::steps::{FIRST, SECOND};

#[tokio::test(flavor = "multi_thread")]
async fn a_waiting_enclave_is_brought_up_by_the_command_line() {
    for server in [moto(), dynalite()] {
        let deployment = TableDeployment::at(server).await;
        let only = deployment.start("first");
        only.enclave.wait_until_it_takes_credentials();
        let profile = deployment.profile(&only, "alice");
        let shown = text(&call(&profile, &["show"], "").stdout);
        assert!(shown.contains("none that the table accepts"), "{shown}");
        assert!(shown.contains(&deployment.table.to_string()), "{shown}");

        // As `aws iam create-access-key` prints it, from standard input.
        let key = credentials("FIRST");
        let created = json!({"AccessKey": {
            "UserName": "permafrost-store",
            "AccessKeyId": key.access_key_id,
            "Status": "Active",
            "SecretAccessKey": key.secret_access_key,
            "CreateDate": "2026-01-01T00:00:00+00:00",
        }});
        let sealed = call(&profile, &["seal"], &created.to_string());
        assert!(sealed.status.success(), "{}", text(&sealed.stderr));
        only.enclave.wait_until_ready();
        let shown = call(&profile, &["show", "--json"], "");
        let shown: Value = serde_json::from_slice(&shown.stdout).unwrap();
        let expected = json!({
            "store": "dynamodb",
            "table_arn": deployment.table.to_string(),
            "lease_ms": 0,
            "access_key_id": FIRST,
            "credentials_version": 1,
        });
        assert_eq!(shown, expected);

        // The next one, from a file.
        let key = credentials("SECOND");
        let pair = format!("{}:{}\n", key.access_key_id, key.secret_access_key);
        let file = profile.with_file_name("access-key");
        std::fs::write(&file, pair).unwrap();
        let arguments = ["seal", "--access-key-file", file.to_str().unwrap()];
        let sealed = call(&profile, &arguments, "");
        let told = text(&sealed.stdout) + &text(&sealed.stderr);
        assert!(sealed.status.success(), "{told}");
        assert!(
            told.contains(SECOND) && told.contains("version 2"),
            "{told}"
        );
        assert!(!told.contains(&key.secret_access_key), "{told}");

        // And one that the table refuses.
        deployment.front.deny(FIRST, "InvalidSignatureException");
        let key = credentials("FIRST");
        let pair = format!("{}:{}", key.access_key_id, key.secret_access_key);
        let refused = call(&profile, &["seal", "--json"], &pair);
        assert_eq!(refused.status.code(), Some(1));
        let told: Value = serde_json::from_slice(&refused.stdout).unwrap();
        let problem = &told["error"]["problem"];
        assert_eq!(
            problem["type"],
            "urn:permafrost:problem:store-credentials-refused"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_an_access_key_is_refused_before_anything_is_sent() {
    let deployment = TableDeployment::at(dynalite()).await;
    let only = deployment.start("first");
    only.enclave.wait_until_it_takes_credentials();
    let profile = deployment.profile(&only, "alice");
    let secret = credentials("FIRST").secret_access_key.clone();
    let refused = call(&profile, &["seal"], &secret);
    assert_eq!(refused.status.code(), Some(2));
    let told = text(&refused.stderr);
    assert!(
        told.contains("accepted") && !told.contains(&secret),
        "{told}"
    );
    assert_eq!(only.store.count("store-credentials"), 0);
}

fn call(profile: &Path, arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(binaries::parent())
        .args(["store", "credentials"])
        .args(arguments)
        .arg("--profile")
        .arg(profile)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}
