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
//! - **To the hypervisor, not to one's own guests.** Where the parent has the `vhost_vsock` module loaded, Linux looks for
//!   every CID above 2 among the parent's own virtual machines, unless the address carries `VMADDR_FLAG_TO_HOST`. It
//!   does here, whenever the kernel takes it. So `vsock://` does not reach a guest of `vhost_vsock`; `vsock+unix:` does.
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
