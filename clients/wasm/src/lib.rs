//! Split custody for JavaScript: the protocol of `permafrost-frost`, behind a boundary that only text crosses. No I/O: what is sent, and to
//! whom, is `clients/typescript/src/split`.
//!
//! - [`Share`]: a share that this side holds, from the JSON of a share file or from a ceremony.
//! - [`Side`]: this side's participants of one ceremony.
//! - [`Signing`]: the nonces of one signature.
//! - [`outcome_digest`]: what the signatures of a certificate are checked by.
//!
//! Binary values are lower-case hex. Messages, parameters and results are the JSON of the enclave's API. A refusal is thrown as a text, the
//! JSON of `refusal::Refusal`.

mod certificate;
mod refusal;
mod share;
mod side;
mod signing;
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
mod wiped;

pub use certificate::outcome_digest;
pub use share::Share;
pub use side::Side;
pub use signing::Signing;
