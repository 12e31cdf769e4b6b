"""boto3 makes keys until the KMS is gone, and prints the ARN of each acknowledged key."""

from botocore.exceptions import BotoCoreError

import kms

administrator = kms.client("administrator")
try:
    while True:
        print(administrator.create_key()["KeyMetadata"]["Arn"], flush=True)
except BotoCoreError:
    pass
