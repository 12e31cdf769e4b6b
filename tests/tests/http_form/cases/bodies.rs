//! Where a body ends, and what follows it.

use super::Means::Refused;
use super::{Case, FOUND_NEXT, HEALTH, NEXT, POSTED, case, get, post};

pub(super) fn cases() -> Vec<Case> {
    [lengths(), transfer_encodings(), sequences()]
        .into_iter()
        .flatten()
        .collect()
}

fn lengths() -> Vec<Case> {
    let long = |length: &str| post(&format!("Content-Length: {length}\r\n"), "{}");
    vec![
        case("a body", long("2"), &[POSTED]),
        case("a length with zeros", long("0002"), &[POSTED]),
        case("a length in spaces", long(" \t2 "), &[POSTED]),
        case(
            "the same length twice",
            post("Content-Length: 2\r\ncontent-length: 2\r\n", "{}"),
            &[POSTED],
        ),
        case(
            "two lengths",
            post("Content-Length: 2\r\nContent-Length: 3\r\n", "{}!"),
            &[Refused(400)],
        ),
        case("a list of two lengths", long("2, 3"), &[Refused(400)]),
        case("a list of the same length", long("2, 2"), &[Refused(400)]),
        case("a length with a plus sign", long("+2"), &[Refused(400)]),
        case("a negative length", long("-2"), &[Refused(400)]),
        case("a hexadecimal length", long("0x2"), &[Refused(400)]),
        case("a length with a fraction", long("2.0"), &[Refused(400)]),
        case("a length in two parts", long("2 0"), &[Refused(400)]),
        case("an empty length", long(""), &[Refused(400)]),
        case(
            "a length of more than 64 bits",
            long("18446744073709551618"),
            &[Refused(400)],
        ),
        case(
            "a length with a space before the colon",
            post("Content-Length : 2\r\n", "{}"),
            &[Refused(400)],
        ),
        case(
            "a folded length",
            post("Content-Length:\r\n 2\r\n", "{}"),
            &[Refused(400)],
        ),
        case(
            "a length that Connection names",
            post("Connection: content-length\r\nContent-Length: 2\r\n", "{}"),
            &[POSTED],
        ),
        case("a body that ends early", long("10"), &[Refused(400)]),
        case(
            "a body that is expected",
            post("Expect: 100-continue\r\nContent-Length: 2\r\n", "{}"),
            &[POSTED],
        ),
        case("no length and no body", post("", ""), &[POSTED]),
        case(
            "a body of HTTP/1.0",
            "POST /v1/keys HTTP/1.0\r\nContent-Length: 2\r\n\r\n{}",
            &[POSTED],
        ),
    ]
}

fn transfer_encodings() -> Vec<Case> {
    const CHUNKED: &str = "Transfer-Encoding: chunked\r\n";
    const END: &str = "0\r\n\r\n";
    let coded = |field: &str| post(field, END);
    let chunks = |chunks: &str| post(CHUNKED, chunks);
    let next = |fields: &str, rest: &str| post(fields, &format!("{rest}{NEXT}"));
    let hidden = format!("{:x}\r\n{NEXT}\r\n0\r\n\r\n", NEXT.len());
    let both = END.len() + NEXT.len();
    let short = format!("{CHUNKED}Content-Length: 4\r\n");
    vec![
        case(
            "a chunked body",
            chunks("2\r\n{}\r\n0\r\n\r\n"),
            &[Refused(411)],
        ),
        case(
            "chunked, then a request",
            next(CHUNKED, END),
            &[Refused(411)],
        ),
        case(
            "a length, then chunked (CL.TE)",
            next("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", END),
            &[Refused(411)],
        ),
        case(
            "a length over the next request, then chunked (CL.TE)",
            next(&format!("Content-Length: {both}\r\n{CHUNKED}"), END),
            &[Refused(411)],
        ),
        case(
            "chunked, then a length (TE.CL)",
            post(&short, &hidden),
            &[Refused(411)],
        ),
        case(
            "chunked between two lengths",
            post(
                "Content-Length: 4\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n",
                END,
            ),
            &[Refused(411)],
        ),
        case(
            "chunked twice (TE.TE)",
            coded(&CHUNKED.repeat(2)),
            &[Refused(411)],
        ),
        case(
            "chunked, then identity",
            coded("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n"),
            &[Refused(400)],
        ),
        case(
            "identity, then chunked",
            coded("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n"),
            &[Refused(411)],
        ),
        case(
            "a list that ends in chunked",
            coded("Transfer-Encoding: gzip, chunked\r\n"),
            &[Refused(411)],
        ),
        case(
            "a list that begins with chunked",
            coded("Transfer-Encoding: chunked, x\r\n"),
            &[Refused(400)],
        ),
        case(
            "chunked in upper case",
            coded("TRANSFER-ENCODING: CHUNKED\r\n"),
            &[Refused(411)],
        ),
        case(
            "chunked after a tab",
            coded("Transfer-Encoding:\tchunked\r\n"),
            &[Refused(411)],
        ),
        case(
            "chunked after a vertical tab",
            coded("Transfer-Encoding: \x0bchunked\r\n"),
            &[Refused(400)],
        ),
        case(
            "chunked in quotes",
            coded("Transfer-Encoding: \"chunked\"\r\n"),
            &[Refused(400)],
        ),
        case(
            "chunked with a parameter",
            coded("Transfer-Encoding: chunked;q=1\r\n"),
            &[Refused(400)],
        ),
        case(
            "another coding",
            coded("Transfer-Encoding: xchunked\r\n"),
            &[Refused(400)],
        ),
        case(
            "identity",
            coded("Transfer-Encoding: identity\r\n"),
            &[Refused(400)],
        ),
        case(
            "an empty coding",
            coded("Transfer-Encoding:\r\n"),
            &[Refused(400)],
        ),
        case(
            "chunked with a space before the colon",
            coded("Transfer-Encoding : chunked\r\n"),
            &[Refused(400)],
        ),
        case(
            "chunked on a folded line",
            coded("Transfer-Encoding:\r\n chunked\r\n"),
            &[Refused(400)],
        ),
        case(
            "chunked after a line that ends in LF",
            coded("X: y\nTransfer-Encoding: chunked\r\n"),
            &[Refused(411)],
        ),
        case(
            "chunked after a line that ends in CR",
            coded("X: y\rTransfer-Encoding: chunked\r\n"),
            &[Refused(400)],
        ),
        case(
            "chunked that Connection names",
            coded(&format!("Connection: transfer-encoding\r\n{CHUNKED}")),
            &[Refused(411)],
        ),
        case(
            "chunked in HTTP/1.0",
            format!("POST /v1/keys HTTP/1.0\r\nHost: a\r\n{CHUNKED}\r\n{END}"),
            &[Refused(400)],
        ),
        case(
            "a chunk with an extension",
            chunks("2;a=b\r\n{}\r\n0\r\n\r\n"),
            &[Refused(411)],
        ),
        case(
            "a chunk with a long extension",
            chunks(&format!("2;{}\r\n", "a".repeat(20_000))),
            &[Refused(411)],
        ),
        case(
            "a chunk whose extension has LF",
            chunks("2;a\nb\r\n{}\r\n0\r\n\r\n"),
            &[Refused(411)],
        ),
        case(
            "a chunk of a negative size",
            chunks("-2\r\n{}\r\n0\r\n\r\n"),
            &[Refused(411)],
        ),
        case(
            "a chunk of more than 64 bits",
            chunks("10000000000000002\r\n{}\r\n0\r\n\r\n"),
            &[Refused(411)],
        ),
        case(
            "chunks that end in LF",
            chunks("2\n{}\n0\n\n"),
            &[Refused(411)],
        ),
        case(
            "a trailer",
            chunks("0\r\nContent-Length: 5\r\n\r\n"),
            &[Refused(411)],
        ),
        case("chunks that never end", chunks("2\r\n{}"), &[Refused(411)]),
        case(
            "an underscore in Transfer-Encoding",
            post("Transfer_Encoding: chunked\r\n", ""),
            &[POSTED],
        ),
    ]
}

fn sequences() -> Vec<Case> {
    let old = |fields: &str| format!("GET /v1/health HTTP/1.0\r\n{fields}\r\n{NEXT}");
    vec![
        case(
            "two requests",
            get("Host: a\r\n") + NEXT,
            &[HEALTH, FOUND_NEXT],
        ),
        case(
            "a body, then a request",
            post("Content-Length: 2\r\n", "{}") + NEXT,
            &[POSTED, FOUND_NEXT],
        ),
        case(
            "a body of no bytes, then a request",
            post("Content-Length: 0\r\n", NEXT),
            &[POSTED, FOUND_NEXT],
        ),
        case(
            "a request in a body",
            post(&format!("Content-Length: {}\r\n", NEXT.len()), NEXT),
            &[POSTED],
        ),
        case(
            "an underscore in Content-Length, then a request",
            post(&format!("Content_Length: {}\r\n", NEXT.len()), NEXT),
            &[POSTED, FOUND_NEXT],
        ),
        case(
            "a body of GET, then a request",
            format!("GET /v1/next HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{{}}{NEXT}"),
            &[FOUND_NEXT, FOUND_NEXT],
        ),
        case(
            "an empty line between requests",
            format!("{}\r\n{NEXT}", get("Host: a\r\n")),
            &[HEALTH, FOUND_NEXT],
        ),
        case(
            "a request, then garbage",
            get("Host: a\r\n") + "\0\r\n\r\n",
            &[HEALTH, Refused(400)],
        ),
        case(
            "a request, then one without a host",
            get("Host: a\r\n") + &get(""),
            &[HEALTH, Refused(400)],
        ),
        case(
            "a body that is longer than its length",
            post("Content-Length: 2\r\n", "{}}\r\n\r\n"),
            &[POSTED, Refused(400)],
        ),
        case(
            "a request after close",
            get("Host: a\r\nConnection: close\r\n") + NEXT,
            &[HEALTH],
        ),
        case("a request after HTTP/1.0", old(""), &[HEALTH]),
        case(
            "a request after HTTP/1.0 with keep-alive",
            old("Connection: keep-alive\r\n"),
            &[HEALTH, FOUND_NEXT],
        ),
        case("fifty requests", NEXT.repeat(50), &[FOUND_NEXT; 50]),
    ]
}
