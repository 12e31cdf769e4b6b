//! Reaps every process whose parent is gone. The image has one program, which starts no other, so there should be none.

use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use tokio::signal::unix::{SignalKind, signal};

pub(super) async fn reap() {
    let Ok(mut ended) = signal(SignalKind::child()) else {
        return tracing::error!("cannot wait for SIGCHLD");
    };
    while ended.recv().await.is_some() {
        while let Ok(status) = waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            if status == WaitStatus::StillAlive {
                break;
            }
            tracing::error!(?status, "a process ended that should never have started");
        }
    }
}
