/** The bodies about keys with split custody, as the enclave sends them (`docs/split.md`). Binary values are hex. */

import type { SignedEvent, UnsignedEvent } from "../people/session.js";

/** What the participants of a ceremony agree on. */
export interface Parameters {
  /** 32 bytes. */
  readonly id: string;
  readonly purpose: "generate" | "refresh" | "reshare";
  readonly deployment: string;
  /** 22 bytes. */
  readonly key_id: string;
  /** The generation that the shares will have: 1 for a new key. */
  readonly generation: number;
  /** How many participants a signature takes. */
  readonly threshold: number;
  readonly participants: readonly CeremonyParticipant[];
  /** SHA-256 of the attestation document of the enclave's boot: 32 bytes. */
  readonly boot: string;
  /** The key that is refreshed or reshared, 32 bytes; absent for a new one. */
  readonly group_public_key?: string;
  /** Absent where there are none. */
  readonly dealers?: readonly Dealer[];
  /** Seconds since 1970. */
  readonly expires_at: number;
}

export interface CeremonyParticipant {
  readonly name: string;
  /** What verifies its messages, 32 bytes; absent: the enclave holds the share. */
  readonly public_key?: string;
}

/** A participant that deals its share of a key that is reshared. */
export interface Dealer extends CeremonyParticipant {
  /** 33 bytes. */
  readonly verifying_share: string;
}

export interface Outcome {
  readonly parameters: Parameters;
  /** The key, 32 bytes, x-only (BIP-340). */
  readonly group_public_key: string;
  /** In the order of the participants: 33 bytes each. */
  readonly verifying_shares: readonly string[];
  /** The digest of every message: 32 bytes. */
  readonly transcript: string;
}

/** That every participant, the enclave among them, has signed what a ceremony came to. */
export interface Certificate {
  readonly outcome: Outcome;
  /** Those of the participants with a public key, in their order: BIP-340, 64 bytes. */
  readonly confirmations: readonly { readonly participant: string; readonly signature: string }[];
  readonly enclave: {
    /** The attestation document of the boot, in base64. */
    readonly document: string;
    /** Ed25519, 64 bytes. */
    readonly signature: string;
  };
}

/** What is to be signed. */
export type Payload =
  /** Any bytes, in hex. */
  | { readonly type: "message"; readonly message: string }
  /** 32 bytes. */
  | { readonly type: "digest"; readonly digest: string }
  | { readonly type: "nostr_event"; readonly event: UnsignedEvent }
  /** 32 bytes each: the signature hash, and the Merkle root of the script tree if there is one (BIP-341). */
  | { readonly type: "taproot_spend"; readonly sighash: string; readonly merkle_root?: string };

export interface Signed {
  readonly key_id: string;
  readonly generation: number;
  /** The version of the sealed record that the enclave's parts were made from (`docs/freshness.md`). */
  readonly record_version: number;
  /** What verifies the signature, 32 bytes: the group public key, or the output key of a Taproot spend. */
  readonly public_key: string;
  /** BIP-340, 64 bytes. */
  readonly signature: string;
  /** Only for a Nostr event. */
  readonly event?: SignedEvent;
}
