/** What a passkey signs: the hash of the very request that it approves (`docs/people.md`). */

import { type Bytes, concat, fromHex, sha256, utf8 } from "../bytes.js";
import { type HttpRequest, pathOf, queryOf } from "../http.js";
import { quoted } from "../quoted.js";

/**
 * The 32 bytes of the challenge. It is made from the request as it will be sent, and from nothing said about it: what carries the request
 * cannot have another one approved.
 *
 * @param purpose the `operationId` of the request.
 * @param nonce of `POST /v1/challenges` for this purpose: 56 bytes in hex.
 * @param keyid of the request's signature; empty if it has none.
 * @throws {TypeError} if the nonce is malformed.
 */
export async function approvalChallenge(
  purpose: string,
  nonce: string,
  request: Pick<HttpRequest, "method" | "target" | "body">,
  keyid: string,
): Promise<Bytes> {
  const random = fromHex(nonce);
  if (random?.length !== NONCE_LENGTH) {
    throw new TypeError(`the nonce is ${quoted(nonce)}; accepted: ${NONCE_LENGTH} bytes in hex`);
  }
  return hashed("permafrost passkey challenge", purpose, random, await requestDigest(request, keyid));
}

/** The digest of a request: 32 bytes. */
export async function requestDigest(
  { method, target, body }: Pick<HttpRequest, "method" | "target" | "body">,
  keyid: string,
): Promise<Bytes> {
  const query = queryOf(target).slice(1);
  return hashed("permafrost request", method, pathOf(target), query, await sha256(body), keyid);
}

/** SHA-256 of an array of texts and byte strings in deterministic CBOR (RFC 8949 section 4.2.1). */
async function hashed(...items: readonly (string | Bytes)[]): Promise<Bytes> {
  const encoded = items.map((item) => {
    const content = typeof item === "string" ? utf8(item) : item;
    return concat(head(typeof item === "string" ? TEXT : BYTES, content.length), content);
  });
  return sha256(concat(head(ARRAY, items.length), ...encoded));
}

/** The type and the length of an item, in the shortest form. */
function head(major: number, length: number): Bytes {
  if (length < 24) {
    return Uint8Array.of(major | length);
  }
  if (length < 0x100) {
    return Uint8Array.of(major | 24, length);
  }
  if (length < 0x10000) {
    return Uint8Array.of(major | 25, length >> 8, length & 0xff);
  }
  throw new TypeError(`a part of the request has ${length} bytes; accepted: at most 65535`);
}

const BYTES = 0x40;
const TEXT = 0x60;
const ARRAY = 0x80;
const NONCE_LENGTH = 56;
