"""boto3 makes keys, describes, names, lists, disables and deletes them, and changes their policies."""

import datetime
import json

import kms

administrator = kms.client("administrator")
enclave = kms.client("enclave")

# Made and described.
made = administrator.create_key(
    Description="root secrets", Tags=[{"TagKey": "deployment", "TagValue": "test"}]
)["KeyMetadata"]
assert made["KeyState"] == "Enabled" and made["Enabled"] is True
assert made["KeySpec"] == "SYMMETRIC_DEFAULT" and made["KeyUsage"] == "ENCRYPT_DECRYPT"
assert made["Origin"] == "AWS_KMS" and made["KeyManager"] == "CUSTOMER"
assert made["Description"] == "root secrets" and made["MultiRegion"] is False
assert made["Arn"] == f"arn:aws:kms:us-east-1:{kms.ACCOUNT}:key/{made['KeyId']}"
age = datetime.datetime.now(datetime.timezone.utc) - made["CreationDate"]
assert abs(age) < datetime.timedelta(minutes=1), age
assert administrator.describe_key(KeyId=made["KeyId"])["KeyMetadata"] == made
tags = administrator.list_resource_tags(KeyId=made["KeyId"])["Tags"]
assert tags == [{"TagKey": "deployment", "TagValue": "test"}]

# Named.
other = administrator.create_key()["KeyMetadata"]
alias = "alias/permafrost/test"
administrator.create_alias(AliasName=alias, TargetKeyId=made["KeyId"])
alias_arn = f"arn:aws:kms:us-east-1:{kms.ACCOUNT}:{alias}"
for name in (alias, alias_arn, made["Arn"]):
    assert administrator.describe_key(KeyId=name)["KeyMetadata"]["KeyId"] == made["KeyId"]
kms.refused(
    "AlreadyExistsException", alias, administrator.create_alias, AliasName=alias, TargetKeyId=other["Arn"]
)
administrator.update_alias(AliasName=alias, TargetKeyId=other["KeyId"])
listed = administrator.list_aliases(KeyId=other["KeyId"])["Aliases"]
assert [entry["AliasArn"] for entry in listed] == [alias_arn], listed
assert listed[0]["TargetKeyId"] == other["KeyId"]
assert listed[0]["LastUpdatedDate"] >= listed[0]["CreationDate"]
administrator.delete_alias(AliasName=alias)
kms.refused("NotFoundException", "is not found", administrator.describe_key, KeyId=alias)

# Listed, one key to a response.
pages = administrator.get_paginator("list_keys").paginate(PaginationConfig={"PageSize": 1})
arns = [key["KeyArn"] for page in pages for key in page["Keys"]]
assert sorted(arns) == sorted([made["Arn"], other["Arn"]]), arns

# Its policy.
default = json.loads(administrator.get_key_policy(KeyId=made["KeyId"], PolicyName="default")["Policy"])
assert default["Statement"][0]["Principal"] == {"AWS": kms.ROOT}
kms.refused(
    "AccessDeniedException",
    "because no identity-based policy allows the kms:DescribeKey action",
    enclave.describe_key,
    KeyId=made["Arn"],
)
administrator.put_key_policy(
    KeyId=made["KeyId"], PolicyName="default", Policy=kms.policy(kms.allow_enclave("kms:DescribeKey"))
)
enclave.describe_key(KeyId=made["Arn"])
kms.refused(
    "MalformedPolicyDocumentException",
    "",
    administrator.put_key_policy,
    KeyId=made["KeyId"],
    PolicyName="default",
    Policy='{"Version": "2012-10-17"}',
)
locked_out = json.dumps({"Version": "2012-10-17", "Statement": [kms.allow_enclave("kms:*")]})
kms.refused(
    "MalformedPolicyDocumentException",
    "will not allow you to update the key policy in the future",
    administrator.put_key_policy,
    KeyId=made["KeyId"],
    PolicyName="default",
    Policy=locked_out,
)

# Disabled, and deleted.
administrator.disable_key(KeyId=made["KeyId"])
kms.refused(
    "DisabledException",
    f"{made['Arn']} is disabled.",
    administrator.encrypt,
    KeyId=made["KeyId"],
    Plaintext=b"plaintext",
)
administrator.enable_key(KeyId=made["KeyId"])
blob = administrator.encrypt(KeyId=made["KeyId"], Plaintext=b"plaintext")["CiphertextBlob"]
scheduled = administrator.schedule_key_deletion(KeyId=made["KeyId"], PendingWindowInDays=7)
assert scheduled["KeyState"] == "PendingDeletion" and scheduled["KeyId"] == made["Arn"]
left = scheduled["DeletionDate"] - datetime.datetime.now(datetime.timezone.utc)
assert datetime.timedelta(days=6, hours=23) < left <= datetime.timedelta(days=7), left
kms.refused(
    "KMSInvalidStateException",
    f"{made['Arn']} is pending deletion.",
    administrator.decrypt,
    CiphertextBlob=blob,
)
assert administrator.cancel_key_deletion(KeyId=made["KeyId"])["KeyId"] == made["Arn"]
assert administrator.describe_key(KeyId=made["KeyId"])["KeyMetadata"]["KeyState"] == "Disabled"
administrator.enable_key(KeyId=made["KeyId"])
assert administrator.decrypt(CiphertextBlob=blob)["Plaintext"] == b"plaintext"

print(json.dumps({"made": made["Arn"], "other": other["Arn"]}))
