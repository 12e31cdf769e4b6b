//! The parent's side of the record store's protocol, honest until told to lie.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::path::Path;
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{ETAG, IF_MATCH, IF_NONE_MATCH};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use permafrost_common::store::{Entry, LISTING_MAX, Listing, TAGS_HEADER};
use tokio::net::UnixListener;
use tokio::sync::Semaphore;

use crate::background;

/// A request of the enclave to the store.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum StoreRequest {
    /// The newest version of a record, unless it is this one.
    Get {
        /// The record's id.
        id: String,
        /// The version that the enclave has.
        known: Option<u64>,
    },
    /// A record after this version; 0 for the first.
    Put {
        /// The record's id.
        id: String,
        /// The version before.
        after: u64,
    },
    /// No record any more, if this is its version.
    Delete {
        /// The record's id.
        id: String,
        /// The version that is to be deleted.
        version: u64,
    },
    /// A listing of records.
    List,
}

/// A response of the store.
#[derive(Clone, Debug)]
pub enum StoreResponse {
    /// A record.
    Record(u64, Vec<u8>),
    /// Unchanged since this version.
    NotModified(u64),
    /// No such record.
    Absent,
    /// Written, as this version.
    Stored(u64),
    /// Deleted.
    Deleted,
    /// The store has another version.
    Conflict(Option<u64>),
    /// A listing of records.
    Listing(Listing),
    /// Any status with any body.
    Raw(u16, Vec<u8>),
    /// The connection is cut, without a response.
    Cut,
    /// There is never a response.
    Silence,
    /// This response, once the gate has a permit for it.
    Held(Arc<Semaphore>, Box<StoreResponse>),
}

/// Every version of every record so far, and the present lie.
#[derive(Clone)]
pub struct LyingStore(Arc<Mutex<State>>);

struct State {
    /// Versions from 1, by kind and id.
    history: BTreeMap<(String, String), Vec<Vec<u8>>>,
    /// The tags of the newest version, as they came.
    tags: BTreeMap<(String, String), String>,
    lie: Lie,
    drops_writes: bool,
    keeps_deleted: bool,
    requests: Vec<StoreRequest>,
}

type Lie = Box<dyn FnMut(&StoreRequest, StoreResponse) -> StoreResponse + Send>;

impl LyingStore {
    /// Serves at this path for as long as the test runs.
    pub fn serve(path: &Path) -> Self {
        let path = path.to_owned();
        let listener = background::wait(async move { UnixListener::bind(path).expect("a socket") });
        let store = Self(Arc::new(Mutex::new(State {
            history: BTreeMap::new(),
            tags: BTreeMap::new(),
            lie: Box::new(|_, honest| honest),
            drops_writes: false,
            keeps_deleted: false,
            requests: Vec::new(),
        })));
        let serving = store.clone();
        background::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.expect("a connection");
                let store = serving.clone();
                tokio::spawn(async move {
                    let respond = service_fn(|request| {
                        let store = store.clone();
                        async move { store.respond(request).await }
                    });
                    // A connection that is cut on purpose ends with an error.
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), respond)
                        .await;
                });
            }
        });
        store
    }

    /// Another store with all that this one has now, at this path.
    pub fn copied_to(&self, path: &Path) -> Self {
        let copy = Self::serve(path);
        let state = self.0.lock().unwrap();
        let mut copied = copy.0.lock().unwrap();
        copied.history = state.history.clone();
        copied.tags = state.tags.clone();
        drop(copied);
        copy
    }

    /// From now on, `lie` turns every honest response into another. A write is stored even if the lie hides that.
    pub fn lie(
        &self,
        lie: impl FnMut(&StoreRequest, StoreResponse) -> StoreResponse + Send + 'static,
    ) {
        self.0.lock().unwrap().lie = Box::new(lie);
    }

    /// From now on, nothing is stored, whatever the responses say.
    pub fn drop_writes(&self) {
        self.0.lock().unwrap().drops_writes = true;
    }

    /// From now on, nothing is deleted, whatever the responses say.
    pub fn keep_deleted(&self) {
        self.0.lock().unwrap().keeps_deleted = true;
    }

    /// From now on, every response is honest.
    pub fn be_honest(&self) {
        self.lie(|_, honest| honest);
        let mut state = self.0.lock().unwrap();
        state.drops_writes = false;
        state.keeps_deleted = false;
    }

    /// The bytes of a version of a key's record.
    pub fn version(&self, id: &str, version: u64) -> Vec<u8> {
        self.versions(id)[version as usize - 1].clone()
    }

    /// How many records of this kind there are.
    pub fn count(&self, kind: &str) -> usize {
        let all = self.all_of(kind);
        all.iter()
            .filter(|(_, versions)| !versions.is_empty())
            .count()
    }

    /// The ids of all records of this kind that there are or were, with all their versions.
    pub fn all_of(&self, kind: &str) -> Vec<(String, Vec<Vec<u8>>)> {
        let state = self.0.lock().unwrap();
        let of_kind = state.history.iter().filter(|((of, _), _)| of == kind);
        of_kind
            .map(|((_, id), versions)| (id.clone(), versions.clone()))
            .collect()
    }

    /// Every version of the root secret's record.
    pub fn root_secret(&self) -> Vec<Vec<u8>> {
        self.versions_of("root-secret", "newest")
    }

    /// Restores these versions of the root secret's record.
    pub fn put_back_root_secret(&self, versions: Vec<Vec<u8>>) {
        self.put_back_of("root-secret", "newest", versions);
    }

    /// Every version of a key's record.
    pub fn versions(&self, id: &str) -> Vec<Vec<u8>> {
        self.versions_of("key", id)
    }

    /// Every version of a record of this kind.
    pub fn versions_of(&self, kind: &str, id: &str) -> Vec<Vec<u8>> {
        let place = (kind.to_owned(), id.to_owned());
        let state = self.0.lock().unwrap();
        state.history.get(&place).cloned().unwrap_or_default()
    }

    /// Makes these the versions of a record of this kind.
    pub fn put_back_of(&self, kind: &str, id: &str, versions: Vec<Vec<u8>>) {
        let place = (kind.to_owned(), id.to_owned());
        self.0.lock().unwrap().history.insert(place, versions);
    }

    /// Deletes every version of a key's record.
    pub fn lose(&self, id: &str) {
        let key = ("key".to_owned(), id.to_owned());
        self.0.lock().unwrap().history.remove(&key);
    }

    /// Restores what was deleted.
    pub fn put_back(&self, id: &str, versions: Vec<Vec<u8>>) {
        self.put_back_of("key", id, versions);
    }

    /// The enclave's requests since they were last taken.
    pub fn requests(&self) -> Vec<StoreRequest> {
        self.0.lock().unwrap().requests.clone()
    }

    /// The tags of a key's record.
    pub fn tags(&self, id: &str) -> Vec<String> {
        let place = ("key".to_owned(), id.to_owned());
        let state = self.0.lock().unwrap();
        let tags = state.tags.get(&place).map_or("", String::as_str);
        tags.split(',').map(str::to_owned).collect()
    }

    /// Gives a key's record one tag more than those that the enclave gave it.
    pub fn add_tag(&self, id: &str, tag: &str) {
        let place = ("key".to_owned(), id.to_owned());
        let mut state = self.0.lock().unwrap();
        let tags = state.tags.entry(place).or_default();
        *tags = format!("{tags},{tag}");
    }

    /// A listing of all keys, as an honest store gives it now.
    pub fn listing_now(&self) -> Listing {
        match self.0.lock().unwrap().listing("key", None) {
            StoreResponse::Listing(listing) => listing,
            _ => unreachable!("a listing"),
        }
    }

    /// The enclave's requests since the last call.
    pub fn take_requests(&self) -> Vec<StoreRequest> {
        std::mem::take(&mut self.0.lock().unwrap().requests)
    }

    async fn respond(
        &self,
        request: Request<Incoming>,
    ) -> Result<Response<Full<Bytes>>, std::io::Error> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.map_err(std::io::Error::other)?;
        let response = {
            let mut state = self.0.lock().unwrap();
            let (request, honest) = state.honest(&parts, &body.to_bytes());
            state.requests.push(request.clone());
            (state.lie)(&request, honest)
        };
        match released(response).await {
            StoreResponse::Record(version, bytes) => Ok(tagged(200, Some(version), bytes)),
            StoreResponse::NotModified(version) => Ok(tagged(304, Some(version), Vec::new())),
            StoreResponse::Absent => Ok(tagged(404, None, Vec::new())),
            StoreResponse::Stored(version) => Ok(tagged(204, Some(version), Vec::new())),
            StoreResponse::Deleted => Ok(tagged(204, None, Vec::new())),
            StoreResponse::Conflict(version) => Ok(tagged(412, version, Vec::new())),
            StoreResponse::Listing(listing) => Ok(tagged(
                200,
                None,
                serde_json::to_vec(&listing).expect("JSON"),
            )),
            StoreResponse::Raw(status, bytes) => Ok(tagged(status, None, bytes)),
            StoreResponse::Cut => Err(std::io::Error::other("cut on purpose")),
            StoreResponse::Silence => {
                let never: Infallible = std::future::pending().await;
                match never {}
            }
            StoreResponse::Held(..) => unreachable!("it was released"),
        }
    }
}

/// A response that was held, once it may go.
async fn released(mut response: StoreResponse) -> StoreResponse {
    while let StoreResponse::Held(gate, held) = response {
        gate.acquire().await.expect("the gate is open").forget();
        response = *held;
    }
    response
}

impl State {
    fn honest(
        &mut self,
        parts: &http::request::Parts,
        body: &[u8],
    ) -> (StoreRequest, StoreResponse) {
        let path: Vec<_> = parts.uri.path().split('/').collect();
        let header = |name| {
            let value = parts.headers.get(name)?.to_str().ok()?;
            value.trim_matches('"').parse::<u64>().ok()
        };
        let &["", "records", kind, id] = path.as_slice() else {
            return (StoreRequest::List, self.listing(path[2], parts.uri.query()));
        };
        let versions = self
            .history
            .entry((kind.to_owned(), id.to_owned()))
            .or_default();
        let newest = versions.len() as u64;
        let id = id.to_owned();
        if parts.method == Method::PUT {
            let after = header(IF_MATCH).unwrap_or(0);
            let response = match after == newest {
                true => {
                    if !self.drops_writes {
                        versions.push(body.to_vec());
                        let tags = parts.headers.get(TAGS_HEADER);
                        let tags = tags.map_or("", |tags| tags.to_str().expect("tags"));
                        let place = (kind.to_owned(), id.clone());
                        self.tags.insert(place, tags.to_owned());
                    }
                    StoreResponse::Stored(newest + 1)
                }
                false => StoreResponse::Conflict(Some(newest).filter(|version| *version > 0)),
            };
            return (StoreRequest::Put { id, after }, response);
        }
        if parts.method == Method::DELETE {
            let version = header(IF_MATCH).expect("a version");
            let response = match version == newest {
                true => {
                    if !self.keeps_deleted {
                        versions.clear();
                    }
                    StoreResponse::Deleted
                }
                false => StoreResponse::Conflict(Some(newest).filter(|version| *version > 0)),
            };
            return (StoreRequest::Delete { id, version }, response);
        }
        let known = header(IF_NONE_MATCH);
        let response = match versions.last() {
            None => StoreResponse::Absent,
            Some(_) if known == Some(newest) => StoreResponse::NotModified(newest),
            Some(bytes) => StoreResponse::Record(newest, bytes.clone()),
        };
        (StoreRequest::Get { id, known }, response)
    }

    fn listing(&self, kind: &str, query: Option<&str>) -> StoreResponse {
        let parameter = |name: &str| {
            query
                .unwrap_or_default()
                .split('&')
                .find_map(|pair| pair.strip_prefix(&format!("{name}=")))
                .unwrap_or_default()
                .to_owned()
        };
        let (prefix, after, tag) = (parameter("prefix"), parameter("after"), parameter("tag"));
        let limit = parameter("limit").parse().unwrap_or(LISTING_MAX);
        let mut records = self
            .history
            .iter()
            .filter(|(place, versions)| {
                let (of, id) = place;
                let tags = self.tags.get(place).map_or("", String::as_str);
                let has_tag = tag.is_empty() || tags.split(',').any(|one| one == tag);
                of == kind
                    && id.starts_with(&prefix)
                    && *id > after
                    && has_tag
                    && !versions.is_empty()
            })
            .map(|((_, id), versions)| Entry {
                id: id.clone(),
                version: versions.len() as u64,
                record: STANDARD.encode(versions.last().expect("not empty")),
            });
        let listing = Listing {
            records: records.by_ref().take(limit).collect(),
            more: records.next().is_some(),
        };
        StoreResponse::Listing(listing)
    }
}

fn tagged(status: u16, version: Option<u64>, bytes: Vec<u8>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(bytes)));
    *response.status_mut() = StatusCode::from_u16(status).expect("a status");
    if let Some(version) = version {
        let tag = format!("\"{version}\"").parse().expect("a header value");
        response.headers_mut().insert(ETAG, tag);
    }
    response
}
