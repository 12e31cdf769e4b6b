//! Which records open, and which do not.

use super::*;

fn key(region: &str) -> KeyArn {
    format!("arn:aws:kms:{region}:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab")
        .parse()
        .unwrap()
}

fn secret(byte: u8) -> RootSecret {
    RootSecret::new(Zeroizing::new([byte; ROOT_SECRET_LEN]))
}

fn derivation() -> DerivationRoot {
    DerivationRoot::new(Zeroizing::new([4; 32]))
}

fn sealed(version: u64) -> RootRecord {
    let mut secrets = RootSecrets::new(1, secret(1), derivation());
    secrets.insert(2, secret(2));
    secrets.insert(3, secret(3));
    let proven = Proven {
        blob: vec![7; 180],
        documents: vec![vec![8; 100]],
    };
    RootRecord::seal(
        &secrets,
        (RootName::Deployment, "test"),
        &key("us-east-1"),
        proven,
        version,
    )
    .unwrap()
}

#[test]
fn every_epoch_and_the_derivation_root_open_with_the_newest_root_secret() {
    let record = RootRecord::decode(&sealed(5).encode()).unwrap();
    record.check("test", &key("us-east-1"), 1).unwrap();
    let opened = record.open(RootName::Deployment, secret(3), 5, 1).unwrap();
    assert_eq!(opened.epochs(), "1, 2, 3");
    assert_eq!(opened.of_epoch(1).unwrap().expose(), [1; 32]);
    assert_eq!(opened.newest().1.expose(), [3; 32]);
    assert_eq!(opened.derivation().expose(), [4; 32]);
}

#[test]
fn epochs_before_the_oldest_accepted_are_left_out() {
    assert_eq!(
        sealed(5)
            .open(RootName::Deployment, secret(3), 5, 2)
            .unwrap()
            .epochs(),
        "2, 3"
    );
    let refused = sealed(5).check("test", &key("us-east-1"), 4).unwrap_err();
    assert!(
        refused.to_string().contains("accepts 4 and later"),
        "{refused}"
    );
}

#[test]
fn another_data_key_does_not_open_what_is_sealed_beside_the_blob() {
    assert!(matches!(
        sealed(5).open(RootName::Deployment, secret(9), 5, 1),
        Err(RootRecordError::Secrets(_))
    ));
}

#[test]
fn a_record_of_another_version_does_not_open() {
    assert!(matches!(
        sealed(5).open(RootName::Deployment, secret(3), 6, 1),
        Err(RootRecordError::Secrets(_))
    ));
}

#[test]
fn what_differs_is_named() {
    let record = sealed(1);
    for (deployment, key, named) in [
        ("other", key("us-east-1"), "deployment"),
        ("test", key("eu-central-1"), "region"),
    ] {
        let error = record.check(deployment, &key, 1).unwrap_err().to_string();
        assert!(error.contains(named), "{error}");
    }
    let other = RootRecord {
        purpose: "other".to_owned(),
        ..record
    };
    let error = other
        .check("test", &key("us-east-1"), 1)
        .unwrap_err()
        .to_string();
    assert!(error.contains("\"other\""), "{error}");
}

#[test]
fn no_other_bytes_decode() {
    let bytes = sealed(1).encode();
    for length in 0..bytes.len() {
        assert!(RootRecord::decode(&bytes[..length]).is_err(), "{length}");
    }
    let longer = [bytes.as_slice(), &[0]].concat();
    assert!(RootRecord::decode(&longer).is_err());
    // Format 1, and the same array in indefinite length.
    let mut other = bytes.clone();
    other[1] = 1;
    assert!(RootRecord::decode(&other).is_err());
    let mut indefinite = bytes;
    indefinite[0] = 0x9f;
    indefinite.push(0xff);
    assert!(RootRecord::decode(&indefinite).is_err());
}
