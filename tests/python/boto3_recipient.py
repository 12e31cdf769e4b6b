"""boto3 calls for an attested recipient: boto3_recipient.py KEY_ARN DOCUMENT FOLDER.

Writes the ciphertexts for the recipient into the folder, one file for each action.
"""

import pathlib
import sys

import kms

key, document, folder = sys.argv[1], pathlib.Path(sys.argv[2]).read_bytes(), pathlib.Path(sys.argv[3])
recipient = {"KeyEncryptionAlgorithm": "RSAES_OAEP_SHA_256", "AttestationDocument": document}
enclave = kms.client("enclave")
administrator = kms.client("administrator")

made = enclave.generate_data_key(KeyId=key, KeySpec="AES_256", Recipient=recipient)
assert made["KeyId"] == key and not made.get("Plaintext"), made
opened = enclave.decrypt(KeyId=key, CiphertextBlob=made["CiphertextBlob"], Recipient=recipient)
assert opened["KeyId"] == key and not opened.get("Plaintext"), opened
random = administrator.generate_random(NumberOfBytes=15, Recipient=recipient)
assert not random.get("Plaintext"), random
for name, response in (("GenerateDataKey", made), ("Decrypt", opened), ("GenerateRandom", random)):
    (folder / name).write_bytes(response["CiphertextForRecipient"])

# Without the document, and with an altered one.
denied = "is not authorized to perform: kms:"
kms.refused("AccessDeniedException", denied, enclave.generate_data_key, KeyId=key, KeySpec="AES_256")
kms.refused(
    "AccessDeniedException", denied, enclave.decrypt, KeyId=key, CiphertextBlob=made["CiphertextBlob"]
)
altered = document[:-1] + bytes([document[-1] ^ 1])
kms.refused(
    "ValidationException",
    "attestation document",
    enclave.generate_data_key,
    KeyId=key,
    KeySpec="AES_256",
    Recipient={**recipient, "AttestationDocument": altered},
)
