//! Evaluating real requests must not contradict what the check passes.

use std::sync::LazyLock;

use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::super::super::generate::tests::arguments;
use super::super::super::{Decision, PolicyDocument, RequestContext};
use super::*;

const ACCEPTED: [u8; 3] = [0x10, 0x11, 0x12];

/// What attackers can attest: nothing, an enclave of their own, one in debug mode, or one with one of two halves right.
const ATTACKERS: [Option<[u8; 3]>; 5] = [
    None,
    Some([0x99, 0x98, 0x97]),
    Some([0; 3]),
    Some([0x99, 0x11, 0x97]),
    Some([0x99, 0x98, 0x12]),
];

const CALLERS: [&str; 4] = [
    ROLE,
    ADMINISTRATOR,
    "arn:aws:iam::111122223333:user/somebody",
    "arn:aws:iam::444455556666:role/stranger",
];

fn hex_of(byte: u8) -> String {
    format!("{byte:02x}").repeat(48)
}

/// A condition on attestation, or on something else.
fn condition() -> impl Strategy<Value = (String, String, Value)> {
    let operator = (
        select(vec!["", "", "", "ForAnyValue:", "ForAllValues:"]),
        select(vec![
            "StringEquals",
            "StringEqualsIgnoreCase",
            "StringLike",
            "StringNotEquals",
            "StringNotEqualsIgnoreCase",
            "StringNotLike",
        ]),
        select(vec!["", "", "", "IfExists"]),
    )
        .prop_map(|(set, test, if_exists)| match set {
            "ForAnyValue:" => format!("{set}{test}"),
            _ => format!("{set}{test}{if_exists}"),
        });
    let compared =
        (operator, 0..3_usize, select(vec![0, 1, 2, 3])).prop_map(|(operator, pcr, value)| {
            let good = hex_of(ACCEPTED[pcr]);
            let value = match value {
                0 | 1 => json!(good),
                2 => json!([good, hex_of(0)]),
                _ if operator.contains("Like") => json!(["1*", good]),
                _ => json!([good, good.to_uppercase()]),
            };
            (operator, format!("{PCR}{pcr}"), value)
        });
    let present = (0..3_usize, any::<bool>())
        .prop_map(|(pcr, missing)| ("Null".to_owned(), format!("{PCR}{pcr}"), json!(missing)));
    let other = any::<bool>().prop_map(|secure| {
        (
            "Bool".to_owned(),
            "aws:SecureTransport".to_owned(),
            json!(secure),
        )
    });
    prop_oneof![6 => compared, 2 => present, 1 => other]
}

fn statement() -> impl Strategy<Value = Value> {
    let principal = select(vec![
        json!("*"),
        json!({"AWS": ROLE}),
        json!({"AWS": ADMINISTRATOR}),
        json!({"AWS": [ROLE, ADMINISTRATOR]}),
        json!({"AWS": "111122223333"}),
    ]);
    let actions = subsequence(
        vec![
            "kms:Decrypt",
            "kms:GenerateDataKey",
            "kms:GenerateDataKey*",
            "kms:Encrypt",
            "kms:ReEncrypt*",
            "kms:CreateGrant",
            "kms:ReplicateKey",
            "kms:*",
        ],
        1..4,
    );
    let effect = select(vec!["Allow", "Deny"]);
    let conditions = prop::collection::vec(condition(), 0..3);
    (effect, principal, actions, conditions).prop_map(|(effect, principal, actions, conditions)| {
        let mut grouped = json!({});
        for (operator, key, value) in conditions {
            grouped[operator][key] = value;
        }
        json!({"Effect": effect, "Principal": principal, "Action": actions, "Resource": "*", "Condition": grouped})
    })
}

/// Every request that no policy should let through, with its description.
static FORBIDDEN: LazyLock<Vec<(String, RequestContext)>> = LazyLock::new(|| {
    let metadata = good_key();
    let arn = metadata["KeyMetadata"]["Arn"].as_str().unwrap();
    let mut requests = Vec::new();
    for action in USE
        .iter()
        .chain(Never::ALL.iter().flat_map(|never| never.actions()))
    {
        for caller in CALLERS {
            for pcrs in ATTACKERS {
                let mut request = RequestContext::new(caller, action, arn);
                if let Some(pcrs) = pcrs.map(|pcrs| pcrs.map(|byte| [byte; 48])) {
                    request = request.with_attestation((0..).zip(pcrs.iter().map(|pcr| &pcr[..])));
                }
                requests.push((format!("{caller} may {action} with {pcrs:x?}"), request));
            }
        }
    }
    requests
});

/// The first forbidden request that the policy allows, or leaves to IAM.
fn bypass(policy: &PolicyDocument) -> Option<&'static str> {
    let through = |request: &RequestContext| {
        matches!(
            policy.decide(request),
            Decision::Allowed { .. } | Decision::DelegatedToIam { .. }
        )
    };
    let found = FORBIDDEN.iter().find(|(_, request)| through(request));
    found.map(|(description, _)| description.as_str())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn a_policy_that_lets_an_attacker_through_has_a_finding(
        statements in prop::collection::vec(statement(), 1..4),
        kept in NEVER..=UNATTESTED + 1,
    ) {
        let mut policy = generated();
        let generated = policy["Statement"].as_array_mut().unwrap();
        generated.truncate(kept);
        generated.extend(statements);
        let evaluated = PolicyDocument::parse(&policy.to_string()).unwrap();
        // Missing denials alone are findings, too; here a finding has to say that a request gets through.
        let told = report(&policy).findings.into_iter().any(|finding| {
            !matches!(finding.rule, Rule::NotDenied(_) | Rule::UnattestedUseNotDenied)
        });
        if let Some(bypass) = bypass(&evaluated) {
            prop_assert!(told, "{bypass}: {policy:#}");
        }
    }
}

#[test]
fn the_bypasses_that_the_check_looks_for_can_be_seen() {
    let policy = PolicyDocument::parse(&arguments().policy().unwrap()).unwrap();
    assert_eq!(bypass(&policy), None);
    let [first, _] = with(&allow(role(), "kms:Decrypt"));
    let policy = PolicyDocument::parse(&first.to_string()).unwrap();
    assert!(bypass(&policy).unwrap().contains("kms:Decrypt"));
}
