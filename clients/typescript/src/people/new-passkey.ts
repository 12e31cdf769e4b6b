/** The public key of a passkey that was made here, and its digest, which people compare before another passkey approves it. */

import { type Cbor, CborError, decode } from "../attestation/cbor.js";
import { type Bytes, bytes, fromBase64, sha256, toHex } from "../bytes.js";
import { PasskeyError, type PasskeyResponse } from "./authenticator.js";

/**
 * The SHA-256 of the COSE public key of a new passkey, in hex, from what the authenticator returned: no response is needed for it.
 *
 * @throws {PasskeyError} if the authenticator returned something else (WebAuthn Level 3 section 6.5.1 and 6.5.4).
 */
export async function publicKeyDigestOf({ response }: PasskeyResponse): Promise<string> {
  const { attestationObject } = response;
  const object = typeof attestationObject === "string" ? fromBase64url(attestationObject) : undefined;
  const key = object && publicKeyOf(object);
  if (key === undefined) {
    throw new PasskeyError("DataError");
  }
  return toHex(await sha256(key));
}

/** The bytes of the `COSE_Key` in an attestation object. */
function publicKeyOf(object: Bytes): Bytes | undefined {
  const data = authenticatorData(object);
  const idLength = ((data?.[ID_LENGTH] ?? 0) << 8) | (data?.[ID_LENGTH + 1] ?? 0);
  const start = ID_LENGTH + 2 + idLength;
  if (data === undefined || ((data[FLAGS] ?? 0) & ATTESTED) === 0 || data.length <= start) {
    return undefined;
  }
  // Extensions may follow the key.
  const rest = data.slice(start);
  const end = rest.length - trailing(rest);
  return end > 0 ? rest.slice(0, end) : undefined;
}

function authenticatorData(object: Bytes): Bytes | undefined {
  const map = read(object);
  const entries = map?.kind === "map" ? map.value : [];
  const [found, ...more] = entries.filter(([key]) => key.kind === "text" && key.value === "authData");
  const value = found?.[1];
  return value?.kind === "bytes" && more.length === 0 ? bytes(value.value) : undefined;
}

function read(encoded: Bytes): Cbor | undefined {
  try {
    return decode(encoded);
  } catch (error) {
    if (error instanceof CborError) {
      return undefined;
    }
    throw error;
  }
}

/** How many bytes follow the first item; all of them, if there is none. */
function trailing(encoded: Bytes): number {
  try {
    decode(encoded);
    return 0;
  } catch (error) {
    if (error instanceof CborError) {
      return error.trailing || encoded.length;
    }
    throw error;
  }
}

function fromBase64url(text: string): Bytes | undefined {
  const base64 = text.replaceAll("-", "+").replaceAll("_", "/");
  return fromBase64(base64.padEnd(Math.ceil(base64.length / 4) * 4, "="));
}

/** Authenticator data: RP ID hash (32), flags (1), counter (4), AAGUID (16), length of the credential id (2), the id, the key. */
const FLAGS = 32;
const ID_LENGTH = 53;

/** The flag that says that a credential follows. */
const ATTESTED = 0x40;
