"""boto3 tries again when it is throttled and when the server fails, and gives up by name."""

import kms

patient = kms.client("administrator", retries={"mode": "standard", "total_max_attempts": 3})
patient.list_keys()
print("done")
