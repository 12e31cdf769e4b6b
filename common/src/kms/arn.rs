//! The full name of a KMS key (AWS General Reference, "Amazon Resource Names").

use std::fmt;
use std::str::FromStr;

/// `arn:PARTITION:kms:REGION:ACCOUNT:key/ID`. An alias is not accepted: anyone who may move it would choose the key.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct KeyArn {
    text: String,
    /// Where each part ends: partition, region, account.
    ends: [usize; 3],
}

/// Why a text is not the ARN of a KMS key.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "{found:?} is not the ARN of a KMS key: {rule}; accepted: arn:PARTITION:kms:REGION:ACCOUNT:key/ID, no alias"
)]
pub struct ArnError {
    found: String,
    rule: &'static str,
}

/// The longest ARN (AWS KMS API reference, `KeyId`).
const ARN_MAX: usize = 2048;

const PREFIX: &str = "arn:";
const SERVICE: &str = ":kms:";
const KEY: &str = ":key/";

impl KeyArn {
    /// `aws`, `aws-cn`, `aws-us-gov`, ...
    pub fn partition(&self) -> &str {
        self.part(PREFIX.len(), self.ends[0])
    }

    /// E.g. `eu-central-1`.
    pub fn region(&self) -> &str {
        self.part(self.ends[0] + SERVICE.len(), self.ends[1])
    }

    /// The account's number: 12 digits.
    pub fn account(&self) -> &str {
        self.part(self.ends[1] + 1, self.ends[2])
    }

    /// The key's id: a UUID, or `mrk-` and 32 hexadecimal digits for a multi-Region key.
    pub fn key_id(&self) -> &str {
        self.part(self.ends[2] + KEY.len(), self.text.len())
    }

    /// The whole ARN.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The host name of KMS in the key's region (AWS General Reference, "AWS KMS endpoints and quotas").
    pub fn endpoint_host(&self) -> String {
        let domain = match self.partition() {
            "aws-cn" => "amazonaws.com.cn",
            _ => "amazonaws.com",
        };
        format!("kms.{}.{domain}", self.region())
    }

    /// The first of partition, region, account and key that differs from `other`, for people.
    pub fn difference(&self, other: &Self) -> Option<&'static str> {
        let parts = [
            ("partition", self.partition(), other.partition()),
            ("region", self.region(), other.region()),
            ("account", self.account(), other.account()),
            ("key", self.key_id(), other.key_id()),
        ];
        parts
            .into_iter()
            .find_map(|(name, ours, theirs)| (ours != theirs).then_some(name))
    }

    fn part(&self, from: usize, to: usize) -> &str {
        self.text.get(from..to).unwrap_or_default()
    }
}

impl FromStr for KeyArn {
    type Err = ArnError;

    fn from_str(text: &str) -> Result<Self, ArnError> {
        let refuse = |rule| {
            Err(ArnError {
                found: text.chars().take(128).collect(),
                rule,
            })
        };
        if text.len() > ARN_MAX {
            return refuse("it is longer than 2048 bytes");
        }
        let parts: Vec<&str> = text.split(':').collect();
        let [arn, partition, service, region, account, resource] = parts.as_slice() else {
            return refuse("it does not have six parts separated by colons");
        };
        if *arn != "arn" || *service != "kms" {
            return refuse("it does not begin with arn:PARTITION:kms");
        }
        if !is_label(partition) || !is_label(region) {
            return refuse("the partition or the region has characters other than a-z, 0-9 and -");
        }
        if account.len() != 12 || !account.bytes().all(|b| b.is_ascii_digit()) {
            return refuse("the account is not 12 digits");
        }
        let Some(id) = resource.strip_prefix("key/") else {
            return refuse("the resource is not key/ID");
        };
        if !is_key_id(id) {
            return refuse("the key's id is not a UUID, nor mrk- and 32 hexadecimal digits");
        }
        let partition_end = PREFIX.len() + partition.len();
        let region_end = partition_end + SERVICE.len() + region.len();
        Ok(Self {
            ends: [partition_end, region_end, region_end + 1 + account.len()],
            text: text.to_owned(),
        })
    }
}

impl fmt::Display for KeyArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn is_label(text: &str) -> bool {
    (1..=32).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

fn is_key_id(text: &str) -> bool {
    let hexadecimal = |part: &str, length| {
        part.len() == length
            && part
                .bytes()
                .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    if let Some(multi_region) = text.strip_prefix("mrk-") {
        return hexadecimal(multi_region, 32);
    }
    let groups: Vec<&str> = text.split('-').collect();
    groups.len() == 5
        && groups
            .iter()
            .zip([8, 4, 4, 4, 12])
            .all(|(group, length)| hexadecimal(group, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str =
        "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

    #[test]
    fn an_arn_is_parsed_into_its_parts() {
        let arn: KeyArn = ARN.parse().unwrap();
        assert_eq!(arn.partition(), "aws");
        assert_eq!(arn.region(), "eu-central-1");
        assert_eq!(arn.account(), "111122223333");
        assert_eq!(arn.key_id(), "1234abcd-12ab-34cd-56ef-1234567890ab");
        assert_eq!(arn.to_string(), ARN);
        assert_eq!(arn.endpoint_host(), "kms.eu-central-1.amazonaws.com");
        let china: KeyArn = ARN.replace("aws:", "aws-cn:").parse().unwrap();
        assert_eq!(china.endpoint_host(), "kms.eu-central-1.amazonaws.com.cn");
        let multi: KeyArn = format!("{}mrk-{}", &ARN[..ARN.len() - 36], "0a".repeat(16))
            .parse()
            .unwrap();
        assert!(multi.key_id().starts_with("mrk-"));
    }

    #[test]
    fn what_is_not_the_arn_of_a_key_is_refused() {
        for text in [
            "",
            "alias/permafrost",
            "1234abcd-12ab-34cd-56ef-1234567890ab",
            "arn:aws:kms:eu-central-1:111122223333:alias/permafrost",
            &ARN.replace("kms", "s3"),
            &ARN.replace("111122223333", "11112222333"),
            &ARN.replace("eu-central-1", "EU"),
            &ARN.replace("eu-central-1", ""),
            &ARN.replace("1234abcd-", ""),
            &ARN.replace("1234abcd-", "1234ABCD-"),
            &format!("{ARN} "),
            &format!("{ARN}:1"),
        ] {
            let error = text.parse::<KeyArn>().unwrap_err().to_string();
            assert!(error.contains("accepted: arn:"), "{error}");
        }
    }

    #[test]
    fn the_part_that_differs_is_named() {
        let arn: KeyArn = ARN.parse().unwrap();
        for (other, part) in [
            (ARN.replace("aws:", "aws-cn:"), "partition"),
            (ARN.replace("eu-", "us-"), "region"),
            (ARN.replace("111122223333", "111122223334"), "account"),
            (ARN.replace("1234abcd", "1234abce"), "key"),
        ] {
            assert_eq!(arn.difference(&other.parse().unwrap()), Some(part));
        }
        assert_eq!(arn.difference(&arn), None);
    }
}
