//! Where credentials come from, and when they are fetched.

use std::time::{Duration, Instant};

use permafrost::egress::{CredentialsConfig, CredentialsSource};
use permafrost_common::egress::Credentials;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::egress_proxy::{DnsAnswers, EgressProxy, RawResponse, allowing, by_dns, within};
use crate::instance_metadata::{Behaviour, InstanceMetadata};
use crate::serve::Serve;

const ALLOW: &str = "[[egress.allow]]\nhost = \"kms.test.example\"\nport = 443\n";

/// A little longer than the time for which the outcome of a fetch stands.
const REST: Duration = Duration::from_millis(1100);

async fn serve_with(metadata: &InstanceMetadata, credentials: &str) -> Serve {
    let egress = format!("{ALLOW}[credentials]\n{credentials}\n");
    let environment = [
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT", &*metadata.endpoint()),
        ("AWS_REGION", "eu-central-1"),
    ];
    Serve::start(&egress, &environment).await
}

async fn serve_in_container(metadata: &InstanceMetadata) -> Serve {
    let environment = [
        (
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            &*metadata.container_endpoint(),
        ),
        ("AWS_REGION", "eu-central-1"),
    ];
    Serve::start(ALLOW, &environment).await
}

/// The credentials in a response with status 200.
fn given(response: &RawResponse) -> Credentials {
    assert_eq!(response.status, 200, "{}", response.body);
    assert_eq!(response.field("content-type"), Some("application/json"));
    serde_json::from_str(&response.body).unwrap()
}

#[tokio::test]
async fn credentials_of_the_instances_role_are_served() {
    let metadata = InstanceMetadata::start(Behaviour::default()).await;
    let serve = serve_with(&metadata, "").await;
    let credentials = given(&serve.credentials().await);
    assert_eq!(credentials.access_key_id, "ASIAMETADATA00000001");
    assert_eq!(credentials.secret_access_key, "metadata-secret-1");
    assert_eq!(
        credentials.token.as_deref(),
        Some("metadata-security-token-1")
    );
    let ends = credentials.expiration.clone().unwrap();
    let ends = OffsetDateTime::parse(&ends, &Rfc3339).expect(&ends);
    let left = ends - OffsetDateTime::now_utc();
    assert!((21_500..=21_600).contains(&left.whole_seconds()), "{left}");
    assert_eq!(metadata.tokens_asked(), 1);
}

#[tokio::test]
async fn credentials_are_kept_while_they_are_fresh() {
    let metadata = InstanceMetadata::start(Behaviour::default()).await;
    let serve = serve_with(&metadata, "").await;
    let first = given(&serve.credentials().await);
    tokio::time::sleep(REST).await;
    assert_eq!(given(&serve.credentials().await), first);
    assert_eq!(metadata.credentials_asked(), 1);
}

#[tokio::test]
async fn credentials_are_fetched_anew_before_they_expire() {
    let nine_minutes = Behaviour {
        lifetime: Duration::from_secs(540),
        ..Behaviour::default()
    };
    let metadata = InstanceMetadata::start(nine_minutes).await;
    let serve = serve_with(&metadata, "refresh_before_ms = 600000").await;
    let first = given(&serve.credentials().await);
    tokio::time::sleep(REST).await;
    metadata.now(Behaviour::default());
    let second = given(&serve.credentials().await);
    assert_eq!(first.access_key_id, "ASIAMETADATA00000001");
    assert_eq!(second.access_key_id, "ASIAMETADATA00000002");
    tokio::time::sleep(REST).await;
    assert_eq!(given(&serve.credentials().await), second);
}

#[tokio::test]
async fn valid_credentials_are_served_while_new_ones_cannot_be_fetched() {
    let short = Behaviour {
        lifetime: Duration::from_secs(7),
        ..Behaviour::default()
    };
    let mut metadata = InstanceMetadata::start(short).await;
    let serve = serve_with(&metadata, "").await;
    let first = given(&serve.credentials().await);
    metadata.stop().await;
    tokio::time::sleep(REST).await;
    assert_eq!(given(&serve.credentials().await), first);
    serve.logs(&["WARN", "credentials were not fetched"]).await;

    // But not once they have expired.
    within(async {
        while serve.credentials().await.status == 200 {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    })
    .await;
    let ends = OffsetDateTime::parse(&first.expiration.clone().unwrap(), &Rfc3339).unwrap();
    assert!(OffsetDateTime::now_utc() >= ends, "given up too early");
    metadata.start_again().await;
    tokio::time::sleep(REST).await;
    let next = given(&serve.credentials().await);
    assert_eq!(next.access_key_id, "ASIAMETADATA00000002");
    serve
        .has_metrics(&["permafrost_credentials_fetches_total{outcome=\"fetched\"} 2"])
        .await;
}

#[tokio::test]
async fn a_metadata_service_of_version_1_only_is_refused() {
    let version_1 = Behaviour {
        tokens: false,
        ..Behaviour::default()
    };
    let metadata = InstanceMetadata::start(version_1).await;
    let serve = serve_with(&metadata, "").await;
    let response = serve.credentials().await;
    assert_eq!(response.status, 503, "{}", response.body);
    assert!(response.body.contains("token"), "{}", response.body);
    assert!(metadata.tokens_asked() > 0);
    assert_eq!(metadata.credentials_asked(), 0);
}

#[tokio::test]
async fn a_metadata_service_that_is_down_is_reported_in_time() {
    let mut metadata = InstanceMetadata::start(Behaviour::default()).await;
    metadata.stop().await;
    let serve = serve_with(&metadata, "").await;
    let response = serve.credentials().await;
    assert_eq!(response.status, 503);
    assert!(
        response.body.starts_with("no credentials: "),
        "{}",
        response.body
    );
    assert!(response.body.contains("IMDS"), "{}", response.body);
    assert!(!response.body.contains('\n'), "{}", response.body);
    serve
        .has_metrics(&["permafrost_credentials_fetches_total{outcome=\"failed\"} 1"])
        .await;
}

#[tokio::test]
async fn an_instance_without_a_role_is_reported_to_have_no_credentials() {
    let no_role = Behaviour {
        role: false,
        ..Behaviour::default()
    };
    let metadata = InstanceMetadata::start(no_role).await;
    let serve = serve_with(&metadata, "").await;
    let response = serve.credentials().await;
    assert_eq!(response.status, 503);
    assert!(response.body.contains("404"), "{}", response.body);
}

#[tokio::test]
async fn a_source_that_does_not_respond_is_given_up() {
    let slow = Behaviour {
        delay: Duration::from_secs(60),
        ..Behaviour::default()
    };
    let metadata = InstanceMetadata::start(slow).await;
    let serve = serve_with(&metadata, "timeout_ms = 300").await;
    let began = Instant::now();
    let response = serve.credentials().await;
    assert_eq!(response.status, 503);
    assert!(response.body.contains("within 300 ms"), "{}", response.body);
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn concurrent_requests_make_one_fetch() {
    let slow = Behaviour {
        delay: Duration::from_millis(100),
        ..Behaviour::default()
    };
    let metadata = InstanceMetadata::start(slow).await;
    let serve = serve_with(&metadata, "").await;
    let all = (0..16).map(|_| serve.credentials());
    let responses = join(all).await;
    let first = given(&responses[0]);
    assert!(responses.iter().all(|response| given(response) == first));
    assert_eq!(
        (metadata.tokens_asked(), metadata.credentials_asked()),
        (1, 1)
    );
}

#[tokio::test]
async fn concurrent_requests_share_a_failure_too() {
    let mut metadata = InstanceMetadata::start(Behaviour::default()).await;
    metadata.stop().await;
    let serve = serve_with(&metadata, "").await;
    let all = (0..16).map(|_| serve.credentials());
    assert!(
        join(all)
            .await
            .iter()
            .all(|response| response.status == 503)
    );
    serve
        .has_metrics(&["permafrost_credentials_fetches_total{outcome=\"failed\"} 1"])
        .await;
}

#[tokio::test]
async fn neither_secret_nor_token_is_logged_or_in_a_refusal() {
    let good = Behaviour::default();
    let cut = Behaviour { cut: true, ..good };
    let contradictory = Behaviour {
        contradictory: true,
        ..good
    };
    let metadata = InstanceMetadata::start(good).await;
    let of_instance = serve_with(&metadata, "").await;
    let of_container = serve_in_container(&metadata).await;
    for serve in [of_instance, of_container] {
        let mut said = Vec::new();
        for behaviour in [cut, contradictory] {
            metadata.now(behaviour);
            let refused = serve.credentials().await;
            assert_eq!(refused.status, 503, "{}", refused.body);
            said.push(refused.body);
            tokio::time::sleep(REST).await;
        }
        metadata.now(good);
        let credentials = given(&serve.credentials().await);
        serve
            .logs(&[&credentials.access_key_id, "credentials were fetched"])
            .await;
        assert!(said[1].contains("400"), "{}", said[1]);
        said.push(serve.log());
        for text in said {
            for secret in ["metadata-secret", "metadata-security", "metadata-session"] {
                assert!(!text.contains(secret), "{secret} in {text}");
            }
        }
    }
}

#[tokio::test]
async fn credentials_of_a_containers_endpoint_are_served() {
    let metadata = InstanceMetadata::start(Behaviour::default()).await;
    let serve = serve_in_container(&metadata).await;
    let credentials = given(&serve.credentials().await);
    assert_eq!(credentials.access_key_id, "ASIAMETADATA00000001");
    assert_eq!(metadata.tokens_asked(), 0);
}

#[tokio::test]
async fn credentials_of_the_environment_are_served() {
    let environment = [
        ("AWS_ACCESS_KEY_ID", "AKIAENVIRONMENT00001"),
        ("AWS_SECRET_ACCESS_KEY", "environment-secret"),
        ("AWS_REGION", "eu-central-1"),
    ];
    let serve = Serve::start(ALLOW, &environment).await;
    let response = serve.credentials().await;
    assert_eq!(
        response.body,
        r#"{"AccessKeyId":"AKIAENVIRONMENT00001","SecretAccessKey":"environment-secret"}"#
    );
}

#[tokio::test]
async fn a_named_profile_is_the_only_source() {
    let files = tempfile::tempdir().unwrap();
    let file = files.path().join("credentials");
    let profiles = |access_key_id: &str| {
        let text = format!(
            "[default]\naws_access_key_id = AKIADEFAULT000000001\naws_secret_access_key = s\n\
             [permafrost]\naws_access_key_id = {access_key_id}\naws_secret_access_key = s\n"
        );
        std::fs::write(&file, text).unwrap();
    };
    profiles("AKIAPROFILE000000001");
    let environment = [
        ("AWS_SHARED_CREDENTIALS_FILE", file.to_str().unwrap()),
        ("AWS_ACCESS_KEY_ID", "AKIAENVIRONMENT00001"),
        ("AWS_SECRET_ACCESS_KEY", "environment-secret"),
        ("AWS_REGION", "eu-central-1"),
    ];
    let egress = format!("{ALLOW}[credentials]\nprofile = \"permafrost\"\n");
    let serve = Serve::start(&egress, &environment).await;
    let access_key_id = given(&serve.credentials().await).access_key_id.clone();
    assert_eq!(access_key_id, "AKIAPROFILE000000001");

    let egress = format!("{ALLOW}[credentials]\nprofile = \"missing\"\n");
    let serve = Serve::start(&egress, &environment).await;
    let response = serve.credentials().await;
    assert_eq!(response.status, 503);
    assert!(response.body.contains("missing"), "{}", response.body);
}

#[tokio::test]
async fn fixed_credentials_are_served_unchanged() {
    let fixed = Credentials {
        access_key_id: "AKIAFIXED00000000001".to_owned(),
        secret_access_key: "fixed-secret".to_owned(),
        token: None,
        expiration: None,
    };
    let credentials = CredentialsConfig {
        source: CredentialsSource::Fixed(fixed.clone()),
        ..CredentialsConfig::default()
    };
    let proxy = EgressProxy::with(allowing(vec![by_dns()]), DnsAnswers::none(), credentials).await;
    let response = proxy
        .ask("GET /credentials HTTP/1.1\r\nhost: x\r\n\r\n")
        .await;
    assert_eq!(given(&response), fixed);
    assert_eq!(response.field("cache-control"), Some("no-store"));
}

#[tokio::test]
async fn without_a_source_there_are_no_credentials() {
    let proxy = EgressProxy::open(allowing(vec![by_dns()])).await;
    let response = proxy
        .ask("GET /credentials HTTP/1.1\r\nhost: x\r\n\r\n")
        .await;
    assert_eq!(response.status, 503);
    assert!(
        response.body.contains("credentials.source"),
        "{}",
        response.body
    );
}

async fn join<T>(all: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut waiting: Vec<_> = all.map(Box::pin).collect();
    let mut done: Vec<Option<T>> = waiting.iter().map(|_| None).collect();
    std::future::poll_fn(|cx| {
        let mut ready = true;
        for (future, done) in waiting.iter_mut().zip(&mut done) {
            if done.is_none() {
                match future.as_mut().poll(cx) {
                    std::task::Poll::Ready(value) => *done = Some(value),
                    std::task::Poll::Pending => ready = false,
                }
            }
        }
        if ready {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    done.into_iter().map(Option::unwrap).collect()
}
