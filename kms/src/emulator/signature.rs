//! Signature Version 4 (AWS General Reference, "Signing AWS API requests"), checked with the signer of AWS's SDK.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use http::request::Parts;
use time::{Date, Month, OffsetDateTime, Time};

use super::clock;
use super::error::KmsError;
use super::identity::{Identities, Identity};

/// How far the client's clock may be from ours.
const SKEW: Duration = Duration::from_secs(5 * 60);

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const SERVICE: &str = "kms";
const DATE: &str = "x-amz-date";
const TOKEN: &str = "x-amz-security-token";
const CONTENT_HASH: &str = "x-amz-content-sha256";

/// Checks the signature of a request, and says whose it is.
pub(super) fn verify<'a>(
    head: &Parts,
    body: &[u8],
    identities: &'a Identities,
    region: &str,
    now: SystemTime,
) -> Result<&'a Identity, KmsError> {
    let headers = &head.headers;
    let authorization = Authorization::parse(headers)?;
    let date_text = text(headers, DATE).ok_or_else(|| {
        incomplete("Authorization header requires existence of a 'X-Amz-Date' header.")
    })?;
    let date = parse_date(date_text).ok_or_else(|| {
        incomplete(format!(
            "Date must be in ISO-8601 'basic format'. Got '{}'.",
            shown(date_text)
        ))
    })?;
    let identity = identities
        .with_access_key(authorization.access_key_id)
        .filter(|identity| same_token(identity, headers))
        .ok_or_else(|| {
            KmsError::new(
                "UnrecognizedClientException",
                "The security token included in the request is invalid.",
            )
        })?;
    authorization.check_scope(date_text, region)?;
    check_time(date, now)?;
    if identity.end().is_some_and(|end| end <= clock::utc(now)) {
        return Err(KmsError::new(
            "ExpiredTokenException",
            "The security token included in the request is expired",
        ));
    }
    authorization.check_signed_headers(headers)?;
    check_content_hash(headers, body)?;
    let expected = signature(head, body, &authorization, identity, date, region)?;
    verify_slices_are_equal(expected.as_bytes(), authorization.signature.as_bytes())
        .map(|()| identity)
        .map_err(|_| {
            invalid(
                "The request signature we calculated does not match the signature you provided. Check your AWS Secret \
                 Access Key and signing method. Consult the service documentation for details.",
            )
        })
}

/// The `Authorization` header, taken apart.
struct Authorization<'a> {
    access_key_id: &'a str,
    date: &'a str,
    region: &'a str,
    service: &'a str,
    terminator: &'a str,
    signed_headers: Vec<&'a str>,
    signature: &'a str,
}

impl<'a> Authorization<'a> {
    fn parse(headers: &'a HeaderMap) -> Result<Self, KmsError> {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        let value = values.next().ok_or_else(|| {
            KmsError::new(
                "MissingAuthenticationTokenException",
                "Missing Authentication Token",
            )
        })?;
        if values.next().is_some() {
            return Err(incomplete("There is more than one Authorization header."));
        }
        let value = value
            .to_str()
            .map_err(|_| incomplete("The Authorization header is not ASCII."))?;
        let parameters = value
            .strip_prefix(ALGORITHM)
            .and_then(|rest| rest.strip_prefix(' '))
            .ok_or_else(|| {
                incomplete(format!(
                    "Unsupported AWS 'algorithm': accepted: '{ALGORITHM}'."
                ))
            })?;
        let [credential, signed_headers, signature] = parameters_of(parameters)?;
        let scope: Vec<&str> = credential.split('/').collect();
        let [access_key_id, date, region, service, terminator] = scope.as_slice() else {
            return Err(incomplete(format!(
                "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '{}'",
                shown(credential)
            )));
        };
        Ok(Self {
            access_key_id,
            date,
            region,
            service,
            terminator,
            signed_headers: signed_headers.split(';').collect(),
            signature,
        })
    }

    fn check_scope(&self, date: &str, region: &str) -> Result<(), KmsError> {
        if self.terminator != "aws4_request" {
            return Err(invalid(format!(
                "Credential should be scoped with a valid terminator: 'aws4_request', not '{}'.",
                shown(self.terminator)
            )));
        }
        if self.service != SERVICE {
            return Err(invalid(format!(
                "Credential should be scoped to correct service: '{SERVICE}'. "
            )));
        }
        if self.region != region {
            return Err(invalid(format!(
                "Credential should be scoped to a valid region, not '{}'. ",
                shown(self.region)
            )));
        }
        if date.get(..8) != Some(self.date) {
            return Err(invalid(format!(
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{}' != '{}'",
                shown(self.date),
                date.get(..8).unwrap_or_default()
            )));
        }
        Ok(())
    }

    fn check_signed_headers(&self, headers: &HeaderMap) -> Result<(), KmsError> {
        let names = &self.signed_headers;
        if !names.is_sorted_by(|one, next| one < next) {
            return Err(invalid(
                "The SignedHeaders are not in order, or one is there twice.",
            ));
        }
        if let Some(absent) = names.iter().find(|name| !headers.contains_key(**name)) {
            return Err(invalid(format!(
                "The signed header '{}' is not in the request.",
                shown(absent)
            )));
        }
        if !names.contains(&"host") {
            return Err(invalid(
                "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.",
            ));
        }
        // What names the action and the caller, among others.
        let unsigned = headers
            .keys()
            .map(http::HeaderName::as_str)
            .find(|name| name.starts_with("x-amz-") && !names.contains(name));
        match unsigned {
            Some(name) => Err(invalid(format!(
                "'{name}' must be a 'SignedHeader' in the AWS Authorization."
            ))),
            None => Ok(()),
        }
    }
}

/// `Credential`, `SignedHeaders` and `Signature`, each once and nothing else.
fn parameters_of(text: &str) -> Result<[&str; 3], KmsError> {
    let names = ["Credential", "SignedHeaders", "Signature"];
    let mut found = [None; 3];
    for part in text.split(',') {
        let slot = part.trim().split_once('=').and_then(|(name, value)| {
            let index = names.iter().position(|known| *known == name)?;
            Some((found.get_mut(index)?, value))
        });
        match slot {
            Some((slot @ None, value)) => *slot = Some(value),
            _ => {
                return Err(incomplete(format!(
                    "Authorization header: '{}' is unknown or there twice; accepted: {}, each once, with '=' and commas.",
                    shown(part.trim()),
                    names.join(", ")
                )));
            }
        }
    }
    let [Some(credential), Some(headers), Some(signature)] = found else {
        let missing: Vec<String> = names
            .iter()
            .zip(found)
            .filter(|(_, value)| value.is_none())
            .map(|(name, _)| format!("Authorization header requires '{name}' parameter."))
            .collect();
        return Err(incomplete(missing.join(" ")));
    };
    Ok([credential, headers, signature])
}

/// The signature that the request should have, hex.
fn signature(
    head: &Parts,
    body: &[u8],
    authorization: &Authorization<'_>,
    identity: &Identity,
    date: SystemTime,
    region: &str,
) -> Result<String, KmsError> {
    let failed = |_| invalid("The request cannot be brought into canonical form.");
    let credentials = Credentials::new(
        identity.access_key_id.as_str(),
        identity.secret_access_key.as_str(),
        None,
        None,
        "permafrost",
    )
    .into();
    let mut settings = SigningSettings::default();
    // What the client signed is what is checked, and nothing less.
    settings.excluded_headers = None;
    let params = v4::SigningParams::builder()
        .identity(&credentials)
        .region(region)
        .name(SERVICE)
        .time(date)
        .settings(settings)
        .build()
        .map_err(|_| KmsError::internal("the signer refuses its parameters"))?
        .into();
    let mut signed = Vec::new();
    for name in &authorization.signed_headers {
        for value in head.headers.get_all(*name) {
            let value = value.to_str().map_err(|_| {
                invalid(format!("The signed header '{}' is not ASCII.", shown(name)))
            })?;
            signed.push((*name, value));
        }
    }
    // The host comes from the signed header; the address is only what the signer's type asks for.
    let request = SignableRequest::new(
        head.method.as_str(),
        "https://localhost/",
        signed.into_iter(),
        SignableBody::Bytes(body),
    )
    .map_err(failed)?;
    sign(request, &params)
        .map(|output| output.signature().to_owned())
        .map_err(failed)
}

fn check_time(date: SystemTime, now: SystemTime) -> Result<(), KmsError> {
    let both = |first: SystemTime, second: SystemTime| (basic_format(first), basic_format(second));
    if date + SKEW < now {
        let (date, earliest) = both(date, now - SKEW);
        return Err(invalid(format!(
            "Signature expired: {date} is now earlier than {earliest} ({} - 5 min.)",
            basic_format(now)
        )));
    }
    if now + SKEW < date {
        let (date, latest) = both(date, now + SKEW);
        return Err(invalid(format!(
            "Signature not yet current: {date} is still later than {latest} ({} + 5 min.)",
            basic_format(now)
        )));
    }
    Ok(())
}

fn check_content_hash(headers: &HeaderMap, body: &[u8]) -> Result<(), KmsError> {
    match headers.get(CONTENT_HASH) {
        Some(claimed) if claimed.as_bytes() != hex::encode(digest(&SHA256, body)).as_bytes() => {
            Err(invalid(
                "The value of 'x-amz-content-sha256' is not the SHA-256 of the body.",
            ))
        }
        _ => Ok(()),
    }
}

fn same_token(identity: &Identity, headers: &HeaderMap) -> bool {
    match (&identity.session_token, headers.get(TOKEN)) {
        (None, None) => true,
        (Some(token), Some(given)) => {
            verify_slices_are_equal(token.as_bytes(), given.as_bytes()).is_ok()
        }
        _ => false,
    }
}

/// `20260101T000000Z`, and nothing else.
fn parse_date(text: &str) -> Option<SystemTime> {
    let number = |from: usize, to: usize| -> Option<u16> {
        let digits = text.get(from..to)?;
        digits
            .bytes()
            .all(|byte| byte.is_ascii_digit())
            .then_some(())?;
        digits.parse().ok()
    };
    let small = |from, to| number(from, to).and_then(|value| u8::try_from(value).ok());
    if text.len() != 16 || text.get(8..9) != Some("T") || text.get(15..) != Some("Z") {
        return None;
    }
    let month = Month::try_from(small(4, 6)?).ok()?;
    let date = Date::from_calendar_date(i32::from(number(0, 4)?), month, small(6, 8)?).ok()?;
    let time = Time::from_hms(small(9, 11)?, small(11, 13)?, small(13, 15)?).ok()?;
    Some(OffsetDateTime::new_utc(date, time).into())
}

fn basic_format(time: SystemTime) -> String {
    let time = clock::utc(time);
    format!(
        "{:04}{:02}{:02}T{:02}{:02}{:02}Z",
        time.year(),
        u8::from(time.month()),
        time.day(),
        time.hour(),
        time.minute(),
        time.second()
    )
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn shown(text: &str) -> String {
    text.chars().take(64).collect()
}

fn incomplete(message: impl Into<String>) -> KmsError {
    KmsError::new("IncompleteSignatureException", message)
}

fn invalid(message: impl Into<String>) -> KmsError {
    KmsError::new("InvalidSignatureException", message)
}
