//! Listings that are not of the requested range.

use permafrost_common::store::{LISTING_BYTES_MAX, RECORD_MAX};

use super::*;

#[tokio::test]
async fn a_listing_that_is_not_of_the_range_is_refused() {
    let entry = |id: &str| format!(r#"{{"id":"{id}","version":1,"record":""}}"#);
    let fine = entry("k-c");
    for (records, more) in [
        (entry("k-b"), false),
        (entry("k-a"), false),
        (entry("k"), false),
        (entry("l-c"), false),
        (entry("K-c"), false),
        (entry("k-c/../x"), false),
        (entry(""), false),
        (format!("{},{}", entry("k-d"), entry("k-c")), false),
        (format!("{fine},{fine}"), false),
        (
            [entry("k-c"), entry("k-d"), entry("k-e"), entry("k-f")].join(","),
            false,
        ),
        (String::new(), true),
        (r#"{"id":"k-c","version":0,"record":""}"#.into(), false),
        (r#"{"id":"k-c","version":-1,"record":""}"#.into(), false),
        (
            r#"{"id":"k-c","version":9223372036854775808,"record":""}"#.into(),
            false,
        ),
        (r#"{"id":"k-c","version":1,"record":"*"}"#.into(), false),
        (r#"{"id":"k-c","version":1,"record":"YQ"}"#.into(), false),
        (r#"{"id":"k-c","version":1}"#.into(), false),
        ("1".into(), false),
    ] {
        let liar = Liar::saying(listing_of(&records, more));
        let fault = failed(liar.listing().await);
        assert!(matches!(fault, Fault::Listing(_)), "{records}: {fault}");
    }
    let liar = Liar::saying(listing_of(&fine, false));
    assert_eq!(liar.listing().await.unwrap().records.len(), 1);
    let liar = Liar::saying(response("200 OK", "", b"not json"));
    assert!(matches!(failed(liar.listing().await), Fault::Listing(_)));
}

#[tokio::test]
async fn a_listing_of_more_bytes_than_agreed_is_refused() {
    let record = "A".repeat(RECORD_MAX / 3 * 4);
    let count = LISTING_BYTES_MAX / RECORD_MAX + 1;
    let records: Vec<String> = (0..count)
        .map(|i| format!(r#"{{"id":"k-c{i}","version":1,"record":"{record}"}}"#))
        .collect();
    let whole = listing_of(&records.join(","), false);
    let liar = Liar::new(move |_, _| Reply::SayAndClose(whole.clone()));
    let outcome = liar.client.listing("key", range(count)).await;
    assert!(matches!(failed(outcome), Fault::TooLong { .. }));
}

#[tokio::test]
async fn a_listing_of_another_form_is_quoted_escaped_and_cut() {
    let long = format!("\"{}\u{1b}\"", "é".repeat(10_000)).replace('\u{1b}', "\\u001b");
    for record in [long.clone(), format!(r#"{{"id":"k-c","version":{long}}}"#)] {
        let liar = Liar::saying(listing_of(&record, false));
        let said = failed(liar.listing().await).to_string();
        assert!(said.is_ascii() && said.len() < 400, "{said}");
    }
}
