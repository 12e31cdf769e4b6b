//! One malicious parent for all the tests of a file that leave its enclave serving.
//!
//! A process starts in milliseconds, so that each test has a parent of its own. A virtual machine boots for seconds: with the
//! feature `booted` the tests of one file take turns with one machine.

use std::ops::Deref;
use std::path::Path;
use std::process::{Command, Stdio};

use tokio::sync::{Mutex, MutexGuard};

use crate::{LyingParent, Measured};

/// A parent that is honest when a test gets it, and honest again when the test is over.
///
/// It dereferences to `&LyingParent` only: what needs `&mut`, such as a restart of the enclave, would harm the next test.
pub struct SharedParent(Held);

enum Held {
    Own(Box<LyingParent>),
    Shared(MutexGuard<'static, Option<LyingParent>>),
}

static SHARED: Mutex<Option<LyingParent>> = Mutex::const_new(None);

impl SharedParent {
    /// Waits for its turn with the parent of this test program. Every test of a program names the same configuration.
    pub(crate) async fn take(measured: Measured) -> Self {
        if !cfg!(feature = "booted") {
            return Self(Held::Own(Box::new(LyingParent::with(measured).await)));
        }
        let mut shared = SHARED.lock().await;
        if shared
            .as_mut()
            .is_none_or(|parent| parent.enclave.has_ended())
        {
            let parent = LyingParent::with(measured).await;
            end_with_this_process(parent.enclave.machine().id(), parent.folder());
            *shared = Some(parent);
        }
        let taken = Self(Held::Shared(shared));
        taken.be_honest();
        taken
    }

    fn be_honest(&self) {
        self.store.be_honest();
        self.store.take_requests();
        self.proxy.be_honest();
        self.proxy.take_seen();
        self.egress.be_honest();
    }
}

impl Deref for SharedParent {
    type Target = LyingParent;

    fn deref(&self) -> &LyingParent {
        match &self.0 {
            Held::Own(parent) => parent,
            Held::Shared(parent) => parent.as_ref().expect("there is one while it is taken"),
        }
    }
}

impl Drop for SharedParent {
    fn drop(&mut self) {
        if let Held::Shared(parent) = &mut self.0
            && std::thread::panicking()
        {
            // The next test is not to fail for what this one left.
            **parent = None;
        }
    }
}

/// Nothing drops a static: a shell whose standard input closes with this process ends the machine and removes its folder.
fn end_with_this_process(machine: u32, folder: &Path) {
    let shell = Command::new("sh")
        .args(["-c", "cat; kill \"$0\" && sleep 1; rm -rf \"$1\""])
        .arg(machine.to_string())
        .arg(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("a shell");
    // Its standard input stays open for as long as this process lives.
    std::mem::forget(shell);
}
