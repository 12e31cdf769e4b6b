//! Every reason to refuse an authenticator's response.

use super::{Algorithm, CERTIFICATES_MAX};

/// The rule that a response breaks, what came and what would have been accepted.
///
/// [`WebauthnError::rule`] is for programs, [`WebauthnError::group`] for a problem type, [`std::fmt::Display`] for people. Text from
/// the response is quoted and escaped, and long text is cut. Errors never show challenges, credential ids or user handles: an error
/// may end up in a log that the parent reads.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum WebauthnError {
    /// The response is not an object with the members of its type, or a member has another type.
    #[error("the response is not a {expected} (WebAuthn Level 3 section 5.1.8 or 5.1.9): {detail}")]
    Json {
        /// The name of the type that is accepted.
        expected: &'static str,
        /// What the JSON parser says, with line and column.
        detail: String,
    },
    /// `type` of the response names another kind of credential.
    #[error("the credential's type is {found}, accepted: \"public-key\"")]
    CredentialType {
        /// What came, quoted.
        found: String,
    },
    /// A member is not base64url without padding (RFC 4648 section 5).
    #[error("{member} is not base64url without padding: {detail}")]
    Base64 {
        /// Which member.
        member: &'static str,
        /// What the decoder says.
        detail: String,
    },
    /// A part is shorter or longer than it may be.
    #[error("{part} has {found} {unit}, accepted: {min} to {max}")]
    Length {
        /// Which part.
        part: &'static str,
        /// What is counted: bytes, texts.
        unit: &'static str,
        /// The length that came.
        found: usize,
        /// The least that is accepted.
        min: usize,
        /// The most that is accepted.
        max: usize,
    },
    /// `id` is not the text of `rawId`.
    #[error("id and rawId differ, accepted: the same base64url text in both")]
    IdsDiffer,
    /// A transport is not a short text of lower-case letters, digits and hyphens.
    #[error("a transport is {found}, accepted: 1 to 32 of a-z, 0-9 and -")]
    Transport {
        /// What came, quoted.
        found: String,
    },
    /// The client data is not one JSON object of distinct members with `type`, `challenge` and `origin`.
    #[error(
        "clientDataJSON is not an object of distinct members with type, challenge and origin: {detail}"
    )]
    ClientData {
        /// What the JSON parser says, with line and column.
        detail: String,
    },
    /// A part is cut off.
    #[error("{part} ends too early: {needed} more bytes are needed, {found} are left")]
    Truncated {
        /// Which part.
        part: &'static str,
        /// How many bytes are needed.
        needed: usize,
        /// How many are left.
        found: usize,
    },
    /// Bytes follow a part that must be the last.
    #[error("{found} bytes follow {part}, accepted: none")]
    TrailingBytes {
        /// Which part.
        part: &'static str,
        /// How many bytes follow.
        found: usize,
    },
    /// A part is not one well-formed CBOR item (RFC 8949).
    #[error("{part} is not well-formed CBOR: {detail}")]
    Cbor {
        /// Which part.
        part: &'static str,
        /// What the decoder says, with the offset where it knows it.
        detail: String,
    },
    /// A part is CBOR in another form than the canonical one.
    #[error("{part} is not in the CTAP2 canonical CBOR form: {detail}")]
    NotCanonical {
        /// Which part.
        part: &'static str,
        /// What is not canonical.
        detail: &'static str,
    },
    /// A part is CBOR of another shape.
    #[error("{part} is {found}, accepted: {accepted}")]
    Shape {
        /// Which part.
        part: &'static str,
        /// What came.
        found: String,
        /// What is accepted.
        accepted: &'static str,
    },
    /// A registration has no attested credential data (flag AT).
    #[error("the authenticator data has no credential: flag AT is not set, accepted: set")]
    CredentialMissing,
    /// An assertion has attested credential data (flag AT), which only registrations have.
    #[error(
        "the authenticator data of an assertion has a credential: flag AT is set, accepted: not set"
    )]
    CredentialPresent,
    /// The credential is backed up (flag BS), though it cannot be (flag BE).
    #[error("flag BS is set without flag BE, accepted: BS only with BE")]
    BackupState,

    /// The client data is of another ceremony: a registration instead of a login, or the reverse.
    #[error("the client data's type is {found}, accepted: {accepted:?}")]
    Ceremony {
        /// What came, quoted.
        found: String,
        /// What is accepted.
        accepted: &'static str,
    },
    /// The response is not one to the expected challenge.
    #[error("the client data has another challenge than the one that was issued for this request")]
    Challenge,
    /// The page that called the browser is not one of the relying party's.
    #[error("the origin is {found}, accepted: {accepted}")]
    Origin {
        /// What came, quoted.
        found: String,
        /// The accepted origins.
        accepted: String,
    },
    /// The page that called the browser was embedded in a page of another origin.
    #[error("crossOrigin is true, accepted: false or absent")]
    CrossOrigin,
    /// The client data names the origin of an embedding page.
    #[error("topOrigin is {found}, accepted: absent")]
    TopOrigin {
        /// What came, quoted.
        found: String,
    },
    /// The authenticator acted for another relying party.
    #[error("the RP ID hash is {found}, accepted: that of {accepted:?}")]
    RpId {
        /// The SHA-256 that came, hex.
        found: String,
        /// The accepted RP ID.
        accepted: String,
    },
    /// The user was not present (flag UP).
    #[error("the user was not present: flag UP is not set, accepted: set")]
    UserPresence,
    /// The user was not verified (flag UV).
    #[error("the user was not verified: flag UV is not set, accepted: set")]
    UserVerification,

    /// The key's algorithm is not accepted.
    #[error(
        "the key's algorithm (alg) is {found}, accepted: -7 (ES256), -8 (EdDSA) or -257 (RS256)"
    )]
    Algorithm {
        /// What came.
        found: String,
    },
    /// The key's type or curve is not that of its algorithm.
    #[error("{label} of an {algorithm} key is {found}, accepted: {accepted}")]
    KeyType {
        /// The key's algorithm.
        algorithm: Algorithm,
        /// Which label: `kty (1)` or `crv (-1)`.
        label: &'static str,
        /// What came.
        found: String,
        /// What is accepted.
        accepted: i8,
    },
    /// The key has another set of labels than its algorithm requires.
    #[error("an {algorithm} key has the labels {found}, accepted: {accepted}")]
    KeyLabels {
        /// The key's algorithm.
        algorithm: Algorithm,
        /// What came.
        found: String,
        /// What is accepted.
        accepted: &'static str,
    },
    /// The key's numbers do not make a usable key.
    #[error("the {algorithm} key is not usable: {detail}")]
    KeyValue {
        /// The key's algorithm.
        algorithm: Algorithm,
        /// The rule that it breaks.
        detail: String,
    },

    /// The credential in the attested credential data is not the one that the response names.
    #[error(
        "rawId is not the id of the credential that the authenticator made, accepted: the same bytes"
    )]
    CredentialMismatch,
    /// The response is of another credential than the stored one.
    #[error("rawId is not the id of the credential that this response is checked against")]
    OtherCredential,
    /// The authenticator returned another user's handle.
    #[error("the user handle is not that of the credential's user")]
    UserHandle,
    /// The credential can be backed up and could not be before, or the reverse.
    #[error("flag BE is {found}, accepted: {accepted}, as at the registration")]
    BackupEligibility {
        /// What came.
        found: bool,
        /// What was registered.
        accepted: bool,
    },
    /// The assertion's signature does not verify.
    #[error(
        "the signature is not a valid {algorithm} signature by this credential's key over this assertion"
    )]
    Signature {
        /// The key's algorithm.
        algorithm: Algorithm,
    },
    /// The signature counter did not grow: the credential was copied, or the assertion is an old one.
    #[error("the signature counter is {found}, accepted: more than {stored}")]
    CounterWentBack {
        /// The counter that came.
        found: u32,
        /// The last that was accepted.
        stored: u32,
    },

    /// The attestation statement's format is not accepted.
    #[error("the attestation format is {found}, accepted: \"none\" or \"packed\"")]
    AttestationFormat {
        /// What came, quoted.
        found: String,
    },
    /// The attestation statement has other members than its format requires.
    #[error(
        "the attestation statement of format {format:?} has the members {found}, accepted: {accepted}"
    )]
    AttestationMembers {
        /// The format.
        format: &'static str,
        /// What came.
        found: String,
        /// What is accepted.
        accepted: &'static str,
    },
    /// A packed statement has certificates, but the configuration has no roots to check them.
    #[error(
        "the packed attestation has certificates (x5c), accepted: no certificates, since no roots are configured"
    )]
    AttestationCertificates,
    /// The configuration has roots, but no vendor vouches for the authenticator.
    #[error(
        "the authenticator's vendor does not vouch for it, accepted: a packed attestation with certificates (x5c) under a configured root"
    )]
    AttestationMissing,
    /// The authenticator is of a model that the configuration does not name.
    #[error("the authenticator's model (AAGUID) is {found}, accepted: those of the configuration")]
    AttestationModel {
        /// The AAGUID that came, hex.
        found: String,
    },
    /// The certificates do not lead to a configured root, or are not valid now.
    #[error(
        "the attestation certificates do not lead to a configured root: {detail}, accepted: 1 to {CERTIFICATES_MAX} certificates that do, all valid now"
    )]
    AttestationPath {
        /// Which rule they break, by the name that rustls-webpki gives it.
        detail: String,
    },
    /// The attestation certificate is not of the form that WebAuthn requires.
    #[error(
        "the attestation certificate has {found}, accepted: {accepted} (WebAuthn Level 3 section 8.2.1)"
    )]
    AttestationCertificate {
        /// What came.
        found: String,
        /// What is accepted.
        accepted: &'static str,
    },
    /// The attestation's algorithm is not that of the key that should have signed it.
    #[error("the attestation's algorithm is {found}, accepted: {accepted}")]
    AttestationAlgorithm {
        /// What came.
        found: String,
        /// What is accepted.
        accepted: String,
    },
    /// The attestation's signature does not verify.
    #[error("the attestation signature is not a valid {algorithm} signature by {signer}")]
    AttestationSignature {
        /// The algorithm that should have signed it.
        algorithm: Algorithm,
        /// The key that should have signed it.
        signer: &'static str,
    },
}

/// What a broken rule is about: each group has a problem type of its own.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Group {
    /// The response, or a part of it, is malformed.
    Malformed,
    /// A registration came for a login, or the other way round.
    Ceremony,
    /// It has another challenge.
    Challenge,
    /// Another page, or an embedded one, called the browser.
    Origin,
    /// The authenticator worked for another relying party.
    RelyingParty,
    /// The user was not present or not verified.
    UserVerification,
    /// The key's algorithm or form is not accepted.
    Algorithm,
    /// It is of another credential, or of another user's.
    Credential,
    /// The assertion is not signed by the credential's key.
    Signature,
    /// The signature counter did not grow.
    Counter,
    /// The attestation statement is not accepted.
    Attestation,
}

impl WebauthnError {
    /// The broken rule, as a short name that does not change between releases.
    pub fn rule(&self) -> &'static str {
        self.classified().0
    }

    /// What the broken rule is about.
    pub fn group(&self) -> Group {
        self.classified().1
    }

    fn classified(&self) -> (&'static str, Group) {
        match self {
            Self::Json { .. } => ("json", Group::Malformed),
            Self::CredentialType { .. } => ("credential-type", Group::Malformed),
            Self::Base64 { .. } => ("base64", Group::Malformed),
            Self::Length { .. } => ("length", Group::Malformed),
            Self::IdsDiffer => ("ids-differ", Group::Malformed),
            Self::Transport { .. } => ("transport", Group::Malformed),
            Self::ClientData { .. } => ("client-data", Group::Malformed),
            Self::Truncated { .. } => ("truncated", Group::Malformed),
            Self::TrailingBytes { .. } => ("trailing-bytes", Group::Malformed),
            Self::Cbor { .. } => ("cbor", Group::Malformed),
            Self::NotCanonical { .. } => ("not-canonical", Group::Malformed),
            Self::Shape { .. } => ("shape", Group::Malformed),
            Self::CredentialMissing => ("credential-missing", Group::Malformed),
            Self::CredentialPresent => ("credential-present", Group::Malformed),
            Self::BackupState => ("backup-state", Group::Malformed),
            Self::Ceremony { .. } => ("ceremony", Group::Ceremony),
            Self::Challenge => ("challenge", Group::Challenge),
            Self::Origin { .. } => ("origin", Group::Origin),
            Self::CrossOrigin => ("cross-origin", Group::Origin),
            Self::TopOrigin { .. } => ("top-origin", Group::Origin),
            Self::RpId { .. } => ("rp-id", Group::RelyingParty),
            Self::UserPresence => ("user-presence", Group::UserVerification),
            Self::UserVerification => ("user-verification", Group::UserVerification),
            Self::Algorithm { .. } => ("algorithm", Group::Algorithm),
            Self::KeyType { .. } => ("key-type", Group::Algorithm),
            Self::KeyLabels { .. } => ("key-labels", Group::Algorithm),
            Self::KeyValue { .. } => ("key-value", Group::Algorithm),
            Self::CredentialMismatch => ("credential-mismatch", Group::Credential),
            Self::OtherCredential => ("other-credential", Group::Credential),
            Self::UserHandle => ("user-handle", Group::Credential),
            Self::BackupEligibility { .. } => ("backup-eligibility", Group::Credential),
            Self::Signature { .. } => ("signature", Group::Signature),
            Self::CounterWentBack { .. } => ("counter-went-back", Group::Counter),
            Self::AttestationFormat { .. } => ("attestation-format", Group::Attestation),
            Self::AttestationMembers { .. } => ("attestation-members", Group::Attestation),
            Self::AttestationCertificates => ("attestation-certificates", Group::Attestation),
            Self::AttestationMissing => ("attestation-missing", Group::Attestation),
            Self::AttestationModel { .. } => ("attestation-model", Group::Attestation),
            Self::AttestationPath { .. } => ("attestation-path", Group::Attestation),
            Self::AttestationCertificate { .. } => ("attestation-certificate", Group::Attestation),
            Self::AttestationAlgorithm { .. } => ("attestation-algorithm", Group::Attestation),
            Self::AttestationSignature { .. } => ("attestation-signature", Group::Attestation),
        }
    }
}

/// Text from a response as an error shows it: quoted, escaped, at most 64 characters.
pub(super) fn quoted(text: &str) -> String {
    match text.char_indices().nth(64) {
        Some((end, _)) => format!("{:?}...", text.get(..end).unwrap_or_default()),
        None => format!("{text:?}"),
    }
}

/// What a parser says, at most 128 characters of it: it may quote the response.
pub(super) fn cut(detail: &str) -> String {
    detail.chars().take(128).collect()
}
