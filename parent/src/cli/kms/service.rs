//! AWS KMS, called through the AWS SDK.

use std::path::{Path, PathBuf};
use std::time::Duration;

use aws_config::{BehaviorVersion, Region};
use aws_sdk_kms::Client;
use aws_sdk_kms::config::timeout::TimeoutConfig;
use aws_sdk_kms::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_kms::types::{self, KeySpec, KeyUsageType, OriginType};
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use clap::Args;
use permafrost_kms::policy::{Grant, KeyMetadata};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::read_text;
use crate::cli::outcome::{Outcome, with_causes};
use crate::egress::causes_without_content;

/// Where KMS is, and which profile calls it. Credentials come from where the AWS SDKs look for them: the environment, a
/// profile, the instance's role.
#[derive(Args, Clone, Debug)]
pub(super) struct ServiceArguments {
    /// The AWS region. Default: the region of --key, otherwise that of the environment or the profile.
    #[arg(long, value_name = "NAME")]
    pub(super) region: Option<String>,

    /// The profile in the AWS configuration files.
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,

    /// A KMS other than the region's, such as the development KMS: https://localhost:PORT.
    #[arg(long, value_name = "URL")]
    endpoint_url: Option<String>,

    /// The certificates (PEM) that KMS's certificate must lead to. Default: the certificates that the system trusts.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
}

/// KMS in one region.
pub(super) struct Service {
    client: Client,
}

impl ServiceArguments {
    /// Makes a client, but sends nothing yet. `region` is used if the arguments name none.
    pub(super) async fn connect(&self, region: Option<&str>) -> Result<Service, Outcome> {
        let timeouts = TimeoutConfig::builder()
            .operation_timeout(CALL_TIMEOUT)
            .build();
        let mut loader = aws_config::defaults(BehaviorVersion::latest()).timeout_config(timeouts);
        if let Some(region) = self.region.as_deref().or(region) {
            loader = loader.region(Region::new(region.to_owned()));
        }
        if let Some(profile) = &self.profile {
            loader = loader.profile_name(profile);
        }
        let config = loader.load().await;
        if config.region().is_none() {
            return Err(Outcome::wrong_call(
                "the region is missing; accepted: --region, or the environment variable AWS_REGION",
            ));
        }
        let mut builder = aws_sdk_kms::config::Builder::from(&config);
        if let Some(url) = &self.endpoint_url {
            builder = builder.endpoint_url(url);
        }
        if let Some(path) = &self.ca {
            builder = builder.http_client(
                aws_smithy_http_client::Builder::new()
                    .tls_provider(Provider::rustls(CryptoMode::AwsLc))
                    .tls_context(trusting(path)?)
                    .build_https(),
            );
        }
        Ok(Service {
            client: Client::from_conf(builder.build()),
        })
    }
}

impl Service {
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

/// Trusts the certificates of a file and no others. The SDK panics at an invalid certificate, so this function checks them.
fn trusting(path: &Path) -> Result<TlsContext, Outcome> {
    let wrong = |problem: String| Outcome::wrong_call(format!("{}: {problem}", path.display()));
    let pem = read_text(path)?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        certificate
            .map_err(|error| error.to_string())
            .and_then(|der| roots.add(der).map_err(|error| error.to_string()))
            .map_err(|error| wrong(format!("not a certificate: {error}")))?;
    }
    if roots.is_empty() {
        return Err(wrong("there is no certificate in PEM".to_owned()));
    }
    TlsContext::builder()
        .with_trust_store(TrustStore::empty().with_pem_certificate(pem.into_bytes()))
        .build()
        .map_err(|error| wrong(with_causes(&error)))
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

/// The limit for one call, including its retries.
const CALL_TIMEOUT: Duration = Duration::from_secs(60);
