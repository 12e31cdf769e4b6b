//! Serves a [`RecordStore`] over HTTP.

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::extract::{DefaultBodyLimit, FromRequest, FromRequestParts, Path, Query, Request, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header, request::Parts};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use permafrost_common::store::{
    Expected, LISTING_MAX, RECORD_MAX, TAG_LEN, TAGS_HEADER, TAGS_MAX, VERSION_MAX, etag, is_id,
    is_id_prefix, is_kind, is_tag, is_tags, parse_etag,
};
use serde::Deserialize;

use super::error::StoreError;
use super::outcome::{Deletion, Fetched, Put};
use super::record_store::RecordStore;

/// The routes of [`permafrost_common::store`].
pub fn router(store: RecordStore) -> Router {
    Router::new()
        .route("/records/{kind}", get(list))
        .route(
            "/records/{kind}/{id}",
            get(fetch).put(store_next).delete(delete_version),
        )
        .layer(DefaultBodyLimit::max(RECORD_MAX))
        .with_state(store)
}

async fn fetch(
    State(store): State<RecordStore>,
    place: Place,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let known = single(&headers, header::IF_NONE_MATCH)?
        .map(|text| version(&header::IF_NONE_MATCH, text))
        .transpose()?;
    Ok(match store.get(&place.kind, &place.id, known).await? {
        Fetched::Record(record) => (
            [
                (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
                (header::ETAG, etag(record.version)),
            ],
            record.bytes,
        )
            .into_response(),
        Fetched::NotModified => (
            StatusCode::NOT_MODIFIED,
            known.map(|version| [(header::ETAG, etag(version))]),
            (),
        )
            .into_response(),
        Fetched::Absent => (StatusCode::NOT_FOUND, "there is no such record\n").into_response(),
    })
}

async fn store_next(
    State(store): State<RecordStore>,
    place: Place,
    headers: HeaderMap,
    Record(record): Record,
) -> Result<Response, Refusal> {
    let expected = expected(&headers)?;
    let tags = tags(&headers)?;
    Ok(
        match store
            .put(&place.kind, &place.id, expected, record, tags)
            .await?
        {
            Put::Stored { version } => {
                (StatusCode::NO_CONTENT, [(header::ETAG, etag(version))]).into_response()
            }
            Put::Conflict { current } => conflict(current),
        },
    )
}

async fn delete_version(
    State(store): State<RecordStore>,
    place: Place,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let condition = "accepted: exactly `If-Match: \"V\"`";
    let Ok(Expected::Version(version)) = expected(&headers) else {
        return Err(bad(condition.to_owned()));
    };
    Ok(match store.delete(&place.kind, &place.id, version).await? {
        Deletion::Deleted => StatusCode::NO_CONTENT.into_response(),
        Deletion::Conflict { current } => conflict(current),
    })
}

fn conflict(current: Option<u64>) -> Response {
    (
        StatusCode::PRECONDITION_FAILED,
        current.map(|version| [(header::ETAG, etag(version))]),
        "the record has a different version\n",
    )
        .into_response()
}

async fn list(
    State(store): State<RecordStore>,
    Path(kind): Path<String>,
    range: Result<Query<Range>, QueryRejection>,
) -> Result<Response, Refusal> {
    let Query(range) = range.map_err(|rejection| bad(rejection.body_text()))?;
    check_kind(&kind)?;
    for (name, text) in [("prefix", &range.prefix), ("after", &range.after)] {
        if !is_id_prefix(text) {
            return Err(bad(format!(
                "{name} {text:?}; accepted: 0 to 128 of a-z, 0-9 and -"
            )));
        }
    }
    if let Some(tag) = range.tag.as_deref().filter(|tag| !is_tag(tag)) {
        return Err(bad(format!(
            "tag {tag:?}; accepted: {TAG_LEN} of 0-9 and a-f"
        )));
    }
    if !(1..=LISTING_MAX).contains(&range.limit) {
        return Err(bad(format!(
            "limit {}; accepted: 1 to {LISTING_MAX}",
            range.limit
        )));
    }
    let listing = store
        .listing(
            &kind,
            &range.prefix,
            range.tag.as_deref(),
            &range.after,
            range.limit,
        )
        .await?;
    Ok(axum::Json(listing).into_response())
}

/// The query of a listing.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Range {
    prefix: String,
    after: String,
    limit: usize,
    tag: Option<String>,
}

impl Default for Range {
    fn default() -> Self {
        Self {
            prefix: String::new(),
            after: String::new(),
            limit: LISTING_MAX,
            tag: None,
        }
    }
}

/// The kind and id of a path, checked.
struct Place {
    kind: String,
    id: String,
}

impl<S: Send + Sync> FromRequestParts<S> for Place {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let Path((kind, id)) = Path::<(String, String)>::from_request_parts(parts, state)
            .await
            .map_err(|rejection| bad(rejection.body_text()))?;
        check_kind(&kind)?;
        if !is_id(&id) {
            return Err(bad(format!(
                "id {id:?}; accepted: 1 to 128 of a-z, 0-9 and -"
            )));
        }
        Ok(Self { kind, id })
    }
}

/// A body of at most [`RECORD_MAX`] bytes.
struct Record(Bytes);

impl<S: Send + Sync> FromRequest<S> for Record {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        match Bytes::from_request(request, state).await {
            Ok(bytes) => Ok(Self(bytes)),
            Err(rejection) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => Err(Refusal(
                StatusCode::PAYLOAD_TOO_LARGE,
                format!("the record is too long; accepted: at most {RECORD_MAX} bytes"),
            )),
            Err(rejection) => Err(broken(&rejection)),
        }
    }
}

fn broken(rejection: &BytesRejection) -> Refusal {
    bad(format!("the body ended early: {rejection}"))
}

fn check_kind(kind: &str) -> Result<(), Refusal> {
    if is_kind(kind) {
        return Ok(());
    }
    Err(bad(format!(
        "kind {kind:?}; accepted: 1 to 32 of a-z and -"
    )))
}

/// What a `PUT` expects: exactly one of `If-None-Match: *` and `If-Match: "V"`.
fn expected(headers: &HeaderMap) -> Result<Expected, Refusal> {
    let absent = single(headers, header::IF_NONE_MATCH)?;
    let present = single(headers, header::IF_MATCH)?;
    match (absent, present) {
        (Some("*"), None) => Ok(Expected::Absent),
        (None, Some(text)) => version(&header::IF_MATCH, text).map(Expected::Version),
        _ => Err(bad(
            "accepted: exactly one of `If-None-Match: *` and `If-Match: \"V\"`".to_owned(),
        )),
    }
}

/// The tags of a `PUT`, as they came; empty if there are none.
fn tags(headers: &HeaderMap) -> Result<&str, Refusal> {
    match single(headers, HeaderName::from_static(TAGS_HEADER))? {
        None => Ok(""),
        Some(tags) if is_tags(tags) => Ok(tags),
        Some(tags) => Err(bad(format!(
            "{TAGS_HEADER}: {tags:?}; accepted: 1 to {TAGS_MAX} different tags of {TAG_LEN} of 0-9 and a-f, in ascending order with commas between them"
        ))),
    }
}

/// The value of a header field that may occur once.
fn single(headers: &HeaderMap, name: HeaderName) -> Result<Option<&str>, Refusal> {
    let mut values = headers.get_all(&name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| {
            bad(format!(
                "{name} has a character that is not accepted; accepted: visible ASCII"
            ))
        }),
        (Some(_), Some(_)) => Err(bad(format!("{name} occurs more than once; accepted: once"))),
    }
}

fn version(name: &HeaderName, text: &str) -> Result<u64, Refusal> {
    parse_etag(text).ok_or_else(|| {
        bad(format!(
            "{name}: {text:?}; accepted: one version, \"1\" to \"{VERSION_MAX}\", in quotes"
        ))
    })
}

/// A refusal or a failure, in words for people.
struct Refusal(StatusCode, String);

fn bad(text: String) -> Refusal {
    Refusal(StatusCode::BAD_REQUEST, text)
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self(StatusCode::SERVICE_UNAVAILABLE, error.to_string())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.0, self.1 + "\n").into_response()
    }
}
