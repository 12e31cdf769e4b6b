//! HTTP/1.1 on a transport listener.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use permafrost_common::transport::{Listener, Stream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use super::record_store::RecordStore;
use super::router::router;

/// How many concurrent connections there may be; further ones wait to be accepted.
const CONNECTIONS: usize = 256;

/// How long a connection may take to send a request's header, including the idle time before it. The enclave closes its
/// idle connections earlier, so that it does not write to one that is being closed.
const HEADER_TIME: Duration = Duration::from_secs(75);

/// How long requests may continue after [`serve`] was told to stop.
const GRACE: Duration = Duration::from_secs(5);

/// Serves a record store until `stop` is ready, then closes it; see [`serve_router`].
pub async fn serve(store: RecordStore, listener: Listener, stop: impl Future<Output = ()>) {
    serve_router(router(store.clone()), listener, stop).await;
    store.close().await;
}

/// Serves a router until `stop` is ready; then lets the requests in progress finish, for at most 5 seconds.
///
/// A connection that closes without a request is not an error. The router bounds the bodies.
pub async fn serve_router(router: Router, listener: Listener, stop: impl Future<Output = ()>) {
    let (stopping, stopped) = watch::channel(());
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    let mut stop = pin!(stop);
    loop {
        let next = async {
            // The semaphore is never closed.
            let place = Arc::clone(&room).acquire_owned().await.ok();
            (place, listener.accept().await.0)
        };
        tokio::select! {
            () = &mut stop => break,
            (place, stream) = next => {
                let connection = serve_connection(stream, router.clone(), stopped.clone());
                connections.spawn(async move {
                    connection.await;
                    drop(place);
                });
            }
            Some(_) = connections.join_next() => {}
        }
    }
    drop(listener);
    drop(stopping);
    let _ = tokio::time::timeout(GRACE, async {
        while connections.join_next().await.is_some() {}
    })
    .await;
}

async fn serve_connection(stream: Stream, router: Router, mut stopped: watch::Receiver<()>) {
    let service = TowerToHyperService::new(router);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIME)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    // An error only means that the peer ended the connection: a request that it cut off needs no response.
    tokio::select! {
        _ = connection.as_mut() => return,
        _ = stopped.changed() => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}
