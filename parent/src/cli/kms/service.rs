//! AWS KMS, called through the AWS SDK.

use aws_sdk_kms::Client;
use aws_sdk_kms::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_kms::types::{self, KeySpec, KeyUsageType, OriginType};
use permafrost_kms::policy::{Grant, KeyMetadata};

use crate::cli::aws::{AwsArguments, PROVIDER};
use crate::cli::outcome::Outcome;
use crate::egress::causes_without_content;

/// KMS in one region.
pub(super) struct Service {
    client: Client,
}

impl Service {
    /// Makes a client, but sends nothing yet. `region` is used if the arguments name none.
    pub(super) async fn connect(
        arguments: &AwsArguments,
        region: Option<&str>,
    ) -> Result<Self, Outcome> {
        let config = arguments.load(region).await?;
        let mut builder = aws_sdk_kms::config::Builder::from(&config);
        if let Some(url) = &arguments.endpoint_url {
            builder = builder.endpoint_url(url);
        }
        if let Some(tls) = arguments.tls()? {
            builder = builder.http_client(
                aws_smithy_http_client::Builder::new()
                    .tls_provider(PROVIDER)
                    .tls_context(tls)
                    .build_https(),
            );
        }
        Ok(Self {
            client: Client::from_conf(builder.build()),
        })
    }

    /// The metadata of the key with this ARN or alias; nothing if there is no such key.
    pub(super) async fn describe(&self, key: &str) -> Result<Option<KeyMetadata>, Outcome> {
        let response = match self.client.describe_key().key_id(key).send().await {
            Ok(response) => response,
            Err(error) if error.code() == Some("NotFoundException") => return Ok(None),
            Err(error) => return Err(failed("DescribeKey", &error)),
        };
        metadata("DescribeKey", response.key_metadata()).map(Some)
    }

    /// The policy of a key.
    pub(super) async fn policy(&self, key: &str) -> Result<String, Outcome> {
        let call = self.client.get_key_policy().key_id(key);
        let response = call.policy_name(POLICY_NAME).send().await;
        response
            .map_err(|error| failed("GetKeyPolicy", &error))?
            .policy
            .ok_or_else(|| Outcome::failed("KMS GetKeyPolicy: a response without a policy"))
    }

    /// All grants of a key; nothing if this KMS has no grants.
    pub(super) async fn grants(&self, key: &str) -> Result<Option<Vec<Grant>>, Outcome> {
        let mut pages = self
            .client
            .list_grants()
            .key_id(key)
            .into_paginator()
            .items()
            .send();
        let mut grants = Vec::new();
        while let Some(entry) = pages.next().await {
            match entry {
                Ok(entry) => grants.push(grant(&entry)),
                // Only a development KMS responds like this, and it cannot make grants either.
                Err(error) if error.code().is_some_and(|code| NO_GRANTS.contains(&code)) => {
                    return Ok(None);
                }
                Err(error) => return Err(failed("ListGrants", &error)),
            }
        }
        Ok(Some(grants))
    }

    /// Makes a symmetric encryption key in this region, with key material that KMS generates.
    pub(super) async fn create_key(
        &self,
        policy: &str,
        description: &str,
        bypass_lockout_check: bool,
    ) -> Result<KeyMetadata, Outcome> {
        let response = self
            .client
            .create_key()
            .policy(policy)
            .description(description)
            .origin(OriginType::AwsKms)
            .key_spec(KeySpec::SymmetricDefault)
            .key_usage(KeyUsageType::EncryptDecrypt)
            .multi_region(false)
            .bypass_policy_lockout_safety_check(bypass_lockout_check)
            .send()
            .await
            .map_err(|error| failed("CreateKey", &error))?;
        metadata("CreateKey", response.key_metadata())
    }

    /// Gives a key an alias.
    pub(super) async fn create_alias(&self, alias: &str, key: &str) -> Result<(), Outcome> {
        let call = self.client.create_alias().alias_name(alias);
        match call.target_key_id(key).send().await {
            Ok(_) => Ok(()),
            Err(error) => Err(failed("CreateAlias", &error)),
        }
    }

    /// Replaces the policy of a key.
    pub(super) async fn put_policy(
        &self,
        key: &str,
        policy: &str,
        bypass_lockout_check: bool,
    ) -> Result<(), Outcome> {
        let call = self.client.put_key_policy().key_id(key).policy(policy);
        let call = call.policy_name(POLICY_NAME);
        match call
            .bypass_policy_lockout_safety_check(bypass_lockout_check)
            .send()
            .await
        {
            Ok(_) => Ok(()),
            Err(error) => Err(failed("PutKeyPolicy", &error)),
        }
    }
}

fn metadata(call: &str, found: Option<&types::KeyMetadata>) -> Result<KeyMetadata, Outcome> {
    let key = found
        .filter(|key| key.arn().is_some() && key.origin().is_some())
        .ok_or_else(|| {
            Outcome::failed(format!(
                "KMS {call}: a response without the key's ARN or origin"
            ))
        })?;
    Ok(KeyMetadata {
        arn: key.arn().map(str::to_owned),
        origin: key
            .origin()
            .map(|origin| origin.as_str())
            .unwrap_or_default()
            .to_owned(),
        key_spec: key.key_spec().map(|spec| spec.as_str().to_owned()),
        key_usage: key.key_usage().map(|usage| usage.as_str().to_owned()),
        multi_region: key.multi_region(),
        custom_key_store_id: key.custom_key_store_id().map(str::to_owned),
        key_state: key.key_state().map(|state| state.as_str().to_owned()),
    })
}

fn grant(entry: &types::GrantListEntry) -> Grant {
    Grant {
        grant_id: entry.grant_id().unwrap_or_default().to_owned(),
        grantee_principal: entry.grantee_principal().unwrap_or_default().to_owned(),
        operations: entry
            .operations()
            .iter()
            .map(|operation| operation.as_str().to_owned())
            .collect(),
    }
}

/// Why a call failed: the error that KMS responded with, or what prevented a response.
fn failed<E, R>(call: &str, error: &SdkError<E, R>) -> Outcome
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug + 'static,
{
    let why = match (error.code(), error.message()) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (Some(code), None) => code.to_owned(),
        (None, _) => causes_without_content(error),
    };
    Outcome::failed(format!("KMS {call}: {why}"))
}

/// The only name that a key's policy can have. AWS makes it the default; other servers of this protocol may not.
const POLICY_NAME: &str = "default";

/// The errors with which a KMS without grants responds to `ListGrants`.
const NO_GRANTS: [&str; 2] = ["UnknownOperationException", "UnsupportedOperationException"];
