/** A share that this side holds, in the memory of the WebAssembly. */

import type { Share } from "@permafrost/wasm";
import { SplitError } from "./error.js";
import { call } from "./protocol.js";

/**
 * One participant's share of a key, with the key that signs the participant's messages.
 *
 * The secrets are in the memory of the WebAssembly until {@link HeldShare.free} wipes them there; JavaScript has them only where
 * {@link HeldShare.toJson} is called.
 */
export class HeldShare {
  /** 22 bytes. */
  readonly keyId: string;
  /** The generation of the key that the share is of. */
  readonly generation: number;
  /** Its name. */
  readonly participant: string;
  /** How many participants a signature takes. */
  readonly threshold: number;
  /** The names of all participants of the key. */
  readonly participants: readonly string[];
  /** The key, 32 bytes, x-only (BIP-340). */
  readonly groupPublicKey: string;
  /** What verifies the participant's messages: 32 bytes. */
  readonly publicKey: string;
  #share: Share | undefined;

  /** For this library alone: {@link Split.parseShare} and ceremonies give shares. */
  constructor(share: Share) {
    this.keyId = share.keyId;
    this.generation = share.generation;
    this.participant = share.participant;
    this.threshold = share.threshold;
    this.participants = share.participants;
    this.groupPublicKey = share.groupPublicKey;
    this.publicKey = share.publicKey;
    this.#share = share;
  }

  /** The plain text of a share file (`docs/split.md`): encrypt it before it is stored. */
  toJson(): string {
    return call(() => this.inside.toJson());
  }

  /** Wipes the share. A second time, nothing happens. */
  free(): void {
    this.#share?.free();
    this.#share = undefined;
  }

  /**
   * For this library alone.
   *
   * @throws {SplitError} `argument` if it was freed.
   */
  get inside(): Share {
    if (this.#share === undefined) {
      throw new SplitError("argument", `the share of ${this.participant} was freed`);
    }
    return this.#share;
  }
}

/**
 * The first of some shares of one key.
 *
 * @throws {SplitError} `argument` if there are none, or if they are of different keys or generations.
 */
export function oneKey(shares: readonly HeldShare[]): HeldShare {
  const [first] = shares;
  if (first === undefined) {
    throw new SplitError("argument", "there is no share; accepted: at least one");
  }
  const isOfFirst = ({ keyId, generation, groupPublicKey }: HeldShare) =>
    keyId === first.keyId && generation === first.generation && groupPublicKey === first.groupPublicKey;
  if (!shares.every(isOfFirst)) {
    const accepted = "those of one key and one generation";
    throw new SplitError("argument", `shares of different keys or generations; accepted: ${accepted}`);
  }
  return first;
}
