//! Steps and observations that the tests share.

use std::sync::mpsc;
use std::time::Duration;

use permafrost_client::Principal;
use permafrost_common::api::{Key, ResealRecords};
use permafrost_common::store::Listing;
use permafrost_enclave::sealing::Envelope;
use permafrost_tests::{
    EnclaveProcess, LyingParent, StoreRequest, StoreResponse, binaries, is_signed_by, message,
};

/// How long another process may take for what it does by itself.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) fn page(after: &str, limit: u32) -> ResealRecords {
    ResealRecords {
        after: after.to_owned(),
        limit: Some(limit),
    }
}

/// The listing that the store gives now.
pub(crate) async fn honest_page(parent: &LyingParent, principal: &Principal) -> Listing {
    let (sender, receiver) = mpsc::channel();
    parent.store.lie(move |_, honest| {
        if let StoreResponse::Listing(page) = &honest {
            sender.send(page.clone()).unwrap();
        }
        honest
    });
    principal.list_keys(None, None).await.unwrap();
    parent.store.be_honest();
    receiver.recv().unwrap()
}

pub(crate) async fn signs(principal: &Principal, key: &Key) {
    let signed = principal.sign(&key.id, &message()).await.unwrap();
    assert!(is_signed_by(&signed, &key.group_public_key));
}

pub(crate) fn is_write(request: &StoreRequest) -> bool {
    matches!(request, StoreRequest::Put { .. })
}

/// The epochs that the versions of a key's record are sealed in.
pub(crate) fn epochs_of(parent: &LyingParent, key: &Key) -> Vec<u32> {
    let versions = parent.store.versions(&key.id);
    let epochs = versions
        .iter()
        .map(|bytes| Envelope::decode(bytes).unwrap().epoch);
    epochs.collect()
}

/// The actions that KMS has handled since it was started.
pub(crate) fn actions(parent: &LyingParent) -> Vec<String> {
    let calls = parent.kms.calls();
    assert!(calls.iter().all(|call| call.error.is_none()), "{calls:?}");
    calls.into_iter().map(|call| call.action).collect()
}

pub(crate) fn second_enclave(parent: &LyingParent) -> EnclaveProcess {
    parent.second_enclave("second", &binaries::enclave(), &parent.configuration())
}
