/**
 * HPKE (RFC 9180), the sender's side: base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-128-GCM. One message is sealed with a
 * context, so there is no sequence number.
 */

import { type Bytes, bytes, concat, utf8 } from "../bytes.js";

/** RFC 9180 section 7: the identifiers of the one suite. */
export const KEM_X25519_SHA256 = 0x0020;
export const KDF_SHA256 = 0x0001;
export const AEAD_AES_128_GCM = 0x0001;

/** Nk and Nn of AES-128-GCM, and Npk and Nenc of X25519, in bytes. */
export const AEAD_KEY_LENGTH = 16;
export const AEAD_NONCE_LENGTH = 12;
export const PUBLIC_KEY_LENGTH = 32;

/** Why nothing was sealed. */
export class HpkeError extends Error {
  override readonly name = "HpkeError";
}

/** What a sender has after its setup (section 5.1.1). */
export interface SenderContext {
  /** The encapsulated key: 32 bytes. */
  readonly enc: Bytes;
  /** Seals the one message of this context (section 5.2). */
  seal(plaintext: Bytes, associatedData?: Bytes): Promise<Bytes>;
  /** A secret of at most 32 bytes (section 5.3). */
  export(exporterContext: Bytes, length: number): Promise<Bytes>;
}

/** An ephemeral X25519 key pair. */
export async function generateKeyPair(): Promise<CryptoKeyPair> {
  return (await crypto.subtle.generateKey({ name: "X25519" }, false, ["deriveBits"])) as CryptoKeyPair;
}

/**
 * SetupBaseS (section 5.1.1): a context for a receiver's public key (32 bytes). The key pair is ephemeral, for this context alone.
 *
 * @throws {HpkeError} if the receiver's key is invalid: every shared secret would be zero.
 */
export async function setupBaseSender(receiver: Bytes, info: Bytes, ephemeral: CryptoKeyPair): Promise<SenderContext> {
  const enc = new Uint8Array(await crypto.subtle.exportKey("raw", ephemeral.publicKey));
  const sharedSecret = await encapsulate(receiver, enc, ephemeral.privateKey);
  const context = concat(
    MODE_BASE,
    await labeledExtract(HPKE_SUITE, EMPTY, "psk_id_hash", EMPTY),
    await labeledExtract(HPKE_SUITE, EMPTY, "info_hash", info),
  );
  const secret = await labeledExtract(HPKE_SUITE, sharedSecret, "secret", EMPTY);
  const derive = (label: string, length: number) => labeledExpand(HPKE_SUITE, secret, label, context, length);
  const [key, nonce, exporterSecret] = await Promise.all([
    derive("key", AEAD_KEY_LENGTH),
    derive("base_nonce", AEAD_NONCE_LENGTH),
    derive("exp", HASH_LENGTH),
  ]);
  let used = false;
  return {
    enc,
    seal: async (plaintext, associatedData = EMPTY) => {
      if (used) {
        throw new HpkeError("this context has sealed its message: a second one would repeat the nonce");
      }
      used = true;
      return sealAesGcm(key, nonce, plaintext, associatedData);
    },
    export: (exporterContext, length) => labeledExpand(HPKE_SUITE, exporterSecret, "sec", exporterContext, length),
  };
}

/** HKDF-Extract (RFC 5869 section 2.2): 32 bytes. */
export async function extract(salt: Bytes, ikm: Bytes): Promise<Bytes> {
  // HMAC pads its key with zeros, so this key equals the empty one, which WebCrypto does not accept.
  return hmac(salt.length === 0 ? new Uint8Array(HASH_LENGTH) : salt, ikm);
}

/** HKDF-Expand (RFC 5869 section 2.3) of at most 32 bytes: its first block is enough. */
export async function expand(prk: Bytes, info: Bytes, length: number): Promise<Bytes> {
  if (length > HASH_LENGTH) {
    throw new RangeError(`${length} bytes; accepted: at most ${HASH_LENGTH}`);
  }
  return (await hmac(prk, concat(info, bytes([1])))).slice(0, length);
}

/** AES-128-GCM without associated data; undefined if the tag does not verify. */
export async function openAesGcm(key: Bytes, nonce: Bytes, ciphertext: Bytes): Promise<Bytes | undefined> {
  const imported = await crypto.subtle.importKey("raw", key, "AES-GCM", false, ["decrypt"]);
  try {
    return new Uint8Array(await crypto.subtle.decrypt({ name: "AES-GCM", iv: nonce }, imported, ciphertext));
  } catch {
    return undefined;
  }
}

async function sealAesGcm(key: Bytes, nonce: Bytes, plaintext: Bytes, associatedData: Bytes): Promise<Bytes> {
  const imported = await crypto.subtle.importKey("raw", key, "AES-GCM", false, ["encrypt"]);
  const algorithm = { name: "AES-GCM", iv: nonce, additionalData: associatedData };
  return new Uint8Array(await crypto.subtle.encrypt(algorithm, imported, plaintext));
}

/** Encap (section 4.1). */
async function encapsulate(receiver: Bytes, enc: Bytes, privateKey: CryptoKey): Promise<Bytes> {
  const dh = await x25519(privateKey, receiver);
  const prk = await labeledExtract(KEM_SUITE, EMPTY, "eae_prk", dh);
  return labeledExpand(KEM_SUITE, prk, "shared_secret", concat(enc, receiver), HASH_LENGTH);
}

async function x25519(privateKey: CryptoKey, receiver: Bytes): Promise<Bytes> {
  let shared: Bytes;
  try {
    const publicKey = await crypto.subtle.importKey("raw", receiver, { name: "X25519" }, false, []);
    shared = new Uint8Array(await crypto.subtle.deriveBits({ name: "X25519", public: publicKey }, privateKey, 256));
  } catch (error) {
    throw new HpkeError(`the receiver's key: ${error}; accepted: an X25519 public key of 32 bytes`);
  }
  // Section 7.1.4. Browsers refuse it themselves; not every runtime does.
  if (shared.every((byte) => byte === 0)) {
    throw new HpkeError("the receiver's key has a small order; accepted: an X25519 public key");
  }
  return shared;
}

/** Section 4: LabeledExtract. */
async function labeledExtract(suite: Bytes, salt: Bytes, label: string, ikm: Bytes): Promise<Bytes> {
  return extract(salt, concat(VERSION, suite, utf8(label), ikm));
}

/** Section 4: LabeledExpand. */
async function labeledExpand(suite: Bytes, prk: Bytes, label: string, info: Bytes, length: number): Promise<Bytes> {
  return expand(prk, concat(twoBytes(length), VERSION, suite, utf8(label), info), length);
}

async function hmac(key: Bytes, message: Bytes): Promise<Bytes> {
  const imported = await crypto.subtle.importKey("raw", key, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", imported, message));
}

/** An unsigned number of 16 bits, big-endian. */
export function twoBytes(number: number): Bytes {
  return bytes([number >> 8, number & 0xff]);
}

const HASH_LENGTH = 32;
const EMPTY = bytes([]);
const VERSION = utf8("HPKE-v1");
const MODE_BASE = bytes([0]);
const KEM_SUITE = concat(utf8("KEM"), twoBytes(KEM_X25519_SHA256));
const HPKE_SUITE = concat(utf8("HPKE"), twoBytes(KEM_X25519_SHA256), twoBytes(KDF_SHA256), twoBytes(AEAD_AES_128_GCM));
