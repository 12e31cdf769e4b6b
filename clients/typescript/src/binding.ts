/** What an attestation document's `user_data` says about the boot that made it (`docs/formats.md`). */

import { type Cbor, CborError, decode } from "./attestation/cbor.js";
import { AttestationError } from "./attestation/error.js";
import { type Bytes, toHex, utf8 } from "./bytes.js";

/** The keys and the configuration that one boot of the enclave vouches for. */
export interface Binding {
  /** The Ed25519 public key that verifies this boot's responses: 32 bytes. */
  readonly bootKey: Bytes;
  /** The deployment's name from the measured configuration: 1 to 64 bytes. */
  readonly deployment: string;
  /** SHA-256 of the measured configuration file: 32 bytes. */
  readonly configuration: Bytes;
  /** SHA-256 of this boot's list of Oblivious HTTP key configurations: 32 bytes; undefined if the boot has none. */
  readonly obliviousKeys: Bytes | undefined;
}

/**
 * Reads `user_data`: deterministic CBOR of a map of version 2, or of version 1, which has no `oblivious_keys`; no other map.
 *
 * @throws {AttestationError} `binding`.
 */
export function readBinding(userData: Bytes | undefined): Binding {
  if (userData === undefined) {
    throw refusal("the document has no user_data, so it vouches for no boot key");
  }
  const fields = readFields(userData);
  const version = fields.get("v");
  const keys = version?.kind === "integer" ? VERSIONS.get(version.value) : undefined;
  if (keys === undefined) {
    throw refusal("v is neither 1 nor 2");
  }
  if (fields.size !== keys.length) {
    throw refusal(`it has ${fields.size} keys instead of ${keys.length}`);
  }
  return {
    bootKey: digest(fields, "boot_key"),
    deployment: deployment(fields.get("deployment")),
    configuration: digest(fields, "configuration"),
    obliviousKeys: keys.includes("oblivious_keys") ? digest(fields, "oblivious_keys") : undefined,
  };
}

function readFields(userData: Bytes): ReadonlyMap<string, Cbor> {
  let item: Cbor;
  try {
    item = decode(userData, "deterministic");
  } catch (error) {
    if (error instanceof CborError) {
      throw refusal(error.message);
    }
    throw error;
  }
  if (item.kind !== "map") {
    throw refusal("it is not a map");
  }
  const fields = new Map<string, Cbor>();
  for (const [key, value] of item.value) {
    if (key.kind !== "text") {
      throw refusal("it has a key that is not a text");
    }
    fields.set(key.value, value);
  }
  return fields;
}

function digest(fields: ReadonlyMap<string, Cbor>, name: string): Bytes {
  const value = fields.get(name);
  if (value?.kind !== "bytes" || value.value.length !== 32) {
    throw refusal(`${name} is ${value?.kind === "bytes" ? toHex(value.value) : "missing or not a byte string"}`);
  }
  return value.value;
}

function deployment(value: Cbor | undefined): string {
  const length = value?.kind === "text" ? utf8(value.value).length : 0;
  if (value?.kind !== "text" || length < 1 || length > 64) {
    throw refusal("deployment is not a text of 1 to 64 bytes");
  }
  return value.value;
}

function refusal(found: string): AttestationError {
  const accepted = [...VERSIONS].map(([version, keys]) => `of version ${version} with ${keys.join(", ")}`);
  return new AttestationError("binding", `user_data: ${found}`, `deterministic CBOR of a map ${accepted.join(" or ")}`);
}

const FIRST: readonly string[] = ["v", "boot_key", "deployment", "configuration"];
const VERSIONS: ReadonlyMap<bigint, readonly string[]> = new Map([
  [1n, FIRST],
  [2n, [...FIRST, "oblivious_keys"]],
]);
