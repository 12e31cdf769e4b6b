/** DER for the certificates of the tests: written by hand, so that it can also be wrong. */

import { type Bytes, bytes, concat, utf8 } from "../../src/bytes.js";

/** A value of any tag. */
export function der(tag: number, ...content: Uint8Array[]): Bytes {
  const joined = concat(...content);
  const { length } = joined;
  const head = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return concat(bytes([tag, ...head]), joined);
}

export const sequence = (...content: Uint8Array[]) => der(0x30, ...content);

export const octetString = (content: Uint8Array) => der(0x04, content);

export const bitString = (content: Uint8Array, unused = 0) => der(0x03, bytes([unused]), content);

export const boolean = (value: boolean) => der(0x01, bytes([value ? 0xff : 0x00]));

/** A number of 0 to 127, or a magnitude. */
export function integer(value: number | Uint8Array): Bytes {
  let magnitude = typeof value === "number" ? bytes([value]) : bytes(value);
  while (magnitude.length > 1 && magnitude[0] === 0) {
    magnitude = magnitude.slice(1);
  }
  return der(0x02, (magnitude[0] ?? 0) >= 0x80 ? concat(bytes([0]), magnitude) : magnitude);
}

export function objectIdentifier(dotted: string): Bytes {
  const [first = 0, second = 0, ...others] = dotted.split(".").map(Number);
  const arcs = [40 * first + second, ...others].flatMap((arc) => {
    const digits = [arc & 0x7f];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) {
      digits.unshift(0x80 | (left & 0x7f));
    }
    return digits;
  });
  return der(0x06, bytes(arcs));
}

/** A GeneralizedTime from 2050 on, a UTCTime before (RFC 5280 section 4.1.2.5). */
export function time(seconds: number): Bytes {
  const text = `${new Date(seconds * 1000).toISOString().replace(/[-:T]/g, "").slice(0, 14)}Z`;
  return text >= "2050" ? der(0x18, utf8(text)) : der(0x17, utf8(text.slice(2)));
}

/** A name of common names. */
export function commonNames(...names: string[]): Bytes {
  const attribute = (name: string) => sequence(objectIdentifier("2.5.4.3"), der(0x0c, utf8(name)));
  return sequence(...names.map((name) => der(0x31, attribute(name))));
}
