import { expect, test } from "vitest";
import { bytes, concat } from "../../src/bytes.js";
import { readKeyConfigurations } from "../../src/oblivious/keys.js";
import { encapsulate } from "../../src/oblivious/ohttp.js";
import { padRequest } from "../../src/oblivious/padding.js";
import { vectors } from "../fixtures.js";
import { hex } from "../hex.js";

interface Padding {
  readonly sealing: { readonly request: number };
  readonly on_the_wire: readonly { readonly shortest: number; readonly longest: number }[];
}

const { sealing, on_the_wire } = vectors<Padding>("padding.json");
const { key_configuration } = vectors<{ readonly key_configuration: string }>("rfc9458-a.json");
const KEY = readKeyConfigurations(concat(bytes([0, 45]), hex(key_configuration)));

test.each(on_the_wire)("requests of $shortest to $longest bytes have the longer of these lengths on the wire", async ({
  shortest,
  longest,
}) => {
  for (const sealed of [shortest, longest]) {
    const { request } = await encapsulate(KEY, padRequest(new Uint8Array(sealed - sealing.request)));
    expect(request.length).toBe(longest);
  }
});

test("padding is zero bytes at the end", () => {
  const message = new Uint8Array(700).fill(7);
  const padded = padRequest(message);
  expect(padded.slice(0, 700)).toEqual(message);
  expect(padded.slice(700).every((byte) => byte === 0)).toBe(true);
});
