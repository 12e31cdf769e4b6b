//! Where AWS is, and with which credentials it is called.

use std::path::{Path, PathBuf};
use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use clap::Args;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::cli::outcome::{Outcome, with_causes};
use crate::cli::text_file;

/// Where AWS is, and which profile calls it. Credentials come from where the AWS SDKs look for them: the environment, a
/// profile, the instance's role.
#[derive(Args, Clone, Debug)]
pub(crate) struct AwsArguments {
    /// The AWS region. Default: the region of the ARN that is given, otherwise that of the environment or the profile.
    #[arg(long, value_name = "NAME")]
    pub(crate) region: Option<String>,

    /// The profile in the AWS configuration files.
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,

    /// A server other than those of AWS, such as the development KMS: https://localhost:PORT.
    #[arg(long, value_name = "URL")]
    pub(crate) endpoint_url: Option<String>,

    /// The certificates (PEM) that the server's certificate must lead to. Default: the certificates that the system trusts.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
}

impl AwsArguments {
    /// The region, where credentials come from, and the limits. `region` is used if the arguments name none.
    pub(crate) async fn load(&self, region: Option<&str>) -> Result<SdkConfig, Outcome> {
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
        match config.region() {
            Some(_) => Ok(config),
            None => Err(Outcome::wrong_call(
                "the region is missing; accepted: --region, or the environment variable AWS_REGION",
            )),
        }
    }

    /// What is trusted instead of the system's certificates.
    pub(crate) fn tls(&self) -> Result<Option<TlsContext>, Outcome> {
        self.ca.as_deref().map(trusting).transpose()
    }
}

/// Trusts the certificates of a file and no others. The SDK panics at an invalid certificate, so this function checks them.
fn trusting(path: &Path) -> Result<TlsContext, Outcome> {
    let wrong = |problem: String| Outcome::wrong_call(format!("{}: {problem}", path.display()));
    let pem = text_file::read(path)?;
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

/// How TLS is spoken.
pub(crate) const PROVIDER: Provider = Provider::Rustls(CryptoMode::AwsLc);

/// The limit for one call, including its retries.
pub(crate) const CALL_TIMEOUT: Duration = Duration::from_secs(60);
