//! Aliases.

use super::*;

fn names(kms: &Kms, input: Value) -> Vec<String> {
    let listed = kms.admin("ListAliases", input).unwrap();
    let aliases = listed["Aliases"].as_array().unwrap();
    aliases
        .iter()
        .map(|alias| alias["AliasName"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn an_alias_is_made_moved_and_deleted() {
    let kms = Kms::start().await;
    let (first, second) = (kms.key(), kms.key());
    let target = |key: &str| json!({"AliasName": "alias/a/b", "TargetKeyId": key});
    assert_eq!(
        kms.admin("CreateAlias", target(&first)).unwrap(),
        Value::Null
    );
    let described = |kms: &Kms| {
        kms.admin("DescribeKey", json!({"KeyId": "alias/a/b"}))
            .unwrap()["KeyMetadata"]["Arn"]
            .clone()
    };
    assert_eq!(described(&kms), json!(first));
    let message = refused(
        kms.admin("CreateAlias", target(&second)),
        "AlreadyExistsException",
    );
    assert!(message.contains("alias/a/b already exists"), "{message}");
    kms.admin("UpdateAlias", target(&second)).unwrap();
    assert_eq!(described(&kms), json!(second));
    assert_eq!(names(&kms, json!({})), ["alias/a/b"]);
    assert_eq!(names(&kms, json!({"KeyId": second})), ["alias/a/b"]);
    assert!(names(&kms, json!({"KeyId": first})).is_empty());
    kms.admin("DeleteAlias", json!({"AliasName": "alias/a/b"}))
        .unwrap();
    for (action, input) in [
        ("DescribeKey", json!({"KeyId": "alias/a/b"})),
        ("DeleteAlias", json!({"AliasName": "alias/a/b"})),
        ("UpdateAlias", target(&first)),
    ] {
        refused(kms.admin(action, input), "NotFoundException");
    }
}

#[tokio::test]
async fn a_wrong_name_is_refused() {
    let kms = Kms::start().await;
    let key = kms.key();
    for (name, error) in [
        ("permafrost", "ValidationException"),
        ("alias/", "ValidationException"),
        ("alias/a b", "ValidationException"),
        ("alias/ä", "ValidationException"),
        ("alias/aws/kms", "NotAuthorizedException"),
        (&format!("alias/{}", "a".repeat(251)), "ValidationException"),
    ] {
        let input = json!({"AliasName": name, "TargetKeyId": key});
        refused(kms.admin("CreateAlias", input), error);
    }
    for input in [json!({"AliasName": "alias/a"}), json!({"TargetKeyId": key})] {
        refused(kms.admin("CreateAlias", input), "ValidationException");
    }
    let id_of_none = json!({"AliasName": key, "TargetKeyId": key});
    refused(kms.admin("UpdateAlias", id_of_none), "NotFoundException");
    refused(
        kms.admin("DeleteAlias", json!({"AliasName": key})),
        "NotFoundException",
    );
}

#[tokio::test]
async fn an_alias_needs_iam_and_the_keys_policy() {
    let kms = Kms::start().await;
    let open = kms.key_for_enclave(everything());
    let input = json!({"AliasName": "alias/a", "TargetKeyId": open});
    // The key's policy allows it, IAM does not.
    let message = refused(
        kms.enclave("CreateAlias", input.clone()),
        "AccessDeniedException",
    );
    assert!(
        message.contains("on resource: arn:aws:kms:us-east-1:111122223333:alias/a"),
        "{message}"
    );
    kms.admin("CreateAlias", input).unwrap();
    let closed = kms.key_for_enclave(json!({
        "Effect": "Deny", "Principal": "*", "Action": "kms:*Alias",
    }));
    for action in ["CreateAlias", "UpdateAlias"] {
        let name = if action == "CreateAlias" {
            "alias/b"
        } else {
            "alias/a"
        };
        let input = json!({"AliasName": name, "TargetKeyId": closed});
        refused(kms.admin(action, input), "AccessDeniedException");
    }
}
