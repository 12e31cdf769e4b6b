//! Who may do what under the generated policy, and what arguments are refused.

use permafrost_common::attestation::{Measurements, PCR_LEN};
use permafrost_common::kms::encryption_context;

use super::super::{Decision, PolicyDocument, RequestContext};
use super::*;

pub(in crate::policy) const ROLE: &str = "arn:aws:iam::111122223333:role/enclave";
pub(in crate::policy) const ADMINISTRATOR: &str = "arn:aws:iam::111122223333:user/administrator";
const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

pub(in crate::policy) fn release(name: &str, first: u8) -> Release {
    let pcrs = [first, first + 1, first + 2].map(|byte| [byte; PCR_LEN]);
    Release::new(name, &Measurements::of_image(pcrs)).unwrap()
}

pub(in crate::policy) fn arguments() -> GenerateOnly {
    GenerateOnly {
        releases: vec![release("v1", 0x10), release("v2", 0x20)],
        roles: vec![ROLE.to_owned()],
        administrators: vec![ADMINISTRATOR.to_owned()],
        deployment: "example".to_owned(),
        account: "111122223333".to_owned(),
        partition: "aws".to_owned(),
    }
}

fn decide(caller: &str, action: &str, pcrs: Option<[u8; 3]>, deployment: &str) -> Decision {
    let policy = PolicyDocument::parse(&arguments().policy().unwrap()).unwrap();
    let request = RequestContext::new(caller, action, KEY)
        .with_encryption_context(&encryption_context(deployment, 1));
    let pcrs = pcrs.map(|pcrs| pcrs.map(|byte| [byte; PCR_LEN]));
    policy.decide(&match &pcrs {
        Some(pcrs) => request.with_attestation((0..).zip(pcrs.iter().map(|pcr| pcr.as_slice()))),
        None => request,
    })
}

#[test]
fn every_accepted_release_may_use_the_key() {
    for action in USE {
        for (pcrs, name) in [([0x10, 0x11, 0x12], "v1"), ([0x20, 0x21, 0x22], "v2")] {
            assert_eq!(
                decide(ROLE, action, Some(pcrs), "example"),
                Decision::Allowed {
                    statement: format!("Allow release {name}")
                }
            );
        }
    }
}

#[test]
fn no_other_enclave_caller_or_deployment_may_use_the_key() {
    let accepted = Some([0x10, 0x11, 0x12]);
    for action in USE {
        for pcrs in [
            [0x11, 0x11, 0x12],
            [0x10, 0x12, 0x12],
            [0x10, 0x11, 0x13],
            // The code of one release with the configuration of another.
            [0x10, 0x11, 0x22],
            [0; 3],
        ] {
            assert_eq!(
                decide(ROLE, action, Some(pcrs), "example"),
                Decision::NotAllowed,
                "{pcrs:x?}"
            );
        }
        assert_eq!(
            decide(ROLE, action, accepted, "other"),
            Decision::NotAllowed
        );
        assert_eq!(
            decide(ADMINISTRATOR, action, accepted, "example"),
            Decision::NotAllowed
        );
        assert_eq!(
            decide(ROLE, action, None, "example"),
            Decision::DeniedExplicitly {
                statement: "Deny use without attestation".to_owned()
            }
        );
    }
}

#[test]
fn no_one_may_make_a_blob_with_a_known_plaintext_or_a_grant() {
    for action in [
        "kms:Encrypt",
        "kms:ReEncryptFrom",
        "kms:ReEncryptTo",
        "kms:CreateGrant",
        "kms:ImportKeyMaterial",
        "kms:GenerateDataKeyPair",
        "kms:GenerateDataKeyPairWithoutPlaintext",
        "kms:GenerateDataKeyWithoutPlaintext",
        "kms:ReplicateKey",
    ] {
        for caller in [ROLE, ADMINISTRATOR, "arn:aws:iam::111122223333:root"] {
            let decision = decide(caller, action, Some([0x10, 0x11, 0x12]), "example");
            assert!(
                matches!(decision, Decision::DeniedExplicitly { .. }),
                "{action}"
            );
        }
    }
}

#[test]
fn administrators_change_the_policy_and_roles_do_not() {
    for action in ADMINISTRATION {
        assert!(matches!(
            decide(ADMINISTRATOR, action, None, "example"),
            Decision::Allowed { .. }
        ));
        assert_eq!(decide(ROLE, action, None, "example"), Decision::NotAllowed);
    }
}

/// The error that a broken argument gets.
fn refused(break_it: impl FnOnce(&mut GenerateOnly)) -> String {
    let mut arguments = arguments();
    break_it(&mut arguments);
    arguments.policy().unwrap_err().to_string()
}

#[test]
fn invalid_arguments_are_refused_by_name() {
    let text = str::to_owned;
    for (error, problem) in [
        (refused(|a| a.releases.clear()), "no release"),
        (
            refused(|a| a.releases.push(release("v1", 3))),
            "two releases are named v1",
        ),
        (refused(|a| a.roles.clear()), "no role"),
        (refused(|a| a.administrators.clear()), "no administrator"),
        (refused(|a| a.account = text("1")), "the account is \"1\""),
        (
            refused(|a| a.partition = text("aws:")),
            "the partition is \"aws:\"",
        ),
        (
            refused(|a| a.deployment = text("A")),
            "the deployment is \"A\"",
        ),
        (
            refused(|a| a.deployment = text("*")),
            "the deployment is \"*\"",
        ),
        (
            refused(|a| a.administrators.push(text(ROLE))),
            "both a role and an administrator",
        ),
        (
            refused(|a| a.account = text("444455556666")),
            "does not begin with arn:aws:iam::444455556666:",
        ),
        (
            refused(|a| a.partition = text("aws-cn")),
            "does not begin with arn:aws-cn:iam::",
        ),
    ] {
        assert!(error.contains(problem), "{error}");
    }
    for role in [
        "*",
        "enclave",
        "111122223333",
        "arn:aws:iam::111122223333:role/*",
        "arn:aws:iam::111122223333:role/a?",
        "arn:aws:iam::111122223333:root",
        "arn:aws:iam::111122223333:user/enclave",
        "arn:aws:sts::111122223333:assumed-role/enclave/session",
    ] {
        let error = refused(|a| a.roles.push(text(role)));
        assert!(error.starts_with("the role is "), "{error}");
    }
    for administrator in ["*", "111122223333", "arn:aws:iam::111122223333:user/*"] {
        let error = refused(|a| a.administrators.push(text(administrator)));
        assert!(error.starts_with("the administrator is "), "{error}");
    }
}

#[test]
fn a_policy_longer_than_kms_accepts_is_refused() {
    let error = refused(|a| {
        a.releases = (0..60_u8).map(|n| release(&n.to_string(), n + 1)).collect();
    });
    assert!(error.contains("accepted: at most 32768"), "{error}");
}
