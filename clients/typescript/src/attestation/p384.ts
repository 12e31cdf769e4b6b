/** ECDSA on P-384 with SHA-384, which makes every signature of a document. */

import type { Bytes } from "../bytes.js";

/**
 * Whether a signature (r and s, 48 bytes each, big-endian) over a message verifies under a key (97 bytes, an uncompressed point). A
 * point that is not on the curve verifies nothing.
 */
export async function verifyP384(key: Bytes, message: Bytes, signature: Bytes): Promise<boolean> {
  const algorithm = { name: "ECDSA", namedCurve: "P-384" };
  let imported: CryptoKey;
  try {
    imported = await crypto.subtle.importKey("raw", key, algorithm, false, ["verify"]);
  } catch {
    return false;
  }
  return crypto.subtle.verify({ name: "ECDSA", hash: "SHA-384" }, imported, signature, message);
}
