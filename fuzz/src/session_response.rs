//! What IAM Roles Anywhere responds to `CreateSession`.

use permafrost_enclave::aws::roles_anywhere::{SESSION_S, session};

const ROLE: &str = "arn:aws:iam::111122223333:role/permafrost-store";

/// 2026-01-01T00:00:00Z
const NOW: u64 = 1_767_225_600;

/// JSON, which is read at one time for one role.
///
/// Accepted credentials can be sent in headers, have a token, and end in the next hour, as far as clocks agree. The error for refused
/// ones has nothing of the input.
pub fn session_response(data: &[u8]) -> bool {
    let Ok(result) = serde_json::from_slice(data) else {
        return false;
    };
    match session(&result, ROLE, NOW) {
        Ok(session) => {
            let credentials = &session.credentials;
            let token = credentials.token.as_deref().unwrap_or_default();
            for text in [&credentials.access_key_id, token] {
                assert!(!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic()));
            }
            assert!((NOW + 1..=NOW + SESSION_S + 300).contains(&session.expires_at));
            true
        }
        Err(error) => {
            assert!(error.to_string().len() < 100);
            false
        }
    }
}
