//! Responses of passkeys, and the check that each approves exactly the request that it came with.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use permafrost_common::api::people::User as UserView;
use permafrost_common::problem::{Problem, ProblemType};

use super::challenge::{Approver, Nonce};
use super::session::NamedSession;
use super::{People, User, UserId};
use crate::webauthn::{
    self, Authenticated, AuthenticationResponse, CoseKey, Group, NewPasskey, RegistrationResponse,
    WebauthnError,
};

/// A request that came with a passkey's response.
#[derive(Clone, Debug)]
pub struct Approval {
    /// The `operationId`.
    pub purpose: &'static str,
    /// [`super::request_digest`] of the request.
    pub request: [u8; 32],
    /// The header `Passkey-Response`, if there was one.
    pub header: Option<String>,
}

/// The approval of a request by an active passkey of the user who sent it. Only [`People::judge_approval`] makes one, so an operation
/// that takes it cannot be carried out without.
#[derive(Clone, Debug)]
pub struct Approved {
    pub(super) user: UserId,
    pub(super) used: Used,
}

/// A passkey that has signed.
#[derive(Clone, Debug)]
pub(super) struct Used {
    pub(super) credential_id: Vec<u8>,
    authenticated: Authenticated,
}

impl People {
    /// Checks that a new passkey was made for exactly this request. Its nonce is used up by [`People::use_up`], once what the request does
    /// was charged.
    pub(super) fn new_passkey(&self, approval: &Approval) -> Result<(NewPasskey, Nonce), Problem> {
        let now = self.now();
        let (nonce, response) = self.response(approval, now)?;
        let response = RegistrationResponse::from_json(&response).map_err(problem)?;
        let challenge = nonce.challenge(approval.purpose, &approval.request);
        let made = webauthn::register(&self.config.relying_party, &challenge, &response, now)
            .map_err(problem)?;
        Ok((made, nonce))
    }

    /// Uses up the nonce of a new passkey.
    pub(super) fn use_up(&self, nonce: &Nonce, approver: Approver) -> Result<(), Problem> {
        self.challenges.take(nonce, approver, self.now().as_secs())
    }

    /// An assertion, not yet checked.
    pub(super) fn assertion(
        &self,
        approval: &Approval,
    ) -> Result<(Nonce, AuthenticationResponse), Problem> {
        let (nonce, response) = self.response(approval, self.now())?;
        let response = AuthenticationResponse::from_json(&response).map_err(problem)?;
        Ok((nonce, response))
    }

    /// Checks that a passkey of this user signed exactly this request, charges the user for it, and uses up the nonce. `now` is read
    /// after the store gave the user.
    pub(super) fn check_assertion(
        &self,
        approval: &Approval,
        (nonce, response): &(Nonce, AuthenticationResponse),
        user: UserId,
        passkey: &super::user::Passkey,
        now: Duration,
    ) -> Result<Used, Problem> {
        let public_key = CoseKey::from_bytes(&passkey.key)
            .map_err(|error| Problem::new(ProblemType::RecordInvalid, error.to_string()))?;
        let known = webauthn::Passkey {
            credential_id: &passkey.credential_id,
            user_handle: &user.0,
            public_key: &public_key,
            sign_count: passkey.sign_count,
            backup_eligible: passkey.backup_eligible,
        };
        let challenge = nonce.challenge(approval.purpose, &approval.request);
        let relying_party = &self.config.relying_party;
        let authenticated =
            webauthn::authenticate(relying_party, &challenge, response, &known).map_err(problem)?;
        self.visitors.charge(user, passkey.active, now)?;
        self.challenges.take(nonce, Approver::User, now.as_secs())?;
        Ok(Used {
            credential_id: passkey.credential_id.to_vec(),
            authenticated,
        })
    }

    /// Checks that an active passkey of the user whose session sent the request approves it.
    pub fn judge_approval(
        &self,
        named: &NamedSession,
        approval: &Approval,
        now: Duration,
    ) -> Result<Approved, Problem> {
        let assertion = self.assertion(approval)?;
        let passkey = active(named.user(), assertion.1.credential_id())?;
        let user = named.user().id();
        let used = self.check_assertion(approval, &assertion, user, passkey, now)?;
        Ok(Approved { user, used })
    }

    /// Stores what an approval changed, for an operation that changes nothing else about the user.
    pub async fn note_approval(&self, approved: &Approved, what: &str) -> Result<(), Problem> {
        self.change_approved(approved, (what, ""), |_, _| Ok(()))
            .await
            .map(|_| ())
    }

    /// Changes the user who approved the request, and adds to their activity.
    pub(super) async fn change_approved(
        &self,
        approved: &Approved,
        (what, detail): (&str, &str),
        change: impl Fn(&mut User, Duration) -> Result<(), Problem>,
    ) -> Result<UserView, Problem> {
        let (_, user) = self
            .change(approved.user, |user, now| {
                user.passkey_used(&approved.used, now)?;
                change(user, now)?;
                user.note(now.as_secs(), what, detail);
                Ok(())
            })
            .await?;
        Ok(self.user_view(&user.value))
    }

    /// The nonce and the response's JSON, from the header.
    fn response(&self, approval: &Approval, now: Duration) -> Result<(Nonce, Vec<u8>), Problem> {
        const ACCEPTED: &str = "the nonce of POST /v1/challenges, a full stop, and the response as JSON in base64url without padding";
        let header = approval.header.as_deref().ok_or_else(|| {
            let purpose = approval.purpose;
            Problem::new(
                ProblemType::PasskeyRequired,
                format!("{purpose} needs the header Passkey-Response; accepted: {ACCEPTED}"),
            )
        })?;
        let malformed = |what: &str| {
            Problem::new(
                ProblemType::PasskeyMalformed,
                format!("the header Passkey-Response {what}; accepted: {ACCEPTED}"),
            )
        };
        let (nonce, response) = header
            .split_once('.')
            .ok_or_else(|| malformed("has no full stop"))?;
        let nonce = self
            .challenges
            .check(nonce, approval.purpose, now.as_secs())?;
        let response = URL_SAFE_NO_PAD
            .decode(response)
            .map_err(|_| malformed("is not base64url after the full stop"))?;
        Ok((nonce, response))
    }
}

impl User {
    /// Stores what an assertion changed, if its passkey is still active and no later assertion of it was stored meanwhile.
    pub(super) fn passkey_used(&mut self, used: &Used, now: Duration) -> Result<(), Problem> {
        let passkey = self
            .passkeys
            .iter_mut()
            .find(|passkey| passkey.active && *passkey.credential_id == used.credential_id)
            .ok_or_else(unknown)?;
        let count = used.authenticated.sign_count;
        if count != 0 && count <= passkey.sign_count {
            let stored = passkey.sign_count;
            return Err(problem(WebauthnError::CounterWentBack {
                found: count,
                stored,
            }));
        }
        passkey.sign_count = count;
        passkey.backed_up = used.authenticated.backed_up;
        passkey.used_at = now.as_secs();
        Ok(())
    }
}

/// The passkey of this credential id, if it may be used.
pub(super) fn active<'a>(
    user: &'a User,
    credential_id: &[u8],
) -> Result<&'a super::user::Passkey, Problem> {
    user.passkey(credential_id)
        .filter(|passkey| passkey.active)
        .ok_or_else(unknown)
}

fn unknown() -> Problem {
    let detail = "the passkey is not one of this user's, or was revoked, or waits for approval";
    Problem::new(ProblemType::PasskeyUnknown, detail)
}

/// Each group of rules has a problem type of its own.
pub(super) fn problem(error: WebauthnError) -> Problem {
    let kind = match error.group() {
        Group::Malformed => ProblemType::PasskeyMalformed,
        Group::Ceremony => ProblemType::PasskeyCeremony,
        Group::Challenge => ProblemType::PasskeyChallenge,
        Group::Origin => ProblemType::PasskeyOrigin,
        Group::RelyingParty => ProblemType::PasskeyRelyingParty,
        Group::UserVerification => ProblemType::PasskeyUserVerification,
        Group::Algorithm => ProblemType::PasskeyAlgorithm,
        Group::Credential => ProblemType::PasskeyUnknown,
        Group::Signature => ProblemType::PasskeySignature,
        Group::Counter => ProblemType::PasskeyCounter,
        Group::Attestation => ProblemType::PasskeyAttestation,
    };
    Problem::new(kind, format!("{}: {error}", error.rule()))
}
