/** Bytes, and their encodings as text: hex, base64, base64url. */

/** Bytes that WebCrypto accepts: never a view of shared memory. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** A copy of any bytes, which WebCrypto accepts. */
export function bytes(from: Uint8Array | readonly number[]): Bytes {
  return Uint8Array.from(from);
}

/** Several byte strings, one after the other. */
export function concat(...parts: readonly Uint8Array[]): Bytes {
  const joined = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/** Whether two byte strings are equal. Not in constant time: nothing compared here is secret. */
export function equal(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, index) => byte === other[index]);
}

/** Negative, zero or positive: the order of two byte strings, byte by byte, a prefix first. */
export function compare(one: Uint8Array, other: Uint8Array): number {
  for (const [index, byte] of one.entries()) {
    const against = other[index];
    if (against === undefined || byte !== against) {
      return byte - (against ?? -1);
    }
  }
  return one.length - other.length;
}

/** UTF-8. */
export function utf8(text: string): Bytes {
  return bytes(new TextEncoder().encode(text));
}

/** The text that UTF-8 encodes; undefined if it is not well-formed. A byte order mark stays a character. */
export function fromUtf8(encoded: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(encoded);
  } catch {
    return undefined;
  }
}

/** Lower-case hex. */
export function toHex(value: Uint8Array): string {
  return Array.from(value, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The bytes of hex in either case; undefined for any other text. */
export function fromHex(text: string): Bytes | undefined {
  if (text.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(text)) {
    return undefined;
  }
  return bytes(
    Array.from({ length: text.length / 2 }, (_, index) => parseInt(text.slice(2 * index, 2 * index + 2), 16)),
  );
}

/** Base64 with padding (RFC 4648 section 4). */
export function toBase64(value: Uint8Array): string {
  return btoa(Array.from(value, (byte) => String.fromCharCode(byte)).join(""));
}

/** The bytes of base64 in the exact form that {@link toBase64} writes; undefined for any other text. */
export function fromBase64(text: string): Bytes | undefined {
  let decoded: Bytes;
  try {
    decoded = bytes(Array.from(atob(text), (character) => character.charCodeAt(0)));
  } catch {
    return undefined;
  }
  return toBase64(decoded) === text ? decoded : undefined;
}

/** Base64 for URLs, without padding (RFC 4648 section 5). */
export function toBase64url(value: Uint8Array): string {
  return toBase64(value).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** SHA-256: 32 bytes. */
export async function sha256(value: Bytes): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", value));
}
