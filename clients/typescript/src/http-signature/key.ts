/** The keys that sign requests. */

import { type Bytes, toHex } from "../bytes.js";
import { readPem } from "../pem.js";

/** Who signs: a service, by its name in the measured configuration, or a session, by its id. */
export interface Principal {
  /** 1 to 64 of `A-Z a-z 0-9 - _ .`. */
  readonly name: string;
  /** ECDSA on P-256 or Ed25519, with the usage `sign`. It need not be extractable; a session's key is not. */
  readonly key: CryptoKey;
}

/** A new P-256 key for a session. No script can read the private half. */
export async function generateSessionKey(): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey(P256, false, ["sign", "verify"]);
}

/**
 * A service's key from PKCS#8 in PEM, as `permafrost principal new` writes it: Ed25519 or P-256. The private half cannot be read back.
 *
 * @throws {PemError} without one `PRIVATE KEY` block; the runtime's DataError if it is not a key of either kind.
 */
export async function signingKeyFromPem(pem: string): Promise<CryptoKey> {
  const pkcs8 = readPem(pem, "PRIVATE KEY");
  try {
    return await crypto.subtle.importKey("pkcs8", pkcs8, { name: "Ed25519" }, false, ["sign"]);
  } catch {
    return crypto.subtle.importKey("pkcs8", pkcs8, P256, false, ["sign"]);
  }
}

/**
 * A public key as the measured configuration and the API write it: `ecdsa-p256-sha256:` and 130 hex digits (the uncompressed point, 65
 * bytes), or `ed25519:` and 64.
 */
export async function publicKeyText(key: CryptoKey): Promise<string> {
  const raw = new Uint8Array(await crypto.subtle.exportKey("raw", key));
  return `${key.algorithm.name === "Ed25519" ? "ed25519" : "ecdsa-p256-sha256"}:${toHex(raw)}`;
}

/** A signature of 64 bytes: ECDSA's r and s, 32 bytes each, big-endian; or Ed25519's. */
export async function sign(key: CryptoKey, message: Bytes): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.sign(signingAlgorithm(key), key, message));
}

/** Whether a boot's key (Ed25519, 32 bytes) made a signature. Bytes that are not a point verify nothing. */
export async function verifyEd25519(key: Bytes, message: Bytes, signature: Bytes): Promise<boolean> {
  let imported: CryptoKey;
  try {
    imported = await crypto.subtle.importKey("raw", key, { name: "Ed25519" }, false, ["verify"]);
  } catch {
    return false;
  }
  return crypto.subtle.verify({ name: "Ed25519" }, imported, signature, message);
}

function signingAlgorithm(key: CryptoKey): AlgorithmIdentifier | EcdsaParams {
  const { name, namedCurve } = key.algorithm as EcKeyAlgorithm;
  if (name === "Ed25519") {
    return { name };
  }
  if (name === "ECDSA" && namedCurve === P256.namedCurve) {
    return { name, hash: "SHA-256" };
  }
  throw new TypeError(
    `the key is ${[name, namedCurve].filter(Boolean).join(" on ")}; accepted: ECDSA on P-256, Ed25519`,
  );
}

const P256 = { name: "ECDSA", namedCurve: "P-256" } as const;
