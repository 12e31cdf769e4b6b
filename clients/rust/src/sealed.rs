//! Sealed requests: Oblivious HTTP (RFC 9458).

use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use http::{HeaderValue, Method, Request, StatusCode, header::CONTENT_TYPE};
use permafrost_common::{
    binding::Binding,
    http_signature::{AttestationDigest, RequestContext},
    oblivious::{
        KeyConfiguration, REQUEST_TYPE, RESPONSE_TYPE,
        binary_http::{decode_response, encode_request},
        pad_request,
    },
};

use crate::{
    AttestationRefused, Client, Error, NotAuthentic,
    client::{name_boot, request},
    connection::{Failure, RawResponse},
    response::Exchange,
};

/// Fetches the key that requests are sealed to. Only the list that the document vouches for is used, wherever it comes from.
pub(crate) async fn key(
    client: &Client,
    binding: &Binding,
    boot: &AttestationDigest,
) -> Result<KeyConfiguration, Error> {
    let expected = binding
        .oblivious_keys
        .ok_or(AttestationRefused::NoObliviousKeys)?;
    let mut request = request(Method::GET, "/v1/oblivious-keys", Bytes::new())?;
    name_boot(&mut request, &boot.to_string())?;
    let sent = client.send(request).await;
    let exchange = sent.map_err(|failure| failure.error)?;
    if let Some(problem) = exchange.problem() {
        return Err(Error::Unauthenticated(Box::new(problem)));
    }
    let list = &exchange.response.body;
    let came = digest(&SHA256, list);
    if came.as_ref() != expected {
        return Err(AttestationRefused::ObliviousKeys {
            came: hex::encode(came),
            expected: hex::encode(expected),
        }
        .into());
    }
    Ok(KeyConfiguration::first_usable(list).map_err(AttestationRefused::KeyConfiguration)?)
}

/// Sends a request sealed to this key. The exchange has the inner request and the inner response, unless the response was
/// not sealed.
pub(crate) async fn send(
    client: &Client,
    key: &KeyConfiguration,
    boot: &AttestationDigest,
    inner: Request<Bytes>,
) -> Result<Exchange, Failure> {
    let (parts, body) = inner.into_parts();
    let (sealed, pending) = key
        .encapsulate(&pad_request(encode_request(&parts, &body)))
        .map_err(|error| Failure::fresh(error.into()))?;
    let mut outer =
        request(Method::POST, "/v1/oblivious", sealed.into()).map_err(Failure::fresh)?;
    outer
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(REQUEST_TYPE));
    name_boot(&mut outer, &boot.to_string()).map_err(Failure::fresh)?;
    let exchange = client.send(outer).await?;
    if !is_sealed(&exchange.response) {
        return Ok(Exchange {
            refused_unread: true,
            ..exchange
        });
    }
    let message = pending
        .open(&exchange.response.body)
        .map_err(|error| Failure::fresh(NotAuthentic::NotOpened(error).into()))?;
    let response = decode_response(&message).map_err(|error| {
        Failure::fresh(Error::UnexpectedResponse {
            status: exchange.response.parts.status.as_u16(),
            reason: error.to_string(),
        })
    })?;
    let (response, body) = response.into_parts();
    Ok(Exchange {
        request: RequestContext::of(&parts),
        response: RawResponse {
            parts: response,
            body: body.into(),
        },
        refused_unread: false,
    })
}

fn is_sealed(response: &RawResponse) -> bool {
    let content_type = response.parts.headers.get(CONTENT_TYPE);
    response.parts.status == StatusCode::OK
        && content_type.is_some_and(|value| value.as_bytes() == RESPONSE_TYPE.as_bytes())
}
