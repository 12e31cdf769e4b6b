//! `content-digest.json`: the digests of bodies (RFC 9530).

use permafrost_common::http_signature::{check_content_digest, content_digest};
use serde::Serialize;

use super::file::compare;

#[derive(Serialize)]
struct File {
    source: &'static str,
    digests: Vec<Digest>,
    refused: Vec<Digest>,
}

#[derive(Serialize)]
struct Digest {
    name: &'static str,
    #[serde(with = "crate::hex_text")]
    body: Vec<u8>,
    content_digest: String,
}

#[test]
fn digests_are_those_of_the_file_and_other_forms_are_refused() {
    let every_byte: Vec<u8> = (0..=255).collect();
    let digests = [
        (
            "RFC 9530 appendix B.1: the body ends with a line feed",
            b"{\"hello\": \"world\"}\n".as_slice(),
        ),
        (
            "RFC 9421 appendix B.2: the body does not",
            b"{\"hello\": \"world\"}",
        ),
        ("an empty body", b""),
        ("every byte", &every_byte),
    ]
    .map(|(name, body)| Digest {
        name,
        body: body.to_vec(),
        content_digest: content_digest(body),
    });
    for digest in &digests {
        assert_eq!(
            check_content_digest(&digest.content_digest, &digest.body),
            Ok(())
        );
    }

    let good = content_digest(b"a");
    let base64 = &good[9..53];
    let refused = [
        ("the digest of another body", content_digest(b"b")),
        ("no digest", String::new()),
        ("no byte sequence", format!("sha-256={base64}")),
        ("a string", format!("sha-256=\"{base64}\"")),
        ("no padding", format!("sha-256=:{}:", &base64[..43])),
        ("30 bytes", format!("sha-256=:{}:", &base64[..40])),
        ("another algorithm", format!("sha-512=:{base64}:")),
        ("a name in upper case", format!("SHA-256=:{base64}:")),
        ("a parameter", format!("{good};a=1")),
        ("a member twice", format!("{good}, {good}")),
        ("a second algorithm", format!("{good}, sha-512=:{base64}:")),
        ("a trailing comma", format!("{good},")),
        ("an inner list", format!("({good})")),
    ]
    .map(|(name, content_digest)| Digest {
        name,
        body: b"a".to_vec(),
        content_digest,
    });
    for digest in &refused {
        check_content_digest(&digest.content_digest, &digest.body).expect_err(digest.name);
    }

    compare(
        "content-digest.json",
        &File {
            source: "RFC 9530 section 2 with SHA-256 only, in the one form of docs/signatures.md.",
            digests: digests.into(),
            refused: refused.into(),
        },
    );
}
