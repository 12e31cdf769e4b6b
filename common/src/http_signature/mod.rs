//! http_signature
