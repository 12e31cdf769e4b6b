/**
 * CBOR (RFC 8949), read into a tree. Depth and size are bounded, and every length is compared with what is there before anything is
 * made of it, so that a claimed length costs nothing.
 */

import { type Bytes, bytes, compare, concat, fromUtf8 } from "../bytes.js";

/** One data item. Map entries are in their original order, including repeated keys: the caller judges them. */
export type Cbor =
  | { readonly kind: "integer"; readonly value: bigint }
  | { readonly kind: "bytes"; readonly value: Bytes }
  | { readonly kind: "text"; readonly value: string }
  | { readonly kind: "array"; readonly value: readonly Cbor[] }
  | { readonly kind: "map"; readonly value: readonly (readonly [key: Cbor, value: Cbor])[] }
  | { readonly kind: "tag"; readonly tag: bigint; readonly value: Cbor }
  | { readonly kind: "boolean"; readonly value: boolean }
  | { readonly kind: "null" }
  | { readonly kind: "float" };

/** How an item may be written. */
export type Encoding =
  /** Any well-formed encoding, including indefinite lengths, as the NSM's firmware writes them, and heads longer than needed. */
  | "any"
  /** The deterministic encoding of RFC 8949 section 4.2.1: shortest heads, definite lengths, keys ascending and unique, no floats. */
  | "deterministic";

/** Why bytes are not one item. */
export class CborError extends Error {
  override readonly name = "CborError";

  constructor(
    detail: string,
    /** How many bytes follow the item, if nothing else is wrong. */
    readonly trailing = 0,
  ) {
    super(detail);
  }
}

/**
 * Reads the one item that the bytes must consist of.
 *
 * @throws {CborError} if they are not well-formed, nest deeper than 8 arrays, maps and tags, have bytes after the item, or are not
 *   in the required encoding.
 */
export function decode(encoded: Uint8Array, encoding: Encoding = "any"): Cbor {
  const reader = new Reader(encoded, encoding === "deterministic");
  const item = reader.item(DEPTH_MAX);
  if (item === BREAK) {
    throw new CborError("a break outside of a container");
  }
  if (reader.left > 0) {
    throw new CborError(`${reader.left} bytes follow the item`, reader.left);
  }
  return item;
}

/** The type of an item, as errors name it. */
export function kindOf(item: Cbor): string {
  return NAMES[item.kind];
}

const NAMES: Readonly<Record<Cbor["kind"], string>> = {
  integer: "an integer",
  bytes: "a byte string",
  text: "a text string",
  array: "an array",
  map: "a map",
  tag: "a tag",
  boolean: "a boolean",
  null: "null",
  float: "a float",
};

interface Head {
  readonly major: number;
  readonly minor: number;
  /** The argument; undefined for an indefinite length or a break. */
  readonly argument: bigint | undefined;
}

class Reader {
  #at = 0;
  readonly #encoded: Uint8Array;
  readonly #deterministic: boolean;

  constructor(encoded: Uint8Array, deterministic: boolean) {
    this.#encoded = encoded;
    this.#deterministic = deterministic;
  }

  get left(): number {
    return this.#encoded.length - this.#at;
  }

  item(depth: number): Cbor | typeof BREAK {
    const head = this.#head();
    switch (head.major) {
      case 0:
        return { kind: "integer", value: this.#definite(head) };
      case 1:
        return { kind: "integer", value: -1n - this.#definite(head) };
      case 2:
        return { kind: "bytes", value: this.#string(head) };
      case 3:
        return { kind: "text", value: this.#text(head) };
      case 4:
        return { kind: "array", value: this.#array(head, this.#deeper(depth)) };
      case 5:
        return { kind: "map", value: this.#map(head, this.#deeper(depth)) };
      case 6:
        return { kind: "tag", tag: this.#definite(head), value: this.#required(this.#deeper(depth)) };
      default:
        return this.#simple(head);
    }
  }

  #head(): Head {
    const start = this.#at;
    const first = this.#take(1)[0] ?? 0;
    const [major, minor] = [first >> 5, first & 0x1f];
    if (minor < 24) {
      return { major, minor, argument: BigInt(minor) };
    }
    if (minor === 31) {
      return { major, minor, argument: undefined };
    }
    if (minor > 27) {
      throw new CborError(`a syntax error at byte ${start}`);
    }
    const length = 1 << (minor - 24);
    const argument = this.#take(length).reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);
    const shorter = length === 1 ? 24n : 1n << BigInt(4 * length);
    if (this.#deterministic && major !== 7 && argument < shorter) {
      throw new CborError(`the head at byte ${start} is longer than needed`);
    }
    return { major, minor, argument };
  }

  #take(length: number): Uint8Array {
    if (length > this.left) {
      throw new CborError("it ends too early");
    }
    this.#at += length;
    return this.#encoded.subarray(this.#at - length, this.#at);
  }

  #definite(head: Head): bigint {
    if (head.argument === undefined) {
      throw new CborError(`a syntax error at byte ${this.#at - 1}`);
    }
    return head.argument;
  }

  /** Every entry of a container and every byte of a string takes at least one byte, so no larger number can be right. */
  #length(head: Head): number {
    const length = this.#definite(head);
    if (length > BigInt(this.left)) {
      throw new CborError("it ends too early");
    }
    return Number(length);
  }

  #indefinite(head: Head): boolean {
    if (head.argument === undefined && this.#deterministic) {
      throw new CborError(`the length at byte ${this.#at - 1} is indefinite`);
    }
    return head.argument === undefined;
  }

  #deeper(depth: number): number {
    if (depth === 0) {
      throw new CborError(`it nests deeper than ${DEPTH_MAX}`);
    }
    return depth - 1;
  }

  /** RFC 8949 section 3.2.3: the chunks of a string are strings of the same type and of definite length. */
  #string(head: Head): Bytes {
    if (!this.#indefinite(head)) {
      return bytes(this.#take(this.#length(head)));
    }
    const chunks: Uint8Array[] = [];
    for (;;) {
      const chunk = this.#head();
      if (chunk.major === 7 && chunk.minor === 31) {
        return concat(...chunks);
      }
      if (chunk.major !== head.major) {
        throw new CborError(`a syntax error at byte ${this.#at - 1}`);
      }
      chunks.push(this.#take(this.#length(chunk)));
    }
  }

  #text(head: Head): string {
    const start = this.#at;
    const text = fromUtf8(this.#string(head));
    if (text === undefined) {
      throw new CborError(`the text at byte ${start} is not UTF-8`);
    }
    return text;
  }

  #required(depth: number): Cbor {
    const item = this.item(depth);
    if (item === BREAK) {
      throw new CborError(`a break at byte ${this.#at - 1} in place of an item`);
    }
    return item;
  }

  #array(head: Head, depth: number): Cbor[] {
    const items: Cbor[] = [];
    if (this.#indefinite(head)) {
      for (let item = this.item(depth); item !== BREAK; item = this.item(depth)) {
        items.push(item);
      }
      return items;
    }
    for (let left = this.#length(head); left > 0; left -= 1) {
      items.push(this.#required(depth));
    }
    return items;
  }

  #map(head: Head, depth: number): (readonly [Cbor, Cbor])[] {
    const entries: (readonly [Cbor, Cbor])[] = [];
    if (this.#indefinite(head)) {
      for (let key = this.item(depth); key !== BREAK; key = this.item(depth)) {
        entries.push([key, this.#required(depth)]);
      }
      return entries;
    }
    let previous: Uint8Array | undefined;
    for (let left = this.#length(head); left > 0; left -= 1) {
      const start = this.#at;
      const key = this.#required(depth);
      const encodedKey = this.#encoded.subarray(start, this.#at);
      if (this.#deterministic && previous !== undefined && compare(previous, encodedKey) >= 0) {
        throw new CborError(`the key at byte ${start} does not come after the one before it`);
      }
      previous = encodedKey;
      entries.push([key, this.#required(depth)]);
    }
    return entries;
  }

  #simple(head: Head): Cbor | typeof BREAK {
    switch (head.minor) {
      case 20:
      case 21:
        return { kind: "boolean", value: head.minor === 21 };
      case 22:
        return { kind: "null" };
      case 31:
        return BREAK;
    }
    // The Rust decoder reads undefined as null; the NSM's documents never contain it.
    if (head.minor === 23 && !this.#deterministic) {
      return { kind: "null" };
    }
    if (head.minor >= 25 && head.minor <= 27 && !this.#deterministic) {
      return { kind: "float" };
    }
    throw new CborError(`an unknown simple value before byte ${this.#at}`);
  }
}

/** Documents nest three deep. */
const DEPTH_MAX = 8;

/** What ends an indefinite length. */
const BREAK = Symbol("break");
