//! Rights to sign with keys of services.

use std::marker::PhantomData;

use permafrost_client::{Error, HeldShare, IdempotencyKey, Principal};
use permafrost_common::api::derived::KeyPath;
use permafrost_common::api::{Key, ReplaceKey};
use permafrost_frost::ParticipantKey;
use permafrost_tests::{is_signed_by, message, new_key};
use rand_core::OsRng;

use super::{KeyRight, Right, Side};

/// Signing with a key, until it ends so.
pub(crate) struct Signing<E> {
    key: Key,
    end: PhantomData<E>,
}

/// How a key ends.
pub(crate) trait End {
    const REFUSAL: &'static str;

    async fn key(alice: &Principal) -> Key {
        new_key(alice).await
    }

    async fn end(alice: &Principal, key_id: &str);
}

pub(crate) struct Disabled;

/// By another key, for good.
pub(crate) struct Replaced;

pub(crate) struct Deleted;

/// A derived key, of which nothing is stored but that.
pub(crate) struct DerivedDisabled;

/// A share, in someone's hands, of a key whose shares are then refreshed.
pub(crate) struct OldShare {
    key_id: String,
    share: String,
}

impl<E: End> Right for Signing<E> {
    const REFUSAL: &'static str = E::REFUSAL;

    async fn granted(at: &Side<'_>) -> Self {
        Self {
            key: E::key(&at.alice().await).await,
            end: PhantomData,
        }
    }

    async fn take_away(&self, at: &Side<'_>) {
        E::end(&at.alice().await, &self.key.id).await;
    }

    async fn used(&mut self, at: &Side<'_>) -> Result<(), Error> {
        let signed = at.alice().await.sign(&self.key.id, &message()).await?;
        assert!(is_signed_by(&signed, &self.key.group_public_key));
        Ok(())
    }
}

impl<E: End> KeyRight for Signing<E> {
    fn key_id(&self) -> &str {
        &self.key.id
    }
}

impl End for Disabled {
    const REFUSAL: &'static str = "key-disabled";

    async fn end(alice: &Principal, key_id: &str) {
        alice.disable(key_id).await.unwrap();
    }
}

impl End for Replaced {
    const REFUSAL: &'static str = "key-disabled";

    async fn end(alice: &Principal, key_id: &str) {
        let how = ReplaceKey { disable_old: true };
        let once = IdempotencyKey::random().unwrap();
        alice.replace(key_id, &how, &once).await.unwrap();
    }
}

impl End for Deleted {
    const REFUSAL: &'static str = "key-deleted";

    async fn end(alice: &Principal, key_id: &str) {
        alice.disable(key_id).await.unwrap();
        alice.delete(key_id).await.unwrap();
    }
}

impl End for DerivedDisabled {
    const REFUSAL: &'static str = "key-disabled";

    async fn key(alice: &Principal) -> Key {
        let derived = alice.derive_keys(&[carol()]).await.unwrap();
        derived.keys[0].clone()
    }

    async fn end(alice: &Principal, key_id: &str) {
        alice.disable(key_id).await.unwrap();
    }
}

/// The path of a derived key.
pub(crate) fn carol() -> KeyPath {
    KeyPath {
        purpose: "users".to_owned(),
        name: "carol".to_owned(),
        ..KeyPath::default()
    }
}

impl Right for OldShare {
    const REFUSAL: &'static str = "invalid-argument";

    async fn granted(at: &Side<'_>) -> Self {
        let participants = vec![
            ("phone".to_owned(), Some(ParticipantKey::random(&mut OsRng))),
            ("server".to_owned(), None),
        ];
        let once = IdempotencyKey::random().unwrap();
        let alice = at.alice().await;
        let made = alice.generate_split_key(2, participants, &once);
        let made = made.await.unwrap();
        made.confirm().await.unwrap();
        Self {
            key_id: made.outcome().parameters.key_id.to_string(),
            share: made.shares()[0].to_json().unwrap().to_string(),
        }
    }

    async fn take_away(&self, at: &Side<'_>) {
        let share = HeldShare::from_json(&self.share).unwrap();
        let alice = at.alice().await;
        let refreshed = alice.refresh_split_key(vec![share]).await.unwrap();
        refreshed.confirm().await.unwrap();
    }

    async fn used(&mut self, at: &Side<'_>) -> Result<(), Error> {
        let share = HeldShare::from_json(&self.share).unwrap();
        let signed = at.alice().await.sign_split(&[share], &message()).await;
        signed.map(|_| ())
    }
}

impl KeyRight for OldShare {
    fn key_id(&self) -> &str {
        &self.key_id
    }
}
