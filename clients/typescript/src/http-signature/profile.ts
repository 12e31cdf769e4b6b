/** What requests and responses have in common: the fields, their forms, and the signature base (`docs/signatures.md`). */

import { type Bytes, fromBase64, sha256, toBase64, utf8 } from "../bytes.js";
import { type Fields, values } from "../http.js";
import { quoted } from "../quoted.js";

export const CONTENT_DIGEST = "content-digest";
export const CONTENT_TYPE = "content-type";
export const ENCLAVE_ATTESTATION = "x-enclave-attestation";
export const IDEMPOTENCY_KEY = "idempotency-key";
/** Makes the response to an unsigned request belong to that request alone. */
export const REQUEST_NONCE = "request-nonce";
export const SIGNATURE = "signature";
export const SIGNATURE_INPUT = "signature-input";

/** The label of the one signature of a message. */
export const LABEL = "permafrost";

/** The fields that signing sets. */
export const SIGNED_FIELDS: readonly string[] = [CONTENT_DIGEST, ENCLAVE_ATTESTATION, SIGNATURE_INPUT, SIGNATURE];

/** The rule of the profile that a message breaks. */
export type ProfileRule =
  | "field-missing"
  | "field-repeated"
  | "field-length"
  | "field-text"
  | "field-form"
  | "components"
  | "parameter"
  | "request-target";

/** Why a message does not have the one form that `docs/signatures.md` gives it. */
export class ProfileError extends Error {
  override readonly name = "ProfileError";

  constructor(
    readonly rule: ProfileRule,
    readonly found: string,
    readonly expected: string,
  ) {
    super(`${rule}: ${found}; accepted: ${expected}`);
  }
}

/** The name of a boot: `sha-256=` and the 64 hex digits of the SHA-256 of the document that it made at its start. */
export type BootName = `sha-256=${string}`;

export function isBootName(text: string): text is BootName {
  return /^sha-256=[0-9a-f]{64}$/.test(text);
}

/** A field that may be absent and is otherwise one line of text. */
export function optionalField(fields: Fields, name: string, max = FIELD_MAX): string | undefined {
  const [value, ...more] = values(fields, name);
  if (value === undefined) {
    return undefined;
  }
  if (more.length > 0) {
    throw new ProfileError("field-repeated", `${name} occurs ${more.length + 1} times`, "once");
  }
  if (value.length > max) {
    throw new ProfileError("field-length", `${name} has ${value.length} bytes`, `at most ${max}`);
  }
  if (!/^(?:[!-~](?:[ -~]*[!-~])?)?$/.test(value)) {
    throw new ProfileError("field-text", `${name} is ${quoted(value)}`, "visible ASCII, with spaces only inside");
  }
  return value;
}

/** A field that must be present. */
export function requiredField(fields: Fields, name: string, max = FIELD_MAX): string {
  const value = optionalField(fields, name, max);
  if (value === undefined) {
    throw new ProfileError("field-missing", `${name} is missing`, "once");
  }
  return value;
}

/** `Content-Digest` of a body (RFC 9530 section 2), with SHA-256 and nothing else. */
export async function contentDigest(body: Bytes): Promise<string> {
  return `sha-256=:${toBase64(await sha256(body))}:`;
}

/** The value of `"signature";key="permafrost"` in a `Signature` field that begins as the profile requires. */
export function signatureItem(field: string): string | undefined {
  return field.startsWith(`${LABEL}=:`) ? field.slice(LABEL.length + 1) : undefined;
}

/** The 64 bytes of a `Signature` field. */
export function signatureBytes(field: string): Bytes {
  const item = signatureItem(field);
  const signature = item?.endsWith(":") ? fromBase64(item.slice(1, -1)) : undefined;
  if (signature?.length !== 64) {
    const expected = `${LABEL}=:, 64 bytes in base64 (88 characters), :`;
    throw new ProfileError("field-form", `signature is ${quoted(field)}`, expected);
  }
  return signature;
}

/** The longest `Signature-Input` and `Signature`, in bytes. */
export const SIGNATURE_INPUT_MAX = 512;
export const SIGNATURE_MAX = 128;

/** The longest of the other fields, in bytes. */
const FIELD_MAX = 256;

/**
 * The signature base of RFC 9421 section 2.5: a line for each component, then the parameters.
 *
 * Identifiers are given as they are serialised, quotes and parameters included: `"@method"`, `"@path";req`.
 */
export class SignatureBase {
  readonly #components: (readonly [identifier: string, value: string])[] = [];

  /** Adds a component. */
  cover(identifier: string, value: string): void {
    this.#components.push([identifier, value]);
  }

  /** The covered components as an inner list: `("@method" "@path")`. */
  get components(): string {
    return `(${this.#components.map(([identifier]) => identifier).join(" ")})`;
  }

  /** The bytes to sign; `parameters` are serialised, with the leading `;`. */
  finish(parameters: string): Bytes {
    const lines = this.#components.map(([identifier, value]) => `${identifier}: ${value}`);
    return utf8([...lines, `"@signature-params": ${this.components}${parameters}`].join("\n"));
  }
}
