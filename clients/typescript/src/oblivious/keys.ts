/** The gateway's key configurations (RFC 9458 section 3). */

import { type Bytes, bytes, toHex } from "../bytes.js";
import { AEAD_AES_128_GCM, KDF_SHA256, KEM_X25519_SHA256, PUBLIC_KEY_LENGTH } from "./hpke.js";

/** The media type of a list of key configurations (section 3.2). */
export const KEYS_TYPE = "application/ohttp-keys";

/** One key of the gateway, for the one suite that this client supports. */
export interface KeyConfiguration {
  /** 0 to 255. */
  readonly id: number;
  /** X25519: 32 bytes. */
  readonly publicKey: Bytes;
}

/** Why bytes are not a list that this client can use. */
export class KeyConfigurationError extends Error {
  override readonly name = "KeyConfigurationError";
}

/**
 * The first configuration of a list (section 3.2: a length of 2 bytes precedes each) that has X25519, HKDF-SHA256 and
 * AES-128-GCM. Others are skipped, as the section requires; a malformed list is refused as a whole.
 *
 * @throws {KeyConfigurationError}
 */
export function readKeyConfigurations(list: Uint8Array): KeyConfiguration {
  let usable: KeyConfiguration | undefined;
  for (let left = list; left.length > 0; ) {
    const length = number(left, 0);
    if (left.length < 2 + length) {
      throw new KeyConfigurationError(`the list ends ${2 + length - left.length} bytes too early`);
    }
    const configuration = readKeyConfiguration(left.subarray(2, 2 + length));
    usable ??= configuration;
    left = left.subarray(2 + length);
  }
  if (usable === undefined) {
    throw new KeyConfigurationError("no key of the list is usable; accepted: X25519, HKDF-SHA256, AES-128-GCM");
  }
  return usable;
}

/** Section 3.1: id, KEM, public key, then the length of the pairs of KDF and AEAD in bytes, and the pairs. */
function readKeyConfiguration(encoded: Uint8Array): KeyConfiguration | undefined {
  const id = encoded[0];
  if (id === undefined || number(encoded, 1) !== KEM_X25519_SHA256) {
    return undefined;
  }
  const pairsAt = 3 + PUBLIC_KEY_LENGTH + 2;
  const pairs = encoded.subarray(pairsAt);
  if (number(encoded, pairsAt - 2) !== pairs.length || pairs.length === 0 || pairs.length % 4 !== 0) {
    throw new KeyConfigurationError(`the key ${toHex(encoded)} is malformed; accepted: RFC 9458 section 3.1`);
  }
  const suites = Array.from({ length: pairs.length / 4 }, (_, index) => pairs.subarray(4 * index));
  if (!suites.some((pair) => number(pair, 0) === KDF_SHA256 && number(pair, 2) === AEAD_AES_128_GCM)) {
    return undefined;
  }
  return { id, publicKey: bytes(encoded.subarray(3, 3 + PUBLIC_KEY_LENGTH)) };
}

/** An unsigned number of 16 bits, big-endian. */
function number(encoded: Uint8Array, at: number): number {
  const [high, low] = encoded.subarray(at, at + 2);
  if (high === undefined || low === undefined) {
    throw new KeyConfigurationError("a key ends too early; accepted: RFC 9458 section 3.1");
  }
  return (high << 8) | low;
}
