use std::sync::{Arc, OnceLock};

use permafrost_common::http_signature::{PublicKey, RequestContext, verify_response};
use permafrost_common::oblivious::binary_http::decode_request;
use permafrost_common::problem::Problem;
use permafrost_enclave::boot::boot;
use permafrost_enclave::nsm::Nsm;
use permafrost_enclave::nsm::emulator::Emulator;
use permafrost_enclave::routes::Dispatcher;
use tokio::runtime::Runtime;

const CONFIGURATION: &str = r#"
deployment = "test"
allow_debug_mode = true
[kms]
key_arn = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
[people]
rp_id = "localhost"
origins = ["http://localhost"]
[[principal]]
name = "svc"
public_key = "ed25519:d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
operations = ["create_key", "sign"]
requests_per_minute = 60
"#;

/// A request in Binary HTTP (RFC 9292), to the dispatcher of an enclave that has no root secret yet.
///
/// Whatever the request, its response is signed by the boot key for exactly this request, and is either a success or a problem document
/// whose status is the response's.
pub fn dispatch(data: &[u8]) -> bool {
    let Ok(request) = decode_request(data) else {
        return false;
    };
    let (parts, body) = request.into_parts();
    let context = RequestContext::of(&parts);
    let is_head = parts.method == http::Method::HEAD;
    let enclave = enclave();
    let response = enclave
        .runtime
        .block_on(enclave.dispatcher.dispatch(parts, body.into()));
    let (parts, body) = response.into_parts();
    let verified = verify_response(&parts, &body, &context, &enclave.boot_key);
    assert!(verified.is_ok(), "{verified:?}");
    if parts.status.is_success() {
        return true;
    }
    if !is_head {
        let problem: Problem = serde_json::from_slice(&body).expect("a problem document");
        assert_eq!(problem.status, parts.status.as_u16());
    }
    false
}

struct Served {
    runtime: Runtime,
    dispatcher: Dispatcher,
    boot_key: PublicKey,
}

fn enclave() -> &'static Served {
    static SERVED: OnceLock<Served> = OnceLock::new();
    SERVED.get_or_init(|| {
        let state = std::env::temp_dir().join(format!("permafrost-fuzz-{}", std::process::id()));
        std::fs::create_dir_all(&state).expect("a folder");
        let emulator = Emulator::start_in_debug_mode(&state).expect("an emulated NSM");
        std::fs::remove_dir_all(&state).expect("a folder");
        let enclave = boot(CONFIGURATION.as_bytes(), Nsm::new(emulator)).expect("a boot");
        let boot_key = enclave.boot.key.public_key().expect("a public key");
        Served {
            runtime: Runtime::new().expect("a runtime"),
            dispatcher: Dispatcher::new(Arc::new(enclave)),
            boot_key,
        }
    })
}
