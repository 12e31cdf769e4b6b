//! A new user: a passkey, a key, a session.

use permafrost_common::api::people::{Register, Registered};
use permafrost_common::api::{CreateKey, Key};
use permafrost_common::problem::{Problem, ProblemType};

use super::challenge::Approver;
use super::passkey::check_name;
use super::session::Draft;
use super::user::Passkey;
use super::{Approval, People, User, UserId};
use crate::custody::Custody;
use crate::principal::Caller;

/// The `operationId` of a registration.
pub(super) const REGISTER: &str = "register";

/// The `Idempotency-Key` of a user's first key.
const FIRST_KEY: &str = "first";

impl People {
    /// Makes a user whose passkey has signed exactly this request, which names the first session's key.
    ///
    /// The key is stored before the user: a crash in between leaves a key that was never announced, but no user without a key.
    pub async fn register(
        &self,
        custody: &Custody,
        request: Register,
        approval: &Approval,
    ) -> Result<Registered, Problem> {
        check_name(&request.passkey_name, "/passkey_name")?;
        let draft = Draft::parse(request.session, "/session")?;
        let (made, nonce) = self.new_passkey(approval)?;
        self.arrivals.registration(self.now())?;
        self.use_up(&nonce, Approver::Newcomer)?;
        let id = self.challenges.user_id(&nonce);
        self.claim(&made.credential_id, id).await?;
        let key = self.first_key(custody, id).await?;
        let now = self.now();
        let passkey = Passkey::new(&made, &request.passkey_name, true, now);
        let session = self.session(&draft, &passkey, now)?;
        let mut user = User::new(id, passkey, now.as_secs());
        user.open_session(session.clone(), now.as_secs());
        user.note(now.as_secs(), "registered", "");
        let taken = Problem::new(
            ProblemType::UserConflict,
            "there is already a user with this id; accepted: a new registration",
        );
        let put = self.records.users.put(&self.place(id), None, user).await;
        let user = put.map_err(|error| error.or(taken))?;
        Ok(Registered {
            session: self.session_view(&user.value, &session),
            user: self.user_view(&user.value),
            key,
        })
    }

    async fn first_key(&self, custody: &Custody, id: UserId) -> Result<Key, Problem> {
        let owner = Caller {
            name: self.owner(id),
            policy: self.config.policy.clone(),
            person: None,
            least_version: None,
        };
        let dealt = CreateKey {
            threshold: 2,
            participants: ["first", "second", "third"].map(str::to_owned).to_vec(),
            label: None,
        };
        custody
            .create(&owner, FIRST_KEY, dealt, self.now().as_secs())
            .await
    }
}
