//! What a session is created with: the trust anchor, the profile and the role, by their ARNs (IAM Roles Anywhere API Reference; IAM
//! User Guide, "IAM identifiers").

use crate::aws::{Endpoint, Protocol, Service};

/// A trust anchor and a profile of one region, and a role, all of one account: AWS takes no others together.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Resources {
    trust_anchor: String,
    profile: String,
    role: String,
    partition: String,
    region: String,
}

/// Which of the ARNs is refused.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{field}: {found:?} is refused; accepted: {accepted}")]
pub struct ResourcesError {
    /// The setting.
    pub field: &'static str,
    /// What it has, at most 200 characters.
    pub found: String,
    /// What would be accepted.
    pub accepted: &'static str,
}

impl Resources {
    /// Checks the three ARNs, and that they belong together.
    ///
    /// # Errors
    /// [`ResourcesError`] names the first setting that is refused.
    pub fn new(trust_anchor: &str, profile: &str, role: &str) -> Result<Self, ResourcesError> {
        let anchor = Parts::of(trust_anchor)
            .filter(|parts| parts.is_of_roles_anywhere("trust-anchor/"))
            .ok_or_else(|| refused("trust_anchor_arn", trust_anchor, TRUST_ANCHOR))?;
        let Parts {
            partition,
            region,
            account,
            ..
        } = anchor;
        Parts::of(profile)
            .filter(|parts| parts.is_of_roles_anywhere("profile/"))
            .filter(|parts| {
                [parts.partition, parts.region, parts.account] == [partition, region, account]
            })
            .ok_or_else(|| refused("profile_arn", profile, PROFILE))?;
        Parts::of(role)
            .filter(Parts::is_role)
            .filter(|parts| [parts.partition, parts.account] == [partition, account])
            .ok_or_else(|| refused("role_arn", role, ROLE))?;
        Ok(Self {
            trust_anchor: trust_anchor.to_owned(),
            profile: profile.to_owned(),
            role: role.to_owned(),
            partition: partition.to_owned(),
            region: region.to_owned(),
        })
    }

    /// The ARN of the trust anchor.
    pub fn trust_anchor(&self) -> &str {
        &self.trust_anchor
    }

    /// The id of the trust anchor, a UUID.
    pub fn trust_anchor_id(&self) -> &str {
        self.trust_anchor.rsplit('/').next().unwrap_or_default()
    }

    /// The ARN of the profile.
    pub fn profile(&self) -> &str {
        &self.profile
    }

    /// The ARN of the role.
    pub fn role(&self) -> &str {
        &self.role
    }

    /// The host name of the service in the region of the trust anchor (AWS General Reference, "AWS Identity and Access Management Roles
    /// Anywhere endpoints and quotas"). The partitions `aws`, `aws-cn` and `aws-us-gov` have one; for another the configuration has to
    /// name it.
    pub fn endpoint_host(&self, endpoint: Endpoint) -> Option<String> {
        let domain = endpoint.domain(&self.partition)?;
        let service = match endpoint.fips {
            true => "rolesanywhere-fips",
            false => "rolesanywhere",
        };
        Some(format!("{service}.{}.{domain}", self.region))
    }

    /// The service at a host.
    pub fn service(&self, host: String, port: u16) -> Service {
        Service {
            title: "IAM Roles Anywhere",
            name: "rolesanywhere",
            region: self.region.clone(),
            host,
            port,
            protocol: Protocol::Rest,
        }
    }
}

/// The parts of an ARN: `arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE`.
#[derive(Clone, Copy)]
struct Parts<'a> {
    partition: &'a str,
    service: &'a str,
    region: &'a str,
    account: &'a str,
    resource: &'a str,
}

impl<'a> Parts<'a> {
    fn of(arn: &'a str) -> Option<Self> {
        let parts: Vec<&str> = arn.split(':').collect();
        let ["arn", partition, service, region, account, resource] = parts.as_slice() else {
            return None;
        };
        let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
        (is_label(partition) && is_account).then_some(Self {
            partition,
            service,
            region,
            account,
            resource,
        })
    }

    fn is_of_roles_anywhere(&self, kind: &str) -> bool {
        // A UUID (RFC 9562), as AWS makes them.
        let is_id = |id: &str| {
            let lengths: Vec<usize> = id.split('-').map(str::len).collect();
            let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'-');
            lengths == [8, 4, 4, 4, 12] && id.bytes().all(is_hex)
        };
        self.service == "rolesanywhere"
            && is_label(self.region)
            && self.resource.strip_prefix(kind).is_some_and(is_id)
    }

    fn is_role(&self) -> bool {
        let is_name = |name: &str| {
            let is_byte = |b: u8| b.is_ascii_alphanumeric() || b"+=,.@_-/".contains(&b);
            let last = name.rsplit('/').next().unwrap_or_default();
            (1..=64).contains(&last.len()) && name.len() <= 576 && name.bytes().all(is_byte)
        };
        self.service == "iam"
            && self.region.is_empty()
            && self.resource.strip_prefix("role/").is_some_and(is_name)
    }
}

fn is_label(text: &str) -> bool {
    (1..=32).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

fn refused(field: &'static str, found: &str, accepted: &'static str) -> ResourcesError {
    ResourcesError {
        field,
        found: found.chars().take(200).collect(),
        accepted,
    }
}

const TRUST_ANCHOR: &str = "arn:PARTITION:rolesanywhere:REGION:ACCOUNT:trust-anchor/UUID";
const PROFILE: &str = "arn:PARTITION:rolesanywhere:REGION:ACCOUNT:profile/UUID, in the region and the account of the trust anchor";
const ROLE: &str = "arn:PARTITION:iam::ACCOUNT:role/NAME, in the account of the trust anchor";

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "41c0bae6-6783-40d4-ab20-65dc5d922e45";

    fn resources(partition: &str, region: &str) -> Resources {
        Resources::new(
            &format!("arn:{partition}:rolesanywhere:{region}:111122223333:trust-anchor/{ID}"),
            &format!("arn:{partition}:rolesanywhere:{region}:111122223333:profile/{ID}"),
            &format!("arn:{partition}:iam::111122223333:role/permafrost/store"),
        )
        .unwrap()
    }

    /// What botocore 1.43.11 makes of its rules.
    #[test]
    fn the_endpoints_are_those_of_awss_own_client() {
        for (partition, region, plain, dual_stack) in [
            ("aws", "eu-central-1", "amazonaws.com", "api.aws"),
            ("aws-us-gov", "us-gov-west-1", "amazonaws.com", "api.aws"),
            (
                "aws-cn",
                "cn-north-1",
                "amazonaws.com.cn",
                "api.amazonwebservices.com.cn",
            ),
        ] {
            let resources = resources(partition, region);
            for (fips, service) in [(false, "rolesanywhere"), (true, "rolesanywhere-fips")] {
                for (is_dual, domain) in [(false, plain), (true, dual_stack)] {
                    let endpoint = Endpoint {
                        fips,
                        dual_stack: is_dual,
                    };
                    assert_eq!(
                        resources.endpoint_host(endpoint).unwrap(),
                        format!("{service}.{region}.{domain}")
                    );
                }
            }
        }
        let isolated = resources("aws-iso", "us-iso-east-1");
        assert_eq!(isolated.endpoint_host(Endpoint::default()), None);
        assert_eq!(isolated.trust_anchor_id(), ID);
    }

    #[test]
    fn arns_that_do_not_belong_together_are_refused_by_the_name_of_the_setting() {
        let good = resources("aws", "eu-central-1");
        let [anchor, profile, role] = [good.trust_anchor(), good.profile(), good.role()];
        let anchors = [
            "arn:aws:rolesanywhere:eu-central-1:111122223333:profile/41c0bae6-6783-40d4-ab20-65dc5d922e45",
            "arn:aws:rolesanywhere:eu-central-1:1111:trust-anchor/41c0bae6-6783-40d4-ab20-65dc5d922e45",
            "arn:aws:rolesanywhere:EU:111122223333:trust-anchor/41c0bae6-6783-40d4-ab20-65dc5d922e45",
            "arn:aws:rolesanywhere:eu-central-1:111122223333:trust-anchor/41c0bae6-6783-40d4-ab20",
            "arn:aws:acm-pca:eu-central-1:111122223333:trust-anchor/41c0bae6-6783-40d4-ab20-65dc5d922e45",
            "",
        ];
        for found in anchors {
            let error = Resources::new(found, profile, role).unwrap_err();
            assert_eq!(error.field, "trust_anchor_arn", "{error}");
        }
        for found in [
            profile.replace("eu-central-1", "eu-west-1"),
            profile.replace("111122223333", "444455556666"),
            profile.replace("arn:aws:", "arn:aws-cn:"),
            profile.replace("profile", "trust-anchor"),
        ] {
            let error = Resources::new(anchor, &found, role).unwrap_err();
            assert_eq!(error.field, "profile_arn", "{error}");
        }
        for found in [
            role.replace("111122223333", "444455556666"),
            role.replace("role/", "user/"),
            role.replace("iam::", "iam:eu-central-1:"),
            role.replace("store", ""),
            role.replace("store", "the store"),
        ] {
            let error = Resources::new(anchor, profile, &found).unwrap_err();
            assert_eq!(error.field, "role_arn", "{error}");
        }
    }
}
