/** What a recovering user gives to guardians, and keeps until the delay is over: which recovery, of which user, with which passkey. */

import { type Bytes, concat, fromBase64, fromHex, toBase64url, toHex } from "../bytes.js";
import { quoted } from "../quoted.js";
import type { Recovery } from "./api.js";

/** Nothing in it is secret. Its only uses are to approve as a guardian and to complete with the new passkey. */
export class RecoveryTicket {
  private constructor(
    /** The user id: 16 bytes in hex. */
    readonly user: string,
    /** The recovery: 16 bytes in hex. */
    readonly recovery: string,
    /** The SHA-256 of the new passkey's public key: 32 bytes in hex. */
    readonly publicKeyDigest: string,
  ) {}

  static of(user: string, { id, public_key_digest }: Pick<Recovery, "id" | "public_key_digest">): RecoveryTicket {
    return new RecoveryTicket(user, id, public_key_digest);
  }

  /**
   * Reads 86 characters of base64url: user id, recovery, digest. Spaces and line breaks in it are skipped.
   *
   * @throws {TypeError} for any other text.
   */
  static parse(text: string): RecoveryTicket {
    const compact = text.replace(/\s+/g, "");
    const raw = fromBase64(`${compact.replaceAll("-", "+").replaceAll("_", "/")}==`);
    if (raw?.length !== 64) {
      throw new TypeError(`the ticket is ${quoted(text)}; accepted: 86 characters of A-Z a-z 0-9 - _`);
    }
    return new RecoveryTicket(toHex(raw.slice(0, 16)), toHex(raw.slice(16, 32)), toHex(raw.slice(32)));
  }

  toString(): string {
    const parts = [this.user, this.recovery, this.publicKeyDigest].map((hex) => fromHex(hex));
    return toBase64url(concat(...parts.filter((part): part is Bytes => part !== undefined)));
  }
}
