//! The bodies of every request and response of the HTTP API.
//!
//! All binary values are lower-case hex unless a field says otherwise. Unknown fields of a request are refused.

pub mod batch;
pub mod derived;
pub mod people;
pub mod replacement;
pub mod split;
mod store;

use permafrost_frost::Hex;
pub use permafrost_frost::is_name;
use serde::{Deserialize, Serialize};
pub use store::{SealedCredentials, StoreAuthority, StoreKind, StoreState};
use utoipa::ToSchema;

/// The header that names the attestation document of the boot that responds (or that a request is for): `sha-256=` and the 64 hex
/// digits of the SHA-256 of the document.
pub const ATTESTATION_HEADER: &str = "x-enclave-attestation";

/// The header that makes a creating request safe to repeat: 1 to 64 of `A-Z a-z 0-9 - _ .`.
pub const IDEMPOTENCY_HEADER: &str = "idempotency-key";

/// The header by which the response to an unsigned request belongs to that request alone (docs/signatures.md).
pub const REQUEST_NONCE_HEADER: &str = "request-nonce";

/// The query parameter of `/v1/keys/{id}` and of everything below it: the oldest version of the key's record that is acceptable
/// (docs/freshness.md).
pub const LEAST_VERSION: &str = "least_version";

/// The longest message that a key signs, in bytes.
pub const MESSAGE_MAX: usize = 64 * 1024;

/// `POST /v1/keys`: a new key, dealt inside the enclave.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateKey {
    /// How many participants a signature takes: 2 to the number of participants.
    pub threshold: u16,
    /// The participants' names: 2 to 32, all different, each 1 to 64 of `A-Z a-z 0-9 - _ .`.
    pub participants: Vec<String>,
    /// What the key's label will be; absent: it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

/// `POST /v1/keys/{id}/label`: another label, or none.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LabelKey {
    /// 1 to 64 of `A-Z a-z 0-9 - _ .`; absent: the key has no label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

/// `POST /v1/keys:import`: a key whose secret exists already, sealed to this boot of the enclave.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportKey {
    /// How many participants a signature takes: 2 to the number of participants.
    pub threshold: u16,
    /// The participants' names: 2 to 32, all different, each 1 to 64 of `A-Z a-z 0-9 - _ .`.
    pub participants: Vec<String>,
    /// The BIP-340 public key of the secret: 32 bytes, x-only.
    #[schema(value_type = String, pattern = "^[0-9a-f]{64}$")]
    pub public_key: Hex<32>,
    /// The secret.
    pub sealed: SealedSecret,
}

/// A secret scalar of secp256k1, sealed to one boot for one request (docs/import.md).
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SealedSecret {
    /// The encapsulated key of HPKE (RFC 9180): 32 bytes.
    #[schema(value_type = String, pattern = "^[0-9a-f]{64}$")]
    pub enc: Hex<32>,
    /// The ciphertext with its tag: 48 bytes.
    #[schema(value_type = String, pattern = "^[0-9a-f]{96}$")]
    pub ciphertext: Hex<48>,
}

/// `POST /v1/keys/{id}/replace`: a new key with the participants and threshold of the old.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplaceKey {
    /// Whether the old key stops signing.
    #[serde(default)]
    pub disable_old: bool,
}

/// A key: everything about it except its shares.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
pub struct Key {
    /// 44 hex digits; of a derived key `d1.` and its path in base64url (docs/derivation.md).
    pub id: String,
    /// The principal that made the key; `derived` if no one did.
    pub owner: String,
    /// What its owner calls it, for listings: 1 to 64 of `A-Z a-z 0-9 - _ .`, which other keys may have too. Not of derived keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Where its shares are.
    pub custody: Custody,
    /// Whether the key signs.
    pub status: KeyStatus,
    /// How many participants a signature takes.
    pub threshold: u16,
    /// Each participant's name and public share.
    pub participants: Vec<Participant>,
    /// The BIP-340 public key: 32 bytes, x-only.
    pub group_public_key: String,
    /// 1 when made, one more after each rotation.
    pub generation: u32,
    /// The version of the sealed record that this response was made from, 1 or higher: one more after each change (docs/freshness.md). A derived key
    /// has it from the record of changes that its path belongs to.
    #[serde(default)]
    #[schema(required = true)]
    pub record_version: u64,
    /// Seconds since 1970, by the enclave's clock. Not of derived keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<u64>,
    /// The path of a derived key, for people: bytes of the name other than `A-Z a-z 0-9 - . _ ~` are percent-encoded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Whether the secret existed outside the enclave before it was imported; absent: it did not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub imported: bool,
    /// The key that this one replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<String>,
    /// The key that replaced this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaced_by: Option<String>,
    /// The key as a Taproot output without scripts.
    pub taproot: TaprootOutput,
    /// The key as Nostr writes it (NIP-19): `npub1...`.
    pub npub: String,
}

/// Where the shares of a key are.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Custody {
    /// All shares are in the enclave's sealed records.
    Enclave,
    /// Some shares are in the enclave's sealed records, fewer than a signature takes; the participants with a public key hold the others.
    Split,
    /// No share is stored: the enclave derives them from the deployment's derivation root and the key's path.
    Derived,
}

/// Whether a key signs.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum KeyStatus {
    /// It signs.
    Enabled,
    /// It does not sign, and never will again.
    Disabled,
    /// The enclave has no share of it, and never will again. Everything else about it stays.
    Deleted,
}

impl Custody {
    /// As JSON and queries have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Enclave => "enclave",
            Self::Split => "split",
            Self::Derived => "derived",
        }
    }
}

impl KeyStatus {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Enabled, Self::Disabled, Self::Deleted];

    /// As JSON and queries have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Enabled => "enabled",
            Self::Disabled => "disabled",
            Self::Deleted => "deleted",
        }
    }
}

/// Which keys a listing has: those that have each of these values. `GET /v1/keys` takes them as parameters of these names.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct KeyFilter {
    /// The principal that made the key.
    pub owner: Option<String>,
    /// The label.
    pub label: Option<String>,
    /// Whether the key signs.
    pub status: Option<KeyStatus>,
    /// Where its shares are. Derived keys are not stored, and never listed.
    pub custody: Option<Custody>,
    /// The BIP-340 public key: 64 lower-case hex digits.
    pub group_public_key: Option<Hex<32>>,
}

/// One participant of a key.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
pub struct Participant {
    /// The name from the request that made the key.
    pub name: String,
    /// The FROST identifier derived from the name: a scalar of 32 bytes.
    pub identifier: String,
    /// The verifying share: a compressed point of 33 bytes.
    pub verifying_share: String,
    /// The BIP-340 public key of a participant that holds its share itself, 32 bytes, x-only. Only for keys with split custody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_key: Option<String>,
}

/// A Taproot output that the key can spend by its key path.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
pub struct TaprootOutput {
    /// The tweaked key of BIP-341: 32 bytes, x-only.
    pub output_key: String,
    /// The bech32m address of BIP-350, on the network of the measured configuration.
    pub address: String,
}

/// `GET /v1/keys`: a listing of keys, in ascending order of id.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
pub struct KeyList {
    /// The keys that the principal may see.
    pub keys: Vec<Key>,
    /// The value of `after` for the next request; absent in the last response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// `POST /v1/keys/{id}/sign`: what to sign.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case", tag = "type")]
pub enum SignRequest {
    /// Bytes, signed as they are (BIP-340). A message of exactly 32 bytes counts as a digest.
    Message {
        /// At most 65536 bytes.
        message: String,
    },
    /// A digest made by the caller, signed as it is (BIP-340).
    Digest {
        /// 32 bytes.
        digest: String,
    },
    /// A Nostr event (NIP-01): the enclave computes the id.
    NostrEvent {
        /// The event.
        event: UnsignedEvent,
    },
    /// A Taproot key-path spend (BIP-341): signed by the tweaked key.
    TaprootSpend {
        /// The signature hash of the input, 32 bytes.
        sighash: String,
        /// The Merkle root of the output's script tree, 32 bytes; absent where it has none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        merkle_root: Option<String>,
    },
}

/// A Nostr event before it is signed (NIP-01).
///
/// Control characters other than `\b \t \n \f \r` are refused in `content` and `tags`: NIP-01 hashes them verbatim and most
/// software escapes them, so implementations would disagree on the id.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UnsignedEvent {
    /// The author, which must be this key: 32 bytes, x-only. May be left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pubkey: Option<String>,
    /// The id, which must be that of the event: 32 bytes. May be left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Seconds since 1970.
    pub created_at: u64,
    /// The kind, 0 to 65535.
    pub kind: u16,
    /// The tags: each has at least one text.
    pub tags: Vec<Vec<String>>,
    /// The content.
    pub content: String,
}

/// A signed Nostr event (NIP-01), as relays accept it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
pub struct NostrEvent {
    /// SHA-256 of the serialised event, 32 bytes.
    pub id: String,
    /// The author: 32 bytes, x-only.
    pub pubkey: String,
    /// Seconds since 1970.
    pub created_at: u64,
    /// The kind.
    pub kind: u16,
    /// The tags.
    pub tags: Vec<Vec<String>>,
    /// The content.
    pub content: String,
    /// The BIP-340 signature over `id`, 64 bytes.
    pub sig: String,
}

/// The response to `POST /v1/keys/{id}/sign`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
pub struct Signed {
    /// The key that signed.
    pub key_id: String,
    /// Its generation.
    pub generation: u32,
    /// The version of the sealed record that this response was made from, 1 or higher: one more after each change (docs/freshness.md).
    #[serde(default)]
    #[schema(required = true)]
    pub record_version: u64,
    /// The key that verifies the signature, 32 bytes, x-only: the group public key, or the output key of a Taproot spend.
    pub public_key: String,
    /// The BIP-340 signature, 64 bytes.
    pub signature: String,
    /// The signed event, if the request was for a Nostr event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<NostrEvent>,
    /// The output that the signature spends, if the request was for a Taproot spend.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taproot: Option<TaprootOutput>,
}

/// The epochs of the root secret: the response to `GET /v1/root` and to every request that changes them.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
pub struct RootState {
    /// The KMS key that makes every data key.
    pub key_arn: String,
    /// The newest epoch, in which everything is sealed.
    pub epoch: u32,
    /// The epochs whose records open, ascending; the newest is the last.
    pub epochs: Vec<u32>,
    /// The oldest epoch that the measured configuration accepts.
    pub oldest_epoch: u32,
    /// The fingerprint of the derivation root, 32 bytes, which is the same in every epoch.
    pub derivation_root: String,
}

/// `POST /v1/root/rotate`: the epoch after this one, which must be the newest.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RotateRoot {
    /// The newest epoch, so that a repeated request makes no second one.
    pub epoch: u32,
}

/// `POST /v1/root/reseal`: reseal one listing of records in the newest epoch.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResealRecords {
    /// The `next` of the previous response; empty in the first request.
    #[serde(default)]
    pub after: String,
    /// The most records to reseal: 1 to 100; 100 when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// The result of resealing one listing of records.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
pub struct ResealedRecords {
    /// The epoch in which they are sealed now.
    pub epoch: u32,
    /// How many records the listing had.
    pub examined: u32,
    /// How many of them were resealed; the others already were in the newest epoch.
    pub resealed: u32,
    /// How many were changed by other requests meanwhile: another pass is needed.
    pub left: u32,
    /// The value of `after` for the next request; absent in the last response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// `POST /v1/root/retire`: forget the epochs before the newest.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RetireRoot {
    /// The newest epoch, the only one that is kept.
    pub epoch: u32,
}

/// `GET /v1/attestation`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
pub struct Attestation {
    /// The attestation document (COSE_Sign1, CBOR), standard base64. Without a nonce, the boot's own document.
    pub document: String,
}

/// `GET /v1/health`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
pub struct Health {
    /// Whether the enclave serves keys.
    pub ready: bool,
    /// Why not, if it is not ready: one of a few texts of the enclave's own. The enclave log says more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The version of the enclave program.
    pub version: String,
    /// The deployment's name from the measured configuration.
    pub deployment: String,
    /// Which NSM attests: `nsm` (the device) or `emulator`.
    pub nsm: String,
}
