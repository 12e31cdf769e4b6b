/** The import of a key whose secret exists already: sealed to one boot, for one request of one principal (`docs/import.md`). */

import { type Bytes, bytes, concat, fromHex, toHex, utf8 } from "./bytes.js";
import type { BootName } from "./http-signature/profile.js";
import { generateKeyPair, setupBaseSender, twoBytes } from "./oblivious/hpke.js";
import type { KeyConfiguration } from "./oblivious/keys.js";

/** What a caller decides about an import. */
export interface ImportRequest {
  /** The principal that signs the request and will own the key: for a user, `user.` and 32 hex digits, as their keys' `owner`. */
  readonly principal: string;
  /** The `idempotencyKey` of the request. */
  readonly idempotencyKey: string;
  /** The BIP-340 public key of the secret: 32 bytes in hex. */
  readonly publicKey: string;
  /** How many participants a signature takes: 2 to the number of participants. */
  readonly threshold: number;
  /** The participants' names: 2 to 32. */
  readonly participants: readonly string[];
}

/** The body of `POST /v1/keys:import`. */
export interface ImportBody {
  readonly threshold: number;
  readonly participants: readonly string[];
  readonly public_key: string;
  /** HPKE's encapsulated key and the ciphertext with its tag, in hex. */
  readonly sealed: { readonly enc: string; readonly ciphertext: string };
}

/**
 * Seals a secret (32 bytes, big-endian) to the key of one boot. The caller wipes the secret.
 *
 * @throws {RangeError} if the secret or the public key does not have 32 bytes.
 * @throws {HpkeError} if the key of the boot is invalid.
 */
export async function sealImport(
  key: KeyConfiguration,
  boot: { readonly name: BootName; readonly deployment: string },
  request: ImportRequest,
  secret: Bytes,
  ephemeral?: CryptoKeyPair,
): Promise<ImportBody> {
  if (secret.length !== SECRET_LENGTH) {
    throw new RangeError(`a secret of ${secret.length} bytes; accepted: ${SECRET_LENGTH}`);
  }
  const sender = await setupBaseSender(
    key.publicKey,
    importInfo(boot, request),
    ephemeral ?? (await generateKeyPair()),
  );
  const ciphertext = await sender.seal(secret);
  return {
    threshold: request.threshold,
    participants: request.participants,
    public_key: request.publicKey,
    sealed: { enc: toHex(sender.enc), ciphertext: toHex(ciphertext) },
  };
}

/** `info` of the HPKE context: the label, and each value with its length before it. */
export function importInfo(
  boot: { readonly name: BootName; readonly deployment: string },
  request: ImportRequest,
): Bytes {
  const publicKey = fromHex(request.publicKey);
  if (publicKey?.length !== SECRET_LENGTH) {
    throw new RangeError(`a public key of another form; accepted: ${2 * SECRET_LENGTH} hex digits`);
  }
  const values = [
    utf8(boot.deployment),
    bytes(fromHex(boot.name.slice(BOOT_NAME_PREFIX.length)) ?? []),
    utf8(request.principal),
    utf8(request.idempotencyKey),
    publicKey,
    twoBytes(request.threshold),
    ...request.participants.map(utf8),
  ];
  return concat(LABEL, ...values.map((value) => concat(twoBytes(value.length), value)));
}

const SECRET_LENGTH = 32;
const BOOT_NAME_PREFIX = "sha-256=";
const LABEL = utf8("permafrost import v1\0");
