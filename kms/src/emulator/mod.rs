//! A KMS for development.
