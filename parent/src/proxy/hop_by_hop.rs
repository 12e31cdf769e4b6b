//! Fields that concern one connection only (RFC 9110 section 7.6.1).

use http::header::{
    CONNECTION, CONTENT_LENGTH, HOST, HeaderMap, HeaderName, TE, TRANSFER_ENCODING, UPGRADE,
};

/// Removes the fields that must not be forwarded: those that `Connection` names, `Connection` itself, and
/// `Keep-Alive`, `Proxy-Connection`, `TE`, `Transfer-Encoding` and `Upgrade`. All other fields stay unchanged.
///
/// `Content-Length` and `Host` stay even if `Connection` names them: they frame and route the message, and a change of
/// framing on the way would allow request smuggling.
pub(super) fn remove_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|option| option.trim().parse().ok())
        .filter(|name| name != CONTENT_LENGTH && name != HOST)
        .collect();
    for name in named {
        headers.remove(name);
    }
    for name in [CONNECTION, TE, TRANSFER_ENCODING, UPGRADE] {
        headers.remove(name);
    }
    headers.remove("keep-alive");
    headers.remove("proxy-connection");
}

/// The length of the header section as sent in HTTP/1.1: each field is name, `: `, value and CRLF.
pub(super) fn header_bytes(headers: &HeaderMap) -> usize {
    headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 4)
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(fields: &[(&str, &str)]) -> HeaderMap {
        fields
            .iter()
            .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn fields_for_this_connection_only_are_removed() {
        let mut came = headers(&[
            ("connection", "close, X-Private"),
            ("connection", "x-other"),
            ("x-private", "1"),
            ("x-other", "2"),
            ("keep-alive", "timeout=5"),
            ("proxy-connection", "keep-alive"),
            ("te", "trailers"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "h2c"),
            ("signature", "permafrost=:AA==:"),
            ("trailer", "x-sum"),
        ]);
        remove_hop_by_hop(&mut came);
        assert_eq!(
            came,
            headers(&[("signature", "permafrost=:AA==:"), ("trailer", "x-sum")])
        );
    }

    #[test]
    fn the_connection_field_cannot_remove_the_framing_or_the_host() {
        let mut came = headers(&[
            ("connection", "content-length, host"),
            ("content-length", "5"),
            ("host", "a"),
        ]);
        remove_hop_by_hop(&mut came);
        assert_eq!(came, headers(&[("content-length", "5"), ("host", "a")]));
    }

    #[test]
    fn repeated_fields_stay_in_their_order() {
        let mut came = headers(&[("x", "1"), ("x", "2"), ("connection", "close")]);
        remove_hop_by_hop(&mut came);
        let values: Vec<_> = came.get_all("x").iter().collect();
        assert_eq!(values, ["1", "2"]);
    }
}
