//! Link codes: how a second device offers a passkey to the user of the first.
//!
//! A code only lets someone offer a passkey. The first device shows what was offered, and a passkey of the user signs that it is
//! that very key, so a code in the wrong hands, or of the wrong user, adds nothing.

use permafrost_common::api::people::{
    Link, LinkOpened, OfferPasskey, OpenLink, Passkey as PasskeyView,
};
use permafrost_common::problem::{Problem, ProblemType};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteArray;
use zeroize::Zeroizing;

use super::challenge::Approver;
use super::codes::{grouped, letters, new_letters};
use super::passkey::check_name;
use super::user::Passkey;
use super::{Approval, People, UserId, place, view};
use crate::principal::Person;
use crate::records::{Record, Versioned};

/// How long a code is valid, in seconds.
const LIFETIME_S: u64 = 600;

/// The user of a code. The place is a digest of the code.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct LinkRecord {
    v: u8,
    used: bool,
    user: ByteArray<{ UserId::LEN }>,
    expires_at: u64,
}

impl People {
    /// Makes a code for another device of the user who sent the request.
    pub async fn create_link(&self, person: Person) -> Result<Link, Problem> {
        let letters = new_letters()?;
        let record = LinkRecord {
            v: 1,
            used: false,
            user: ByteArray::new(person.user.0),
            expires_at: self.now().as_secs() + LIFETIME_S,
        };
        let place = self.link_place(&letters);
        let put = self.records.links.put(&place, None, record.clone()).await;
        put.map_err(|error| error.or(invalid()))?;
        self.change(person.user, |user, now| {
            user.note(now.as_secs(), "link_created", "");
            Ok(())
        })
        .await?;
        Ok(Link {
            code: grouped(&letters),
            expires_at: record.expires_at,
        })
    }

    /// The user of a code, and what the other device needs to make a passkey for them.
    pub async fn open_link(&self, request: &OpenLink) -> Result<LinkOpened, Problem> {
        let (_, link) = self.link(&request.code).await?;
        Ok(LinkOpened {
            user_handle: UserId(*link.value.user).to_string(),
            expires_at: link.value.expires_at,
        })
    }

    /// Offers a passkey that was made for exactly this request. It waits for approval.
    pub async fn offer_passkey(
        &self,
        request: &OfferPasskey,
        approval: &Approval,
    ) -> Result<PasskeyView, Problem> {
        check_name(&request.passkey_name, "/passkey_name")?;
        let (place, link) = self.link(&request.code).await?;
        let (made, nonce) = self.new_passkey(approval)?;
        self.use_up(&nonce, Approver::Newcomer)?;
        let id = UserId(*link.value.user);
        let used = LinkRecord {
            used: true,
            ..LinkRecord::clone(&link.value)
        };
        // The code is used up first: a request that loses this race has offered nothing.
        let links = &self.records.links;
        let put = links.put(&place, Some(link.version), used).await;
        put.map_err(|error| error.or(invalid()))?;
        self.claim(&made.credential_id, id).await?;
        let passkey = Passkey::new(&made, &request.passkey_name, false, self.now());
        self.change(id, |user, now| {
            user.add_passkey(passkey.clone(), now)?;
            user.note(now.as_secs(), "passkey_offered", hex::encode(passkey.id()));
            Ok(())
        })
        .await?;
        Ok(view::passkey(&passkey))
    }

    /// The link of a code that is right, and its place. Charged only then: a wrong code, of a hundred bits, uses up nobody's budget.
    async fn link(&self, code: &str) -> Result<(String, Versioned<LinkRecord>), Problem> {
        let letters = letters(code).ok_or_else(|| {
            let came = format!("{} bytes", code.len());
            Problem::field("/code", came, "20 of A-Z and 2-7, grouped or not")
        })?;
        let place = self.link_place(&letters);
        let link = self.records.links.unexpired(&place, || self.now()).await?;
        let unused = link.filter(|link| !link.value.used);
        let link = unused.ok_or_else(invalid)?;
        self.arrivals.link(self.now())?;
        Ok((place, link))
    }

    fn link_place(&self, letters: &str) -> String {
        place("permafrost link", &self.deployment, letters.as_bytes())
    }
}

impl Record for LinkRecord {
    const KIND: &'static str = "link";

    fn encode(&self) -> Result<Zeroizing<Vec<u8>>, String> {
        super::user::to_cbor(self)
    }

    fn decode(bytes: &[u8]) -> Result<Self, String> {
        super::user::from_cbor(bytes, 1, |link: &Self| link.v)
    }

    fn expires_at(&self) -> Option<u64> {
        Some(self.expires_at)
    }
}

fn invalid() -> Problem {
    let detail = "the code was used, has expired or never existed; accepted: a new code";
    Problem::new(ProblemType::LinkInvalid, detail)
}
