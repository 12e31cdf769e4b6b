//! What `CreateSession` takes and gives (IAM Roles Anywhere User Guide, "IAM Roles Anywhere CreateSession API").

use std::fmt;

use permafrost_common::egress::Credentials;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::resources::Resources;

/// How long the enclave asks for credentials, in seconds: an hour, which every role allows. A profile may give less.
pub const SESSION_S: u64 = 60 * 60;

/// How far the clock of AWS may be before that of the NSM, in seconds.
const SKEW_S: u64 = 5 * 60;

/// AWS gives session tokens no bound; those seen have up to 2 KiB.
const TOKEN_MAX: usize = 8 * 1024;

/// Temporary credentials.
#[derive(Clone, Debug)]
pub struct Session {
    /// They have a token, and say when they expire.
    pub credentials: Credentials,
    /// When they expire, in seconds since 1970.
    pub expires_at: u64,
}

/// The body of a call.
pub(super) fn body(resources: &Resources) -> Value {
    json!({
        "durationSeconds": SESSION_S,
        "profileArn": resources.profile(),
        "roleArn": resources.role(),
        "trustAnchorArn": resources.trust_anchor(),
    })
}

/// Reads the result of a call at `now`, in seconds since 1970: credentials of this role, which do not expire before then and live no longer
/// than the enclave has asked for.
///
/// # Errors
/// The rule that is broken, with nothing of the credentials.
pub fn session(result: &Value, role: &str, now: u64) -> Result<Session, SessionError> {
    let [set] = result
        .get("credentialSet")
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default()
    else {
        return Err(SessionError("it has not exactly one set of credentials"));
    };
    if set.get("roleArn").is_some_and(|found| found != role) {
        return Err(SessionError("its credentials are of another role"));
    }
    let text = |name: &str| {
        let value = set.get("credentials")?.get(name)?;
        value.as_str().map(str::to_owned)
    };
    let [
        Some(access_key_id),
        Some(secret_access_key),
        Some(token),
        Some(expiration),
    ] = [
        "accessKeyId",
        "secretAccessKey",
        "sessionToken",
        "expiration",
    ]
    .map(text)
    else {
        return Err(SessionError(
            "its credentials lack an access key, a token or their expiration",
        ));
    };
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if !(16..=128).contains(&access_key_id.len()) || !access_key_id.bytes().all(is_word) {
        return Err(SessionError(
            "the access key's id is not 16 to 128 letters, digits and _",
        ));
    }
    let is_visible = |text: &str, most| {
        (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
    };
    if !is_visible(&secret_access_key, 128) || !is_visible(&token, TOKEN_MAX) {
        return Err(SessionError(
            "the secret or the token is not visible ASCII characters, at most 128 and 8192",
        ));
    }
    let expires_at = OffsetDateTime::parse(&expiration, &Rfc3339)
        .ok()
        .and_then(|time| u64::try_from(time.unix_timestamp()).ok())
        .ok_or(SessionError("the expiration is not a time of RFC 3339"))?;
    if expires_at <= now {
        return Err(SessionError("its credentials have expired"));
    }
    if expires_at > now.saturating_add(SESSION_S + SKEW_S) {
        return Err(SessionError(
            "its credentials live longer than the enclave has asked for",
        ));
    }
    Ok(Session {
        credentials: Credentials {
            access_key_id,
            secret_access_key,
            token: Some(token),
            expiration: Some(expiration),
        },
        expires_at,
    })
}

/// Which rule a result breaks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SessionError(pub &'static str);

impl fmt::Display for SessionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for SessionError {}

#[cfg(test)]
mod tests {
    use super::*;

    const ROLE: &str = "arn:aws:iam::111122223333:role/permafrost-store";

    /// 2026-01-01T00:00:00Z
    const NOW: u64 = 1_767_225_600;

    /// The response that the User Guide describes.
    fn result() -> Value {
        json!({
            "credentialSet": [{
                "assumedRoleUser": {
                    "arn": "arn:aws:sts::111122223333:assumed-role/permafrost-store/1234",
                    "assumedRoleId": "AROAEXAMPLE:1234",
                },
                "credentials": {
                    "accessKeyId": "ASIAIOSFODNN7EXAMPLE",
                    "expiration": "2026-01-01T01:00:00Z",
                    "secretAccessKey": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
                    "sessionToken": "the/token==",
                },
                "packedPolicySize": 10,
                "roleArn": ROLE,
                "sourceIdentity": "CN=test",
            }],
            "subjectArn": "arn:aws:rolesanywhere:eu-central-1:111122223333:subject/41c0bae6-6783-40d4-ab20-65dc5d922e45",
        })
    }

    #[test]
    fn the_documented_response_gives_its_credentials_and_their_end() {
        let session = session(&result(), ROLE, NOW).unwrap();
        assert_eq!(session.expires_at, NOW + 3600);
        let credentials = session.credentials;
        assert_eq!(credentials.access_key_id, "ASIAIOSFODNN7EXAMPLE");
        assert_eq!(
            credentials.secret_access_key,
            "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
        );
        assert_eq!(credentials.token.as_deref(), Some("the/token=="));
    }

    #[test]
    fn what_is_not_one_session_of_the_role_for_at_most_the_time_asked_for_is_refused_by_rule() {
        type Alter = fn(&mut Value);
        let cases: [(Alter, &str); 14] = [
            (|r| *r = json!({}), "exactly one set"),
            (|r| r["credentialSet"] = json!([]), "exactly one set"),
            (
                |r| {
                    let set = r["credentialSet"][0].clone();
                    r["credentialSet"] = json!([set, set]);
                },
                "exactly one set",
            ),
            (
                |r| {
                    r["credentialSet"][0]["roleArn"] = json!("arn:aws:iam::111122223333:role/other")
                },
                "another role",
            ),
            (
                |r| r["credentialSet"][0]["credentials"] = json!(null),
                "lack",
            ),
            (|r| set(r, "accessKeyId", json!(16)), "lack"),
            (|r| set(r, "sessionToken", json!(null)), "lack"),
            (|r| set(r, "accessKeyId", json!("ASIA")), "16 to 128"),
            (
                |r| set(r, "accessKeyId", json!("ASIAIOSFODNN7EXAMPL/")),
                "16 to 128",
            ),
            (|r| set(r, "secretAccessKey", json!("a b")), "visible"),
            (|r| set(r, "sessionToken", json!("")), "visible"),
            (|r| set(r, "expiration", json!("tomorrow")), "RFC 3339"),
            (
                |r| set(r, "expiration", json!("2026-01-01T00:00:00Z")),
                "expired",
            ),
            (
                |r| set(r, "expiration", json!("2026-01-01T01:05:01Z")),
                "longer",
            ),
        ];
        fn set(result: &mut Value, name: &str, value: Value) {
            result["credentialSet"][0]["credentials"][name] = value;
        }
        for (alter, rule) in cases {
            let mut altered = result();
            alter(&mut altered);
            let error = session(&altered, ROLE, NOW).unwrap_err().to_string();
            assert!(error.contains(rule), "{error}");
            assert!(
                !error.contains("wJalr") && !error.contains("the/token"),
                "{error}"
            );
        }
    }
}
