"""boto3 encrypts, decrypts, re-encrypts and generates, and is refused as AWS refuses."""

import uuid

import kms

administrator = kms.client("administrator")
enclave = kms.client("enclave")
context = {"deployment": "a", "epoch": "1", "purpose": "root-secret"}

first = administrator.create_key()["KeyMetadata"]["Arn"]
second = administrator.create_key(
    Policy=kms.policy(
        kms.allow_enclave(
            "kms:GenerateDataKey",
            "kms:Decrypt",
            Condition={"StringEquals": {"kms:EncryptionContext:deployment": "a"}},
        ),
        {"Effect": "Deny", "Principal": "*", "Action": "kms:ReEncrypt*", "Resource": "*"},
    )
)["KeyMetadata"]["Arn"]

# Encrypted and decrypted.
made = administrator.encrypt(KeyId=first, Plaintext=b"plaintext", EncryptionContext=context)
assert made["KeyId"] == first and made["EncryptionAlgorithm"] == "SYMMETRIC_DEFAULT"
blob = made["CiphertextBlob"]
opened = administrator.decrypt(CiphertextBlob=blob, EncryptionContext=context)
assert opened["Plaintext"] == b"plaintext" and opened["KeyId"] == first

# What does not decrypt.
for wrong in ({}, {**context, "epoch": "2"}, {**context, "more": "1"}):
    kms.refused(
        "InvalidCiphertextException", "", administrator.decrypt, CiphertextBlob=blob, EncryptionContext=wrong
    )
kms.refused("InvalidCiphertextException", "", administrator.decrypt, CiphertextBlob=b"no blob at all")
altered = blob[:-1] + bytes([blob[-1] ^ 1])
kms.refused(
    "InvalidCiphertextException", "", administrator.decrypt, CiphertextBlob=altered, EncryptionContext=context
)
kms.refused(
    "IncorrectKeyException",
    "does not identify",
    administrator.decrypt,
    CiphertextBlob=blob,
    EncryptionContext=context,
    KeyId=second,
)

# Re-encrypted, if no policy denies it.
third = administrator.create_key()["KeyMetadata"]["Arn"]
moved = administrator.re_encrypt(
    CiphertextBlob=blob, SourceEncryptionContext=context, DestinationKeyId=third
)
assert moved["SourceKeyId"] == first and moved["KeyId"] == third
assert administrator.decrypt(CiphertextBlob=moved["CiphertextBlob"])["Plaintext"] == b"plaintext"
kms.refused(
    "AccessDeniedException",
    "is not authorized to perform: kms:ReEncryptTo on resource: "
    f"{second} with an explicit deny in a resource-based policy",
    administrator.re_encrypt,
    CiphertextBlob=blob,
    SourceEncryptionContext=context,
    DestinationKeyId=second,
)

# Generated.
for size, length in (({"KeySpec": "AES_256"}, 32), ({"KeySpec": "AES_128"}, 16), ({"NumberOfBytes": 64}, 64)):
    key = enclave.generate_data_key(KeyId=second, EncryptionContext=context, **size)
    assert len(key["Plaintext"]) == length and key["KeyId"] == second
    opened = enclave.decrypt(CiphertextBlob=key["CiphertextBlob"], EncryptionContext=context, KeyId=second)
    assert opened["Plaintext"] == key["Plaintext"]
without = administrator.generate_data_key_without_plaintext(KeyId=first, KeySpec="AES_256")
assert "Plaintext" not in without
assert len(administrator.decrypt(CiphertextBlob=without["CiphertextBlob"])["Plaintext"]) == 32
assert len(administrator.generate_random(NumberOfBytes=24)["Plaintext"]) == 24
kms.refused(
    "ValidationException",
    "number of bytes or key spec",
    administrator.generate_data_key,
    KeyId=first,
    KeySpec="AES_256",
    NumberOfBytes=32,
)

# Not allowed.
denied = "is not authorized to perform: kms:GenerateDataKey"
for wrong in ({}, {**context, "deployment": "b"}):
    kms.refused(
        "AccessDeniedException",
        denied,
        enclave.generate_data_key,
        KeyId=second,
        KeySpec="AES_256",
        EncryptionContext=wrong,
    )
kms.refused("AccessDeniedException", denied, enclave.generate_data_key, KeyId=first, KeySpec="AES_256")

# What does not exist.
absent = f"arn:aws:kms:us-east-1:{kms.ACCOUNT}:key/{uuid.uuid4()}"
kms.refused(
    "NotFoundException", f"Key '{absent}' does not exist", administrator.describe_key, KeyId=absent
)
kms.refused(
    "NotFoundException",
    "Invalid arn eu-west-1",
    administrator.describe_key,
    KeyId=absent.replace("us-east-1", "eu-west-1"),
)
kms.refused(
    "AccessDeniedException",
    "the resource does not exist in this Region",
    administrator.describe_key,
    KeyId=absent.replace(kms.ACCOUNT, "999999999999"),
)
kms.refused("InvalidArnException", "arn:aws:s3", administrator.describe_key, KeyId="arn:aws:s3:::bucket")
assert (
    kms.refused(
        "DryRunOperationException",
        "would have succeeded",
        administrator.generate_data_key,
        KeyId=first,
        KeySpec="AES_256",
        DryRun=True,
    )
    == 412
)
kms.refused(
    "UnsupportedOperationException",
    "CreateGrant",
    administrator.create_grant,
    KeyId=first,
    GranteePrincipal=kms.ENCLAVE,
    Operations=["Decrypt"],
)
