//! A connection to the parent that records every byte.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Every byte of every connection, for each direction separately.
#[derive(Clone)]
pub(crate) struct Wire {
    endpoint: String,
    kept: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Wire {
    /// Leads to `endpoint` (`http://HOST:PORT`), until the runtime ends.
    pub(crate) async fn to(endpoint: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let wire = Self {
            endpoint: format!("http://{}", listener.local_addr().unwrap()),
            kept: Arc::default(),
        };
        let (kept, parent) = (Arc::clone(&wire.kept), address(endpoint).to_owned());
        tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                // While the parent is down, the connection just ends.
                if let Ok(parent) = TcpStream::connect(&parent).await {
                    let (requests, responses) = (client.into_split(), parent.into_split());
                    tokio::spawn(carry(requests.0, responses.1, Arc::clone(&kept)));
                    tokio::spawn(carry(responses.0, requests.1, Arc::clone(&kept)));
                }
            }
        });
        wire
    }

    /// Where clients connect.
    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Sends these bytes, and waits until the response ends.
    pub(crate) async fn send(&self, bytes: &[u8]) {
        let mut stream = TcpStream::connect(address(&self.endpoint)).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        let mut response = Vec::new();
        // The other side may close without having read everything.
        let _ = stream.read_to_end(&mut response).await;
    }

    /// What has passed so far, connection by connection.
    pub(crate) fn kept(&self) -> Vec<Vec<u8>> {
        self.kept.lock().unwrap().clone()
    }
}

fn address(endpoint: &str) -> &str {
    endpoint.trim_start_matches("http://")
}

async fn carry(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    kept: Arc<Mutex<Vec<Vec<u8>>>>,
) {
    let at = {
        let mut kept = kept.lock().unwrap();
        kept.push(Vec::new());
        kept.len() - 1
    };
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        kept.lock().unwrap()[at].extend_from_slice(&buffer[..length]);
        if to.write_all(&buffer[..length]).await.is_err() {
            break;
        }
    }
    let _ = to.shutdown().await;
}
