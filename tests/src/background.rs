//! A runtime for what runs beside a test and outlives its awaits: stores, egress proxies, the development KMS.

use std::future::Future;
use std::sync::{LazyLock, mpsc};

use tokio::runtime::Runtime;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime")
});

/// Runs a future on the background runtime and waits for it, whether or not the caller is on a runtime of its own.
pub(crate) fn wait<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> T {
    let (sender, receiver) = mpsc::channel();
    RUNTIME.spawn(async move {
        let _nobody_waits_after_a_panic = sender.send(future.await);
    });
    receiver
        .recv()
        .expect("the background task ends with a value")
}

/// Runs a future on the background runtime for as long as the test runs.
pub(crate) fn spawn(future: impl Future<Output = ()> + Send + 'static) {
    RUNTIME.spawn(future);
}
