//! The real parent program in front of the real enclave program.
