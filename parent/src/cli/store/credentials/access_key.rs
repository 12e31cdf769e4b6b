//! The forms in which AWS's tools give an access key.

use permafrost_common::egress::Credentials;
use permafrost_common::store_credentials::check;
use serde::Deserialize;
use zeroize::Zeroize;

const ACCEPTED: &str = "accepted: the JSON of `aws iam create-access-key` or of temporary credentials, KEY_ID:SECRET, or lines \
    AWS_ACCESS_KEY_ID=..., AWS_SECRET_ACCESS_KEY=... and, of temporary credentials, AWS_SESSION_TOKEN=...";

/// Reads an access key; no error repeats any part of the text.
pub(super) fn read(text: &str) -> Result<Credentials, String> {
    let text = text.trim();
    let credentials = match text.starts_with('{') {
        true => of_json(text),
        false if text.contains('=') && text.contains('\n') => of_lines(text),
        false => of_pair(text),
    };
    let credentials = credentials.ok_or_else(|| format!("not an access key; {ACCEPTED}"))?;
    check(&credentials).map_err(|error| error.to_string())?;
    Ok(credentials)
}

/// What `aws iam create-access-key` prints, or `aws sts`.
#[derive(Deserialize)]
struct Printed {
    #[serde(alias = "Credentials", rename = "AccessKey")]
    key: PrintedKey,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PrintedKey {
    access_key_id: String,
    secret_access_key: String,
    session_token: Option<String>,
}

fn of_json(text: &str) -> Option<Credentials> {
    let Printed { key } = serde_json::from_str(text).ok()?;
    Some(Credentials {
        access_key_id: key.access_key_id,
        secret_access_key: key.secret_access_key,
        token: key.session_token,
        expiration: None,
    })
}

/// As in an environment file, or in a section of `~/.aws/credentials`.
fn of_lines(text: &str) -> Option<Credentials> {
    let (mut id, mut secret, mut token) = (None, None, None);
    for line in text.lines().map(str::trim) {
        if line.is_empty() || line.starts_with(['#', '[']) {
            continue;
        }
        let (name, value) = line
            .strip_prefix("export ")
            .unwrap_or(line)
            .split_once('=')?;
        let value = value.trim().trim_matches(['"', '\'']);
        let place = match name.trim().to_ascii_uppercase().as_str() {
            "AWS_ACCESS_KEY_ID" => &mut id,
            "AWS_SECRET_ACCESS_KEY" => &mut secret,
            "AWS_SESSION_TOKEN" => &mut token,
            // A region, for example.
            _ => continue,
        };
        if let Some(mut twice) = place.replace(value.to_owned()) {
            twice.zeroize();
            return None;
        }
    }
    Some(Credentials {
        access_key_id: id?,
        secret_access_key: secret?,
        token,
        expiration: None,
    })
}

fn of_pair(text: &str) -> Option<Credentials> {
    let (id, secret) = text.split_once(':')?;
    Some(Credentials {
        access_key_id: id.to_owned(),
        secret_access_key: secret.to_owned(),
        token: None,
        expiration: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "AKIAIOSFODNN7EXAMPLE";
    // With what base64 has.
    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKE=";

    #[test]
    fn every_form_of_awss_tools_is_read() {
        let printed = format!(
            r#"{{"AccessKey": {{"UserName": "u", "AccessKeyId": "{ID}", "Status": "Active", "SecretAccessKey": "{SECRET}", "CreateDate": "2026-01-01T00:00:00+00:00"}}}}"#
        );
        let temporary = format!(
            r#"{{"Credentials": {{"AccessKeyId": "{ID}", "SecretAccessKey": "{SECRET}", "SessionToken": "t/o+k=", "Expiration": "2026-01-01T00:00:00Z"}}}}"#
        );
        let lines = format!("AWS_ACCESS_KEY_ID={ID}\nAWS_SECRET_ACCESS_KEY={SECRET}\n");
        let exports = format!(
            "# of the store\nexport AWS_ACCESS_KEY_ID=\"{ID}\"\nexport AWS_SECRET_ACCESS_KEY='{SECRET}'\nexport AWS_SESSION_TOKEN=t/o+k=\nAWS_REGION=x"
        );
        let section =
            format!("[store]\naws_access_key_id = {ID}\naws_secret_access_key = {SECRET}");
        for (text, token) in [
            (printed, None),
            (temporary, Some("t/o+k=")),
            (lines, None),
            (exports, Some("t/o+k=")),
            (section, None),
            (format!("{ID}:{SECRET}\n"), None),
        ] {
            let read = read(&text).unwrap();
            assert_eq!(read.access_key_id, ID, "{text}");
            assert_eq!(read.secret_access_key, SECRET, "{text}");
            assert_eq!(read.token.as_deref(), token, "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused_without_being_repeated() {
        for text in [
            String::new(),
            SECRET.to_owned(),
            format!("{ID}:"),
            format!(r#"{{"AccessKey": {{"SecretAccessKey": "{SECRET}"}}}}"#),
            format!("AWS_SECRET_ACCESS_KEY={SECRET}\nAWS_REGION=x"),
            format!(
                "AWS_ACCESS_KEY_ID={ID}\nAWS_SECRET_ACCESS_KEY={SECRET}\nAWS_SECRET_ACCESS_KEY={SECRET}"
            ),
            format!("{ID}:{SECRET}\nand more"),
        ] {
            let error = read(&text).unwrap_err();
            assert!(error.contains("accepted"), "{text}: {error}");
            assert!(!error.contains("wJalr"), "{error}");
        }
    }
}
