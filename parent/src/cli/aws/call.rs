//! Calls of DynamoDB and IAM, signed with Signature Version 4.

use std::fmt;
use std::time::{Duration, SystemTime};

use aws_config::SdkConfig;
use aws_credential_types::provider::ProvideCredentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_http_client::Connector;
use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use http_body_util::{BodyExt, Limited};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use permafrost_common::table_arn::{Endpoint, TableArn};
use serde_json::Value;

use super::arguments::{AwsArguments, CALL_TIMEOUT, PROVIDER};
use super::xml;
use crate::cli::outcome::{Outcome, with_causes};

/// DynamoDB and IAM for one table and its account.
pub(crate) struct Aws {
    config: SdkConfig,
    connector: Connector,
    dynamodb: Service,
    iam: Service,
}

/// One service: where it is, and for which name and region requests are signed.
struct Service {
    title: &'static str,
    name: &'static str,
    url: String,
    region: String,
}

/// Why a call has no result.
#[derive(Debug)]
pub(crate) struct Refusal {
    call: String,
    /// AWS's name of the error, if AWS responded.
    code: Option<String>,
    message: String,
}

impl Aws {
    /// Finds the services, but sends nothing yet.
    pub(crate) async fn connect(
        arguments: &AwsArguments,
        table: &TableArn,
    ) -> Result<Self, Outcome> {
        if let Some(region) = &arguments.region
            && region != table.region()
        {
            let told = format!("--region is {region}, the table is in {}", table.region());
            return Err(Outcome::wrong_call(told));
        }
        let config = arguments.load(Some(table.region())).await?;
        let connector = Connector::builder().tls_provider(PROVIDER);
        let connector = match arguments.tls()? {
            Some(tls) => connector.tls_context(tls),
            None => connector,
        };
        let endpoint = Endpoint {
            fips: config.use_fips() == Some(true),
            dual_stack: config.use_dual_stack() == Some(true),
        };
        let (iam_host, iam_region) = iam(table.partition(), endpoint.fips).unwrap_or_default();
        let url = |host: Option<String>| match (&arguments.endpoint_url, host) {
            (Some(url), _) => Ok(url.trim_end_matches('/').to_owned() + "/"),
            (None, Some(host)) => Ok(format!("https://{host}/")),
            (None, None) => Err(Outcome::wrong_call(format!(
                "the partition {} has no known endpoint; accepted: aws, aws-cn, aws-us-gov, or --endpoint-url",
                table.partition()
            ))),
        };
        Ok(Self {
            dynamodb: Service {
                title: "DynamoDB",
                name: "dynamodb",
                url: url(table.endpoint_host(endpoint))?,
                region: table.region().to_owned(),
            },
            iam: Service {
                title: "IAM",
                name: "iam",
                url: url((!iam_host.is_empty()).then(|| iam_host.to_owned()))?,
                region: iam_region.to_owned(),
            },
            connector: connector.build(),
            config,
        })
    }

    /// A call of DynamoDB, and its response.
    pub(crate) async fn dynamodb(&self, call: &str, body: &Value) -> Result<Value, Refusal> {
        let target = format!("DynamoDB_20120810.{call}");
        let headers = [
            ("content-type", "application/x-amz-json-1.0"),
            ("x-amz-target", &target),
        ];
        let named = format!("DynamoDB {call}");
        let (good, text) = self
            .send(&self.dynamodb, &named, &headers, &body.to_string())
            .await?;
        let json: Value = serde_json::from_str(&text).map_err(|error| Refusal {
            call: named.clone(),
            code: None,
            message: format!("the response is not JSON: {error}"),
        })?;
        if good {
            return Ok(json);
        }
        let text_of = |names: [&str; 2]| {
            let found = names.iter().find_map(|name| json.get(*name));
            found.and_then(Value::as_str).unwrap_or_default()
        };
        // com.amazonaws.dynamodb.v20120810#ResourceNotFoundException
        let code = text_of(["__type", "code"]).rsplit('#').next();
        Err(Refusal {
            call: named,
            code: code.map(str::to_owned),
            message: text_of(["message", "Message"]).to_owned(),
        })
    }

    /// A call of IAM, and its result: `CALLResult` of the response.
    pub(crate) async fn iam(
        &self,
        call: &str,
        parameters: &[(&str, &str)],
    ) -> Result<Value, Refusal> {
        let mut body = format!("Action={call}&Version=2010-05-08");
        for (name, value) in parameters {
            body.push_str(&format!("&{name}={}", utf8_percent_encode(value, RESERVED)));
        }
        let headers = [(
            "content-type",
            "application/x-www-form-urlencoded; charset=utf-8",
        )];
        let named = format!("IAM {call}");
        let (good, text) = self.send(&self.iam, &named, &headers, &body).await?;
        let response = xml::read(&text).map_err(|error| Refusal {
            call: named.clone(),
            code: None,
            message: format!("the response is not XML: {error}"),
        })?;
        if good {
            let result = response.get(format!("{call}Result"));
            return Ok(result.cloned().unwrap_or_default());
        }
        let error = |name: &str| {
            let found = response.pointer(&format!("/Error/{name}"));
            found.and_then(Value::as_str).map(str::to_owned)
        };
        Err(Refusal {
            call: named,
            code: error("Code"),
            message: error("Message").unwrap_or_default(),
        })
    }

    /// Sends a request until it is not throttled, and gives whether it was successful, and the text of the response.
    async fn send(
        &self,
        service: &Service,
        call: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Result<(bool, String), Refusal> {
        let mut wait = FIRST_WAIT;
        loop {
            let attempt = self.attempt(service, headers, body);
            let sent = match tokio::time::timeout(CALL_TIMEOUT, attempt).await {
                Ok(sent) => sent,
                Err(_) => Err(format!("no response within {} s", CALL_TIMEOUT.as_secs())),
            };
            let (good, text) = sent.map_err(|message| Refusal {
                call: call.to_owned(),
                code: None,
                message,
            })?;
            // A call that was throttled was not executed.
            if good || !text.contains("Throttling") || wait > LAST_WAIT {
                return Ok((good, text));
            }
            tokio::time::sleep(wait).await;
            wait *= 2;
        }
    }

    async fn attempt(
        &self,
        service: &Service,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Result<(bool, String), String> {
        let request = self.signed(service, headers, body).await?;
        let response = self
            .connector
            .call(request)
            .await
            .map_err(|error| with_causes(&error))?;
        let good = response.status().is_success();
        let body = Limited::new(response.into_body(), RESPONSE_MAX);
        let body = body.collect().await.map_err(|error| error.to_string())?;
        String::from_utf8(body.to_bytes().to_vec())
            .map(|text| (good, text))
            .map_err(|_| format!("{} responded with what is no text", service.title))
    }

    async fn signed(
        &self,
        service: &Service,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Result<HttpRequest, String> {
        let provider = self
            .config
            .credentials_provider()
            .ok_or("there are no credentials; accepted: what the AWS SDKs find")?;
        let credentials = provider.provide_credentials().await;
        let identity = credentials.map_err(|error| with_causes(&error))?.into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(&service.region)
            .name(service.name)
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()
            .map_err(|error| error.to_string())?;
        let request = SignableRequest::new(
            "POST",
            &service.url,
            headers.iter().copied(),
            SignableBody::Bytes(body.as_bytes()),
        );
        let signed = request
            .and_then(|request| sign(request, &parameters.into()))
            .map_err(|error| with_causes(&error))?;
        let mut request = http::Request::post(&service.url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut request = request
            .body(SdkBody::from(body))
            .map_err(|error| error.to_string())?;
        signed.into_parts().0.apply_to_request_http1x(&mut request);
        HttpRequest::try_from(request).map_err(|error| error.to_string())
    }
}

/// IAM's host and the region that its requests are signed for (AWS General Reference, "IAM endpoints and quotas").
fn iam(partition: &str, fips: bool) -> Option<(&'static str, &'static str)> {
    match partition {
        "aws" if fips => Some(("iam-fips.amazonaws.com", "us-east-1")),
        "aws" => Some(("iam.amazonaws.com", "us-east-1")),
        "aws-cn" => Some(("iam.cn-north-1.amazonaws.com.cn", "cn-north-1")),
        "aws-us-gov" => Some(("iam.us-gov.amazonaws.com", "us-gov-west-1")),
        _ => None,
    }
}

impl Refusal {
    /// Whether AWS responded with this error.
    pub(crate) fn is(&self, code: &str) -> bool {
        self.code.as_deref() == Some(code)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            call,
            code,
            message,
        } = self;
        match code {
            Some(code) => write!(f, "{call}: {code}: {message}"),
            None => write!(f, "{call}: {message}"),
        }
    }
}

impl From<Refusal> for Outcome {
    fn from(refusal: Refusal) -> Self {
        Self::failed(refusal)
    }
}

/// What a form percent-encodes: all but RFC 3986's unreserved characters.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The longest response: a page of an account's users and roles.
const RESPONSE_MAX: usize = 16 * 1024 * 1024;

const FIRST_WAIT: Duration = Duration::from_millis(500);
const LAST_WAIT: Duration = Duration::from_secs(8);
