//! A real database file, real HTTP over a Unix socket.

mod database;
mod protocol;
mod server;

use std::path::{Path, PathBuf};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use permafrost_common::store::Listing;
use permafrost_common::transport::{Address, Listener, Peers, connect};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::*;

/// The condition of a record's first put.
const FIRST: &[(&str, &str)] = &[("if-none-match", "*")];

/// A store that is being served.
struct Served {
    folder: tempfile::TempDir,
    address: Address,
    store: RecordStore,
    stop: Option<oneshot::Sender<()>>,
    server: JoinHandle<()>,
}

impl Served {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let address = Address::Unix(folder.path().join("store.sock"));
        let store = RecordStore::open(database_in(folder.path())).await.unwrap();
        let listener = Listener::bind(&address, Peers::Any).await.unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let server = tokio::spawn(serve(store.clone(), listener, async {
            let _ = stopped.await;
        }));
        Self {
            folder,
            address,
            store,
            stop: Some(stop),
            server,
        }
    }

    async fn send(&self, request: Request<Full<Bytes>>) -> Response<Bytes> {
        let stream = connect(&self.address).await.unwrap();
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let (parts, body) = sender.send_request(request).await.unwrap().into_parts();
        Response::from_parts(parts, body.collect().await.unwrap().to_bytes())
    }

    async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Response<Bytes> {
        self.send(request(Method::GET, path, headers, b"")).await
    }

    async fn put(&self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Response<Bytes> {
        self.send(request(Method::PUT, path, headers, body)).await
    }

    async fn delete(&self, path: &str, headers: &[(&str, &str)]) -> Response<Bytes> {
        self.send(request(Method::DELETE, path, headers, b"")).await
    }

    async fn listing(&self, query: &str) -> Listing {
        let response = self.get(&format!("/records/key?{query}"), &[]).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/json");
        serde_json::from_slice(response.body()).unwrap()
    }
}

fn database_in(folder: &Path) -> PathBuf {
    folder.join("records.sqlite")
}

fn request(
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Request<Full<Bytes>> {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request
        .body(Full::new(Bytes::copy_from_slice(body)))
        .unwrap()
}
