//! The full name of a DynamoDB table (AWS General Reference, "Amazon Resource Names"), and where it is.

use std::fmt;
use std::str::FromStr;

/// `arn:PARTITION:dynamodb:REGION:ACCOUNT:table/NAME`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TableArn {
    partition: String,
    region: String,
    account: String,
    name: String,
}

/// Why a text is not the ARN of a table.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "{found:?} is not the ARN of a table: {rule}; accepted: arn:PARTITION:dynamodb:REGION:ACCOUNT:table/NAME"
)]
pub struct TableArnError {
    found: String,
    rule: &'static str,
}

/// Which of a region's endpoints.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Endpoint {
    /// The one whose cryptography is validated (FIPS 140-3).
    pub fips: bool,
    /// The one that has IPv6 addresses, too.
    pub dual_stack: bool,
}

impl Endpoint {
    /// The domain of a partition's endpoints; of another partition than `aws`, `aws-cn` and `aws-us-gov` none is known.
    pub fn domain(self, partition: &str) -> Option<&'static str> {
        let (domain, dual_stack_domain) = match partition {
            "aws" | "aws-us-gov" => ("amazonaws.com", "api.aws"),
            "aws-cn" => ("amazonaws.com.cn", "api.amazonwebservices.com.cn"),
            _ => return None,
        };
        match self.dual_stack {
            true => Some(dual_stack_domain),
            false => Some(domain),
        }
    }
}

impl TableArn {
    /// `aws`, `aws-cn`, `aws-us-gov`, ...
    pub fn partition(&self) -> &str {
        &self.partition
    }

    /// The account's number: 12 digits.
    pub fn account(&self) -> &str {
        &self.account
    }

    /// E.g. `eu-central-1`.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// The table's name: 3 to 255 of letters, digits, `_`, `-` and `.`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The host name of DynamoDB in the table's region (AWS General Reference, "Amazon DynamoDB endpoints and quotas"). The partitions
    /// `aws`, `aws-cn` and `aws-us-gov` have one; for another the configuration has to name it.
    pub fn endpoint_host(&self, endpoint: Endpoint) -> Option<String> {
        let domain = endpoint.domain(&self.partition)?;
        // GovCloud's only endpoint for IPv4 is the validated one.
        let is_plain = self.partition == "aws-us-gov" && !endpoint.dual_stack;
        let service = if endpoint.fips && !is_plain {
            "dynamodb-fips"
        } else {
            "dynamodb"
        };
        Some(format!("{service}.{}.{domain}", self.region))
    }
}

impl FromStr for TableArn {
    type Err = TableArnError;

    fn from_str(text: &str) -> Result<Self, TableArnError> {
        let refuse = |rule| {
            Err(TableArnError {
                found: text.chars().take(128).collect(),
                rule,
            })
        };
        let parts: Vec<&str> = text.split(':').collect();
        let ["arn", partition, "dynamodb", region, account, resource] = parts.as_slice() else {
            return refuse("it does not have six parts that begin with arn:PARTITION:dynamodb");
        };
        let is_label = |text: &str| {
            (1..=32).contains(&text.len())
                && text
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        };
        if !is_label(partition) || !is_label(region) {
            return refuse("the partition or the region has characters other than a-z, 0-9 and -");
        }
        if account.len() != 12 || !account.bytes().all(|b| b.is_ascii_digit()) {
            return refuse("the account is not 12 digits");
        }
        let Some(name) = resource.strip_prefix("table/") else {
            return refuse("the resource is not table/NAME");
        };
        let is_name_byte = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
        if !(3..=255).contains(&name.len()) || !name.bytes().all(is_name_byte) {
            return refuse("the name is not 3 to 255 of letters, digits, _, - and .");
        }
        Ok(Self {
            partition: (*partition).to_owned(),
            region: (*region).to_owned(),
            account: (*account).to_owned(),
            name: name.to_owned(),
        })
    }
}

impl fmt::Display for TableArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "arn:{}:dynamodb:{}:{}:table/{}",
            self.partition, self.region, self.account, self.name
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(partition: &str, region: &str, fips: bool, dual_stack: bool) -> Option<String> {
        let arn: TableArn = format!("arn:{partition}:dynamodb:{region}:111122223333:table/records")
            .parse()
            .unwrap();
        arn.endpoint_host(Endpoint { fips, dual_stack })
    }

    /// What botocore 1.43.11 makes of its rules.
    #[test]
    fn the_endpoints_are_those_of_awss_own_client() {
        for (partition, region, fips, dual_stack, expected) in [
            (
                "aws",
                "eu-central-1",
                false,
                false,
                "dynamodb.eu-central-1.amazonaws.com",
            ),
            (
                "aws",
                "eu-central-1",
                false,
                true,
                "dynamodb.eu-central-1.api.aws",
            ),
            (
                "aws",
                "us-east-1",
                true,
                false,
                "dynamodb-fips.us-east-1.amazonaws.com",
            ),
            (
                "aws",
                "us-east-1",
                true,
                true,
                "dynamodb-fips.us-east-1.api.aws",
            ),
            (
                "aws-cn",
                "cn-north-1",
                false,
                false,
                "dynamodb.cn-north-1.amazonaws.com.cn",
            ),
            (
                "aws-cn",
                "cn-north-1",
                false,
                true,
                "dynamodb.cn-north-1.api.amazonwebservices.com.cn",
            ),
            (
                "aws-us-gov",
                "us-gov-west-1",
                false,
                false,
                "dynamodb.us-gov-west-1.amazonaws.com",
            ),
            (
                "aws-us-gov",
                "us-gov-west-1",
                true,
                false,
                "dynamodb.us-gov-west-1.amazonaws.com",
            ),
            (
                "aws-us-gov",
                "us-gov-west-1",
                false,
                true,
                "dynamodb.us-gov-west-1.api.aws",
            ),
            (
                "aws-us-gov",
                "us-gov-west-1",
                true,
                true,
                "dynamodb-fips.us-gov-west-1.api.aws",
            ),
        ] {
            assert_eq!(host(partition, region, fips, dual_stack).unwrap(), expected);
        }
        assert_eq!(host("aws-iso", "us-iso-east-1", false, false), None);
    }

    #[test]
    fn an_arn_is_read_and_written_alike_or_refused_with_the_rule() {
        let text = "arn:aws:dynamodb:eu-central-1:111122223333:table/my_records-1.x";
        let arn: TableArn = text.parse().unwrap();
        assert_eq!(arn.to_string(), text);
        assert_eq!(
            (arn.region(), arn.name()),
            ("eu-central-1", "my_records-1.x")
        );
        for (text, rule) in [
            ("records", "six parts"),
            (
                "arn:aws:kms:eu-central-1:111122223333:table/records",
                "six parts",
            ),
            ("arn:aws:dynamodb:EU:111122223333:table/records", "region"),
            (
                "arn:aws:dynamodb:eu-central-1:1111:table/records",
                "account",
            ),
            (
                "arn:aws:dynamodb:eu-central-1:111122223333:index/records",
                "table/NAME",
            ),
            (
                "arn:aws:dynamodb:eu-central-1:111122223333:table/re",
                "3 to 255",
            ),
            (
                "arn:aws:dynamodb:eu-central-1:111122223333:table/records/index/x",
                "3 to 255",
            ),
        ] {
            let error = text.parse::<TableArn>().unwrap_err().to_string();
            assert!(
                error.contains(rule) && error.contains("accepted"),
                "{error}"
            );
        }
    }
}
