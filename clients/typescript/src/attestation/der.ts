/** DER (X.690 section 10), as far as certificates need it: one form for each value; any other is refused. */

import { type Bytes, bytes } from "../bytes.js";

/** Why bytes are not what was expected. */
export class DerError extends Error {
  override readonly name = "DerError";
}

/** Identifier octets; the bit 0x20 says that a value contains others. */
export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectIdentifier: 0x06,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
  /** `[n]`, implicit over a primitive value. */
  primitive: (n: number) => 0x80 | n,
  /** `[n]`, explicit. */
  explicit: (n: number) => 0xa0 | n,
} as const;

/** One value as encoded: its identifier octet, its content, and all its bytes. */
export interface Value {
  readonly tag: number;
  readonly content: Uint8Array;
  readonly raw: Uint8Array;
}

/** Reads the values of some content, one after the other. */
export class DerReader {
  #left: Uint8Array;

  constructor(content: Uint8Array) {
    this.#left = content;
  }

  get isEmpty(): boolean {
    return this.#left.length === 0;
  }

  /** The next value, which must have this tag. */
  read(tag: number, what: string): Value {
    const found = this.#left[0];
    if (found !== tag) {
      const came = found === undefined ? "nothing" : `the tag 0x${found.toString(16).padStart(2, "0")}`;
      throw new DerError(`${what}: ${came} instead of the tag 0x${tag.toString(16).padStart(2, "0")}`);
    }
    return this.next(what);
  }

  /** The next value if it has this tag. */
  optional(tag: number, what: string): Value | undefined {
    return this.#left[0] === tag ? this.read(tag, what) : undefined;
  }

  /** The next value, whatever it is. */
  next(what: string): Value {
    const [tag, first] = this.#left;
    if (tag === undefined || first === undefined) {
      throw new DerError(`${what} ends too early`);
    }
    if ((tag & 0x1f) === 0x1f) {
      throw new DerError(`${what}: a tag of several bytes`);
    }
    const { header, length } = first < 0x80 ? { header: 2, length: first } : this.#longLength(first & 0x7f, what);
    const end = header + length;
    if (end > this.#left.length) {
      throw new DerError(`${what} ends too early`);
    }
    const raw = this.#left.subarray(0, end);
    this.#left = this.#left.subarray(end);
    return { tag, content: raw.subarray(header), raw };
  }

  /** Nothing may be left. */
  end(what: string): void {
    if (!this.isEmpty) {
      throw new DerError(`${this.#left.length} bytes follow ${what}`);
    }
  }

  /** X.690 section 10.1: definite, and in as few bytes as possible. Three suffice for any document. */
  #longLength(count: number, what: string): { header: number; length: number } {
    const encoded = this.#left.subarray(2, 2 + count);
    if (count < 1 || count > 3 || encoded.length < count) {
      throw new DerError(`${what}: a length of ${count} bytes`);
    }
    const length = encoded.reduce((value, byte) => value * 256 + byte, 0);
    if (length < 0x80 || encoded[0] === 0) {
      throw new DerError(`${what}: a length in more bytes than needed`);
    }
    return { header: 2 + count, length };
  }
}

/** A reader of a value's content. */
export function inside(value: Value): DerReader {
  return new DerReader(value.content);
}

/** `1.2.840.10045.4.3.3` and the like. */
export function objectIdentifier(value: Value): string {
  const last = value.content.at(-1);
  if (last === undefined || last >= 0x80) {
    throw new DerError("an object identifier that does not end");
  }
  const arcs: number[] = [];
  let arc = 0;
  let atStart = true;
  for (const byte of value.content) {
    if ((atStart && byte === 0x80) || arc > 2 ** 40) {
      throw new DerError("a malformed object identifier");
    }
    arc = arc * 128 + (byte & 0x7f);
    atStart = byte < 0x80;
    if (atStart) {
      arcs.push(arc);
      arc = 0;
    }
  }
  const [first = 0, ...others] = arcs;
  const root = Math.min(Math.floor(first / 40), 2);
  return [root, first - 40 * root, ...others].join(".");
}

/** X.690 section 11.1: 0x00 or 0xff. */
export function boolean(value: Value): boolean {
  const [byte] = value.content;
  if (value.content.length !== 1 || (byte !== 0x00 && byte !== 0xff)) {
    throw new DerError("a boolean that is neither 00 nor ff");
  }
  return byte === 0xff;
}

/** The magnitude of an integer that is not negative, without the zero byte that marks it as such. */
export function magnitude(value: Value): Uint8Array {
  const [first, second] = value.content;
  if (first === undefined || first >= 0x80) {
    throw new DerError("an integer that is negative or empty");
  }
  if (first === 0 && second !== undefined && second < 0x80) {
    throw new DerError("an integer in more bytes than needed");
  }
  return first === 0 ? value.content.subarray(1) : value.content;
}

/** An integer of 0 to 2^32 - 1. */
export function smallInteger(value: Value): number {
  const digits = magnitude(value);
  if (digits.length > 4) {
    throw new DerError("an integer above 2^32 - 1");
  }
  return digits.reduce((number, byte) => number * 256 + byte, 0);
}

/** X.690 section 11.2: the bits after the last are zero. */
export function bitString(value: Value): { readonly bits: Uint8Array; readonly unused: number } {
  const [unused] = value.content;
  const bits = value.content.subarray(1);
  const last = bits.at(-1);
  if (unused === undefined || unused > 7 || (unused > 0 && last === undefined)) {
    throw new DerError("a malformed bit string");
  }
  if (((last ?? 0) & ((1 << unused) - 1)) !== 0) {
    throw new DerError("a bit string with bits after its last");
  }
  return { bits, unused };
}

/** The bytes of a bit string that has whole bytes. */
export function wholeBytes(value: Value): Uint8Array {
  const { bits, unused } = bitString(value);
  if (unused !== 0) {
    throw new DerError("a bit string that is not of whole bytes");
  }
  return bits;
}

/** RFC 5280 section 4.1.2.5: seconds since 1970 of a UTCTime `YYMMDDHHMMSSZ` or a GeneralizedTime `YYYYMMDDHHMMSSZ`. */
export function time(value: Value): number {
  const text = String.fromCharCode(...value.content);
  const years = value.tag === TAG.utcTime ? 2 : value.tag === TAG.generalizedTime ? 4 : 0;
  const parts = new RegExp(`^(\\d{${years}})(\\d\\d)(\\d\\d)(\\d\\d)(\\d\\d)(\\d\\d)Z$`).exec(text);
  if (years === 0 || parts === null) {
    throw new DerError("a malformed time");
  }
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts.slice(1).map(Number);
  const fullYear = years === 4 ? year : year < 50 ? 2000 + year : 1900 + year;
  const date = new Date(0);
  date.setUTCFullYear(fullYear, month - 1, day);
  date.setUTCHours(hour, minute, second);
  const written = date.toISOString().replace(/[-:T]/g, "").slice(0, 14);
  if (written !== String(fullYear).padStart(4, "0") + text.slice(years, -1)) {
    throw new DerError("a time that is not in the calendar");
  }
  return date.getTime() / 1000;
}

/**
 * An ECDSA-Sig-Value (RFC 3279 section 2.2.3) as WebCrypto expects it: r and s, `length` bytes each, big-endian. Undefined if it is
 * not one in DER, or does not fit.
 */
export function fixedSignature(der: Uint8Array, length: number): Bytes | undefined {
  try {
    const outer = new DerReader(der);
    const pair = inside(outer.read(TAG.sequence, "the signature"));
    outer.end("the signature");
    const numbers = [pair.read(TAG.integer, "r"), pair.read(TAG.integer, "s")].map(magnitude);
    pair.end("s");
    const fixed = bytes(Array<number>(2 * length).fill(0));
    for (const [index, number] of numbers.entries()) {
      if (number.length > length) {
        return undefined;
      }
      fixed.set(number, (index + 1) * length - number.length);
    }
    return fixed;
  } catch (error) {
    if (error instanceof DerError) {
      return undefined;
    }
    throw error;
  }
}
