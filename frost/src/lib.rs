//! FROST for keys whose shares are held apart: the protocol, and nothing else. No I/O, no clock, no randomness of its own; it compiles to
//! WebAssembly. The enclave and every client run this same code.
//!
//! The ciphersuite is FROST(secp256k1, SHA-256) with the Taproot variant, so that every signature is a plain BIP-340 signature.
//!
//! - [`Participants`]: the named participants of a key, and the threshold.
//! - A ceremony makes a key or refreshes its shares. [`Board`] has its messages, each checked; [`Member`] is one participant of it, with
//!   its secrets. What the participants agreed on before is in the [`Parameters`], what they came to in the [`Outcome`], which each signs.
//! - [`Share`]: one participant's share of a key, which comes out of a ceremony.
//! - With the feature `client`, `Side`: every participant of a ceremony whose share one client holds, and `HeldShare`: such a share with
//!   the participant's key, as share files have it.
//! - [`sign`]: signatures, in one round trip between whoever asks and whoever helps.
//!
//! docs/split.md gives the protocol and every format.

#![forbid(unsafe_code)]

mod board;
mod commitments;
mod error;
mod hash;
#[cfg(feature = "client")]
mod held_share;
mod hex;
mod member;
mod messages;
mod parameters;
mod participant_key;
mod participants;
mod polynomial;
mod share;
#[cfg(feature = "client")]
mod side;
pub mod sign;
mod state;

#[cfg(test)]
mod tests;

pub use board::Board;
pub use error::{CeremonyError, InvalidField, Misbehaviour};
#[cfg(feature = "client")]
pub use held_share::{HeldShare, HeldShareError};
pub use hex::{Hex, HexError};
pub use member::Member;
pub use messages::{Commitments, Confirmation, Message, Outcome, Shares};
pub use parameters::{CeremonyParticipant, Dealer, Parameters, Purpose, check_split};
pub use participant_key::{ParticipantKey, ParticipantKeyError, is_signed_by};
pub use participants::{PARTICIPANTS_MAX, Participant, ParticipantName, Participants, is_name};
pub use share::Share;
#[cfg(feature = "client")]
pub use side::{Concluded, Side};
pub use state::State;
