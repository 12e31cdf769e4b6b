//! Each rule of the protocol, as its documentation states it.

use http::{HeaderMap, Method, StatusCode, header};
use permafrost_common::store::{
    Expected, LISTING_BYTES_MAX, LISTING_MAX, Listing, RECORD_MAX, TAG_LEN, TAGS_HEADER,
};

use super::*;

fn etag(headers: &HeaderMap) -> Option<&str> {
    headers
        .get(header::ETAG)
        .map(|value| value.to_str().unwrap())
}

fn ids(listing: &Listing) -> Vec<&str> {
    listing
        .records
        .iter()
        .map(|entry| entry.id.as_str())
        .collect()
}

#[tokio::test]
async fn versions_count_from_one_and_each_put_requires_the_previous_version() {
    let served = Served::start().await;
    let path = "/records/key/a";
    let response = served.get(path, &[]).await;
    assert_eq!(
        (response.status(), etag(response.headers())),
        (StatusCode::NOT_FOUND, None)
    );

    let response = served.put(path, &[("if-match", "\"1\"")], b"x").await;
    assert_eq!(response.status(), StatusCode::PRECONDITION_FAILED);
    assert_eq!(
        etag(response.headers()),
        None,
        "there is no version to name"
    );

    let response = served.put(path, FIRST, b"one").await;
    assert_eq!(response.status(), StatusCode::NO_CONTENT);
    assert_eq!(etag(response.headers()), Some("\"1\""));

    let response = served.put(path, FIRST, b"again").await;
    assert_eq!(response.status(), StatusCode::PRECONDITION_FAILED);
    assert_eq!(etag(response.headers()), Some("\"1\""));

    let response = served.put(path, &[("if-match", "\"1\"")], b"two").await;
    assert_eq!(response.status(), StatusCode::NO_CONTENT);
    assert_eq!(etag(response.headers()), Some("\"2\""));

    for stale in ["\"1\"", "\"3\"", "\"9223372036854775807\""] {
        let response = served.put(path, &[("if-match", stale)], b"x").await;
        assert_eq!(
            response.status(),
            StatusCode::PRECONDITION_FAILED,
            "{stale}"
        );
        assert_eq!(etag(response.headers()), Some("\"2\""));
    }

    let response = served.get(path, &[]).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(etag(response.headers()), Some("\"2\""));
    assert_eq!(
        response.headers()[header::CONTENT_TYPE],
        "application/octet-stream"
    );
    assert_eq!(response.body(), "two");
}

#[tokio::test]
async fn a_known_version_is_not_sent_again() {
    let served = Served::start().await;
    let path = "/records/key/a";
    served.put(path, FIRST, b"one").await;
    let response = served.get(path, &[("if-none-match", "\"1\"")]).await;
    assert_eq!(response.status(), StatusCode::NOT_MODIFIED);
    assert_eq!(etag(response.headers()), Some("\"1\""));
    assert!(response.body().is_empty());
    let response = served.get(path, &[("if-none-match", "\"2\"")]).await;
    assert_eq!(
        (response.status(), response.body().as_ref()),
        (StatusCode::OK, b"one".as_slice())
    );
}

#[tokio::test]
async fn a_put_repeated_after_a_lost_response_conflicts_with_itself() {
    let served = Served::start().await;
    let path = "/records/key/a";
    served.put(path, FIRST, b"one").await;
    served.put(path, &[("if-match", "\"1\"")], b"two").await;
    let response = served.put(path, &[("if-match", "\"1\"")], b"two").await;
    assert_eq!(response.status(), StatusCode::PRECONDITION_FAILED);
    assert_eq!(etag(response.headers()), Some("\"2\""));
    assert_eq!(served.get(path, &[]).await.body(), "two");
}

#[tokio::test]
async fn exactly_the_version_that_a_delete_names_is_deleted() {
    let served = Served::start().await;
    let path = "/records/link/a";
    let refused = async |version: &str, current: Option<&str>| {
        let response = served.delete(path, &[("if-match", version)]).await;
        assert_eq!(response.status(), StatusCode::PRECONDITION_FAILED);
        assert_eq!(etag(response.headers()), current, "{version}");
    };
    refused("\"1\"", None).await;
    served.put(path, FIRST, b"one").await;
    served.put(path, &[("if-match", "\"1\"")], b"two").await;
    served.put("/records/link/b", FIRST, b"another").await;
    served
        .put("/records/key/a", FIRST, b"of another kind")
        .await;
    for version in ["\"1\"", "\"3\"", "\"9223372036854775807\""] {
        refused(version, Some("\"2\"")).await;
    }
    assert_eq!(served.get(path, &[]).await.body(), "two");

    let response = served.delete(path, &[("if-match", "\"2\"")]).await;
    assert_eq!(response.status(), StatusCode::NO_CONTENT);
    assert_eq!(etag(response.headers()), None);
    let absent = served.get(path, &[("if-none-match", "\"2\"")]).await;
    assert_eq!(absent.status(), StatusCode::NOT_FOUND);
    refused("\"2\"", None).await;
    assert_eq!(served.get("/records/link/b", &[]).await.body(), "another");
    let other = served.get("/records/key/a", &[]).await;
    assert_eq!(other.body(), "of another kind");
    let after = served.put(path, &[("if-match", "\"2\"")], b"three").await;
    assert_eq!(after.status(), StatusCode::PRECONDITION_FAILED);
}

#[tokio::test]
async fn of_changes_of_the_same_version_exactly_one_succeeds() {
    let served = Served::start().await;
    let condition = &[("if-match", "\"1\"")];
    for round in 0..20 {
        let path = format!("/records/link/{round}");
        served.put(&path, FIRST, b"one").await;
        let (put, deleted, again) = tokio::join!(
            served.put(&path, condition, b"two"),
            served.delete(&path, condition),
            served.delete(&path, condition),
        );
        let succeeded = [put, deleted, again]
            .iter()
            .filter(|response| response.status() == StatusCode::NO_CONTENT)
            .count();
        assert_eq!(succeeded, 1, "round {round}");
    }
}

#[tokio::test]
async fn what_the_protocol_does_not_allow_is_refused_in_words() {
    let served = Served::start().await;
    for path in [
        "/records/KEY/a",
        "/records/key1/a",
        "/records/key/A",
        "/records/key/a.b",
        "/records/key/%2e%2e",
    ] {
        for response in [
            served.get(path, &[]).await,
            served.put(path, FIRST, b"x").await,
            served.delete(path, &[("if-match", "\"1\"")]).await,
        ] {
            assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{path}");
            let said = String::from_utf8_lossy(response.body()).into_owned();
            assert!(said.contains("accepted:"), "{path}: {said}");
        }
    }
    let conditions: &[&[(&str, &str)]] = &[
        &[],
        &[("if-match", "*")],
        &[("if-match", "1")],
        &[("if-match", "\"0\"")],
        &[("if-match", "W/\"1\"")],
        &[("if-match", "\"1\", \"2\"")],
        &[("if-match", "\"1\""), ("if-match", "\"2\"")],
        &[("if-none-match", "\"1\"")],
        &[("if-none-match", "*"), ("if-match", "\"1\"")],
    ];
    for headers in conditions {
        let response = served.put("/records/key/a", headers, b"x").await;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{headers:?}");
        let response = served.delete("/records/key/a", headers).await;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{headers:?}");
    }
    let response = served.delete("/records/key/a", FIRST).await;
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    for tags in [
        "",
        "x",
        "0123456789abcdef",
        "0123456789ABCDEF0123456789ABCDEF",
    ] {
        let headers = [FIRST, &[(TAGS_HEADER, tags)]].concat();
        let response = served.put("/records/key/a", &headers, b"x").await;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{tags:?}");
    }
    let response = served
        .get("/records/key/a", &[("if-none-match", "*")])
        .await;
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    for query in [
        "limit=0",
        "limit=101",
        "limit=x",
        "limit=-1",
        "prefix=A",
        "after=a.b",
        "tag=",
        "tag=0123456789abcdef",
        "other=1",
    ] {
        let response = served.get(&format!("/records/key?{query}"), &[]).await;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{query}");
    }
    assert_eq!(
        served.get("/records", &[]).await.status(),
        StatusCode::NOT_FOUND
    );
    for (method, path) in [
        (Method::POST, "/records/key/a"),
        (Method::DELETE, "/records/key"),
    ] {
        let response = served.send(request(method, path, &[], b"")).await;
        assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED, "{path}");
    }
    assert_eq!(
        served.get("/records/key/a", &[]).await.status(),
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn the_longest_record_fits_and_one_byte_more_is_refused() {
    let served = Served::start().await;
    let longest: Vec<u8> = (0..RECORD_MAX).map(|i| (i % 251) as u8).collect();
    let response = served.put("/records/key/a", FIRST, &longest).await;
    assert_eq!(response.status(), StatusCode::NO_CONTENT);
    assert_eq!(served.get("/records/key/a", &[]).await.body(), &longest);
    let longer = vec![0; RECORD_MAX + 1];
    let response = served.put("/records/key/b", FIRST, &longer).await;
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(
        served.get("/records/key/b", &[]).await.status(),
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        served.put("/records/key/c", FIRST, b"").await.status(),
        StatusCode::NO_CONTENT
    );
    assert_eq!(served.get("/records/key/c", &[]).await.body(), "");
}

#[tokio::test]
async fn listings_follow_byte_order_and_stay_within_their_prefix_and_kind() {
    let served = Served::start().await;
    for id in ["b", "a", "a-", "a0", "aa", "az", "0", "-"] {
        let response = served
            .put(&format!("/records/key/{id}"), FIRST, id.as_bytes())
            .await;
        assert_eq!(response.status(), StatusCode::NO_CONTENT);
    }
    served.put("/records/other/a1", FIRST, b"x").await;
    let listing = served.listing("").await;
    assert_eq!(ids(&listing), ["-", "0", "a", "a-", "a0", "aa", "az", "b"]);
    assert!(!listing.more);
    assert_eq!(
        (
            listing.records[2].version,
            listing.records[2].record.as_str()
        ),
        (1, "YQ==")
    );

    let listing = served.listing("prefix=a&limit=2").await;
    assert_eq!((ids(&listing), listing.more), (vec!["a", "a-"], true));
    let listing = served.listing("prefix=a&limit=2&after=a-").await;
    assert_eq!((ids(&listing), listing.more), (vec!["a0", "aa"], true));
    let listing = served.listing("prefix=a&limit=2&after=aa").await;
    assert_eq!((ids(&listing), listing.more), (vec!["az"], false));
    let listing = served.listing("prefix=a&limit=1&after=-").await;
    assert_eq!((ids(&listing), listing.more), (vec!["a"], true));
    let listing = served.listing("after=b").await;
    assert_eq!((ids(&listing), listing.more), (vec![], false));
}

#[tokio::test]
async fn a_listing_of_a_tag_has_the_records_whose_newest_version_has_it() {
    let served = Served::start().await;
    let [red, blue] = ["0".repeat(TAG_LEN), "f".repeat(TAG_LEN)];
    let both = format!("{red},{blue}");
    let put = async |path: &str, condition: (&str, &str), tags: &str| {
        let headers = [condition, (TAGS_HEADER, tags)];
        let response = served.put(path, &headers, b"x").await;
        assert_eq!(response.status(), StatusCode::NO_CONTENT);
    };
    for (id, tags) in [("a1", &red), ("a2", &both), ("a3", &blue), ("b1", &red)] {
        put(&format!("/records/key/{id}"), FIRST[0], tags).await;
    }
    put("/records/other/a4", FIRST[0], &red).await;
    served.put("/records/key/a5", FIRST, b"x").await;
    let of = async |query: &str| {
        let listing = served.listing(query).await;
        let ids = ids(&listing);
        (ids.join(" "), listing.more)
    };
    let listed = |ids: &str, more| (ids.to_owned(), more);
    assert_eq!(of(&format!("tag={red}")).await, listed("a1 a2 b1", false));
    assert_eq!(of(&format!("tag={blue}")).await, listed("a2 a3", false));
    let query = format!("tag={red}&prefix=a&limit=1");
    assert_eq!(of(&query).await, listed("a1", true));
    assert_eq!(of(&format!("{query}&after=a1")).await, listed("a2", false));

    let later = ("if-match", "\"1\"");
    put("/records/key/a1", later, &blue).await;
    served.put("/records/key/a2", &[later], b"x").await;
    assert_eq!(of(&format!("tag={red}")).await, listed("b1", false));
    assert_eq!(of(&format!("tag={blue}")).await, listed("a1 a3", false));

    served
        .delete("/records/key/a3", &[("if-match", "\"1\"")])
        .await;
    assert_eq!(of(&format!("tag={blue}")).await, listed("a1", false));
    served.put("/records/key/a3", FIRST, b"x").await;
    assert_eq!(of(&format!("tag={blue}")).await, listed("a1", false));

    let conflict = [later, (TAGS_HEADER, red.as_str())];
    let response = served.put("/records/key/a1", &conflict, b"x").await;
    assert_eq!(response.status(), StatusCode::PRECONDITION_FAILED);
    assert_eq!(of(&format!("tag={red}")).await, listed("b1", false));
}

#[tokio::test]
async fn a_listing_is_bounded_in_records_and_bytes_and_loses_none() {
    let served = Served::start().await;
    let put = async |id: String, record: Vec<u8>| {
        let put = served
            .store
            .put("key", &id, Expected::Absent, record.into(), "");
        put.await.unwrap();
    };
    for i in 0..(LISTING_MAX + 5) {
        put(format!("small-{i:03}"), Vec::new()).await;
    }
    let listing = served.listing("").await;
    assert_eq!((listing.records.len(), listing.more), (LISTING_MAX, true));

    let fit = LISTING_BYTES_MAX / RECORD_MAX;
    for i in 0..=fit {
        put(format!("large-{i}"), vec![7; RECORD_MAX]).await;
    }
    let listing = served.listing("prefix=large").await;
    assert_eq!((listing.records.len(), listing.more), (fit, true));
    let listing = served
        .listing(&format!("prefix=large&after=large-{}", fit - 1))
        .await;
    assert_eq!((listing.records.len(), listing.more), (1, false));
}

#[tokio::test]
async fn a_failing_database_gives_a_503_in_words() {
    let served = Served::start().await;
    served.put("/records/key/a", FIRST, b"one").await;
    served.store.close().await;
    for response in [
        served.get("/records/key/a", &[]).await,
        served.put("/records/key/b", FIRST, b"x").await,
        served
            .delete("/records/key/a", &[("if-match", "\"1\"")])
            .await,
        served.get("/records/key", &[]).await,
    ] {
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.body(), "the record store is closed\n");
    }
}
