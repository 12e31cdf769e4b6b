/** Unsigned requests: the fields that bind their responses to them. */

import { toBase64url } from "../bytes.js";
import type { HttpRequest } from "../http.js";
import { quoted } from "../quoted.js";
import { CONTENT_DIGEST, contentDigest, ProfileError, REQUEST_NONCE } from "./profile.js";

/** A `Request-Nonce` of 16 random bytes: 22 characters of base64url. */
export function requestNonce(): string {
  return toBase64url(crypto.getRandomValues(new Uint8Array(16)));
}

/**
 * The same request with `Content-Digest` and `Request-Nonce`. The response's signature covers both, so it is the response to no other body
 * and to no earlier request.
 *
 * @throws {ProfileError} if the nonce has another form.
 */
export async function bindResponse(request: HttpRequest, nonce: string = requestNonce()): Promise<HttpRequest> {
  if (!/^[A-Za-z0-9_-]{22,64}$/.test(nonce)) {
    throw new ProfileError("field-form", `${REQUEST_NONCE} is ${quoted(nonce)}`, "22 to 64 of A-Z a-z 0-9 - _");
  }
  const fields = request.fields.filter(([name]) => name !== CONTENT_DIGEST && name !== REQUEST_NONCE);
  const digest = await contentDigest(request.body);
  return { ...request, fields: [...fields, [CONTENT_DIGEST, digest], [REQUEST_NONCE, nonce]] };
}
