/** Shares that a passkey opens: encrypted under the output of its PRF (`docs/split.md`, "A person's share"). */

import { type Bytes, concat, fromHex, toHex, utf8 } from "../bytes.js";
import { quoted } from "../quoted.js";
import { canonical } from "./canonical.js";

/** Which share of which key. */
export interface ShareName {
  /** 22 bytes in hex. */
  readonly keyId: string;
  /** From 1. */
  readonly generation: number;
  readonly participant: string;
}

/** A wrapped share does not open. */
export class WrappedShareError extends Error {
  override readonly name = "WrappedShareError";

  constructor(
    /** `other-passkey`: it was wrapped for another passkey, or another share was. */
    readonly kind: "malformed" | "other-passkey",
    reason: string,
    /** The passkey for which it was wrapped, as the enclave names it: 16 bytes in hex. */
    readonly passkey?: string,
  ) {
    super(reason);
  }
}

/**
 * What wraps and unwraps shares while it exists. No script can read the secret in it.
 *
 * A wrapped share has 45 bytes more than the share: the version (1 byte, 1), the id of the passkey (16 bytes), a random nonce (12 bytes), then
 * AES-256-GCM with its tag (16 bytes).
 */
export class PasskeySecret {
  private constructor(
    /** The passkey, as the enclave names it: 16 bytes in hex. */
    readonly passkey: string,
    private readonly secret: CryptoKey,
  ) {}

  /** The input of the PRF: it names what the output is for. */
  static salt(): Bytes {
    return utf8("permafrost wrapped share");
  }

  /** Of the output of the passkey's PRF for {@link PasskeySecret.salt}: 32 bytes, which are zeroed. */
  static async of(output: Bytes, passkey: string): Promise<PasskeySecret> {
    try {
      return new PasskeySecret(passkey, await crypto.subtle.importKey("raw", output, "HKDF", false, ["deriveKey"]));
    } finally {
      output.fill(0);
    }
  }

  /** The passkey for which a share was wrapped, as the enclave names it. {@link WrappedShareError}: the text is not a wrapped share. */
  static passkeyOf(wrapped: string): string {
    return toHex(parse(wrapped).passkey);
  }

  /** Encrypts a share for this passkey: lower-case hex of at most 4096 bytes. The plaintext is zeroed. */
  async wrap(share: ShareName, plaintext: Bytes): Promise<string> {
    try {
      if (plaintext.length > PLAINTEXT_MAX) {
        throw new TypeError(`the share has ${plaintext.length} bytes; accepted: at most ${PLAINTEXT_MAX}`);
      }
      const passkey = idBytes(this.passkey);
      const nonce = crypto.getRandomValues(new Uint8Array(NONCE));
      const { key, context } = await this.#keyOf(share, passkey);
      const sealed = await crypto.subtle.encrypt(
        { name: "AES-GCM", iv: nonce, additionalData: context },
        key,
        plaintext,
      );
      return toHex(concat(Uint8Array.of(VERSION), passkey, nonce, new Uint8Array(sealed)));
    } finally {
      plaintext.fill(0);
    }
  }

  /** The share, which whoever calls this zeroes after use. {@link WrappedShareError} says what would open it. */
  async unwrap(share: ShareName, wrapped: string): Promise<Bytes> {
    const { passkey, nonce, sealed } = parse(wrapped);
    const { key, context } = await this.#keyOf(share, passkey);
    try {
      const opened = await crypto.subtle.decrypt({ name: "AES-GCM", iv: nonce, additionalData: context }, key, sealed);
      return new Uint8Array(opened);
    } catch {
      const name = `the share of ${quoted(share.participant)}, generation ${share.generation} of the key,`;
      const accepted = "accepted: the passkey with which the share was made, or the recovery file";
      const reason = `${name} does not open with the passkey ${this.passkey}; ${accepted}`;
      throw new WrappedShareError("other-passkey", reason, toHex(passkey));
    }
  }

  /** HKDF-SHA-256 (RFC 5869) without a salt; `info` and the additional data are both the context. */
  async #keyOf(share: ShareName, passkey: Bytes): Promise<{ key: CryptoKey; context: Bytes }> {
    const { generation, participant } = share;
    const context = canonical(
      "permafrost wrapped share",
      VERSION,
      keyBytes(share.keyId),
      generation,
      participant,
      passkey,
    );
    const algorithm = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info: context };
    const aes = { name: "AES-GCM", length: 256 };
    return { key: await crypto.subtle.deriveKey(algorithm, this.secret, aes, false, ["encrypt", "decrypt"]), context };
  }
}

interface Parsed {
  readonly passkey: Bytes;
  readonly nonce: Bytes;
  readonly sealed: Bytes;
}

function parse(wrapped: string): Parsed {
  const raw = fromHex(wrapped);
  if (raw === undefined || raw.length < OVERHEAD || raw.length > WRAPPED_MAX || raw[0] !== VERSION) {
    const accepted = `${OVERHEAD} to ${WRAPPED_MAX} bytes in hex that begin with ${VERSION}`;
    throw new WrappedShareError("malformed", `the wrapped share is ${quoted(wrapped)}; accepted: ${accepted}`);
  }
  const at = 1 + PASSKEY;
  return { passkey: raw.slice(1, at), nonce: raw.slice(at, at + NONCE), sealed: raw.slice(at + NONCE) };
}

function keyBytes(id: string): Bytes {
  const raw = fromHex(id);
  if (raw?.length !== 22) {
    throw new TypeError(`the key id is ${quoted(id)}; accepted: 22 bytes in hex`);
  }
  return raw;
}

function idBytes(id: string): Bytes {
  const raw = fromHex(id);
  if (raw?.length !== PASSKEY) {
    throw new TypeError(`the passkey's id is ${quoted(id)}; accepted: ${PASSKEY} bytes in hex`);
  }
  return raw;
}

const VERSION = 1;
const PASSKEY = 16;
const NONCE = 12;
const TAG = 16;
const OVERHEAD = 1 + PASSKEY + NONCE + TAG;
const WRAPPED_MAX = 4096;
const PLAINTEXT_MAX = WRAPPED_MAX - OVERHEAD;
