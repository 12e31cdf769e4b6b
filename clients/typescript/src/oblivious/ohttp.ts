/** Oblivious HTTP (RFC 9458), the client's side: requests that only the enclave opens, and responses to them. */

import { type Bytes, bytes, concat, utf8 } from "../bytes.js";
import {
  AEAD_AES_128_GCM,
  AEAD_KEY_LENGTH,
  AEAD_NONCE_LENGTH,
  expand,
  extract,
  generateKeyPair,
  KDF_SHA256,
  KEM_X25519_SHA256,
  openAesGcm,
  setupBaseSender,
  twoBytes,
} from "./hpke.js";
import type { KeyConfiguration } from "./keys.js";

/** The media types of what is sent and what comes back (sections 4.1 and 4.2). */
export const REQUEST_TYPE = "message/ohttp-req";
export const RESPONSE_TYPE = "message/ohttp-res";

/** Why an encapsulated response does not open. */
export class ObliviousError extends Error {
  override readonly name = "ObliviousError";
}

/** A request as it is sent, and what opens the response to it. */
export interface Encapsulated {
  /** The encapsulated request: 7 bytes of header, 32 of key, the sealed message with a tag of 16. */
  readonly request: Bytes;
  /**
   * Opens the encapsulated response (section 4.4) to this very request, and to no other.
   *
   * @throws {ObliviousError} if it is altered, truncated, or the response to another request.
   */
  open(response: Bytes): Promise<Bytes>;
}

/**
 * Encapsulates a binary HTTP request for the gateway's key (section 4.3).
 *
 * @throws {HpkeError} if the key is invalid.
 */
export async function encapsulate(
  key: KeyConfiguration,
  message: Bytes,
  ephemeral?: CryptoKeyPair,
): Promise<Encapsulated> {
  const header = concat(bytes([key.id]), twoBytes(KEM_X25519_SHA256), twoBytes(KDF_SHA256), twoBytes(AEAD_AES_128_GCM));
  const info = concat(utf8("message/bhttp request"), bytes([0]), header);
  const sender = await setupBaseSender(key.publicKey, info, ephemeral ?? (await generateKeyPair()));
  const request = concat(header, sender.enc, await sender.seal(message));
  return {
    request,
    open: async (response) => {
      const secret = await sender.export(utf8("message/bhttp response"), NONCE_LENGTH);
      return openResponse(sender.enc, secret, response);
    },
  };
}

async function openResponse(enc: Bytes, secret: Bytes, response: Bytes): Promise<Bytes> {
  if (response.length < NONCE_LENGTH + TAG_LENGTH) {
    throw new ObliviousError(
      `the encapsulated response has ${response.length} bytes; accepted: at least ${NONCE_LENGTH + TAG_LENGTH}`,
    );
  }
  const prk = await extract(concat(enc, response.slice(0, NONCE_LENGTH)), secret);
  const key = await expand(prk, utf8("key"), AEAD_KEY_LENGTH);
  const nonce = await expand(prk, utf8("nonce"), AEAD_NONCE_LENGTH);
  const message = await openAesGcm(key, nonce, response.slice(NONCE_LENGTH));
  if (message === undefined) {
    throw new ObliviousError(
      "the encapsulated response does not open: it is altered, truncated, or the response to another request",
    );
  }
  return message;
}

/** max(Nn, Nk): the response nonce and the secret that is exported for it, in bytes. */
const NONCE_LENGTH = Math.max(AEAD_NONCE_LENGTH, AEAD_KEY_LENGTH);
const TAG_LENGTH = 16;
