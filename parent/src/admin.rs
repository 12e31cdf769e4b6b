//! The administration socket: `[admin] listen`, for `permafrost enclaves`.
//!
//! | request | what it does |
//! |---|---|
//! | `GET /admin/enclaves` | lists the enclaves: an array of [`EnclaveState`] |
//! | `POST /admin/enclaves/NAME/drain` | no further request that names no boot goes to it |
//! | `POST /admin/enclaves/NAME/remove` | no further request goes to it; those in flight finish |
//! | `POST /admin/enclaves/NAME/resume` | it gets its share again |
//!
//! A POST responds with the enclave's new state. Modes are not kept over a restart of the parent. There is no authentication:
//! whoever may open the socket file may refuse service, which the parent's operator can do anyway, and no more than that.

use std::future::Future;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use permafrost_common::transport::{Address, Listener, Peers, TransportError};
use serde::{Deserialize, Serialize};

use crate::proxy::{Enclave, Enclaves, Mode};
use crate::store;

/// One enclave, as the parent sees it.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct EnclaveState {
    /// Its name in the configuration.
    pub(crate) name: String,
    /// Where it listens.
    pub(crate) address: String,
    /// Which requests it gets.
    pub(crate) mode: Mode,
    /// Whether it was ready when it was last asked.
    pub(crate) ready: bool,
    /// How many requests of clients it has not finished.
    pub(crate) in_flight: usize,
    /// The digest of its boot's attestation document, as it says.
    pub(crate) boot: Option<String>,
}

/// An administration socket that does not serve yet.
pub(crate) struct Admin {
    listener: Listener,
    enclaves: Arc<Enclaves>,
}

impl Admin {
    pub(crate) async fn bind(
        listen: Option<&Address>,
        enclaves: Arc<Enclaves>,
    ) -> Result<Option<Self>, TransportError> {
        let Some(listen) = listen else {
            return Ok(None);
        };
        let listener = Listener::bind(listen, Peers::Any).await?;
        Ok(Some(Self { listener, enclaves }))
    }

    /// Serves until `stop` completes.
    pub(crate) async fn serve(self, stop: impl Future<Output = ()>) {
        let router = Router::new()
            .route("/admin/enclaves", get(list))
            .route("/admin/enclaves/{name}/{action}", post(act))
            .with_state(self.enclaves);
        store::serve_router(router, self.listener, stop).await;
    }
}

async fn list(State(enclaves): State<Arc<Enclaves>>) -> Json<Vec<EnclaveState>> {
    let all = enclaves.all().iter();
    Json(all.map(|enclave| state(enclave)).collect())
}

async fn act(
    State(enclaves): State<Arc<Enclaves>>,
    Path((name, action)): Path<(String, String)>,
) -> Response {
    let Some(enclave) = enclaves.by_name(&name) else {
        let names: Vec<_> = enclaves.all().iter().map(|one| one.name()).collect();
        let detail = format!("no enclave {name:?}; accepted: {}\n", names.join(", "));
        return (StatusCode::NOT_FOUND, detail).into_response();
    };
    let mode = match action.as_str() {
        "drain" => Mode::Draining,
        "remove" => Mode::Removed,
        "resume" => Mode::Serving,
        _ => {
            let detail = format!("no action {action:?}; accepted: drain, remove, resume\n");
            return (StatusCode::NOT_FOUND, detail).into_response();
        }
    };
    enclave.set_mode(mode);
    Json(state(enclave)).into_response()
}

fn state(enclave: &Enclave) -> EnclaveState {
    EnclaveState {
        name: enclave.name().to_owned(),
        address: enclave.address().to_owned(),
        mode: enclave.mode(),
        ready: enclave.is_ready(),
        in_flight: enclave.in_flight(),
        boot: enclave.boot(),
    }
}
