//! Real sockets: all bytes arrive, and the errors for peers that lie, stall or vanish name them.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};

use super::*;

const SOON: Duration = Duration::from_secs(20);

fn unix(folder: &tempfile::TempDir) -> Address {
    Address::Unix(folder.path().join("socket"))
}

/// Echoes the bytes of each connection until it closes.
fn echo(listener: Listener) -> Arc<Listener> {
    let listener = Arc::new(listener);
    let accepting = Arc::clone(&listener);
    tokio::spawn(async move {
        loop {
            let (stream, _) = accepting.accept().await;
            tokio::spawn(async move {
                let (mut from, mut to) = tokio::io::split(stream);
                let _ = tokio::io::copy(&mut from, &mut to).await;
                let _ = to.shutdown().await;
            });
        }
    });
    listener
}

async fn eight_mebibytes_both_ways(stream: Stream) {
    let message: Vec<u8> = (0..8 << 20).map(|i: u32| (i % 253) as u8).collect();
    let sent = message.clone();
    let (mut from, mut to) = tokio::io::split(stream);
    let sending = tokio::spawn(async move {
        to.write_all(&sent).await.unwrap();
        to.shutdown().await.unwrap();
    });
    let mut back = Vec::new();
    tokio::time::timeout(SOON, from.read_to_end(&mut back))
        .await
        .expect("the echo stalled")
        .unwrap();
    sending.await.unwrap();
    assert!(back == message, "the echo differs");
}

/// The host side of a virtual machine monitor: for each connection one line, checked, then a pipe to `guest`.
async fn monitor(path: &Path, port: u32, guest: Address) {
    let listener = UnixListener::bind(path).unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let guest = guest.clone();
            tokio::spawn(async move {
                let mut stream = BufReader::new(stream);
                let mut line = String::new();
                stream.read_line(&mut line).await.unwrap();
                assert_eq!(line, format!("CONNECT {port}\n"));
                assert!(stream.buffer().is_empty(), "bytes came before OK");
                let mut inner = connect(&guest).await.unwrap();
                stream.write_all(b"OK 1073741824\n").await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut stream, &mut inner).await;
            });
        }
    });
}

/// A monitor that sends `response` and then holds the connection open or closes it.
async fn lying_monitor(response: &'static [u8], hold: bool) -> Result<Stream, TransportError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vm");
    let listener = UnixListener::bind(&path).unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut line = [0; 11];
        stream.read_exact(&mut line).await.unwrap();
        let _ = stream.write_all(response).await;
        if hold {
            tokio::time::sleep(SOON).await;
        }
    });
    let address = Address::VsockOverUnix { path, port: 52 };
    connect_within(&address, Duration::from_millis(300)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_mebibytes_pass_both_ways_at_once_over_unix() {
    let folder = tempfile::tempdir().unwrap();
    let server = echo(Listener::bind(&unix(&folder), Peers::Any).await.unwrap());
    eight_mebibytes_both_ways(connect(server.address()).await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_mebibytes_pass_both_ways_at_once_towards_the_guest() {
    let folder = tempfile::tempdir().unwrap();
    let server = echo(Listener::bind(&unix(&folder), Peers::Any).await.unwrap());
    let path = folder.path().join("vm");
    monitor(&path, 52, server.address().clone()).await;
    let address = Address::VsockOverUnix { path, port: 52 };
    eight_mebibytes_both_ways(connect(&address).await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_mebibytes_pass_both_ways_at_once_from_the_guest() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vm");
    let address = Address::VsockOverUnix { path, port: 52 };
    let _server = echo(Listener::bind(&address, Peers::Any).await.unwrap());
    // What a monitor does when its guest connects to port 52 of the host.
    let guest = UnixStream::connect(folder.path().join("vm_52"))
        .await
        .unwrap();
    eight_mebibytes_both_ways(guest.into()).await;
}

#[tokio::test]
async fn a_connection_that_closes_empty_does_not_disturb_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let server = echo(Listener::bind(&unix(&folder), Peers::Any).await.unwrap());
    for _ in 0..10 {
        drop(connect(server.address()).await.unwrap());
    }
    let mut stream = connect(server.address()).await.unwrap();
    stream.write_all(b"still here").await.unwrap();
    let mut back = [0; 10];
    stream.read_exact(&mut back).await.unwrap();
    assert_eq!(&back, b"still here");
}

#[tokio::test]
async fn a_monitor_that_does_not_send_ok_is_quoted() {
    for response in ["KO 1\n", "OK\n", "OK x\n", "HTTP/1.1 400\r\n"] {
        let error = lying_monitor(response.as_bytes(), true).await.unwrap_err();
        let expected = response.as_bytes().escape_ascii().to_string();
        assert!(
            matches!(&error, TransportError::NotOk { came, .. } if *came == expected),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_monitor_that_never_ends_its_line_is_cut_off() {
    let error = lying_monitor(&[b'0'; 4096], true).await.unwrap_err();
    assert!(
        matches!(&error, TransportError::NotOk { came, .. } if came.len() == 32),
        "{error}"
    );
}

#[tokio::test]
async fn a_monitor_that_closes_is_distinguished_from_one_that_refuses() {
    for response in ["", "OK 1"] {
        let error = lying_monitor(response.as_bytes(), false).await.unwrap_err();
        assert!(
            matches!(&error, TransportError::NoGuest { came, .. } if came == response),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_silent_monitor_costs_no_more_than_the_time_given() {
    for response in ["", "OK "] {
        let begun = Instant::now();
        let error = lying_monitor(response.as_bytes(), true).await.unwrap_err();
        assert!(matches!(error, TransportError::TimedOut { .. }), "{error}");
        assert!(begun.elapsed() < Duration::from_secs(5));
    }
}

#[tokio::test]
async fn connecting_to_any_is_refused() {
    let error = connect(&"vsock://any:5000".parse().unwrap())
        .await
        .unwrap_err();
    assert!(matches!(error, TransportError::AnyIsNoTarget(_)), "{error}");
}

#[tokio::test]
async fn a_path_without_a_listener_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let address = unix(&folder);
    let error = connect(&address).await.unwrap_err();
    assert!(matches!(error, TransportError::Connect { .. }));
    assert!(error.to_string().contains(&address.to_string()), "{error}");
}

#[tokio::test]
async fn a_socket_file_is_for_its_owner_alone_and_goes_with_its_listener() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let listener = Listener::bind(&unix(&folder), Peers::Any).await.unwrap();
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    drop(listener);
    assert!(!path.exists());
}

#[tokio::test]
async fn a_socket_file_of_a_dead_process_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    assert!(path.exists(), "std leaves the file behind");
    let server = echo(Listener::bind(&unix(&folder), Peers::Any).await.unwrap());
    connect(server.address()).await.unwrap();
}

#[tokio::test]
async fn a_living_listener_keeps_its_address() {
    let folder = tempfile::tempdir().unwrap();
    let server = echo(Listener::bind(&unix(&folder), Peers::Any).await.unwrap());
    let error = Listener::bind(&unix(&folder), Peers::Any)
        .await
        .unwrap_err();
    assert!(matches!(error, TransportError::InUse { .. }), "{error}");
    connect(server.address()).await.unwrap();
}

#[tokio::test]
async fn a_file_that_is_not_a_socket_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    std::fs::write(&path, "precious").unwrap();
    let error = Listener::bind(&unix(&folder), Peers::Any)
        .await
        .unwrap_err();
    assert!(
        matches!(error, TransportError::NotASocket { .. }),
        "{error}"
    );
    assert_eq!(std::fs::read(&path).unwrap(), b"precious");
}

#[tokio::test]
async fn a_listener_does_not_remove_the_file_of_its_successor() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let old = Listener::bind(&unix(&folder), Peers::Any).await.unwrap();
    std::fs::remove_file(&path).unwrap();
    let new = echo(Listener::bind(&unix(&folder), Peers::Any).await.unwrap());
    drop(old);
    connect(new.address()).await.unwrap();
}

#[tokio::test]
async fn a_full_queue_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let socket = tokio::net::UnixSocket::new_stream().unwrap();
    socket.bind(&path).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = Address::Unix(path);
    let mut queued = Vec::new();
    while let Ok(stream) = connect_within(&address, Duration::from_millis(100)).await {
        queued.push(stream);
        assert!(queued.len() < 16, "the queue has no end");
    }
    let waiting = tokio::spawn(async move { connect(&address).await });
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!waiting.is_finished());
    listener.accept().await.unwrap();
    waiting.await.unwrap().unwrap();
}

#[tokio::test]
async fn vsock_can_be_listened_on_where_the_kernel_has_it() {
    // A port specific to this process, so that parallel runs do not collide.
    let address: Address = format!("vsock://any:{}", 100_000 + std::process::id())
        .parse()
        .unwrap();
    let listener = match Listener::bind(&address, Peers::Cids(vec![3])).await {
        Ok(listener) => listener,
        Err(error) => panic!("this machine has no AF_VSOCK: {error}"),
    };
    let waited = tokio::time::timeout(Duration::from_millis(50), listener.accept()).await;
    assert!(waited.is_err(), "no peer connected");
    assert_eq!((listener.refused(), listener.failed()), (0, 0));
    let error = Listener::bind(&address, Peers::Any).await.unwrap_err();
    assert!(matches!(error, TransportError::Bind { .. }), "{error}");
}
