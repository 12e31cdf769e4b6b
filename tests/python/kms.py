"""Shared by the scripts: clients of the development KMS, and refusals by name.

Where the KMS is and whom to trust comes from the environment, as for every program that uses the SDK:
AWS_ENDPOINT_URL_KMS, AWS_CA_BUNDLE, AWS_DEFAULT_REGION, AWS_SHARED_CREDENTIALS_FILE.
"""

import json

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

ACCOUNT = "111122223333"
ROOT = f"arn:aws:iam::{ACCOUNT}:root"
ENCLAVE = f"arn:aws:iam::{ACCOUNT}:role/enclave"


def client(profile, **options):
    """A KMS client of one of the identities, which by default tries each call once."""
    config = {"retries": {"total_max_attempts": 1}, "connect_timeout": 10, "read_timeout": 20}
    config.update(options)
    return boto3.Session(profile_name=profile).client("kms", config=Config(**config))


def refused(name, words, call, **arguments):
    """Makes a call that must fail with this error and, in its message, these words."""
    try:
        response = call(**arguments)
    except ClientError as error:
        assert error.response["Error"]["Code"] == name, error
        message = error.response["Error"]["Message"]
        assert words in message, message
        assert error.response["ResponseMetadata"]["RequestId"], error.response
        return error.response["ResponseMetadata"]["HTTPStatusCode"]
    raise AssertionError(f"expected {name}, got {response}")


def policy(*statements):
    """A key policy that leaves everything to IAM, with these additional statements."""
    root = {"Effect": "Allow", "Principal": {"AWS": ROOT}, "Action": "kms:*", "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [root, *statements]})


def allow_enclave(*actions, **more):
    """The statement that allows the role `enclave` these actions."""
    return {
        "Effect": "Allow",
        "Principal": {"AWS": ENCLAVE},
        "Action": list(actions),
        "Resource": "*",
        **more,
    }
