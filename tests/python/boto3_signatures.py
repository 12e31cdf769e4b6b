"""boto3 signs incorrectly and is refused by name."""

import boto3
import certifi
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import SSLError

import kms

good = boto3.Session(profile_name="administrator").get_credentials().get_frozen_credentials()


def client(key, secret, token=None, region=None):
    session = boto3.Session(
        aws_access_key_id=key, aws_secret_access_key=secret, aws_session_token=token, region_name=region
    )
    return session.client("kms", config=Config(retries={"total_max_attempts": 1}))


kms.refused(
    "InvalidSignatureException",
    "The request signature we calculated does not match the signature you provided.",
    client(good.access_key, good.secret_key + "x").list_keys,
)
invalid = "The security token included in the request is invalid."
kms.refused(
    "UnrecognizedClientException", invalid, client("AKIAAAAAAAAAAAAAAAAA", good.secret_key).list_keys
)
kms.refused(
    "UnrecognizedClientException", invalid, client(good.access_key, good.secret_key, "a token").list_keys
)
kms.refused(
    "InvalidSignatureException",
    "Credential should be scoped to a valid region, not 'eu-west-1'.",
    client(good.access_key, good.secret_key, region="eu-west-1").list_keys,
)
unsigned = boto3.client("kms", config=Config(signature_version=UNSIGNED))
kms.refused("MissingAuthenticationTokenException", "Missing Authentication Token", unsigned.list_keys)

# An authority other than the emulator's is not trusted.
kms.client("administrator").list_keys()
public = boto3.Session(profile_name="administrator").client(
    "kms", verify=certifi.where(), config=Config(retries={"total_max_attempts": 1})
)
try:
    public.list_keys()
except SSLError:
    pass
else:
    raise AssertionError("the emulator's certificate was trusted without its authority")
