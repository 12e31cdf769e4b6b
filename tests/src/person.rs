//! A registered user.

use permafrost_client::{Enclave, Error};
use permafrost_common::api::people::{LoggedIn, Registered};
use serde::de::DeserializeOwned;

use crate::{Authenticator, Browser, Wanted};

/// A user, with the browser and the passkey that registered.
pub struct Person {
    /// A browser with a session of theirs.
    pub browser: Browser,
    /// Their passkey.
    pub passkey: Authenticator,
    /// The enclave's response to the registration.
    pub registered: Registered,
}

impl Person {
    /// Registers a user with an enclave that their browser has just verified.
    pub async fn register(enclave: Enclave) -> Result<Self, Error> {
        let mut browser = Browser::new(enclave);
        let mut passkey = Authenticator::new();
        let registered = browser.register(&mut passkey).await?;
        Ok(Self {
            browser,
            passkey,
            registered,
        })
    }

    /// Opens another session, in the same browser.
    pub async fn login(&mut self) -> Result<LoggedIn, Error> {
        self.browser.login(&self.passkey).await
    }

    /// Sends a request that their passkey approves.
    pub async fn approved<T: DeserializeOwned>(
        &self,
        purpose: &str,
        wanted: &Wanted,
    ) -> Result<T, Error> {
        self.browser.approved(purpose, wanted, &self.passkey).await
    }

    /// The user's id, hex.
    pub fn id(&self) -> &str {
        &self.registered.user.id
    }

    /// The place of the user's record, which is visible to the parent.
    pub fn place(&self) -> &str {
        let place = self.registered.user.owner.strip_prefix("user.");
        place.expect("an owner who is a user")
    }
}
