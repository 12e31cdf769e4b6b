/** CBOR for the documents of the tests. */

import { type Bytes, bytes, concat, utf8 } from "../../src/bytes.js";

/** What {@link encode} writes; `raw` is taken as it is. */
export type Value =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | readonly Value[]
  | { readonly pairs: readonly (readonly [Value, Value])[] }
  | { readonly tag: number; readonly value: Value }
  | { readonly raw: Uint8Array };

/** Definite lengths and shortest heads; entries in the order that is given. Fractions are written with 64 bits. */
export function encode(value: Value): Bytes {
  if (value === null) {
    return bytes([0xf6]);
  }
  switch (typeof value) {
    case "boolean":
      return bytes([value ? 0xf5 : 0xf4]);
    case "number":
      return Number.isInteger(value) ? encode(BigInt(value)) : float(value);
    case "bigint":
      return value < 0n ? head(1, -1n - value) : head(0, value);
    case "string":
      return concat(head(3, utf8(value).length), utf8(value));
  }
  if (value instanceof Uint8Array) {
    return concat(head(2, value.length), value);
  }
  if ("raw" in value) {
    return bytes(value.raw);
  }
  if ("tag" in value) {
    return concat(head(6, value.tag), encode(value.value));
  }
  if ("pairs" in value) {
    return concat(head(5, value.pairs.length), ...value.pairs.flatMap(([key, each]) => [encode(key), encode(each)]));
  }
  return concat(head(4, value.length), ...value.map(encode));
}

function head(major: number, argument: number | bigint): Bytes {
  const value = BigInt(argument);
  if (value < 24n) {
    return bytes([(major << 5) | Number(value)]);
  }
  const minor = value < 1n << 8n ? 24 : value < 1n << 16n ? 25 : value < 1n << 32n ? 26 : 27;
  const length = 1 << (minor - 24);
  const digits = Array.from({ length }, (_, index) => Number((value >> BigInt(8 * (length - 1 - index))) & 0xffn));
  return bytes([(major << 5) | minor, ...digits]);
}

function float(value: number): Bytes {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  return concat(bytes([0xfb]), new Uint8Array(view.buffer));
}
