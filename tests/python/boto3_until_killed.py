"""boto3 makes keys until the KMS is gone; prints the ARN of each that was acknowledged."""

from botocore.exceptions import BotoCoreError

import kms

administrator = kms.client("administrator")
try:
    while True:
        print(administrator.create_key()["KeyMetadata"]["Arn"], flush=True)
except BotoCoreError:
    pass
