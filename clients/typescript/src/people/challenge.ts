/** What a passkey signs: the hash of the very request that it approves (`docs/people.md`). */

import { type Bytes, fromHex, sha256 } from "../bytes.js";
import { type HttpRequest, pathOf, queryOf } from "../http.js";
import { quoted } from "../quoted.js";
import { canonical } from "./canonical.js";

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

/** SHA-256 of an array in deterministic CBOR (RFC 8949 section 4.2.1). */
async function hashed(...items: readonly (string | Bytes)[]): Promise<Bytes> {
  return sha256(canonical(...items));
}

const NONCE_LENGTH = 56;
