//! `permafrost keys import`, as a user calls it.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use permafrost_tests::{HonestStack, Measured, binaries, is_signed_by, message};
use serde_json::Value;

/// NIP-19's example.
const NSEC: &str = "nsec1vl029mgpspedva04g90vltkh6fvh240zqtv9k0t9af8935ke9laqsnlfe5";
const NSEC_KEY: &str = "7e7e9c42a91bfef19fa929e5fda1b72e0ebc1a4c1141673e2794234d86addf4e";
const NPUB: &str = "npub10elfcs4fr0l0r8af98jlmgdh9c8tcxjvz9qkw038js35mp4dma8qzvjptg";

/// NIP-49's example, whose password is `nostr`.
const NCRYPTSEC: &str = "ncryptsec1qgg9947rlpvqu76pj5ecreduf9jxhselq2nae2kghhvd5g7dgjtcxfqtd67p9m0w57lspw8gsq6yphnm8623nsl8xn9j4jdzz84zm3frztj3z7s35vpzmqf6ksu8r89qk5z2zxfmu5gv8th8wclt0h4p";

/// The Bitcoin wiki's example, compressed and not.
const WIF: &str = "KwdMAjGmerYanjeui5SHS7JkmpZvVipYvB2LJGU1ZxJwYvP98617";
const UNCOMPRESSED: &str = "5HueCGU8rMjxEXxiPuD5BDku4MkFqeZyd4dZ1jvhTVqvbTLvyTJ";

/// The order of the group.
const ORDER: &str = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";

/// What follows every source.
const REST: [&str; 5] = ["--threshold", "2", "alice", "bob", "carol"];

#[tokio::test(flavor = "multi_thread")]
async fn secrets_of_every_form_are_imported_from_files_and_from_standard_input() {
    let stack = HonestStack::start(Measured::new("test"));
    let profile = stack.profile("alice");
    let file = |name: &str, text: &str| write(&stack, name, text);

    let nsec = file("nsec", &format!("{NSEC}\n"));
    let imported = printed(&profile, &["--nsec-file", &nsec], "");
    assert_eq!(imported["group_public_key"], NSEC_KEY);
    assert_eq!(imported["npub"], NPUB);
    assert_eq!(imported["imported"], true);
    let alice = stack.principal("alice").await;
    let id = imported["id"].as_str().unwrap();
    let signed = alice.sign(id, &message()).await.unwrap();
    assert!(is_signed_by(&signed, NSEC_KEY));
    let shown = text(&keys(&profile, &["show", id], "").stdout);
    let line = "imported    its secret existed outside the enclave";
    assert!(shown.lines().any(|shown| shown == line), "{shown}");

    let (ncryptsec, password) = (file("ncryptsec", NCRYPTSEC), file("password", "nostr\n"));
    let wrong = file("wrong", "Nostr\n");
    let source = ["--ncryptsec-file", &ncryptsec, "--password-file"];
    let refused = told(&profile, &[&source[..], &[&wrong]].concat(), "");
    assert!(
        refused.contains("does not open") && refused.contains("password"),
        "{refused}"
    );
    // The password from standard input, the secret from a file.
    let imported = printed(&profile, &[&source[..], &["-"]].concat(), "nostr\n");
    assert_eq!(imported["imported"], true);
    let again = printed_failure(&profile, &[&source[..], &[&password]].concat());
    assert_eq!(again, "key-already-imported");

    for (arguments, input) in [
        (["--file", "-"], WIF),
        (["--hex-file", "-"], &"11".repeat(32)),
    ] {
        let imported = printed(&profile, &arguments, input);
        assert_eq!(imported["imported"], true);
    }
    assert_eq!(alice.list_keys(None, None).await.unwrap().keys.len(), 4);
    // Nothing that was printed or logged is a secret.
    for log in [stack.parent_log(), stack.enclave.log()] {
        assert!(
            !log.contains("nsec1") && !log.contains("67dea2ed018072d6"),
            "{log}"
        );
    }
}

#[test]
fn what_is_no_secret_is_refused_by_name_before_any_enclave_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    // No such profile: what is refused is refused before it is read.
    let profile = folder.path().join("profile.toml");
    let damaged = NSEC.replace("vl029m", "vl020m");
    let zero = "00".repeat(32);
    let long = "1".repeat(5000);
    for (option, text, words) in [
        (
            "--nsec-file",
            NPUB,
            "an npub, which is a public key; accepted: nsec1",
        ),
        ("--nsec-file", &damaged, "checksum is wrong"),
        (
            "--nsec-file",
            NCRYPTSEC,
            "ncryptsec1... (NIP-49); accepted here: nsec1",
        ),
        ("--wif-file", UNCOMPRESSED, "uncompressed public key"),
        (
            "--wif-file",
            NSEC,
            "nsec1... (NIP-19); accepted here: wallet import format",
        ),
        ("--hex-file", &zero, "not a secret key of secp256k1"),
        ("--hex-file", ORDER, "not a secret key of secp256k1"),
        (
            "--hex-file",
            "abc",
            "a text of 3 characters; accepted: 64 hex digits",
        ),
        ("--file", "", "a text of 0 characters; accepted: nsec1"),
        ("--file", &long, "longer than 4096 bytes"),
    ] {
        let refused = told(&profile, &[option, "-"], text);
        assert!(refused.contains(words), "{text}: {refused}");
        assert!(
            !refused.contains(&text[text.len() / 2..]) || text.len() < 8,
            "{refused}"
        );
    }
    let network = ["--wif-file", "-", "--wif-network", "testnet"];
    let refused = told(&profile, &network, WIF);
    assert!(
        refused.contains("another network (bitcoin)") && refused.contains("accepted"),
        "{refused}"
    );
    let twice = ["--ncryptsec-file", "-", "--password-file", "-"];
    let refused = told(&profile, &twice, NCRYPTSEC);
    assert!(
        refused.contains("standard input is the password's as well"),
        "{refused}"
    );
    let needless = ["--nsec-file", "-", "--password-file", "no-such-file"];
    let refused = told(&profile, &needless, NSEC);
    assert!(refused.contains("the secret is not encrypted"), "{refused}");
    for sources in [&[][..], &["--file", "-", "--hex-file", "-"]] {
        let refused = told(&profile, sources, NSEC);
        assert!(
            refused.contains("--nsec-file") || refused.contains("--hex-file"),
            "{refused}"
        );
    }
}

fn write(stack: &HonestStack, name: &str, text: &str) -> String {
    let path = stack.folder().join(name);
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

/// What an import prints as JSON when it succeeds.
fn printed(profile: &Path, source: &[&str], input: &str) -> Value {
    let arguments = [&["import"], source, &REST, &["--json"]].concat();
    let output = keys(profile, &arguments, input);
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The slug of the problem that the enclave refuses an import with.
fn printed_failure(profile: &Path, source: &[&str]) -> String {
    let arguments = [&["import"], source, &REST, &["--json"]].concat();
    let output = keys(profile, &arguments, "");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    let uri = told["error"]["problem"]["type"].as_str().unwrap();
    uri.rsplit(':').next().unwrap().to_owned()
}

/// What an import that cannot be tried says.
fn told(profile: &Path, source: &[&str], input: &str) -> String {
    let output = keys(profile, &[&["import"], source, &REST].concat(), input);
    assert_eq!(output.status.code(), Some(2), "{source:?}: {output:?}");
    text(&output.stderr)
}

fn keys(profile: &Path, arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(binaries::parent())
        .arg("keys")
        .args(arguments)
        .arg("--profile")
        .arg(profile)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that refuses its arguments does not read.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
