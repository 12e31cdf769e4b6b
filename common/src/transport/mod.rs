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
//! This module alone works around what public reports say about vsock:
//!
//! - **No single write above [`WRITE_MAX`].** Linux since commit 6693731487a8 (2025-08) hands a larger packet to the device in
//!   several pieces, which the Nitro hypervisor and some others reassemble wrongly, without an error. Every [`Stream`] splits
//!   plain and vectored writes, on every transport, so that a laptop runs the same code as the enclave.
//! - **Bytes before the guest has accepted are lost** by vhost-device-vsock (its issue 963): nothing is sent before its `OK`. A
//!   listener must tolerate connections that close without a byte; so must what serves them.
//! - **Both directions full at once** have deadlocked some kernels. A stream can be read and written at the same time
//!   ([`tokio::io::split`]), and code that writes much must keep reading meanwhile, as HTTP/1.1 over hyper does.
//! - **Which peer connects**: a vsock listener knows the peer's CID, and [`Peers`] says which may stay connected.
//! - **To the hypervisor, not to the machine's own guests.** If the parent has the `vhost_vsock` module loaded, Linux looks for
//!   every CID above 2 among the parent's own virtual machines, unless the address carries `VMADDR_FLAG_TO_HOST`. Addresses here
//!   carry it whenever the kernel accepts it. So `vsock://` does not reach a guest of `vhost_vsock`; `vsock+unix:` does.
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
mod to_host;

pub use address::{Address, AddressError, Cid, UNIX_PATH_MAX};
pub use bounded_writes::WRITE_MAX;
pub use error::TransportError;
pub use listener::Listener;
pub use peers::{Peer, Peers};
pub use stream::{CONNECT_TIME, Stream, connect, connect_within};

#[cfg(test)]
mod tests;
