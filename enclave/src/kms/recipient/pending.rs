//! A key that is being made while the boot goes on.

use std::sync::Arc;

use tokio::sync::watch;

use super::{RecipientKey, RecipientKeyError};

type Made = Result<Arc<RecipientKey>, RecipientKeyError>;

/// The boot's RSA key, which may still be in the making. That takes a tenth of a second or more, and nothing needs the key
/// before the first KMS call.
#[derive(Clone, Debug)]
pub struct PendingRecipientKey(watch::Receiver<Option<Made>>);

impl PendingRecipientKey {
    /// Begins to make the key, on a thread for blocking work. Must be called inside the runtime.
    pub fn begin() -> Self {
        let (made, pending) = watch::channel(None);
        tokio::task::spawn_blocking(move || {
            // If nothing awaits the key any longer, nothing needs it.
            let _ = made.send(Some(RecipientKey::generate().map(Arc::new)));
        });
        Self(pending)
    }

    /// The key, as soon as there is one.
    ///
    /// # Errors
    ///
    /// [`RecipientKeyError::Generate`].
    pub async fn get(&self) -> Made {
        let mut pending = self.0.clone();
        let made = pending.wait_for(Option::is_some).await;
        made.ok()
            .and_then(|made| made.clone())
            .unwrap_or(Err(RecipientKeyError::Generate))
    }
}
