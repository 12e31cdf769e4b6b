//! The development KMS and the clients of others: the `aws` command line, boto3, `openssl cms`.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::unwrap_used)]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use permafrost_enclave::nsm::Nsm;
use permafrost_enclave::nsm::emulator::{Emulator as NsmEmulator, Measured, ROOT_FILE};
use permafrost_kms::emulator::{ContentForm, Emulator, EmulatorOptions, Failure};
use permafrost_tests::binaries;
use permafrost_tests::python::{python, script};
use serde_json::{Value, json};
use tempfile::TempDir;

/// How long a script may take. A start of Python with boto3 takes a second, one of `aws` two.
const SCRIPT_TIME: Duration = Duration::from_secs(180);

const MEASURED: Measured = Measured {
    executable_sha384: [1; 48],
    configuration_sha384: [2; 48],
};

/// What a client's environment says about a KMS.
struct Client {
    endpoint: String,
    state: PathBuf,
    home: TempDir,
}

impl Client {
    fn of(emulator: &Emulator) -> Self {
        Self::at(emulator.endpoint_url(), emulator.state())
    }

    fn at(endpoint: String, state: &Path) -> Self {
        Self {
            endpoint,
            state: state.to_owned(),
            home: TempDir::new().unwrap(),
        }
    }

    /// Python with a script of `tests/python`; nothing of this machine's environment but the PATH.
    fn command(&self, name: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(python());
        command
            .arg("-B")
            .arg(script(name))
            .args(arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.home.path())
            .env("AWS_ENDPOINT_URL_KMS", &self.endpoint)
            .env("AWS_CA_BUNDLE", self.state.join("ca.pem"))
            .env("AWS_DEFAULT_REGION", "us-east-1")
            .env(
                "AWS_SHARED_CREDENTIALS_FILE",
                self.state.join("credentials"),
            )
            .env("AWS_PROFILE", "administrator")
            .env("AWS_EC2_METADATA_DISABLED", "true");
        command
    }

    /// Runs a script to its end, which must be a good one; gives what it printed.
    async fn run(&self, name: &str, arguments: &[&str]) -> String {
        let mut command = tokio::process::Command::from(self.command(name, arguments));
        let done = command.kill_on_drop(true).stdin(Stdio::null()).output();
        let done = tokio::time::timeout(SCRIPT_TIME, done).await;
        good(name, done.expect("the script ends in time").unwrap())
    }
}

fn good(what: &str, output: Output) -> String {
    let (said, complained) = (
        String::from_utf8_lossy(&output.stdout).into_owned(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    );
    assert!(output.status.success(), "{what}: {said}\n{complained}");
    said
}

async fn start(roots: Vec<PathBuf>) -> (Emulator, TempDir) {
    let state = TempDir::new().unwrap();
    let options = EmulatorOptions {
        roots,
        ..EmulatorOptions::new(state.path())
    };
    (Emulator::start(options).await.unwrap(), state)
}

/// The errors that were answered, in order.
fn errors(emulator: &Emulator) -> Vec<(String, String)> {
    emulator
        .calls()
        .into_iter()
        .filter_map(|call| Some((call.action, call.error?)))
        .collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected
        .iter()
        .map(|(action, error)| ((*action).to_owned(), (*error).to_owned()))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn boto3_manages_keys() {
    let (kms, _state) = start(Vec::new()).await;
    let told = Client::of(&kms).run("boto3_keys.py", &[]).await;
    assert_eq!(
        errors(&kms),
        pairs(&[
            ("CreateAlias", "AlreadyExistsException"),
            ("DescribeKey", "NotFoundException"),
            ("DescribeKey", "AccessDeniedException"),
            ("PutKeyPolicy", "MalformedPolicyDocumentException"),
            ("PutKeyPolicy", "MalformedPolicyDocumentException"),
            ("Encrypt", "DisabledException"),
            ("Decrypt", "KMSInvalidStateException"),
        ])
    );
    // What boto3 made is what the emulator's own program finds.
    let told: Value = serde_json::from_str(&told).unwrap();
    let made = told["made"].as_str().unwrap().parse().unwrap();
    let denied = deny_everything();
    kms.put_policy(&made, &denied).await.unwrap();
    kms.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn boto3_encrypts_and_decrypts() {
    let (kms, _state) = start(Vec::new()).await;
    Client::of(&kms).run("boto3_ciphertexts.py", &[]).await;
    assert_eq!(
        errors(&kms),
        pairs(&[
            ("Decrypt", "InvalidCiphertextException"),
            ("Decrypt", "InvalidCiphertextException"),
            ("Decrypt", "InvalidCiphertextException"),
            ("Decrypt", "InvalidCiphertextException"),
            ("Decrypt", "InvalidCiphertextException"),
            ("Decrypt", "IncorrectKeyException"),
            ("ReEncrypt", "AccessDeniedException"),
            ("GenerateDataKey", "ValidationException"),
            ("GenerateDataKey", "AccessDeniedException"),
            ("GenerateDataKey", "AccessDeniedException"),
            ("GenerateDataKey", "AccessDeniedException"),
            ("DescribeKey", "NotFoundException"),
            ("DescribeKey", "NotFoundException"),
            ("DescribeKey", "AccessDeniedException"),
            ("DescribeKey", "InvalidArnException"),
            ("GenerateDataKey", "DryRunOperationException"),
            ("CreateGrant", "UnsupportedOperationException"),
        ])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn boto3_is_told_what_is_wrong_with_its_signature() {
    let (kms, _state) = start(Vec::new()).await;
    Client::of(&kms).run("boto3_signatures.py", &[]).await;
    assert_eq!(
        errors(&kms),
        pairs(&[
            ("ListKeys", "InvalidSignatureException"),
            ("ListKeys", "UnrecognizedClientException"),
            ("ListKeys", "UnrecognizedClientException"),
            ("ListKeys", "InvalidSignatureException"),
            ("ListKeys", "MissingAuthenticationTokenException"),
        ])
    );
    // One was right, and the one without trust in the authority never arrived.
    assert_eq!(kms.calls().len(), 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn boto3_tries_again_what_aws_wants_tried_again() {
    let (kms, _state) = start(Vec::new()).await;
    for (failure, name) in [
        (Failure::Throttling, "ThrottlingException"),
        (Failure::Internal, "KMSInternalException"),
        (Failure::Unavailable, "ServiceUnavailableException"),
    ] {
        let before = kms.calls().len();
        kms.fail_next(2, failure);
        let told = Client::of(&kms).run("boto3_retries.py", &[]).await;
        assert_eq!(told, "done\n");
        let answered: Vec<Option<String>> = kms.calls()[before..]
            .iter()
            .map(|call| call.error.clone())
            .collect();
        let failed = Some(name.to_owned());
        assert_eq!(answered, [failed.clone(), failed, None]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_aws_command_line_does_what_an_operator_does() {
    let (kms, _state) = start(Vec::new()).await;
    let told = Client::of(&kms).run("aws_cli.py", &[]).await;
    let told: Value = serde_json::from_str(&told).unwrap();
    let key = told["key"].as_str().unwrap().parse().unwrap();
    kms.put_policy(&key, &deny_everything()).await.unwrap();
    assert_eq!(
        errors(&kms),
        pairs(&[
            ("PutKeyPolicy", "MalformedPolicyDocumentException"),
            ("Decrypt", "InvalidCiphertextException"),
            ("Encrypt", "AccessDeniedException"),
            ("DescribeKey", "NotFoundException"),
            ("GenerateDataKey", "DisabledException"),
            ("GenerateDataKey", "KMSInvalidStateException"),
        ])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn openssl_opens_what_only_the_recipient_can_read() {
    let folder = TempDir::new().unwrap();
    let nsm = NsmEmulator::start(folder.path(), MEASURED).unwrap();
    let nsm = Nsm::new(nsm);
    let (kms, _state) = start(vec![folder.path().join(ROOT_FILE)]).await;
    let policy = attested_only(&MEASURED);
    let key = kms.create_key(Some(&policy)).await.unwrap();
    for (bits, form) in [
        ("2048", ContentForm::OctetString),
        ("3072", ContentForm::ContextSpecific),
    ] {
        kms.set_content_form(form);
        let recipient = OpensslKey::new(folder.path(), bits);
        let document = nsm.attest(None, None, Some(&recipient.public_der)).unwrap();
        let file = folder.path().join("document.cbor");
        fs::write(&file, document).unwrap();
        let arguments = [
            key.as_str(),
            file.to_str().unwrap(),
            folder.path().to_str().unwrap(),
        ];
        Client::of(&kms).run("boto3_recipient.py", &arguments).await;

        let data_key = recipient.open(&folder.path().join("GenerateDataKey"));
        assert_eq!(data_key.len(), 32);
        assert_eq!(recipient.open(&folder.path().join("Decrypt")), data_key);
        let random = recipient.open(&folder.path().join("GenerateRandom"));
        assert_eq!(random.len(), 15);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_emulator_loses_no_acknowledged_key() {
    let state = TempDir::new().unwrap();
    let mut first = Process::start(state.path());
    assert!(
        first.told["warning"]
            .as_str()
            .unwrap()
            .contains("DEVELOPMENT")
    );
    let client = first.client(state.path());
    let mut maker = client
        .command("boto3_until_killed.py", &[])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(maker.stdout.take().unwrap()).lines();
    let mut made: Vec<String> = lines.by_ref().take(8).map(|line| line.unwrap()).collect();
    first.kill();
    made.extend(lines.map(|line| line.unwrap()));
    assert!(maker.wait().unwrap().success());
    assert!(made.len() >= 8);

    let second = Process::start(state.path());
    let mut finder = second
        .client(state.path())
        .command("boto3_all_there.py", &[])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = finder.stdin.take().unwrap();
    input.write_all(made.join("\n").as_bytes()).unwrap();
    drop(input);
    good("boto3_all_there.py", finder.wait_with_output().unwrap());
}

#[test]
fn a_second_emulator_on_the_same_state_is_refused() {
    let state = TempDir::new().unwrap();
    let _first = Process::start(state.path());
    let second = emulator_command(state.path()).output().unwrap();
    assert_eq!(second.status.code(), Some(1));
    let told: Value = serde_json::from_slice(&second.stdout).unwrap();
    let detail = told["error"]["detail"].as_str().unwrap();
    assert!(
        detail.contains("another development KMS is using"),
        "{detail}"
    );
}

/// `permafrost kms-emulator` in a process of its own; killed when dropped.
struct Process {
    child: Child,
    told: Value,
}

impl Process {
    fn start(state: &Path) -> Self {
        let mut child = emulator_command(state)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        Self {
            told: serde_json::from_str(&line).unwrap(),
            child,
        }
    }

    fn client(&self, state: &Path) -> Client {
        Client::at(self.told["endpoint"].as_str().unwrap().to_owned(), state)
    }

    /// SIGKILL.
    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _ended_already = self.child.wait();
    }
}

fn emulator_command(state: &Path) -> Command {
    let mut command = Command::new(binaries::parent());
    command
        .args([
            "kms-emulator",
            "--listen",
            "127.0.0.1:0",
            "--json",
            "--state",
        ])
        .arg(state);
    command
}

/// An RSA key that openssl made and keeps.
struct OpensslKey {
    private: PathBuf,
    public_der: Vec<u8>,
}

impl OpensslKey {
    fn new(folder: &Path, bits: &str) -> Self {
        let private = folder.join("recipient.pem");
        let size = format!("rsa_keygen_bits:{bits}");
        openssl(
            &["genpkey", "-algorithm", "RSA", "-pkeyopt", &size, "-out"],
            &[&private],
        );
        let public = folder.join("recipient.der");
        openssl(
            &["pkey", "-pubout", "-outform", "DER", "-in"],
            &[&private, Path::new("-out"), &public],
        );
        Self {
            private,
            public_der: fs::read(public).unwrap(),
        }
    }

    /// Opens CMS EnvelopedData.
    fn open(&self, ciphertext: &Path) -> Vec<u8> {
        let plaintext = ciphertext.with_extension("plaintext");
        openssl(
            &["cms", "-decrypt", "-binary", "-inform", "DER", "-in"],
            &[
                ciphertext,
                Path::new("-inkey"),
                &self.private,
                Path::new("-out"),
                &plaintext,
            ],
        );
        fs::read(plaintext).unwrap()
    }
}

fn openssl(arguments: &[&str], paths: &[&Path]) {
    let output = Command::new("openssl")
        .args(arguments)
        .args(paths)
        .stdin(Stdio::null())
        .output()
        .expect("openssl: run `scripts/setup test`");
    good(&format!("openssl {arguments:?}"), output);
}

fn attested_only(measured: &Measured) -> String {
    let [pcr0, pcr1, pcr2] = measured.pcrs().map(hex::encode);
    json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::111122223333:role/enclave"},
            "Action": ["kms:GenerateDataKey", "kms:Decrypt"],
            "Resource": "*",
            "Condition": {"StringEqualsIgnoreCase": {
                "kms:RecipientAttestation:PCR0": pcr0,
                "kms:RecipientAttestation:PCR1": pcr1,
                "kms:RecipientAttestation:PCR2": pcr2,
            }},
        }],
    })
    .to_string()
}

fn deny_everything() -> String {
    json!({
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "kms:*", "Resource": "*"}],
    })
    .to_string()
}
