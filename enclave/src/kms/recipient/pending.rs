//! A key that is being made while the boot goes on.

use std::sync::Arc;

use tokio::sync::watch;

use super::{RecipientKey, RecipientKeyError};

type Made = Result<Arc<RecipientKey>, RecipientKeyError>;

/// The boot's RSA key, from the moment when its making begins. It takes a tenth of a second or more, and nobody needs it before
/// the first call of KMS.
#[derive(Clone, Debug)]
pub struct PendingRecipientKey(watch::Receiver<Option<Made>>);

impl PendingRecipientKey {
    /// Begins to make the key, on a thread for what blocks. Has to be called inside the runtime.
    pub fn begin() -> Self {
        let (made, pending) = watch::channel(None);
        tokio::task::spawn_blocking(move || {
            // Where nobody waits any longer, nobody needs it.
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
