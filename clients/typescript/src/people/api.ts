/** The bodies about people, as the enclave sends them (`docs/people.md`). Times are seconds since 1970, by the enclave's clock. */

/** A user, as the user sees it. */
export interface User {
  /** The user handle, 16 bytes in hex: guardians and recovery tickets name the user by it. */
  readonly id: string;
  /** The `owner` of the user's keys. */
  readonly owner: string;
  readonly created_at: number;
  /** Including pending ones. */
  readonly passkeys: readonly Passkey[];
  /** Those that have not expired. */
  readonly sessions: readonly SessionInfo[];
  readonly policy?: Scope;
  /** How many are left. */
  readonly recovery_codes: number;
  readonly guardians?: Guardians;
  readonly recoveries: readonly Recovery[];
  /** The newest first; at most 100. */
  readonly activity: readonly Activity[];
}

export interface Passkey {
  /** 16 bytes in hex. */
  readonly id: string;
  readonly name: string;
  readonly status: "active" | "pending";
  readonly algorithm: string;
  /** 32 bytes in hex: what two devices compare when one is linked. */
  readonly public_key_digest: string;
  /** The authenticator's model, 16 bytes in hex; zero if it does not say. */
  readonly aaguid: string;
  readonly backup_eligible: boolean;
  readonly backed_up: boolean;
  readonly added_at: number;
  /** 0 before the first use. */
  readonly used_at: number;
}

export interface SessionInfo {
  /** The `keyid` of its requests. */
  readonly id: string;
  /** The passkey that logged in. */
  readonly passkey: string;
  /** What the client stated about the device. */
  readonly device: string;
  /** 32 bytes in hex: a hint, not a boundary. */
  readonly fingerprint: string;
  readonly created_at: number;
  readonly expires_at: number;
  readonly scope?: Scope;
}

/** A part of what the user may do. What is left out is not narrowed. */
export interface Scope {
  readonly operations?: readonly string[];
  readonly keys?: readonly string[];
  readonly nostr_kinds?: readonly number[];
}

/** A code with which another device offers a passkey. */
export interface Link {
  readonly code: string;
  readonly expires_at: number;
}

export interface Guardians {
  /** How many of them have to approve: 1 to the number of users; 0 if there are no users. */
  readonly threshold: number;
  /** User ids, 0 to 10. */
  readonly users: readonly string[];
}

/** A recovery under way. */
export interface Recovery {
  /** 16 bytes in hex. */
  readonly id: string;
  readonly passkey_name: string;
  /** SHA-256 of the new passkey's public key, in hex. */
  readonly public_key_digest: string;
  readonly started_at: number;
  /** How many guardians have approved. */
  readonly approvals: number;
  /** When it may be completed; absent while it waits for guardians. */
  readonly ready_at?: number;
}

export interface Activity {
  readonly at: number;
  /** `registered`, `logged_in`, `passkey_added`, ... */
  readonly what: string;
  /** Which passkey, session or recovery. */
  readonly detail: string;
}

/** A signing key, with what its user needs of it. */
export interface UserKey {
  readonly id: string;
  /** `split`: some of its shares are held outside the enclave (`docs/split.md`). */
  readonly custody: "enclave" | "split";
  /** A disabled key never signs again. The enclave has no share of a deleted one. */
  readonly status: "enabled" | "disabled" | "deleted";
  /** What its owner calls it. */
  readonly label?: string;
  /** How many participants a signature takes. */
  readonly threshold: number;
  readonly participants: readonly KeyParticipant[];
  /** 32 bytes in hex, x-only (BIP-340). */
  readonly group_public_key: string;
  readonly npub: string;
  /** 1 when made, one more after each rotation. */
  readonly generation: number;
  /** The version of the sealed record that this was made from, from 1: one more after each change (`docs/freshness.md`). */
  readonly record_version: number;
  readonly created_at: number;
  /** The secret existed outside the enclave before it was imported. */
  readonly imported?: true;
  /** The key that this one replaced, by id. */
  readonly replaces?: string;
  /** The key that replaced this one, by id. */
  readonly replaced_by?: string;
}

/** Which keys a listing has: those that have each of these values. */
export interface KeyFilter {
  readonly label?: string;
  readonly status?: UserKey["status"];
  readonly custody?: UserKey["custody"];
  /** 32 bytes in hex, x-only (BIP-340). */
  readonly group_public_key?: string;
}

/** One participant of a key. */
export interface KeyParticipant {
  readonly name: string;
  /** 33 bytes in hex. */
  readonly verifying_share: string;
  /** What verifies the messages of a participant that holds its share itself, 32 bytes in hex; absent: the enclave holds the share. */
  readonly public_key?: string;
}

/** A statement of the old key that the new one replaces it (`docs/replacement.md`). Ids and keys in hex. */
export interface Replacement {
  readonly version: number;
  readonly old_key_id: string;
  readonly old_public_key: string;
  readonly new_key_id: string;
  readonly new_public_key: string;
  readonly deployment: string;
  /** When the new key was made. */
  readonly created_at: number;
  /** BIP-340, by the old key. */
  readonly signature: string;
}

/** What comes of a replacement. */
export interface Replaced {
  /** The new key. */
  readonly key: UserKey;
  readonly replacement: Replacement;
  /** The version of the old key's record. */
  readonly record_version: number;
}
