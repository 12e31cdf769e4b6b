/** The signed payload: AWS's syntax rules for every field ("Nitro Enclaves Attestation Process", section 3.2.2.1). */

import { type Bytes, utf8 } from "../bytes.js";
import { quoted } from "../quoted.js";
import { type Cbor, CborError, decode, kindOf } from "./cbor.js";
import { AttestationError } from "./error.js";

/** The longest document that is parsed, in bytes: 16 KiB. Real documents have 4 to 6 KiB. */
export const DOCUMENT_MAX = 16 * 1024;

/** The length of a PCR in bytes: that of SHA-384. */
export const PCR_LENGTH = 48;

/** The longest `cabundle` that is accepted, in certificates. AWS sends four. */
export const CABUNDLE_MAX = 8;

/** The fields of a document, each with the type and length that AWS defines. */
export interface Payload {
  readonly moduleId: string;
  /** Milliseconds since 1970; exact up to 2^53, which is far beyond any certificate's end. */
  readonly timestampMs: number;
  /** By index, 0 to 31: 48 bytes each. */
  readonly pcrs: ReadonlyMap<number, Bytes>;
  readonly certificate: Bytes;
  readonly cabundle: readonly Bytes[];
  readonly publicKey: Bytes | undefined;
  readonly userData: Bytes | undefined;
  readonly nonce: Bytes | undefined;
}

/** @throws {AttestationError} the rules from `cbor` to `pcr-index`. */
export function parsePayload(encoded: Bytes): Payload {
  const fields = readFields(readCbor(encoded, "payload"));
  checkDigest(required(fields, "digest"));
  return {
    moduleId: moduleId(required(fields, "module_id")),
    timestampMs: timestamp(required(fields, "timestamp")),
    pcrs: pcrs(required(fields, "pcrs")),
    certificate: byteString(required(fields, "certificate"), "certificate", 1, 1024),
    cabundle: cabundle(required(fields, "cabundle")),
    publicKey: optional(fields, "public_key", 1, 1024),
    userData: optional(fields, "user_data", 0, 512),
    nonce: optional(fields, "nonce", 0, 512),
  };
}

/** The one CBOR item that a part of a document must consist of. */
export function readCbor(encoded: Bytes, part: string): Cbor {
  try {
    return decode(encoded);
  } catch (error) {
    if (!(error instanceof CborError)) {
      throw error;
    }
    if (error.trailing > 0) {
      throw new AttestationError("trailing-bytes", `${error.trailing} bytes follow the ${part}`, "none");
    }
    throw new AttestationError("cbor", `the ${part}: ${error.message}`, "one well-formed CBOR item");
  }
}

const FIELDS = [
  "module_id",
  "digest",
  "timestamp",
  "pcrs",
  "certificate",
  "cabundle",
  "public_key",
  "user_data",
  "nonce",
] as const;

type FieldName = (typeof FIELDS)[number];

/** The payload's entries by name: all known, none twice. */
function readFields(payload: Cbor): ReadonlyMap<FieldName, Cbor> {
  const fields = new Map<FieldName, Cbor>();
  for (const [key, value] of map(payload, "the payload")) {
    const name = text(key, "a field's name");
    const field = FIELDS.find((known) => known === name);
    if (field === undefined) {
      throw new AttestationError("field-unknown", `the field ${quoted(name)}`, FIELDS.join(", "));
    }
    if (fields.has(field)) {
      throw new AttestationError("field-duplicate", `${field} comes twice`, "once");
    }
    fields.set(field, value);
  }
  return fields;
}

/** AWS writes null for an absent optional field, so null and absent are the same. */
function take(fields: ReadonlyMap<FieldName, Cbor>, field: FieldName): Cbor | undefined {
  const value = fields.get(field);
  return value?.kind === "null" ? undefined : value;
}

function required(fields: ReadonlyMap<FieldName, Cbor>, field: FieldName): Cbor {
  const value = take(fields, field);
  if (value === undefined) {
    throw new AttestationError("field-missing", `${field} is missing`, "a value that is not null");
  }
  return value;
}

function optional(fields: ReadonlyMap<FieldName, Cbor>, field: FieldName, min: number, max: number): Bytes | undefined {
  const value = take(fields, field);
  return value && byteString(value, field, min, max);
}

function moduleId(value: Cbor): string {
  const id = text(value, "module_id");
  // AWS sets no upper bound; the document's own does.
  checkLength("module_id", "bytes", utf8(id).length, 1, DOCUMENT_MAX);
  return id;
}

function checkDigest(value: Cbor): void {
  const digest = text(value, "digest");
  if (digest !== "SHA384") {
    throw new AttestationError("digest", `the digest is ${quoted(digest)}`, '"SHA384"');
  }
}

function timestamp(value: Cbor): number {
  const found = integer(value, "timestamp");
  if (found < 1n || found >= 1n << 64n) {
    throw new AttestationError("timestamp", `the timestamp is ${found}`, "1 to 2^64 - 1 milliseconds since 1970");
  }
  return Number(found);
}

/** AWS also allows PCRs of 32 and 64 bytes, for digests other than the one it allows: with SHA384 they have 48. */
function pcrs(value: Cbor): ReadonlyMap<number, Bytes> {
  const entries = map(value, "pcrs");
  checkLength("pcrs", "entries", entries.length, 1, 32);
  const found = new Map<number, Bytes>();
  for (const [key, pcr] of entries) {
    const index = integer(key, "a PCR's index");
    if (index < 0n || index > 31n) {
      throw new AttestationError("pcr-index", `a PCR has the index ${index}`, "0 to 31");
    }
    const content = byteString(pcr, `PCR${index}`, PCR_LENGTH, PCR_LENGTH);
    if (found.has(Number(index))) {
      throw new AttestationError("field-duplicate", `PCR${index} comes twice`, "once");
    }
    found.set(Number(index), content);
  }
  return found;
}

function cabundle(value: Cbor): Bytes[] {
  if (value.kind !== "array") {
    throw wrongType("cabundle", value, "an array");
  }
  checkLength("cabundle", "entries", value.value.length, 1, CABUNDLE_MAX);
  return value.value.map((der, index) => byteString(der, `cabundle[${index}]`, 1, 1024));
}

function map(value: Cbor, field: string): readonly (readonly [Cbor, Cbor])[] {
  if (value.kind !== "map") {
    throw wrongType(field, value, "a map");
  }
  return value.value;
}

function text(value: Cbor, field: string): string {
  if (value.kind !== "text") {
    throw wrongType(field, value, "a text string");
  }
  return value.value;
}

function integer(value: Cbor, field: string): bigint {
  if (value.kind !== "integer") {
    throw wrongType(field, value, "an integer");
  }
  return value.value;
}

function byteString(value: Cbor, field: string, min: number, max: number): Bytes {
  if (value.kind !== "bytes") {
    throw wrongType(field, value, "a byte string");
  }
  checkLength(field, "bytes", value.value.length, min, max);
  return value.value;
}

function checkLength(field: string, unit: "bytes" | "entries", found: number, min: number, max: number): void {
  if (found < min || found > max) {
    throw new AttestationError("field-length", `${field} has ${found} ${unit}`, `${min} to ${max}`);
  }
}

function wrongType(field: string, found: Cbor, expected: string): AttestationError {
  return new AttestationError("field-type", `${field} is ${kindOf(found)}`, expected);
}
