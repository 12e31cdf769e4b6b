/** Arrays in the deterministic encoding of CBOR (RFC 8949 section 4.2.1): what is hashed, and what a wrapped share is bound to. */

import { type Bytes, concat, utf8 } from "../bytes.js";

/** An array of texts, byte strings and numbers from 0 to 2^32 - 1. */
export function canonical(...items: readonly (string | number | Bytes)[]): Bytes {
  return concat(head(ARRAY, items.length), ...items.map(encoded));
}

function encoded(item: string | number | Bytes): Bytes {
  if (typeof item === "number") {
    return head(UNSIGNED, item);
  }
  const content = typeof item === "string" ? utf8(item) : item;
  return concat(head(typeof item === "string" ? TEXT : BYTES, content.length), content);
}

/** The type, and the length or the number, in the shortest form. */
function head(major: number, value: number): Bytes {
  if (value < 24) {
    return Uint8Array.of(major | value);
  }
  if (value < 0x100) {
    return Uint8Array.of(major | 24, value);
  }
  if (value < 0x10000) {
    return Uint8Array.of(major | 25, value >> 8, value & 0xff);
  }
  if (value < 0x100000000) {
    return Uint8Array.of(major | 26, value >>> 24, (value >> 16) & 0xff, (value >> 8) & 0xff, value & 0xff);
  }
  throw new TypeError(`a number or a length is ${value}; accepted: at most 4294967295`);
}

const UNSIGNED = 0x00;
const BYTES = 0x40;
const TEXT = 0x60;
const ARRAY = 0x80;
