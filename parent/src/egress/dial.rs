//! From an entry of the allow-list to a TCP connection.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

use super::addresses::refusal;
use super::config::AllowConfig;

/// How many addresses of a DNS answer are considered at most.
const ANSWERS_MAX: usize = 32;

/// A source of the addresses of a host.
pub trait Resolve: Send + Sync {
    /// The addresses of a host, best first. The caller sorts out those that it must not connect to.
    fn resolve<'a>(&'a self, host: &'a str) -> Addresses<'a>;
}

/// What [`Resolve::resolve`] returns.
pub type Addresses<'a> = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send + 'a>>;

/// The system's resolver (getaddrinfo).
#[derive(Clone, Copy, Debug)]
pub struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve<'a>(&'a self, host: &'a str) -> Addresses<'a> {
        Box::pin(async move {
            let found = tokio::net::lookup_host((host, 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(super) enum DialError {
    #[error(
        "{host}: every address from DNS is refused: {refused} (the parent's egress.allow can list addresses or networks)"
    )]
    Refused { host: String, refused: String },
    #[error("{host}: {why}")]
    Unreachable { host: String, why: String },
    #[error("{host}: no connection within {} ms", after.as_millis())]
    TimedOut { host: String, after: Duration },
}

/// Connects within `time`, to one address after another; each gets its share of the time that is left.
pub(super) async fn dial(
    resolver: &dyn Resolve,
    entry: &AllowConfig,
    time: Duration,
) -> Result<TcpStream, DialError> {
    let deadline = Instant::now() + time;
    let name = format!("{}:{}", entry.host, entry.port);
    let timed_out = || DialError::TimedOut {
        host: name.clone(),
        after: time,
    };
    let addresses = timeout_at(deadline, addresses(resolver, entry, &name))
        .await
        .map_err(|_| timed_out())??;
    let mut why = "it has no address".to_owned();
    let mut left = u32::try_from(addresses.len()).unwrap_or(u32::MAX);
    for address in addresses {
        let now = Instant::now();
        if now >= deadline {
            return Err(timed_out());
        }
        let share = now + (deadline - now) / left.max(1);
        left = left.saturating_sub(1);
        match timeout_at(share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => why = format!("{address}: {error}"),
            Err(_) if left == 0 => return Err(timed_out()),
            Err(_) => why = format!("{address}: no response in time"),
        }
    }
    Err(DialError::Unreachable { host: name, why })
}

/// The listed addresses, or those addresses from DNS that the parent may connect to.
async fn addresses(
    resolver: &dyn Resolve,
    entry: &AllowConfig,
    name: &str,
) -> Result<Vec<SocketAddr>, DialError> {
    if !entry.addresses.is_empty() {
        return Ok(entry.addresses.clone());
    }
    let answer = resolver
        .resolve(entry.host.as_str())
        .await
        .map_err(|error| DialError::Unreachable {
            host: name.to_owned(),
            why: format!("no DNS answer: {error}"),
        })?;
    let mut taken = Vec::new();
    let mut refused = Vec::new();
    for address in answer.into_iter().take(ANSWERS_MAX) {
        match refusal(address, &entry.networks) {
            None => taken.push(SocketAddr::new(address, entry.port)),
            Some(why) => refused.push(format!("{address} is {why}")),
        }
    }
    if refused.is_empty() {
        return Ok(taken);
    }
    let refused = refused.join(", ");
    if taken.is_empty() {
        return Err(DialError::Refused {
            host: name.to_owned(),
            refused,
        });
    }
    tracing::warn!(target: "egress", host = name, refused, "addresses from DNS were refused");
    Ok(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Answer(Vec<IpAddr>);

    impl Resolve for Answer {
        fn resolve<'a>(&'a self, _: &'a str) -> Addresses<'a> {
            Box::pin(async { Ok(self.0.clone()) })
        }
    }

    async fn accepted(answer: &[&str], networks: &[&str]) -> Vec<String> {
        let answer = Answer(answer.iter().map(|ip| ip.parse().unwrap()).collect());
        let mut entry = AllowConfig::new("kms.example".parse().unwrap(), 443);
        entry.networks = networks.iter().map(|text| text.parse().unwrap()).collect();
        let accepted = addresses(&answer, &entry, "kms.example:443").await;
        let accepted = accepted.unwrap_or_default();
        accepted.iter().map(SocketAddr::to_string).collect()
    }

    #[tokio::test]
    async fn refused_addresses_are_passed_over_and_the_others_keep_their_order() {
        let answer = [
            "169.254.169.254",
            "2600::1",
            "10.0.0.1",
            "52.94.16.1",
            "::1",
        ];
        assert_eq!(
            accepted(&answer, &[]).await,
            ["[2600::1]:443", "52.94.16.1:443"]
        );
    }

    #[tokio::test]
    async fn a_private_address_is_accepted_only_in_a_listed_network() {
        let answer = ["10.1.2.3", "10.2.2.3", "192.168.0.1"];
        assert_eq!(accepted(&answer, &["10.1.0.0/16"]).await, ["10.1.2.3:443"]);
        assert_eq!(accepted(&answer, &[]).await, [""; 0]);
    }

    #[tokio::test]
    async fn the_system_resolves_localhost_and_its_address_is_refused() {
        let entry = AllowConfig::new("localhost".parse().unwrap(), 443);
        let refused = dial(&SystemResolver, &entry, Duration::from_secs(5)).await;
        assert!(matches!(refused, Err(DialError::Refused { .. })));
    }
}
