//! Key policies (AWS KMS Developer Guide, "Key policies in AWS KMS").
