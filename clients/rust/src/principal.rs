//! What a principal can request of its enclave.

use std::{fmt, sync::Arc};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, header::CONTENT_TYPE};
use permafrost_common::{
    api::{
        CreateKey, IDEMPOTENCY_HEADER, Key, KeyFilter, KeyList, LabelKey, ReplaceKey,
        ResealRecords, ResealedRecords, RetireRoot, RootState, RotateRoot, SignRequest, Signed,
        batch::{CreateKeys, CreatedKeys},
        derived::{DeriveKeys, DerivedKeys, KeyPath, Wallet},
        is_name,
        replacement::{LinkReplacement, Replaced, Replacement},
    },
    http_signature::{SigningKey, fresh_nonce, sign_request},
};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    Enclave, Error, IdempotencyKey, RecordVersions, Response, client::request, clock,
    enclave::Repeat,
};

/// An enclave as one principal uses it: every request is signed, every response is checked.
///
/// Each method returns the same errors: those of the connection, [`Error::ResponseNotAuthentic`],
/// [`Error::Unauthenticated`], [`Error::Problem`] with the problem that the enclave signed, [`Error::ClockDiffers`], and
/// [`Error::RolledBack`] where a response was made from an older record than one seen before ([`RecordVersions`]).
///
/// # When a request is carried out twice
///
/// A parent can carry a request to the enclave and hide the response, which looks like a broken connection.
/// It can also restart the enclave in between, in which case this client signs the request again for the new boot by
/// itself, as it does for another enclave of the deployment that responds; and where a second time changes nothing more, it
/// repeats once what the parent says no enclave has responded to. So a request may have been carried out although the call returned an error, and twice although it was made once:
///
/// | operation | if it is carried out twice |
/// |---|---|
/// | [`create_key`](Self::create_key), [`import_key`](Self::import_key), [`replace`](Self::replace) | nothing more happens, as long as the idempotency key stays the same |
/// | [`sign`](Self::sign) | two signatures of the same message |
/// | [`rotate`](Self::rotate) | two generations instead of one; the public key stays |
/// | [`link_replacement`](Self::link_replacement), [`label`](Self::label), [`disable`](Self::disable), [`delete`](Self::delete) | nothing more happens |
/// | [`key`](Self::key), [`list_keys`](Self::list_keys), [`find_keys`](Self::find_keys), [`derive_keys`](Self::derive_keys), [`wallet`](Self::wallet), [`root`](Self::root), [`store`](Self::store) | nothing happens at all |
/// | [`rotate_root`](Self::rotate_root), [`retire_root`](Self::retire_root) | the second is refused or changes nothing: each names the newest epoch |
/// | [`reseal`](Self::reseal), [`set_store_credentials`](Self::set_store_credentials) | nothing more happens |
#[derive(Clone)]
pub struct Principal {
    enclave: Enclave,
    name: Arc<str>,
    key: Arc<SigningKey>,
    ahead_s: u64,
    versions: RecordVersions,
}

impl Principal {
    pub(crate) fn new(enclave: Enclave, name: &str, key: SigningKey) -> Self {
        Self {
            enclave,
            name: name.into(),
            key: Arc::new(key),
            ahead_s: 0,
            versions: RecordVersions::new(),
        }
    }

    /// For an enclave whose clock is known to be this many seconds ahead of this machine's: requests carry that time.
    #[must_use]
    pub fn with_enclave_ahead(self, seconds: u64) -> Self {
        Self {
            ahead_s: seconds,
            ..self
        }
    }

    /// With what was seen before of the deployment's keys, or by others that these are shared with. Without this call a principal
    /// remembers what it and its clones see.
    #[must_use]
    pub fn with_record_versions(self, versions: RecordVersions) -> Self {
        Self { versions, ..self }
    }

    /// The versions of keys' records that were seen.
    pub fn record_versions(&self) -> &RecordVersions {
        &self.versions
    }

    /// The name in the measured configuration.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The enclave that this principal uses.
    pub fn enclave(&self) -> &Enclave {
        &self.enclave
    }

    /// Makes a key. Repeated with the same idempotency key, it returns the key that was made the first time.
    pub async fn create_key(
        &self,
        wanted: &CreateKey,
        idempotency_key: &IdempotencyKey,
    ) -> Result<Key, Error> {
        self.create("/v1/keys", wanted, idempotency_key).await
    }

    /// Makes 1 to 100 keys. Repeated with the same idempotency key, it returns the same keys, and makes those that are missing.
    pub async fn create_keys(
        &self,
        wanted: &CreateKeys,
        idempotency_key: &IdempotencyKey,
    ) -> Result<CreatedKeys, Error> {
        self.create("/v1/keys:batch", wanted, idempotency_key).await
    }

    /// Lists the keys that this principal may see: those after the id `after`, at most `limit` (1 to 100).
    ///
    /// The parent keeps the records and can leave keys out of a listing; it cannot change or add one.
    pub async fn list_keys(
        &self,
        after: Option<&str>,
        limit: Option<u32>,
    ) -> Result<KeyList, Error> {
        self.find_keys(&KeyFilter::default(), after, limit).await
    }

    /// Lists those keys that this principal may see and that match the filter, as [`Principal::list_keys`]. A listing may have fewer than
    /// `limit` keys, even none, and still not be the last: [`KeyList::next`] says so.
    pub async fn find_keys(
        &self,
        filter: &KeyFilter,
        after: Option<&str>,
        limit: Option<u32>,
    ) -> Result<KeyList, Error> {
        if let Some(after) = after {
            check_id(after)?;
        }
        for (what, text) in [("owner", &filter.owner), ("label", &filter.label)] {
            if text.as_ref().is_some_and(|text| !is_name(text)) {
                let reason = "accepted: 1 to 64 of A-Z a-z 0-9 - _ .".to_owned();
                return Err(Error::InvalidArgument { what, reason });
            }
        }
        let parameters = [
            ("after", after.map(str::to_owned)),
            ("limit", limit.map(|limit| limit.to_string())),
            ("owner", filter.owner.clone()),
            ("label", filter.label.clone()),
            (
                "status",
                filter.status.map(|status| status.as_str().to_owned()),
            ),
            (
                "custody",
                filter.custody.map(|custody| custody.as_str().to_owned()),
            ),
            (
                "group_public_key",
                filter.group_public_key.map(|key| key.to_string()),
            ),
        ];
        let given = parameters.into_iter();
        let given = given.filter_map(|(name, value)| Some(format!("{name}={}", value?)));
        let query = given.collect::<Vec<String>>().join("&");
        let mark = if query.is_empty() { "" } else { "?" };
        self.get(&format!("/v1/keys{mark}{query}")).await
    }

    /// Gives a key another label, or none: 1 to 64 of `A-Z a-z 0-9 - _ .`, by which [`Principal::find_keys`] finds it.
    pub async fn label(&self, id: &str, label: Option<&str>) -> Result<Key, Error> {
        let body = LabelKey {
            label: label.map(str::to_owned),
        };
        self.post(&target(id, "/label")?, &body).await
    }

    /// Shows a key.
    pub async fn key(&self, id: &str) -> Result<Key, Error> {
        self.get(&target(id, "")?).await
    }

    /// Shows the derived keys of 1 to 100 paths, in their order. Nothing is stored.
    pub async fn derive_keys(&self, paths: &[KeyPath]) -> Result<DerivedKeys, Error> {
        let paths = paths.to_vec();
        self.post("/v1/keys:derive", &DeriveKeys { paths }).await
    }

    /// Shows what a watch-only wallet takes to find the addresses of a derived key.
    pub async fn wallet(&self, id: &str) -> Result<Wallet, Error> {
        self.get(&target(id, "/wallet")?).await
    }

    /// Signs with a key.
    pub async fn sign(&self, id: &str, what: &SignRequest) -> Result<Signed, Error> {
        self.post(&target(id, "/sign")?, what).await
    }

    /// Refreshes a key's shares: the old ones are useless afterwards; the public key stays.
    pub async fn rotate(&self, id: &str) -> Result<Key, Error> {
        self.post_empty(&target(id, "/rotate")?, Repeat::Never)
            .await
    }

    /// Makes a key that replaces another, with the same participants and threshold, and the statement of the old one. The statement is not
    /// verified: see [`Replacement::verify`].
    pub async fn replace(
        &self,
        id: &str,
        how: &ReplaceKey,
        idempotency_key: &IdempotencyKey,
    ) -> Result<Replaced, Error> {
        self.create(&target(id, "/replace")?, how, idempotency_key)
            .await
    }

    /// Replaces a key by one that was made before. A key with split custody takes the signature of
    /// [`sign_replacement`](Self::sign_replacement).
    pub async fn link_replacement(
        &self,
        id: &str,
        how: &LinkReplacement,
    ) -> Result<Replaced, Error> {
        self.post(&target(id, "/replacement")?, how).await
    }

    /// The statement by which a key was replaced. It is not verified: see [`Replacement::verify`].
    pub async fn replacement(&self, id: &str) -> Result<Replacement, Error> {
        self.get(&target(id, "/replacement")?).await
    }

    /// Disables a key for good: it never signs again.
    pub async fn disable(&self, id: &str) -> Result<Key, Error> {
        self.post_empty(&target(id, "/disable")?, Repeat::Harmless)
            .await
    }

    /// Deletes the enclave's shares of a disabled key for good. Everything else about the key stays.
    pub async fn delete(&self, id: &str) -> Result<Key, Error> {
        self.post_empty(&target(id, "/delete")?, Repeat::Harmless)
            .await
    }

    /// The epochs of the root secret.
    pub async fn root(&self) -> Result<RootState, Error> {
        self.get("/v1/root").await
    }

    /// Makes the next epoch of the root secret; `epoch` is the newest one now.
    pub async fn rotate_root(&self, epoch: u32) -> Result<RootState, Error> {
        self.post("/v1/root/rotate", &RotateRoot { epoch }).await
    }

    /// Seals a number of records again, in the newest epoch.
    pub async fn reseal(&self, page: &ResealRecords) -> Result<ResealedRecords, Error> {
        self.post("/v1/root/reseal", page).await
    }

    /// Forgets the epochs before `epoch`, which is the newest.
    pub async fn retire_root(&self, epoch: u32) -> Result<RootState, Error> {
        self.post("/v1/root/retire", &RetireRoot { epoch }).await
    }

    /// Sends any request, and returns the enclave's response whatever its status.
    ///
    /// `path_and_query` begins with `/`. `headers` may have `content-type` and `idempotency-key`, which are signed;
    /// others are sent as they are. This method sets the fields of the signature.
    ///
    /// # Errors
    /// All but [`Error::Problem`], [`Error::ClockDiffers`] and [`Error::UnexpectedResponse`].
    pub async fn request(
        &self,
        method: Method,
        path_and_query: &str,
        body: impl Into<Bytes>,
        headers: HeaderMap,
    ) -> Result<Response, Error> {
        let harmless = method.is_safe() || headers.contains_key(IDEMPOTENCY_HEADER);
        let repeat = if harmless {
            Repeat::Harmless
        } else {
            Repeat::Never
        };
        self.send(method, path_and_query, body.into(), headers, repeat)
            .await
    }

    pub(crate) async fn get<T: DeserializeOwned>(&self, target: &str) -> Result<T, Error> {
        self.send(
            Method::GET,
            target,
            Bytes::new(),
            HeaderMap::new(),
            Repeat::Harmless,
        )
        .await?
        .json()
    }

    /// A request that does no harm if it is carried out twice.
    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        target: &str,
        what: &impl Serialize,
    ) -> Result<T, Error> {
        let (body, headers) = json(what)?;
        self.send(Method::POST, target, body, headers, Repeat::Harmless)
            .await?
            .json()
    }

    pub(crate) async fn post_empty<T: DeserializeOwned>(
        &self,
        target: &str,
        repeat: Repeat,
    ) -> Result<T, Error> {
        self.send(Method::POST, target, Bytes::new(), HeaderMap::new(), repeat)
            .await?
            .json()
    }

    pub(crate) async fn create<T: DeserializeOwned>(
        &self,
        target: &str,
        what: &impl Serialize,
        idempotency_key: &IdempotencyKey,
    ) -> Result<T, Error> {
        let (body, mut headers) = json(what)?;
        let value = HeaderValue::from_str(idempotency_key.as_str()).map_err(|error| {
            Error::InvalidArgument {
                what: "idempotency key",
                reason: error.to_string(),
            }
        })?;
        headers.insert(IDEMPOTENCY_HEADER, value);
        self.send(Method::POST, target, body, headers, Repeat::Harmless)
            .await?
            .json()
    }

    async fn send(
        &self,
        method: Method,
        target: &str,
        body: Bytes,
        headers: HeaderMap,
        repeat: Repeat,
    ) -> Result<Response, Error> {
        let demand = self.versions.demand(target);
        let response = self
            .enclave
            .call(repeat, |boot| {
                let mut request = request(method.clone(), &demand.target, body.clone())?;
                *request.headers_mut() = headers.clone();
                let (mut parts, body) = request.into_parts();
                sign_request(
                    &mut parts,
                    &body,
                    &self.key,
                    &self.name,
                    clock::now() + self.ahead_s,
                    &fresh_nonce()?,
                    boot.attestation(),
                )?;
                Ok(http::Request::from_parts(parts, body))
            })
            .await?;
        self.versions.check(&demand, &response)?;
        Ok(response)
    }
}

impl fmt::Debug for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Principal")
            .field("name", &self.name)
            .field("endpoint", &self.enclave.endpoint().to_string())
            .finish_non_exhaustive()
    }
}

fn json(value: &impl Serialize) -> Result<(Bytes, HeaderMap), Error> {
    let body = serde_json::to_vec(value).map_err(|error| Error::InvalidArgument {
        what: "body",
        reason: error.to_string(),
    })?;
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok((body.into(), headers))
}

pub(crate) fn target(id: &str, action: &str) -> Result<String, Error> {
    check_id(id)?;
    Ok(format!("/v1/keys/{id}{action}"))
}

/// Refuses an id that would become another path or query. The enclave says whether there is such a key.
fn check_id(id: &str) -> Result<(), Error> {
    // A derived key's id has one point, so that no id is a step in a path.
    let (text, extra) = match id.strip_prefix("d1.") {
        Some(path) => (path, b"-_".as_slice()),
        None => (id, b"".as_slice()),
    };
    let is_of_ids = |b: u8| b.is_ascii_alphanumeric() || extra.contains(&b);
    if (1..=512).contains(&text.len()) && text.bytes().all(is_of_ids) {
        return Ok(());
    }
    Err(Error::InvalidArgument {
        what: "key id",
        reason: format!("{id:?}; accepted: a key's id, as the enclave shows it"),
    })
}
