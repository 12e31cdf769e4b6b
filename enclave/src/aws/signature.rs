//! AWS Signature Version 4 (IAM User Guide, "Create a signed AWS API request"), for the kinds of request that the enclave makes: `POST`
//! to a path of `a-z` and `/`, without a query. It is made with a secret access key, or with the key of a certificate (IAM Roles
//! Anywhere User Guide, "The IAM Roles Anywhere authentication signing process").

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac::{HMAC_SHA256, Key, Tag, sign};
use base64::{Engine, engine::general_purpose::STANDARD};
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue};
use permafrost_common::egress::Credentials;
use time::OffsetDateTime;

use super::roles_anywhere::Identity;

/// What a signature is good for.
#[derive(Clone, Copy)]
pub(super) struct Scope<'a> {
    pub(super) region: &'a str,
    pub(super) service: &'a str,
}

/// What signs a request.
#[derive(Clone, Copy)]
pub(crate) enum Signer<'a> {
    /// An access key.
    AccessKey(&'a Credentials),
    /// A certificate, and its key.
    Certificate(&'a Identity),
}

/// Adds `x-amz-date`, what else the signer needs, and `authorization` to the header fields of a request, all of which are signed:
/// `x-amz-security-token` for temporary credentials, `x-amz-x509` for a certificate. `now` is in seconds since 1970; `None` where
/// a value cannot be sent in a header.
pub(super) fn sign_request(
    headers: &mut HeaderMap,
    path: &str,
    body: &[u8],
    signer: Signer<'_>,
    Scope { region, service }: Scope<'_>,
    now: u64,
) -> Option<()> {
    let time = timestamp(now)?;
    headers.insert(DATE, HeaderValue::from_str(&time).ok()?);
    let algorithm = match signer {
        Signer::AccessKey(credentials) => {
            if let Some(token) = &credentials.token {
                let mut token = HeaderValue::from_str(token).ok()?;
                token.set_sensitive(true);
                headers.insert(SECURITY_TOKEN, token);
            }
            "AWS4-HMAC-SHA256"
        }
        Signer::Certificate(identity) => {
            let certificate = STANDARD.encode(identity.certificate());
            headers.insert(X509, HeaderValue::from_str(&certificate).ok()?);
            "AWS4-X509-ECDSA-SHA256"
        }
    };
    let day = time.get(..8)?;
    let scope = format!("{day}/{region}/{service}/aws4_request");
    let (names, canonical) = canonical_request(path, headers, body)?;
    let to_sign = format!(
        "{algorithm}\n{time}\n{scope}\n{}",
        sha256(canonical.as_bytes())
    );
    let (id, signature) = match signer {
        Signer::AccessKey(credentials) => {
            let key = signing_key(&credentials.secret_access_key, [day, region, service]);
            let signature = hex::encode(hmac(key.as_ref(), &to_sign));
            (credentials.access_key_id.clone(), signature)
        }
        Signer::Certificate(identity) => {
            let signature = identity.sign(to_sign.as_bytes()).ok()?;
            (identity.serial_number().to_string(), hex::encode(signature))
        }
    };
    let authorization = format!(
        "{algorithm} Credential={id}/{scope}, SignedHeaders={names}, Signature={signature}"
    );
    headers.insert(AUTHORIZATION, HeaderValue::from_str(&authorization).ok()?);
    Some(())
}

const DATE: HeaderName = HeaderName::from_static("x-amz-date");
const SECURITY_TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");
const X509: HeaderName = HeaderName::from_static("x-amz-x509");

/// The names of the signed header fields, and the canonical request.
fn canonical_request(path: &str, headers: &HeaderMap, body: &[u8]) -> Option<(String, String)> {
    let mut fields: Vec<(&str, &str)> = headers
        .iter()
        .map(|(name, value)| Some((name.as_str(), value.to_str().ok()?.trim())))
        .collect::<Option<_>>()?;
    fields.sort_unstable();
    let lines: String = fields
        .iter()
        .map(|(name, value)| format!("{name}:{value}\n"))
        .collect();
    let names: Vec<&str> = fields.iter().map(|(name, _)| *name).collect();
    let names = names.join(";");
    let canonical = format!("POST\n{path}\n\n{lines}\n{names}\n{}", sha256(body));
    Some((names, canonical))
}

fn signing_key(secret: &str, [day, region, service]: [&str; 3]) -> Tag {
    let start = zeroize::Zeroizing::new(format!("AWS4{secret}"));
    let mut key = hmac(start.as_bytes(), day);
    for part in [region, service, "aws4_request"] {
        key = hmac(key.as_ref(), part);
    }
    key
}

/// `20150830T123600Z`
fn timestamp(now: u64) -> Option<String> {
    let time = OffsetDateTime::from_unix_timestamp(i64::try_from(now).ok()?).ok()?;
    Some(format!(
        "{:04}{:02}{:02}T{:02}{:02}{:02}Z",
        time.year(),
        u8::from(time.month()),
        time.day(),
        time.hour(),
        time.minute(),
        time.second()
    ))
}

fn hmac(key: &[u8], text: &str) -> Tag {
    sign(&Key::new(HMAC_SHA256, key), text.as_bytes())
}

fn sha256(bytes: &[u8]) -> String {
    hex::encode(digest(&SHA256, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KMS: Scope<'_> = Scope {
        region: "us-east-1",
        service: "kms",
    };

    const DYNAMODB: Scope<'_> = Scope {
        region: "eu-central-1",
        service: "dynamodb",
    };

    /// 2015-08-30T12:36:00Z, as in AWS's test suite for Signature Version 4.
    const NOW: u64 = 1_440_938_160;

    fn credentials(token: Option<&str>) -> Credentials {
        Credentials {
            access_key_id: "AKIDEXAMPLE".to_owned(),
            secret_access_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_owned(),
            token: token.map(str::to_owned),
            expiration: None,
        }
    }

    /// `post-vanilla` of AWS's test suite: the canonical request, with the service of its scope.
    #[test]
    fn the_canonical_request_is_that_of_awss_test_suite() {
        let mut headers = HeaderMap::new();
        headers.insert("host", "example.amazonaws.com".parse().unwrap());
        headers.insert(DATE, timestamp(NOW).unwrap().parse().unwrap());
        let (names, canonical) = canonical_request("/", &headers, b"").unwrap();
        assert_eq!(names, "host;x-amz-date");
        assert_eq!(
            canonical,
            "POST\n/\n\nhost:example.amazonaws.com\nx-amz-date:20150830T123600Z\n\nhost;x-amz-date\n\
             e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        assert_eq!(
            sha256(canonical.as_bytes()),
            "553f88c9e4d10fc9e109e2aeb65f030801b70c2f6468faca261d401ae622fc87"
        );
    }

    #[test]
    fn a_signature_is_the_one_that_awss_own_crate_makes() {
        use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
        use aws_sigv4::sign::v4::SigningParams;
        for (scope, kind, target, token) in [
            (KMS, "1.1", "TrentService.Decrypt", None),
            (KMS, "1.1", "TrentService.Decrypt", Some("token")),
            (DYNAMODB, "1.0", "DynamoDB_20120810.GetItem", None),
            (DYNAMODB, "1.0", "DynamoDB_20120810.GetItem", Some("token")),
        ] {
            let host = format!("{}.{}.amazonaws.com", scope.service, scope.region);
            let mut headers = HeaderMap::new();
            let kind = format!("application/x-amz-json-{kind}");
            headers.insert("content-type", kind.parse().unwrap());
            headers.insert("host", host.parse().unwrap());
            headers.insert("x-amz-target", target.parse().unwrap());
            let ours = credentials(token);
            let theirs = aws_credential_types::Credentials::new(
                &ours.access_key_id,
                &ours.secret_access_key,
                token.map(str::to_owned),
                None,
                "test",
            )
            .into();
            let params = SigningParams::builder()
                .identity(&theirs)
                .region(scope.region)
                .name(scope.service)
                .time(std::time::UNIX_EPOCH + std::time::Duration::from_secs(NOW))
                .settings(SigningSettings::default())
                .build()
                .unwrap()
                .into();
            let fields: Vec<_> = headers
                .iter()
                .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
                .collect();
            let url = format!("https://{host}/");
            let request =
                SignableRequest::new("POST", &url, fields.into_iter(), SignableBody::Bytes(b"{}"))
                    .unwrap();
            let signed = sign(request, &params).unwrap();
            let signer = Signer::AccessKey(&ours);
            sign_request(&mut headers, "/", b"{}", signer, scope, NOW).unwrap();
            let authorization = headers[AUTHORIZATION].to_str().unwrap();
            assert!(
                authorization.ends_with(&format!("Signature={}", signed.signature())),
                "{authorization}"
            );
        }
    }

    #[test]
    fn every_header_field_is_signed() {
        let mut headers = HeaderMap::new();
        headers.insert("x-amz-target", "TrentService.Decrypt".parse().unwrap());
        headers.insert("host", "kms.us-east-1.amazonaws.com".parse().unwrap());
        let token = credentials(Some("token"));
        let signer = Signer::AccessKey(&token);
        sign_request(&mut headers, "/", b"{}", signer, KMS, NOW).unwrap();
        let authorization = headers[AUTHORIZATION].to_str().unwrap();
        assert!(
            authorization
                .contains("SignedHeaders=host;x-amz-date;x-amz-security-token;x-amz-target,"),
            "{authorization}"
        );
        assert!(
            authorization.contains("Credential=AKIDEXAMPLE/20150830/us-east-1/kms/aws4_request,"),
            "{authorization}"
        );
    }
}
