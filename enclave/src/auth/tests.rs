use http::Request;
use permafrost_common::http_signature::{
    Algorithm, AttestationDigest, SigningKey, fresh_nonce, sign_request,
};

use super::*;
use crate::principal::{KeyScope, OperationName, Policy};

const NOW: u64 = 1_800_000_000;

struct Fixture {
    authenticator: Authenticator,
    key: SigningKey,
    boot: AttestationDigest,
}

fn fixture(requests_per_minute: u32) -> Fixture {
    let key = SigningKey::generate(Algorithm::Ed25519).unwrap();
    let boot = AttestationDigest::of(b"document");
    let principal = Principal {
        name: "svc".into(),
        public_key: key.public_key().unwrap(),
        policy: Policy {
            operations: [OperationName::Sign].into(),
            keys: KeyScope::Own,
            derived: std::collections::BTreeSet::new(),
            payloads: [].into(),
            nostr_kinds: None,
            requests_per_minute,
        },
    };
    Fixture {
        authenticator: Authenticator::new(&[principal], &Limits::default(), boot),
        key,
        boot,
    }
}

impl Fixture {
    fn request(
        &self,
        keyid: &str,
        created: u64,
        nonce: &str,
        boot: &AttestationDigest,
    ) -> SignedRequest {
        let (mut parts, ()) = Request::post("/v1/keys").body(()).unwrap().into_parts();
        sign_request(&mut parts, b"", &self.key, keyid, created, nonce, boot).unwrap();
        SignedRequest::parse(&parts, b"").unwrap()
    }

    fn judge(&self, request: &SignedRequest, now: u64) -> Result<Caller, ProblemType> {
        self.authenticator
            .authenticate(request, Duration::from_secs(now))
            .map_err(|problem| problem.kind().unwrap())
    }

    fn judge_new(&self, created: u64, now: u64) -> Result<Caller, ProblemType> {
        let nonce = fresh_nonce().unwrap();
        self.judge(&self.request("svc", created, &nonce, &self.boot), now)
    }
}

#[test]
fn a_principals_request_is_accepted_once() {
    let fixture = fixture(600);
    let request = fixture.request("svc", NOW, &fresh_nonce().unwrap(), &fixture.boot);
    assert_eq!(fixture.judge(&request, NOW).unwrap().name, "svc");
    for now in [NOW, NOW + 1, NOW + 60] {
        assert_eq!(
            fixture.judge(&request, now).unwrap_err(),
            ProblemType::RequestReplayed
        );
    }
    assert_eq!(
        fixture.judge(&request, NOW + 61).unwrap_err(),
        ProblemType::RequestExpired
    );
}

#[test]
fn a_request_is_refused_outside_its_time() {
    let fixture = fixture(600);
    for created in [NOW - 60, NOW, NOW + 5] {
        assert!(fixture.judge_new(created, NOW).is_ok(), "{created}");
    }
    for created in [0, NOW - 61, NOW + 6, 1 << 49] {
        assert_eq!(
            fixture.judge_new(created, NOW).unwrap_err(),
            ProblemType::RequestExpired,
            "{created}"
        );
    }
}

#[test]
fn a_request_for_another_boot_is_refused() {
    let fixture = fixture(600);
    let other = AttestationDigest::of(b"another document");
    let request = fixture.request("svc", NOW, &fresh_nonce().unwrap(), &other);
    assert_eq!(
        fixture.judge(&request, NOW).unwrap_err(),
        ProblemType::WrongEnclave
    );
}

#[test]
fn a_principal_is_known_by_its_name_and_its_key() {
    let (one, two) = (fixture(600), fixture(600));
    let stranger = one.request("nobody", NOW, &fresh_nonce().unwrap(), &one.boot);
    assert_eq!(
        one.judge(&stranger, NOW).unwrap_err(),
        ProblemType::UnknownPrincipal
    );
    let forged = two.request("svc", NOW, &fresh_nonce().unwrap(), &two.boot);
    assert_eq!(
        one.judge(&forged, NOW).unwrap_err(),
        ProblemType::SignatureInvalid
    );
}

#[test]
fn a_request_refused_for_its_rate_is_not_accepted_later() {
    let fixture = fixture(10);
    assert!(fixture.judge_new(NOW, NOW).is_ok());
    let request = fixture.request("svc", NOW, &fresh_nonce().unwrap(), &fixture.boot);
    assert_eq!(
        fixture.judge(&request, NOW).unwrap_err(),
        ProblemType::RateLimited
    );
    assert_eq!(
        fixture.judge(&request, NOW + 30).unwrap_err(),
        ProblemType::RequestReplayed
    );
    assert!(fixture.judge_new(NOW + 30, NOW + 30).is_ok());
}

#[test]
fn what_a_policy_does_not_name_is_denied() {
    let policy = &fixture(600).judge_new(NOW, NOW).unwrap().policy;
    assert!(policy.check_operation(OperationName::Sign).is_ok());
    assert!(policy.check_operation(OperationName::CreateKey).is_err());
    assert!(policy.allows_key("svc", "id", "svc"));
    assert!(!policy.allows_key("svc", "id", "other"));
}
