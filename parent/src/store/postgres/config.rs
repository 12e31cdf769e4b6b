//! Which database, and how its server proves to be the one that was named.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;

use sqlx::postgres::{PgConnectOptions, PgSslMode};

/// A PostgreSQL database, and what its server's certificate is verified with.
#[derive(Clone, Debug, PartialEq)]
pub struct PostgresConfig {
    /// The database.
    pub database: PostgresUrl,
    /// A file with root certificates in PEM that are trusted beside the public ones.
    pub root_certificates: Option<PathBuf>,
}

/// `postgresql://USER@HOST[:PORT]/DATABASE` or `postgresql://USER@[:PORT]/DATABASE?host=/FOLDER`, the second for the Unix socket in a folder,
/// and `sslmode=verify-full` or, for a Unix socket and a loopback address only, `sslmode=disable`.
///
/// It has no password, so that it may be printed: that is in `PGPASSWORD`, in the file that `PGPASSFILE` names or in `~/.pgpass`.
#[derive(Clone, Eq, PartialEq)]
pub struct PostgresUrl {
    text: String,
    /// The same as sqlx takes it.
    url: String,
    tls: bool,
}

/// Why a text does not name a PostgreSQL database. It never has the text itself, which may have a password.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "{0}; accepted: postgresql://USER@HOST[:PORT]/DATABASE or postgresql://USER@[:PORT]/DATABASE?host=/FOLDER of a Unix socket"
)]
pub struct PostgresUrlError(String);

impl PostgresUrl {
    /// What connects to it; reads the password.
    pub(super) fn options(&self) -> Result<PgConnectOptions, sqlx::Error> {
        let mode = match self.tls {
            true => PgSslMode::VerifyFull,
            false => PgSslMode::Disable,
        };
        Ok(PgConnectOptions::from_str(&self.url)?.ssl_mode(mode))
    }
}

impl FromStr for PostgresUrl {
    type Err = PostgresUrlError;

    fn from_str(text: &str) -> Result<Self, PostgresUrlError> {
        let rest = text
            .strip_prefix("postgresql://")
            .or_else(|| text.strip_prefix("postgres://"))
            .ok_or_else(|| refused("it does not begin with postgresql://"))?;
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) || text.contains(['#', '\\']) {
            return Err(refused("it has a space, a control character, # or \\"));
        }
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
        let (user, place) = authority.rsplit_once('@').unwrap_or(("", authority));
        if user.contains(':') {
            return Err(refused(
                "it has a password, which belongs into PGPASSWORD, the file that PGPASSFILE names, or ~/.pgpass",
            ));
        }
        for (name, value) in [("user", user), ("database", database)] {
            if value.is_empty() || value.contains(['@', '/']) {
                return Err(refused(format!("it names no {name}")));
            }
        }
        let (socket, tls) = parameters(query)?;
        let (host, port) = place.rsplit_once(':').unwrap_or((place, ""));
        let (local, url) = match (host, socket) {
            // A URL by the standard that sqlx follows has a user only with a host.
            ("", Some(folder)) => {
                let port = if port.is_empty() { "5432" } else { port };
                let [user, folder] =
                    [user, folder].map(|text| text.replace('+', "%2B").replace('&', "%26"));
                let url = format!("postgresql:///{database}?host={folder}&port={port}&user={user}");
                (true, url)
            }
            ("", None) | (_, Some(_)) => return Err(refused("it names no host, or two")),
            (_, None) => {
                let url = format!("postgresql://{user}@{place}/{database}");
                (is_loopback(place), url)
            }
        };
        if !local && tls == Some(false) {
            return Err(refused(
                "sslmode=disable is for a Unix socket or a loopback address; accepted for this host: sslmode=verify-full",
            ));
        }
        if socket.is_some() && tls == Some(true) {
            return Err(refused(
                "sslmode=verify-full is for TCP; accepted for a Unix socket: sslmode=disable",
            ));
        }
        let url = Self {
            text: text.to_owned(),
            url,
            tls: tls.unwrap_or(!local),
        };
        // sqlx's own error could repeat a part of the text.
        url.options()
            .map_err(|_| refused("it is not a URL of a database"))?;
        Ok(url)
    }
}

impl fmt::Display for PostgresUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// The folder of a Unix socket that a query names, and whether it asks for TLS.
fn parameters(query: &str) -> Result<(Option<&str>, Option<bool>), PostgresUrlError> {
    let (mut socket, mut tls) = (None, None);
    for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
        match parameter.split_once('=') {
            Some(("host", folder)) if folder.starts_with('/') && socket.is_none() => {
                socket = Some(folder)
            }
            Some(("sslmode", "verify-full")) if tls.is_none() => tls = Some(true),
            Some(("sslmode", "disable")) if tls.is_none() => tls = Some(false),
            // Not the value, which may be a password.
            found => {
                let name = found.map_or(parameter, |(name, _)| name);
                return Err(refused(format!(
                    "its parameter {name:?} is not accepted, or not with this value, or occurs twice; accepted parameters: host=/FOLDER, sslmode=verify-full, sslmode=disable"
                )));
            }
        }
    }
    Ok((socket, tls))
}

fn is_loopback(place: &str) -> bool {
    let host = match place.strip_prefix('[') {
        Some(address) => address.split_once(']').map_or(address, |(host, _)| host),
        None => place.split_once(':').map_or(place, |(host, _)| host),
    };
    host == "localhost"
        || host
            .parse()
            .is_ok_and(|address: IpAddr| address.is_loopback())
}

fn refused(reason: impl Into<String>) -> PostgresUrlError {
    PostgresUrlError(reason.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tls_is_left_out_only_within_the_machine() {
        for (text, tls) in [
            ("postgresql://p@db.internal/store", true),
            (
                "postgres://p@db.internal:5433/store?sslmode=verify-full",
                true,
            ),
            ("postgresql://p@10.0.0.1/store", true),
            ("postgresql://p@localhost.example/store", true),
            ("postgresql://p@localhost/store", false),
            ("postgresql://p@localhost/store?sslmode=verify-full", true),
            ("postgresql://p@127.0.0.1:5433/store", false),
            ("postgresql://p@[::1]:5433/store", false),
            ("postgresql://p@[fd00::1]/store", true),
            ("postgresql://p@/store?host=/run/postgresql", false),
            ("postgresql://p@:5433/store?host=/run/postgresql", false),
            (
                "postgresql://p@/store?host=/run/postgresql&sslmode=disable",
                false,
            ),
        ] {
            let url: PostgresUrl = text.parse().unwrap();
            assert_eq!(url.tls, tls, "{text}");
            let expected = match tls {
                true => PgSslMode::VerifyFull,
                false => PgSslMode::Disable,
            };
            let found = url.options().unwrap().get_ssl_mode();
            assert_eq!(format!("{found:?}"), format!("{expected:?}"), "{text}");
        }
    }

    #[test]
    fn each_part_is_what_it_says() {
        let parts = |text: &str| {
            let options = text.parse::<PostgresUrl>().unwrap().options().unwrap();
            (
                options.get_socket().map(|path| path.display().to_string()),
                options.get_port(),
                options.get_username().to_owned(),
                options.get_database().unwrap().to_owned(),
            )
        };
        assert_eq!(
            parts("postgresql://a+b&c@:5433/store?host=/run/p+q"),
            (
                Some("/run/p+q".to_owned()),
                5433,
                "a+b&c".to_owned(),
                "store".to_owned()
            )
        );
        assert_eq!(
            parts("postgresql://a%40b@db.internal:5433/store"),
            (None, 5433, "a@b".to_owned(), "store".to_owned())
        );
    }

    #[test]
    fn what_is_not_accepted_is_named() {
        for (text, named) in [
            ("", "postgresql://"),
            ("mysql://p@h/d", "postgresql://"),
            ("postgresql://h/d", "no user"),
            ("postgresql://p@h", "no database"),
            ("postgresql://p@h/", "no database"),
            ("postgresql://p@/d", "no host"),
            ("postgresql://p@:x/d?host=/run", "not a URL"),
            ("postgresql://p@/d?host=run", "host"),
            ("postgresql://p@h/d?host=/run", "or two"),
            ("postgresql://p@h/d?sslmode=disable", "verify-full"),
            ("postgresql://p@h/d?sslmode=require", "sslmode"),
            ("postgresql://p@h/d?sslmode=prefer", "sslmode"),
            ("postgresql://p@h/d?sslmode=verify-ca", "sslmode"),
            (
                "postgresql://p@localhost/d?sslmode=verify-full&sslmode=disable",
                "twice",
            ),
            ("postgresql://p@h/d?options=-cfsync%3Doff", "options"),
            ("postgresql://p@/d?host=/run&sslmode=verify-full", "disable"),
            ("postgresql://p@h/d#x", "#"),
            ("postgresql://p@h:port/d", "not a URL"),
            ("postgresql://p @h/d", "space"),
        ] {
            let refused = text.parse::<PostgresUrl>().unwrap_err().to_string();
            assert!(refused.contains(named), "{text}: {refused}");
        }
    }

    #[test]
    fn a_password_is_refused_and_not_repeated() {
        for text in [
            "postgresql://p:hunter2@h/d",
            "postgresql://p:hunter2@h:x/d",
            "postgresql://p@h/d?password=hunter2",
            "postgresql://p@h/d?x=hunter2",
        ] {
            let refused = text.parse::<PostgresUrl>().unwrap_err();
            assert!(!refused.to_string().contains("hunter2"), "{refused}");
            assert!(!format!("{refused:?}").contains("hunter2"), "{refused}");
        }
    }
}
