//! What the tests share: a deployment of several enclaves, and a look at it.

use std::time::{Duration, Instant};

use permafrost_client::Principal;
use permafrost_tests::{EnclaveProcess, HonestStack, Measured, binaries};
use serde_json::Value;

/// Nothing in these tests takes longer than this.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A parent with several enclaves: the first is the stack's own.
pub(crate) struct Deployment {
    pub(crate) stack: HonestStack,
    pub(crate) others: Vec<EnclaveProcess>,
}

impl Deployment {
    /// Starts this many enclaves, and waits until the parent has seen all of them ready.
    pub(crate) async fn start(enclaves: usize) -> Self {
        let stack = HonestStack::with_places(Measured::new("test").people(""), enclaves);
        let configuration = stack.configuration_with("");
        let start = |place| stack.start_beside(place, &binaries::enclave(), &configuration);
        let others = (2..=enclaves).map(start).collect();
        let deployment = Self { stack, others };
        deployment.until_all_are_ready().await;
        deployment
    }

    /// The enclave in this place, from 1 on.
    pub(crate) fn enclave(&mut self, place: usize) -> &mut EnclaveProcess {
        match place {
            1 => &mut self.stack.enclave,
            _ => &mut self.others[place - 2],
        }
    }

    /// What `permafrost enclaves list` says of the enclave in this place.
    pub(crate) fn state(&self, place: usize) -> Value {
        self.stack.enclaves(&["list"])[place - 1].clone()
    }

    /// Which place has the boot that a principal has verified.
    pub(crate) fn place_of(&self, principal: &Principal) -> usize {
        let boot = principal.enclave().boot().attestation().to_string();
        let listed = self.stack.enclaves(&["list"]);
        let listed = listed.as_array().unwrap();
        let place = listed.iter().position(|one| one["boot"] == boot.as_str());
        place.unwrap_or_else(|| panic!("nobody runs {boot}: {listed:?}")) + 1
    }

    /// A principal who has verified the boot in this place, through the parent.
    pub(crate) async fn principal_at(&self, name: &str, place: usize) -> Principal {
        for _ in 0..100 {
            let principal = self.stack.principal(name).await;
            if self.place_of(&principal) == place {
                return principal;
            }
        }
        panic!("no request came to the enclave in place {place}");
    }

    pub(crate) async fn until_all_are_ready(&self) {
        let places = 1..=self.others.len() + 1;
        for place in places {
            self.until(place, |state| {
                state["ready"] == true && !state["boot"].is_null()
            })
            .await;
        }
    }

    /// Waits until the list says this of the enclave in this place.
    pub(crate) async fn until(&self, place: usize, holds: impl Fn(&Value) -> bool) {
        let began = Instant::now();
        loop {
            let state = self.state(place);
            if holds(&state) {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "it stays {state}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// How many requests of clients have gone to each enclave, by the parent's metrics.
    pub(crate) async fn requests(&self) -> Vec<u64> {
        let metrics = self.get("/metrics").await;
        (1..=self.others.len() + 1)
            .map(|place| {
                let name =
                    format!("permafrost_enclave_requests_total{{enclave=\"enclave-{place}\"}} ");
                let line = metrics.lines().find_map(|line| line.strip_prefix(&name));
                line.map_or(0, |count| count.parse().unwrap())
            })
            .collect()
    }

    /// The response to a GET that names no boot: its head and its body.
    pub(crate) async fn get(&self, path: &str) -> String {
        let head = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        String::from_utf8(self.raw(head.as_bytes()).await).unwrap()
    }

    /// Sends bytes to the parent, and reads until it closes.
    pub(crate) async fn raw(&self, request: &[u8]) -> Vec<u8> {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let address = self.stack.endpoint().trim_start_matches("http://");
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        stream.write_all(request).await.unwrap();
        let mut response = Vec::new();
        stream.read_to_end(&mut response).await.unwrap();
        response
    }
}
