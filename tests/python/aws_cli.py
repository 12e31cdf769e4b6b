"""The `aws` command line does what an operator does, and reports refusals with AWS's own messages."""

import base64
import json
import pathlib
import subprocess
import sys
import tempfile

import kms

AWS = pathlib.Path(sys.executable).with_name("aws")


def aws(*arguments, profile="administrator"):
    return subprocess.run(
        [AWS, "--profile", profile, "--output", "json", "kms", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def response(*arguments, profile="administrator"):
    done = aws(*arguments, profile=profile)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout) if done.stdout.strip() else None


def refused(name, operation, *arguments, profile="administrator"):
    done = aws(*arguments, profile=profile)
    assert done.returncode != 0, done.stdout
    assert f"An error occurred ({name}) when calling the {operation} operation" in done.stderr, done.stderr


with tempfile.TemporaryDirectory() as folder:
    policy = pathlib.Path(folder, "policy.json")
    plaintext = pathlib.Path(folder, "plaintext")
    blob = pathlib.Path(folder, "blob")

    key = response("create-key", "--description", "made by the command line")["KeyMetadata"]["Arn"]
    response("create-alias", "--alias-name", "alias/cli", "--target-key-id", key)
    described = response("describe-key", "--key-id", "alias/cli")["KeyMetadata"]
    assert described["Arn"] == key and described["Description"] == "made by the command line"
    assert [entry["KeyArn"] for entry in response("list-keys")["Keys"]] == [key]
    assert [entry["AliasName"] for entry in response("list-aliases")["Aliases"]] == ["alias/cli"]

    policy.write_text(kms.policy(kms.allow_enclave("kms:Decrypt", "kms:GenerateDataKey")))
    response("put-key-policy", "--key-id", key, "--policy-name", "default", "--policy", f"file://{policy}")
    kept = response("get-key-policy", "--key-id", key, "--policy-name", "default")["Policy"]
    assert json.loads(kept) == json.loads(policy.read_text())
    policy.write_text("{}")
    refused(
        "MalformedPolicyDocumentException",
        "PutKeyPolicy",
        *("put-key-policy", "--key-id", key, "--policy-name", "default", "--policy", f"file://{policy}"),
    )

    plaintext.write_bytes(b"a secret")
    made = response(
        *("encrypt", "--key-id", "alias/cli", "--plaintext", f"fileb://{plaintext}"),
        *("--encryption-context", "deployment=a,epoch=1"),
    )
    blob.write_bytes(base64.b64decode(made["CiphertextBlob"]))
    opened = response(
        *("decrypt", "--ciphertext-blob", f"fileb://{blob}", "--encryption-context", "epoch=1,deployment=a"),
        profile="enclave",
    )
    assert base64.b64decode(opened["Plaintext"]) == b"a secret" and opened["KeyId"] == key
    refused(
        "InvalidCiphertextException", "Decrypt", *("decrypt", "--ciphertext-blob", f"fileb://{blob}"),
    )
    data_key = response("generate-data-key", "--key-id", key, "--key-spec", "AES_256", profile="enclave")
    assert len(base64.b64decode(data_key["Plaintext"])) == 32
    random = response("generate-random", "--number-of-bytes", "16")
    assert len(base64.b64decode(random["Plaintext"])) == 16

    refused(
        "AccessDeniedException",
        "Encrypt",
        *("encrypt", "--key-id", key, "--plaintext", f"fileb://{plaintext}"),
        profile="enclave",
    )
    refused("NotFoundException", "DescribeKey", "describe-key", "--key-id", "alias/none")

    response("disable-key", "--key-id", key)
    refused(
        "DisabledException", "GenerateDataKey", *("generate-data-key", "--key-id", key, "--key-spec", "AES_256")
    )
    response("enable-key", "--key-id", key)
    response("delete-alias", "--alias-name", "alias/cli")
    scheduled = response("schedule-key-deletion", "--key-id", key, "--pending-window-in-days", "7")
    assert scheduled["KeyState"] == "PendingDeletion"
    refused(
        "KMSInvalidStateException",
        "GenerateDataKey",
        *("generate-data-key", "--key-id", key, "--key-spec", "AES_256"),
    )
    response("cancel-key-deletion", "--key-id", key)
    assert response("describe-key", "--key-id", key)["KeyMetadata"]["KeyState"] == "Disabled"

print(json.dumps({"key": key}))
