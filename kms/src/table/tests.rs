//! The check, statement by statement: what AWS's policies allow is named, and what they deny is not.

use serde_json::{Value, json};

use super::*;
use crate::policy::{PolicyKind, WrittenPolicy};

const TABLE: &str = "arn:aws:dynamodb:eu-central-1:111122223333:table/permafrost-example";
const ENCLAVE: &str = "arn:aws:iam::111122223333:user/permafrost-example";
const PARENT: &str = "arn:aws:iam::111122223333:role/parent";
const ADMINISTRATOR: &str = "arn:aws:iam::111122223333:role/administrator";

fn made() -> TablePolicy {
    TablePolicy {
        table: TABLE.parse().unwrap(),
        enclave: ENCLAVE.to_owned(),
        administrators: vec![ADMINISTRATOR.to_owned()],
    }
}

fn policy(statements: &Value) -> WrittenPolicy {
    let text = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
    WrittenPolicy::parse_as(PolicyKind::Table, &text).unwrap()
}

/// The enclave's user, and others with these statements in a policy of their own.
fn account(others: &[(&str, Value)]) -> Account {
    let inline = |document: Value| json!([{"PolicyName": "inline", "PolicyDocument": document}]);
    let enclave: Value = serde_json::from_str(&made().enclave_policy()).unwrap();
    let mut users = vec![json!({"Arn": ENCLAVE, "UserPolicyList": inline(enclave)})];
    let mut roles = Vec::new();
    for (arn, statements) in others {
        let document = json!({"Version": "2012-10-17", "Statement": statements});
        match arn.contains(":role/") {
            true => roles.push(json!({"Arn": arn, "RolePolicyList": inline(document)})),
            false => users.push(json!({"Arn": arn, "UserPolicyList": inline(document)})),
        }
    }
    let all = json!({"UserDetailList": users, "RoleDetailList": roles, "GroupDetailList": [], "Policies": []});
    Account::from_json(&all.to_string()).unwrap()
}

/// What is known of a table with this policy, whose parent has these statements.
fn known(table: Option<WrittenPolicy>, parent: Value) -> Known {
    Known {
        parents: vec![PARENT.to_owned()],
        policy: table,
        account: Some(account(&[(PARENT, parent)])),
        ..Known::of(TABLE.parse().unwrap(), ENCLAVE.to_owned())
    }
}

fn provisioned() -> WrittenPolicy {
    WrittenPolicy::parse_as(PolicyKind::Table, &made().policy().unwrap()).unwrap()
}

/// Which of these the parent may, by the findings.
fn parent_may(known: &Known) -> Vec<Ability> {
    let report = check(known);
    let may = |ability: &Ability| {
        let rule = Rule::ParentMay(*ability);
        report
            .findings
            .iter()
            .any(|finding| finding.rule == rule && finding.principal.as_deref() == Some(PARENT))
    };
    Ability::ALL.into_iter().filter(may).collect()
}

fn allow(actions: Value, resource: &str) -> Value {
    json!({"Effect": "Allow", "Action": actions, "Resource": resource})
}

#[test]
fn a_parent_whose_role_may_do_everything_is_named_and_refused() {
    let known = known(None, allow(json!("dynamodb:*"), "*"));
    let all_of_dynamodb = &Ability::ALL[..6];
    assert_eq!(parent_may(&known), all_of_dynamodb);
    let write = check(&known)
        .findings
        .into_iter()
        .find(|f| f.rule == Rule::ParentMay(Ability::Write))
        .unwrap();
    assert!(
        write.found.contains("dynamodb:PutItem") && write.found.contains("the policy inline"),
        "{write:?}"
    );
}

#[test]
fn a_denial_to_everyone_but_the_enclave_holds_whatever_iam_says() {
    let known = known(Some(provisioned()), allow(json!("dynamodb:*"), "*"));
    // A backup has no policy of its own.
    assert_eq!(parent_may(&known), [Ability::Copy]);
    let found = check(&known);
    assert!(
        found.findings[0]
            .found
            .contains("it may dynamodb:RestoreTableFromBackup ("),
        "{found:?}"
    );
    let nothing = known_with(Some(provisioned()), json!([]));
    assert_eq!(check(&nothing).findings, []);
    // Not even what IAM says matters.
    let unread = Known {
        account: None,
        ..nothing
    };
    assert_eq!(check(&unread).findings, []);
    assert!(
        check(&unread)
            .notices
            .iter()
            .any(|f| f.found.contains("users and roles"))
    );
}

/// As [`known`], with a statement that has no effect if there is none.
fn known_with(table: Option<WrittenPolicy>, parent: Value) -> Known {
    let parent = match parent == json!([]) {
        true => allow(json!("s3:GetObject"), "*"),
        false => parent,
    };
    known(table, parent)
}

/// Statements of the parent's own policy, and whether they let it write, with no denial in the table's policy.
#[test]
fn a_statement_in_iam_is_evaluated_as_aws_does() {
    let other_table = TABLE.replace("example", "other");
    let when = |condition: Value, effect: &str| json!({"Effect": effect, "Action": "dynamodb:*", "Resource": "*", "Condition": condition});
    let all = || allow(json!("*"), "*");
    for (statements, may) in [
        (allow(json!("dynamodb:PutItem"), TABLE), true),
        (
            allow(
                json!(["s3:*", "DYNAMODB:put*"]),
                "arn:aws:dynamodb:*:*:table/*",
            ),
            true,
        ),
        (allow(json!("dynamodb:PutItem"), &other_table), false),
        (
            allow(
                json!("dynamodb:PutItem"),
                &TABLE.replace("eu-central-1", "us-east-1"),
            ),
            false,
        ),
        (allow(json!("dynamodb:GetItem"), TABLE), false),
        (
            allow(
                json!("dynamodb:PutItem"),
                "arn:aws:dynamodb:*:*:table/${aws:PrincipalTag/team}",
            ),
            true,
        ),
        (
            allow(
                json!("dynamodb:PutItem"),
                "arn:aws:dynamodb:*:*:table/other-${aws:username}",
            ),
            false,
        ),
        (
            json!({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}),
            true,
        ),
        (
            json!({"Effect": "Allow", "NotAction": "dynamodb:*", "Resource": "*"}),
            false,
        ),
        (
            json!({"Effect": "Allow", "Action": "dynamodb:*", "NotResource": other_table}),
            true,
        ),
        (
            json!({"Effect": "Allow", "Action": "dynamodb:*", "NotResource": "arn:aws:dynamodb:*:*:table/permafrost-*"}),
            false,
        ),
        (
            json!([all(), {"Effect": "Deny", "Action": "dynamodb:*", "Resource": "*"}]),
            false,
        ),
        (
            json!([all(), {"Effect": "Deny", "Action": "dynamodb:*", "Resource": TABLE}]),
            false,
        ),
        (
            json!([all(), {"Effect": "Deny", "Action": "dynamodb:*", "Resource": other_table}]),
            true,
        ),
        (
            json!([all(), {"Effect": "Deny", "NotAction": "s3:*", "Resource": "*"}]),
            false,
        ),
        (
            json!([all(), {"Effect": "Deny", "Action": "dynamodb:*", "Resource": "arn:aws:dynamodb:*:*:table/${aws:PrincipalTag/team}"}]),
            true,
        ),
        // What is not known of a request could be so.
        (
            when(
                json!({"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}),
                "Allow",
            ),
            true,
        ),
        (
            when(json!({"StringEquals": {"aws:SourceVpc": "vpc-1"}}), "Allow"),
            true,
        ),
        (
            json!([
                all(),
                when(
                    json!({"StringNotEquals": {"aws:SourceVpc": "vpc-1"}}),
                    "Deny"
                )
            ]),
            true,
        ),
        (
            json!([
                all(),
                when(
                    json!({"Bool": {"aws:MultiFactorAuthPresent": "false"}}),
                    "Deny"
                )
            ]),
            true,
        ),
        // Who calls is known.
        (
            when(json!({"ArnEquals": {"aws:PrincipalArn": ENCLAVE}}), "Allow"),
            false,
        ),
        (
            when(
                json!({"StringEquals": {"aws:PrincipalAccount": "111122223333"}}),
                "Allow",
            ),
            true,
        ),
        (
            json!([
                all(),
                when(
                    json!({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/par*"}}),
                    "Deny"
                )
            ]),
            false,
        ),
        (
            json!([
                all(),
                when(
                    json!({"StringEquals": {"AWS:principalarn": "${aws:PrincipalArn}"}}),
                    "Deny"
                )
            ]),
            true,
        ),
    ] {
        let found = parent_may(&known(None, statements.clone())).contains(&Ability::Write);
        assert_eq!(found, may, "{statements}");
    }
}

/// Statements of the table's policy for a parent that IAM lets do everything with DynamoDB, or nothing.
#[test]
fn a_statement_of_the_tables_policy_is_evaluated_as_aws_does() {
    let statement = |effect: &str, principal: Value| json!({"Effect": effect, "Principal": principal, "Action": "dynamodb:*", "Resource": TABLE});
    let but = |operator: &str, arns: Value| {
        let mut denial = statement("Deny", json!("*"));
        denial["Condition"] = json!({operator: {"aws:PrincipalArn": arns}});
        denial
    };
    let not_principal = |effect: &str, principals: Value| json!({"Effect": effect, "NotPrincipal": {"AWS": principals}, "Action": "dynamodb:*", "Resource": TABLE});
    let root = "arn:aws:iam::111122223333:root";
    for (statements, with_iam, without_iam) in [
        (statement("Allow", json!({"AWS": PARENT})), true, true),
        (statement("Allow", json!("*")), true, true),
        (statement("Allow", json!({"AWS": ENCLAVE})), true, false),
        // An account lets IAM decide.
        (statement("Allow", json!({"AWS": root})), true, false),
        (statement("Deny", json!({"AWS": PARENT})), false, false),
        (statement("Deny", json!({"AWS": root})), false, false),
        (statement("Deny", json!({"AWS": ENCLAVE})), true, false),
        (
            but("ArnNotEquals", json!([ENCLAVE, ADMINISTRATOR])),
            false,
            false,
        ),
        (
            but("StringNotLike", json!("arn:aws:iam::111122223333:user/*")),
            false,
            false,
        ),
        (
            but("ArnNotLike", json!("arn:aws:iam::111122223333:role/*")),
            true,
            false,
        ),
        (but("ArnNotEquals", json!([ENCLAVE, PARENT])), true, false),
        (but("ArnEquals", json!(PARENT)), false, false),
        (
            json!([
                but("ArnNotEquals", json!(ENCLAVE)),
                statement("Allow", json!({"AWS": PARENT}))
            ]),
            false,
            false,
        ),
        (not_principal("Deny", json!([ENCLAVE])), false, false),
        (not_principal("Deny", json!([PARENT])), true, false),
        // AWS's documents do not say whether the account alone stands for its roles here.
        (not_principal("Deny", json!([ENCLAVE, root])), true, false),
        (not_principal("Allow", json!([ENCLAVE])), true, true),
        (not_principal("Allow", json!([PARENT])), true, false),
    ] {
        let table = policy(&statements);
        for (may, iam) in [
            (with_iam, allow(json!("dynamodb:*"), "*")),
            (without_iam, json!([])),
        ] {
            let found =
                parent_may(&known_with(Some(table.clone()), iam.clone())).contains(&Ability::Write);
            assert_eq!(found, may, "{statements} {iam}");
        }
    }
}

#[test]
fn a_boundary_bounds_what_policies_allow_but_not_what_the_table_allows() {
    let boundary = |actions: Value, table: Option<WrittenPolicy>| {
        let document = json!({"Version": "2012-10-17", "Statement": allow(actions, "*")});
        let all = json!({
            "UserDetailList": [], "GroupDetailList": [],
            "RoleDetailList": [{
                "Arn": PARENT,
                "AttachedManagedPolicies": [{"PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}],
                "PermissionsBoundary": {"PermissionsBoundaryArn": "arn:aws:iam::111122223333:policy/boundary"},
            }],
            "Policies": [
                {"Arn": "arn:aws:iam::aws:policy/AdministratorAccess", "PolicyVersionList": [
                    {"IsDefaultVersion": false, "Document": {"Version": "2012-10-17", "Statement": allow(json!("s3:*"), "*")}},
                    {"IsDefaultVersion": true, "Document": {"Version": "2012-10-17", "Statement": allow(json!("*"), "*")}}]},
                {"Arn": "arn:aws:iam::111122223333:policy/boundary", "PolicyVersionList": [
                    {"IsDefaultVersion": "true", "Document": document.to_string()}]},
            ],
        });
        let account = Some(Account::from_json(&all.to_string()).unwrap());
        parent_may(&Known {
            account,
            ..known(table, json!([allow(json!("s3:*"), "*")]))
        })
        .contains(&Ability::Write)
    };
    assert!(boundary(json!("*"), None));
    assert!(!boundary(json!("s3:*"), None));
    let table = policy(
        &json!({"Effect": "Allow", "Principal": {"AWS": PARENT}, "Action": "dynamodb:*", "Resource": "*"}),
    );
    assert!(boundary(json!("s3:*"), Some(table)));
}

#[test]
fn the_policies_of_a_users_groups_are_its_own() {
    let user = "arn:aws:iam::111122223333:user/someone";
    let document =
        json!({"Version": "2012-10-17", "Statement": allow(json!("dynamodb:PutItem"), "*")});
    for group in [
        json!([{"GroupName": "writers", "GroupPolicyList": [{"PolicyName": "w", "PolicyDocument": document}]}]),
        json!([]),
    ] {
        let all = json!({
            "UserDetailList": [{"Arn": user, "GroupList": ["writers"]}],
            "RoleDetailList": [], "Policies": [], "GroupDetailList": group,
        });
        let account = Some(Account::from_json(&all.to_string()).unwrap());
        let report = check(&Known {
            account,
            ..known_with(None, json!([]))
        });
        let writes = report.findings.iter().any(|f| {
            f.rule == Rule::OtherMay(Ability::Write) && f.principal.as_deref() == Some(user)
        });
        // A group that is not in the list could allow anything.
        assert!(writes, "{group}");
    }
}

#[test]
fn a_policy_that_cannot_be_read_allows_everything_and_is_named() {
    let known = known(
        Some(policy(
            &json!({"Effect": "Allow", "Principal": {"AWS": ENCLAVE}, "Action": "dynamodb:*", "Resource": TABLE}),
        )),
        json!({"Effect": "Perhaps"}),
    );
    assert!(parent_may(&known).contains(&Ability::Write));
    let told = check(&known).notices.into_iter().any(|f| {
        f.rule == Rule::NotRead && f.found.contains("inline of") && f.found.contains("Perhaps")
    });
    assert!(told);
}

#[test]
fn whoever_makes_credentials_of_the_enclave_is_named() {
    let someone = "arn:aws:iam::111122223333:role/someone";
    let may = |enclave: &str, statements: Value| {
        let account = account(&[(someone, statements)]);
        let known = Known {
            account: Some(account),
            ..Known::of(TABLE.parse().unwrap(), enclave.to_owned())
        };
        let rule = Rule::OtherMay(Ability::TakeCredentials);
        check(&known)
            .notices
            .into_iter()
            .find(|f| f.rule == rule && f.principal.as_deref() == Some(someone))
    };
    let found = may(ENCLAVE, allow(json!("iam:*"), "*")).unwrap().found;
    assert!(
        found.contains("iam:CreateAccessKey") && !found.contains("AssumeRole"),
        "{found}"
    );
    assert_eq!(
        may(
            ENCLAVE,
            allow(json!("iam:CreateAccessKey"), "arn:aws:iam::*:user/other")
        ),
        None
    );
    let role = "arn:aws:iam::111122223333:role/enclave";
    let found = may(role, allow(json!("iam:*"), "*")).unwrap().found;
    assert!(
        found.contains("iam:UpdateAssumeRolePolicy") && !found.contains("AccessKey"),
        "{found}"
    );
}

#[test]
fn a_role_of_the_enclave_is_taken_by_whom_its_own_policy_lets_in() {
    let role = "arn:aws:iam::111122223333:role/enclave";
    let may = |principal: Value, action: &str| {
        let trust = json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}});
        let own = json!([{"PolicyName": "p", "PolicyDocument": {"Statement": allow(json!(action), "*")}}]);
        let all = json!({
            "UserDetailList": [], "GroupDetailList": [], "Policies": [],
            "RoleDetailList": [{"Arn": role, "AssumeRolePolicyDocument": trust}, {"Arn": PARENT, "RolePolicyList": own}],
        });
        let known = Known {
            account: Some(Account::from_json(&all.to_string()).unwrap()),
            parents: vec![PARENT.to_owned()],
            ..Known::of(TABLE.parse().unwrap(), role.to_owned())
        };
        parent_may(&known).contains(&Ability::TakeCredentials)
    };
    let root = json!({"AWS": "arn:aws:iam::111122223333:root"});
    assert!(may(json!({"AWS": PARENT}), "s3:GetObject"));
    assert!(may(root.clone(), "sts:*"));
    assert!(!may(root, "s3:GetObject"));
    assert!(!may(
        json!({"Service": "rolesanywhere.amazonaws.com"}),
        "sts:*"
    ));
}

#[test]
fn strangers_that_the_tables_policy_lets_in_are_named() {
    let named = |principal: Value, action: &str| -> Vec<String> {
        let table = policy(
            &json!({"Effect": "Allow", "Principal": principal, "Action": action, "Resource": TABLE}),
        );
        let report = check(&known_with(Some(table), json!([])));
        let strangers = report
            .findings
            .into_iter()
            .filter(|f| matches!(f.rule, Rule::OtherMay(_)));
        strangers
            .filter_map(|f| Some(f.rule.name() + " " + &f.principal?))
            .filter(|f| !f.ends_with(":root"))
            .collect()
    };
    assert_eq!(
        named(json!("*"), "dynamodb:PutItem"),
        ["other-may-write everyone"]
    );
    assert_eq!(
        named(json!({"AWS": "444455556666"}), "dynamodb:GetItem"),
        ["other-may-read the account 444455556666"]
    );
    let user = "arn:aws:iam::444455556666:user/someone";
    assert_eq!(
        named(json!({"AWS": user}), "dynamodb:Scan"),
        [format!("other-may-read {user}")]
    );
    let service = "redshift.amazonaws.com";
    assert_eq!(
        named(json!({"Service": service}), "dynamodb:Query"),
        [format!("other-may-read {service}")]
    );
    assert_eq!(named(json!({"AWS": ENCLAVE}), "dynamodb:*"), [""; 0]);
}

#[test]
fn a_table_whose_policy_leaves_the_rest_to_iam_is_refused() {
    let open = |table: Option<WrittenPolicy>| -> Vec<String> {
        let report = check(&known_with(table, json!([])));
        report
            .findings
            .into_iter()
            .filter(|f| matches!(f.rule, Rule::NotDenied(_)))
            .map(|f| f.rule.name())
            .collect()
    };
    assert_eq!(open(Some(provisioned())), [""; 0]);
    assert_eq!(open(None), ["write-not-denied", "read-not-denied"]);
    let denial = |operator: &str, arn: &str| {
        let condition = json!({operator: {"aws:PrincipalArn": arn}});
        Some(policy(
            &json!({"Effect": "Deny", "Principal": "*", "Action": "dynamodb:*", "Resource": TABLE, "Condition": condition}),
        ))
    };
    assert_eq!(open(denial("ArnNotEquals", ENCLAVE)), [""; 0]);
    assert_eq!(open(denial("StringNotEquals", ENCLAVE)), [""; 0]);
    // Roles that are made tomorrow could be called so.
    assert_eq!(
        open(denial(
            "ArnNotLike",
            "arn:aws:iam::111122223333:role/enclave-*"
        ))
        .len(),
        2
    );
    assert_eq!(open(denial("ArnEquals", PARENT)).len(), 2);
}

#[test]
fn the_enclave_may_all_that_it_needs_and_no_more() {
    let report = check(&known_with(Some(provisioned()), json!([])));
    let about_enclave = |report: &Report| -> Vec<Rule> {
        let all = report.findings.iter().chain(&report.notices);
        all.filter(|f| matches!(f.rule, Rule::EnclaveCannot | Rule::EnclaveMayMore))
            .map(|f| f.rule)
            .collect()
    };
    assert_eq!(about_enclave(&report), []);
    let mut nothing = known_with(Some(provisioned()), json!([]));
    nothing.policy = Some(policy(
        &json!({"Effect": "Deny", "Principal": "*", "Action": "dynamodb:Query", "Resource": "*"}),
    ));
    let report = check(&nothing);
    assert_eq!(about_enclave(&report), [Rule::EnclaveCannot]);
    let all = json!({
        "UserDetailList": [{"Arn": ENCLAVE, "UserPolicyList": [{"PolicyName": "p", "PolicyDocument": {"Statement": allow(json!("dynamodb:*"), "*")}}]}],
        "GroupDetailList": [], "RoleDetailList": [], "Policies": [],
    });
    let account = Some(Account::from_json(&all.to_string()).unwrap());
    let more = check(&Known {
        account,
        ..known_with(None, json!([]))
    });
    assert_eq!(about_enclave(&more), [Rule::EnclaveMayMore; 2]);
}

#[test]
fn administrators_change_the_table_but_neither_read_nor_write() {
    let account = account(&[(ADMINISTRATOR, allow(json!("*"), "*"))]);
    let report = check(&Known {
        account: Some(account),
        ..known_with(Some(provisioned()), json!([]))
    });
    let may: Vec<_> = report
        .notices
        .iter()
        .filter(|f| f.principal.as_deref() == Some(ADMINISTRATOR))
        .map(|f| f.rule.name())
        .collect();
    assert_eq!(
        may,
        [
            "other-may-copy",
            "other-may-change-policy",
            "other-may-change-table",
            "other-may-take-credentials"
        ]
    );
    let writes = report
        .findings
        .iter()
        .any(|f| f.principal.as_deref() == Some(ADMINISTRATOR));
    assert!(!writes, "{:?}", report.findings);
    let all = report
        .notices
        .iter()
        .map(|f| f.found.as_str())
        .collect::<String>();
    assert!(
        !all.contains("UpdateTimeToLive")
            && !all.contains("CreateTableReplica")
            && !all.contains("DeleteTable"),
        "{all}"
    );
}

#[test]
fn a_table_that_is_not_as_the_store_needs_it_is_refused_by_name() {
    let good = json!({"Table": {
        "TableArn": TABLE, "TableStatus": "ACTIVE", "DeletionProtectionEnabled": true,
        "KeySchema": [{"AttributeName": "kind", "KeyType": "HASH"}, {"AttributeName": "id", "KeyType": "RANGE"}],
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}, {"AttributeName": "kind", "AttributeType": "S"}],
        "BillingModeSummary": {"BillingMode": "PAY_PER_REQUEST"},
    }});
    let recoverable = |state: &str| json!({"ContinuousBackupsDescription": {"PointInTimeRecoveryDescription": {"PointInTimeRecoveryStatus": state}}});
    let expiry = |state: &str| json!({"TimeToLiveDescription": {"TimeToLiveStatus": state}});
    let rules = |table: &Value, recovery: &str, expires: &str| -> Vec<Rule> {
        let description = Description::of(table)
            .unwrap()
            .with_backups(recoverable(recovery))
            .with_expiry(expiry(expires));
        let known = Known {
            description: Some(description),
            ..known_with(Some(provisioned()), json!([]))
        };
        let report = check(&known);
        report
            .findings
            .into_iter()
            .chain(report.notices)
            .map(|f| f.rule)
            .collect()
    };
    assert_eq!(rules(&good, "ENABLED", "DISABLED"), []);
    assert_eq!(rules(&good, "DISABLED", "DISABLED"), [Rule::Unrecoverable]);
    assert_eq!(rules(&good, "ENABLED", "ENABLED"), [Rule::Expiry]);
    for (at, value, rule) in [
        (
            "TableArn",
            json!(TABLE.replace("example", "other")),
            Rule::OtherTable,
        ),
        ("TableStatus", json!("UPDATING"), Rule::State),
        ("DeletionProtectionEnabled", json!(false), Rule::Unprotected),
        (
            "KeySchema",
            json!([{"AttributeName": "id", "KeyType": "HASH"}]),
            Rule::Keys,
        ),
        (
            "AttributeDefinitions",
            json!([{"AttributeName": "id", "AttributeType": "N"}]),
            Rule::Keys,
        ),
        ("BillingModeSummary", Value::Null, Rule::Billing),
        (
            "Replicas",
            json!([{"RegionName": "eu-west-1"}]),
            Rule::Replicas,
        ),
        ("LocalSecondaryIndexes", json!([{}]), Rule::Index),
        ("GlobalSecondaryIndexes", json!([{}]), Rule::Index),
        (
            "StreamSpecification",
            json!({"StreamEnabled": true}),
            Rule::Stream,
        ),
    ] {
        let mut table = good.clone();
        table["Table"][at] = value;
        assert_eq!(rules(&table, "ENABLED", "DISABLED"), [rule], "{at}");
    }
}

#[test]
fn only_principals_of_the_tables_account_make_a_policy() {
    let with = |enclave: &str, administrators: &[&str]| {
        let administrators = administrators.iter().map(|&a| a.to_owned()).collect();
        TablePolicy {
            enclave: enclave.to_owned(),
            administrators,
            ..made()
        }
        .policy()
    };
    assert!(with(ENCLAVE, &[ADMINISTRATOR, "arn:aws:iam::111122223333:root"]).is_ok());
    for (enclave, administrators, problem) in [
        (
            "arn:aws:iam::444455556666:user/x",
            &[ADMINISTRATOR][..],
            "the enclave's principal",
        ),
        (
            "arn:aws-cn:iam::111122223333:user/x",
            &[ADMINISTRATOR],
            "the enclave's principal",
        ),
        (
            "arn:aws:iam::111122223333:root",
            &[ADMINISTRATOR],
            "the enclave's principal",
        ),
        (ENCLAVE, &[], "there is no administrator"),
        (
            ENCLAVE,
            &["arn:aws:iam::111122223333:role/*"],
            "an administrator is",
        ),
        (
            ENCLAVE,
            &["arn:aws:sts::111122223333:assumed-role/a/b"],
            "an administrator is",
        ),
        (ENCLAVE, &[ENCLAVE], "is both"),
    ] {
        let error = with(enclave, administrators).unwrap_err().to_string();
        assert!(
            error.contains(problem) && error.contains("accepted"),
            "{error}"
        );
    }
    let many: Vec<_> = (0..400).map(|n| format!("{ADMINISTRATOR}-{n}")).collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    assert!(matches!(
        with(ENCLAVE, &many),
        Err(TablePolicyError::TooLong(_))
    ));
}

#[test]
fn what_does_not_describe_an_account_or_a_table_is_refused() {
    let lists =
        json!({"UserDetailList": [], "RoleDetailList": [], "GroupDetailList": [], "Policies": []});
    assert!(Account::from_json(&lists.to_string()).is_ok());
    let mut truncated = lists.clone();
    truncated["IsTruncated"] = json!(true);
    for text in [
        "",
        "{}",
        &truncated.to_string(),
        &lists.to_string().replace("RoleDetailList", "Roles"),
    ] {
        let error = Account::from_json(text).unwrap_err().to_string();
        assert!(error.contains("accepted"), "{error}");
    }
    assert!(Description::from_json("{\"Table\": 1}").is_err());
}

#[test]
fn the_document_on_the_table_explains_every_rule_by_its_name() {
    let document = include_str!("../../../docs/store-table.md");
    for rule in Rule::all() {
        assert!(document.contains(&format!("`{rule}`")), "{rule}");
    }
}
