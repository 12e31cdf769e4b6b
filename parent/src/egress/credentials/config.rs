//! `[credentials]`: the credentials that the enclave signs AWS requests with.

use std::time::Duration;

use permafrost_common::egress::Credentials;
use serde::Deserialize;
use serde::de::Deserializer;

use crate::config::milliseconds;

/// `[credentials]`.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct CredentialsConfig {
    /// Where the credentials come from.
    pub source: CredentialsSource,
    /// For [`CredentialsSource::Aws`]: only this profile of the AWS configuration files, instead of the whole chain.
    #[serde(deserialize_with = "name")]
    pub profile: Option<String>,
    /// The time for a whole fetch.
    #[serde(
        rename = "timeout_ms",
        deserialize_with = "milliseconds::<_, 100, 60_000>"
    )]
    pub timeout: Duration,
    /// How long before credentials expire new ones are fetched.
    #[serde(
        rename = "refresh_before_ms",
        deserialize_with = "milliseconds::<_, 0, 3_600_000>"
    )]
    pub refresh_before: Duration,
}

/// Where credentials come from.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum CredentialsSource {
    /// The AWS SDK's default chain: environment, profile, web identity, container, then the instance's metadata (IMDSv2).
    #[default]
    Aws,
    /// No source: there are no credentials.
    None,
    /// These credentials, for development stacks and tests; not available in a configuration file.
    #[serde(skip_deserializing)]
    Fixed(Credentials),
}

impl Default for CredentialsConfig {
    fn default() -> Self {
        Self {
            source: CredentialsSource::Aws,
            profile: None,
            timeout: Duration::from_secs(10),
            refresh_before: Duration::from_secs(600),
        }
    }
}

/// An empty name means no profile.
fn name<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    let name = String::deserialize(from)?;
    Ok(Some(name).filter(|name| !name.is_empty()))
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    use super::*;

    #[test]
    fn a_source_is_aws_or_none() {
        let parse = |text: &str| Config::parse(&format!("[credentials]\n{text}"));
        let source = |text| parse(text).unwrap().credentials.source;
        assert_eq!(source(""), CredentialsSource::Aws);
        assert_eq!(source("source = \"aws\""), CredentialsSource::Aws);
        assert_eq!(source("source = \"none\""), CredentialsSource::None);
        for text in [
            "source = \"imds\"",
            "source = \"fixed\"",
            "source = { fixed = { AccessKeyId = \"AKIAIOSFODNN7EXAMPLE\", SecretAccessKey = \"s\" } }",
            "access_key_id = \"AKIAIOSFODNN7EXAMPLE\"",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
        let text = parse("source = \"imds\"").unwrap_err().to_string();
        assert!(text.contains("`aws`") && text.contains("`none`"), "{text}");
    }

    #[test]
    fn an_empty_profile_means_no_profile() {
        let profile = |text: &str| {
            let text = format!("[credentials]\nprofile = \"{text}\"");
            Config::parse(&text).unwrap().credentials.profile
        };
        assert_eq!(profile(""), None);
        assert_eq!(profile("permafrost").as_deref(), Some("permafrost"));
    }
}
