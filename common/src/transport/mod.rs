//! Byte streams between the enclave and its parent instance: one address type, one stream, one listener.
//!
//! | [`Address`] | [`connect`] | [`Listener::bind`] |
//! |---|---|---|
//! | `vsock://CID:PORT` | AF_VSOCK to that CID | AF_VSOCK; `any` for the CID as a rule |
//! | `unix:PATH` | the Unix socket at PATH | makes the socket file PATH |
//! | `vsock+unix:PATH:PORT` | towards the guest: PATH, then `CONNECT PORT\n` and `OK n\n` | from the guest: makes the socket file `PATH_PORT` |
//!
//! The third is vsock carried over a Unix socket, as [Firecracker] and [vhost-device-vsock] do it on the host.
//!
//! # vsock as it really behaves
//!
//! What public reports say of vsock is held off here and nowhere else:
//!
//! - **No single write above [`WRITE_MAX`].** Linux since commit 6693731487a8 (2025-08) hands a larger packet to
//!   the device in several pieces, which the Nitro hypervisor and some others put together wrongly, without an
//!   error. Every [`Stream`] cuts what it is given, plain and vectored, whatever the transport, so that the
//!   laptop runs what the enclave runs.
//! - **Bytes before the guest has accepted are lost** by vhost-device-vsock (its issue 963): nothing is sent
//!   before its `OK`. A listener must bear connections that close without a byte; so must what serves them.
//! - **Both directions full at once** have deadlocked some kernels. A stream can be read and written at the same
//!   time ([`tokio::io::split`]), and whoever writes much must go on reading meanwhile, as HTTP/1.1 over
//!   hyper does.
//! - **Whose connection it is**: a vsock listener knows the peer's CID, and [`Peers`] says which may stay.
//!
//! # What cannot be done here: `VMADDR_FLAG_TO_HOST`
//!
//! A parent instance reaches an enclave through its own hypervisor (guest to host). Where the parent also has
//! the `vhost_vsock` module loaded, because it runs virtual machines itself, Linux sends every CID above 2 to
//! *those*, unless the address carries `VMADDR_FLAG_TO_HOST` in `svm_flags` (byte 12 of `sockaddr_vm`), or the kernel
//! falls back by itself (sysctl `net.vsock.g2h_fallback`, merged 2026-03, on by default). No safe interface sets
//! that byte: `VsockAddr` of the `nix` crate, which `vsock` and `tokio-vsock` take, is made from CID and port
//! alone, its other constructor is `unsafe` (vsock-rs issue 29), and so are those of `rustix` and `socket2`. This
//! workspace forbids unsafe code, so the flag is not set. On such a parent: unload `vhost_vsock`, or run a
//! kernel that has the fallback. [`TransportError::Connect`] says so when it sees the module's device.
//!
//! [Firecracker]: https://github.com/firecracker-microvm/firecracker/blob/main/docs/vsock.md
//! [vhost-device-vsock]: https://github.com/rust-vmm/vhost-device/tree/main/vhost-device-vsock

mod address;
mod bounded_writes;
mod error;
mod hybrid;
mod listener;
mod peers;
mod socket_file;
mod stream;

pub use address::{Address, AddressError, Cid, UNIX_PATH_MAX};
pub use bounded_writes::WRITE_MAX;
pub use error::TransportError;
pub use listener::Listener;
pub use peers::{Peer, Peers};
pub use stream::{CONNECT_TIME, Stream, connect, connect_within};

#[cfg(test)]
mod tests;
