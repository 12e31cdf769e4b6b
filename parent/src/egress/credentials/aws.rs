//! Credentials from the AWS SDK.

use std::error::Error;
use std::time::SystemTime;

use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::default_provider::region::DefaultRegionChain;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_sdk_kms::config::ProvideCredentials;
use permafrost_common::egress::Credentials;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tracing::instrument::WithSubscriber;
use tracing::subscriber::NoSubscriber;

use super::cache::{Fetch, Fetched, Fetching};

/// How many characters of an error are passed on at most.
const SHOWN_MAX: usize = 600;

/// The default chain, or one profile. Each fetch starts afresh, so that it sees changed files and never returns expired
/// credentials again.
#[derive(Debug)]
pub(super) struct Aws {
    pub(super) profile: Option<String>,
}

impl Fetch for Aws {
    fn fetch(&self) -> Fetching<'_> {
        // If the SDK does not understand a response, it logs all of it, credentials included.
        Box::pin(self.find().with_subscriber(NoSubscriber::default()))
    }
}

impl Aws {
    async fn find(&self) -> Result<Fetched, String> {
        let found = match &self.profile {
            Some(profile) => {
                let regions = DefaultRegionChain::builder().profile_name(profile).build();
                let config = ProviderConfig::default().with_region(regions.region().await);
                let provider = ProfileFileCredentialsProvider::builder()
                    .configure(&config)
                    .profile_name(profile)
                    .build();
                provider.provide_credentials().await
            }
            None => {
                let chain = DefaultCredentialsChain::builder().build().await;
                chain.provide_credentials().await
            }
        };
        let found = found.map_err(|error| causes_without_content(&error))?;
        let expires = found.expiry();
        Ok(Fetched {
            credentials: Credentials {
                access_key_id: found.access_key_id().to_owned(),
                secret_access_key: found.secret_access_key().to_owned(),
                token: found.session_token().map(str::to_owned),
                expiration: expires.map(rfc3339).transpose()?,
            },
            expires,
        })
    }
}

/// The texts of an error and its causes, in one line.
///
/// Some of them contain all that was received, credentials included, as `Debug` prints it. This function therefore leaves
/// out what follows a brace, up to the next line, where the chain's next source begins.
pub(crate) fn causes_without_content(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    let said = text.lines().filter_map(|line| line.split('{').next());
    let words: Vec<&str> = said.flat_map(str::split_whitespace).collect();
    words.join(" ").chars().take(SHOWN_MAX).collect()
}

/// To the second, in UTC.
fn rfc3339(time: SystemTime) -> Result<String, String> {
    OffsetDateTime::from(time)
        .replace_nanosecond(0)
        .map_err(|error| error.to_string())?
        .format(&Rfc3339)
        .map_err(|error| format!("their expiration cannot be formatted: {error}"))
}
