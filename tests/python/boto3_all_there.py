"""boto3 finds and uses each key whose ARN is on standard input."""

import sys

import kms

administrator = kms.client("administrator")
for arn in sys.stdin.read().split():
    assert administrator.describe_key(KeyId=arn)["KeyMetadata"]["Arn"] == arn
    blob = administrator.encrypt(KeyId=arn, Plaintext=b"plaintext")["CiphertextBlob"]
    assert administrator.decrypt(CiphertextBlob=blob)["Plaintext"] == b"plaintext"
