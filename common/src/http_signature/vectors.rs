//! The examples of RFC 9421 for our two algorithms, checked with our signature base and our keys.

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{PublicKey, SIGNATURE_LEN, SigningKey, base::SignatureBase};

/// `test-key-ecc-p256` of appendix B.1.3: x and y.
const P256_KEY: &str = "ecdsa-p256-sha256:04\
    a885586552c2acf6471878cfd7b0935b4ffe0fd2dfc341248ea17bc41e058af0\
    31ce2737d2d30ce0617e851e83c61ef5679d1518676576490\
    35d90a74cd9e85d";

/// `test-key-ed25519` of appendix B.1.4.
const ED25519_PEM: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF
-----END PRIVATE KEY-----
";

const REQUEST_DIGEST: &str = "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:";

fn signature(base64: &str) -> [u8; SIGNATURE_LEN] {
    STANDARD.decode(base64).unwrap().try_into().unwrap()
}

fn base(components: &[(&str, &str)], parameters: &str) -> String {
    let mut base = SignatureBase::new();
    for (identifier, value) in components {
        base.cover(identifier, value);
    }
    let signature_params = base.components() + parameters;
    base.finish(&signature_params)
}

/// Appendix B.2.6: Ed25519 has one signature for a message, so signing must give the published one.
#[test]
fn the_ed25519_request_of_appendix_b_2_6_is_signed_and_verified() {
    let base = base(
        &[
            ("\"date\"", "Tue, 20 Apr 2021 02:07:55 GMT"),
            ("\"@method\"", "POST"),
            ("\"@path\"", "/foo"),
            ("\"@authority\"", "example.com"),
            ("\"content-type\"", "application/json"),
            ("\"content-length\"", "18"),
        ],
        ";created=1618884473;keyid=\"test-key-ed25519\"",
    );
    let key = SigningKey::from_pem(ED25519_PEM).unwrap();
    let published = signature(
        "wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==",
    );
    assert_eq!(key.sign(base.as_bytes()).unwrap(), published);
    assert_eq!(
        key.public_key().unwrap().to_string(),
        "ed25519:26b40b8f93fff3d897112f7ebc582b232dbd72517d082fe83cfb30ddce43d1bb"
    );
    assert_eq!(
        key.public_key()
            .unwrap()
            .verify(base.as_bytes(), &published),
        Ok(())
    );
}

/// Appendix B.2.4.
#[test]
fn the_p256_response_of_appendix_b_2_4_verifies() {
    let base = base(
        &[
            ("\"@status\"", "200"),
            ("\"content-type\"", "application/json"),
            (
                "\"content-digest\"",
                "sha-512=:mEWXIS7MaLRuGgxOBdODa3xqM1XdEvxoYhvlCFJ41QJgJc4GTsPp29l5oGX69wWdXymyU0rjJuahq4l5aGgfLQ==:",
            ),
            ("\"content-length\"", "23"),
        ],
        ";created=1618884473;keyid=\"test-key-ecc-p256\"",
    );
    verifies_with_p256(
        &base,
        "wNmSUAhwb5LxtOtOpNa6W5xj067m5hFrj0XQ4fvpaCLx0NKocgPquLgyahnzDnDAUy5eCdlYUEkLIj+32oiasw==",
    );
}

/// Section 2.4: a response that covers components of its request (`;req`).
#[test]
fn the_response_bound_to_its_request_of_section_2_4_verifies() {
    let base = base(
        &[
            ("\"@status\"", "503"),
            (
                "\"content-digest\"",
                "sha-512=:0Y6iCBzGg5rZtoXS95Ijz03mslf6KAMCloESHObfwnHJDbkkWWQz6PhhU9kxsTbARtY2PTBOzq24uJFpHsMuAg==:",
            ),
            ("\"content-type\"", "application/json"),
            ("\"@authority\";req", "example.com"),
            ("\"@method\";req", "POST"),
            ("\"@path\";req", "/foo"),
            ("\"content-digest\";req", REQUEST_DIGEST),
        ],
        ";created=1618884479;keyid=\"test-key-ecc-p256\"",
    );
    verifies_with_p256(
        &base,
        "dMT/A/76ehrdBTD/2Xx8QuKV6FoyzEP/I9hdzKN8LQJLNgzU4W767HK05rx1i8meNQQgQPgQp8wq2ive3tV5Ag==",
    );
}

fn verifies_with_p256(base: &str, published: &str) {
    let key: PublicKey = P256_KEY.parse().unwrap();
    assert_eq!(key.verify(base.as_bytes(), &signature(published)), Ok(()));
    let altered = base.replace("application/json", "application/jso");
    assert!(
        key.verify(altered.as_bytes(), &signature(published))
            .is_err()
    );
}
