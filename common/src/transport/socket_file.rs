//! The socket file of a Unix listener: accessible to its owner alone, and removed again.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tokio::net::{UnixListener, UnixSocket, UnixStream};

use super::address::Address;
use super::error::TransportError;

/// Connections that wait to be accepted.
const BACKLOG: u32 = 1024;

/// Removes the socket file when dropped, if it is still the one that was made.
#[derive(Debug)]
pub(super) struct SocketFile {
    path: PathBuf,
    device: u64,
    inode: u64,
}

impl SocketFile {
    /// Listens on `path` with a socket file of mode 0600.
    ///
    /// A socket file on which no process listens any more (because it was killed) is replaced. Two processes that do this at the
    /// same moment can remove each other's file: the operator must start only one.
    pub(super) async fn listen(
        path: &Path,
        address: &Address,
    ) -> Result<(UnixListener, Self), TransportError> {
        let refuse = |source| TransportError::Bind {
            address: address.clone(),
            source,
        };
        let listener = match bind(path) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                remove_stale(path, address).await?;
                bind(path)
            }
            other => other,
        }
        .map_err(refuse)?;
        let metadata = fs::symlink_metadata(path).map_err(refuse)?;
        let file = Self {
            path: path.to_owned(),
            device: metadata.dev(),
            inode: metadata.ino(),
        };
        Ok((listener, file))
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let still_ours = fs::symlink_metadata(&self.path)
            .is_ok_and(|found| (found.dev(), found.ino()) == (self.device, self.inode));
        if still_ours {
            // There is no caller to report to; the next listener replaces a file that remains.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn bind(path: &Path) -> io::Result<UnixListener> {
    let socket = UnixSocket::new_stream()?;
    // Linux gives the file the mode of the socket it is bound to: set before, the file is never open to others.
    File::from(socket.as_fd().try_clone_to_owned()?)
        .set_permissions(Permissions::from_mode(0o600))?;
    socket.bind(path)?;
    socket.listen(BACKLOG)
}

async fn remove_stale(path: &Path, address: &Address) -> Result<(), TransportError> {
    let in_use = || TransportError::InUse {
        address: address.clone(),
        path: path.to_owned(),
    };
    let is_socket = fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket());
    if !is_socket {
        return Err(TransportError::NotASocket {
            address: address.clone(),
            path: path.to_owned(),
        });
    }
    match UnixStream::connect(path).await {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path)
            .map_err(|source| TransportError::Bind {
                address: address.clone(),
                source,
            }),
        // Any other result, also a full queue, shows that a process listens.
        _ => Err(in_use()),
    }
}
