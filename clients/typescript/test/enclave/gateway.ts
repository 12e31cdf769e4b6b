/**
 * An Oblivious HTTP gateway, written over Node's own cryptography: what the client's HPKE and Binary HTTP are held against, beside the
 * published vectors.
 */

import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  type KeyObject,
  randomBytes,
} from "node:crypto";
import { type Bytes, bytes, concat, utf8 } from "../../src/bytes.js";
import type { HttpRequest, HttpResponse } from "../../src/http.js";

const SUITE = concat(utf8("HPKE"), bytes([0, 0x20, 0, 1, 0, 1]));
const KEM = concat(utf8("KEM"), bytes([0, 0x20]));
const HEADER = [0, 0x20, 0, 1, 0, 1];

export class FakeGateway {
  readonly #privateKey: KeyObject;
  readonly #publicKey: Bytes;

  constructor(readonly id = 7) {
    const { privateKey, publicKey } = generateKeyPairSync("x25519");
    this.#privateKey = createPrivateKey(privateKey.export({ format: "pem", type: "pkcs8" }));
    this.#publicKey = bytes(publicKey.export({ format: "der", type: "spki" }).subarray(-32));
  }

  /** The list of its one key configuration. */
  get keys(): Bytes {
    const configuration = concat(bytes([this.id, 0, 0x20]), this.#publicKey, bytes([0, 4, 0, 1, 0, 1]));
    return concat(bytes([0, configuration.length]), configuration);
  }

  /** Opens a request, has it handled, and seals the response; undefined if the request is sealed to another key. */
  async serve(
    encapsulated: Bytes,
    response: (request: HttpRequest) => Promise<HttpResponse>,
  ): Promise<Bytes | undefined> {
    const [header, enc, sealed] = [encapsulated.slice(0, 7), encapsulated.slice(7, 39), encapsulated.slice(39)];
    const { key, nonce, exporter } = this.#context(enc, concat(utf8("message/bhttp request\0"), header));
    let message: Bytes;
    try {
      const decipher = createDecipheriv("aes-128-gcm", key, nonce).setAuthTag(sealed.slice(-16));
      message = concat(decipher.update(sealed.slice(0, -16)), decipher.final());
    } catch {
      return undefined;
    }
    if (header[0] !== this.id || !header.slice(1).every((byte, at) => byte === HEADER[at])) {
      return undefined;
    }
    return seal(enc, exporter, encodeResponse(await response(decodeRequest(message))));
  }

  /** SetupBaseR of RFC 9180 section 5.1.1. */
  #context(enc: Bytes, info: Bytes) {
    const spki = concat(Buffer.from("302a300506032b656e032100", "hex"), enc);
    const sender = createPublicKey({ key: Buffer.from(spki), format: "der", type: "spki" });
    const dh = diffieHellman({ privateKey: this.#privateKey, publicKey: sender });
    const shared = expand(KEM, extract(KEM, "", "eae_prk", dh), "shared_secret", concat(enc, this.#publicKey), 32);
    const context = concat(bytes([0]), extract(SUITE, "", "psk_id_hash", ""), extract(SUITE, "", "info_hash", info));
    const secret = extract(SUITE, shared, "secret", "");
    return {
      key: expand(SUITE, secret, "key", context, 16),
      nonce: expand(SUITE, secret, "base_nonce", context, 12),
      exporter: expand(SUITE, secret, "exp", context, 32),
    };
  }
}

/** RFC 9458 section 4.4. */
function seal(enc: Bytes, exporter: Uint8Array, message: Bytes): Bytes {
  const secret = expand(SUITE, exporter, "sec", utf8("message/bhttp response"), 16);
  const nonce = randomBytes(16);
  const derive = (label: string, length: number) =>
    new Uint8Array(hkdfSync("sha256", secret, concat(enc, nonce), label, length));
  const cipher = createCipheriv("aes-128-gcm", derive("key", 16), derive("nonce", 12));
  return concat(nonce, cipher.update(message), cipher.final(), cipher.getAuthTag());
}

function extract(suite: Bytes, salt: Uint8Array | string, label: string, ikm: Uint8Array | string): Uint8Array {
  return createHmac("sha256", salt).update("HPKE-v1").update(suite).update(label).update(ikm).digest();
}

function expand(suite: Bytes, prk: Uint8Array, label: string, info: Uint8Array, length: number): Uint8Array {
  const hmac = createHmac("sha256", prk)
    .update(bytes([0, length]))
    .update("HPKE-v1")
    .update(suite);
  return hmac
    .update(label)
    .update(info)
    .update(bytes([1]))
    .digest()
    .subarray(0, length);
}

/** RFC 9292, known length, by hand. */
function decodeRequest(message: Bytes): HttpRequest {
  let at = 0;
  const integer = () => {
    const [length, mark] = [1 << ((message[at] ?? 0) >> 6), 0x3f];
    const digits = message.slice(at, at + length);
    at += length;
    return digits.reduce((value, byte, index) => value * 256 + (index === 0 ? byte & mark : byte), 0);
  };
  const prefixed = () => {
    const length = integer();
    at += length;
    return message.slice(at - length, at);
  };
  const text = () => Buffer.from(prefixed()).toString("latin1");
  if (integer() !== 0) {
    throw new Error("it is no request of known length");
  }
  const [method, , , target] = [text(), text(), text(), text()];
  const fields: [string, string][] = [];
  for (const end = integer() + at; at < end; ) {
    fields.push([text(), text()]);
  }
  return { method, target, fields, body: prefixed() };
}

function encodeResponse({ status, fields, body }: HttpResponse): Bytes {
  const integer = (value: number) =>
    bytes([0x80 | (value >> 24), (value >> 16) & 0xff, (value >> 8) & 0xff, value & 0xff]);
  const prefixed = (content: Uint8Array) => concat(integer(content.length), content);
  const section = concat(...fields.flat().map((text) => prefixed(utf8(text))));
  return concat(integer(1), integer(status), prefixed(section), prefixed(body), integer(0));
}
