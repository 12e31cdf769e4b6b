//! What a request says about the boot that it is for.

use http::{HeaderValue, Request};
use permafrost_common::api::ATTESTATION_HEADER;

use crate::proxy::body::RequestBody;

/// What names a boot: a hint, as the parent checks nothing.
#[derive(Debug)]
pub(super) enum Named {
    /// The boot with this attestation document.
    Boot(HeaderValue),
    /// The boot whose Oblivious HTTP key has this id.
    KeyId(u8),
    /// Any boot will do.
    Nothing,
}

impl Named {
    /// Reads the field `X-Enclave-Attestation`, or of a sealed request without it the first byte, which is the key id.
    pub(super) async fn by(request: &mut Request<RequestBody>) -> Self {
        if let Some(boot) = request.headers().get(ATTESTATION_HEADER) {
            return Self::Boot(boot.clone());
        }
        if request.uri().path() != "/v1/oblivious" {
            return Self::Nothing;
        }
        let first = request.body_mut().first_byte().await;
        first.map_or(Self::Nothing, Self::KeyId)
    }
}
