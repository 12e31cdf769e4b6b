import { expect, test } from "vitest";
import { bytes, concat } from "../../src/bytes.js";
import { readKeyConfigurations } from "../../src/oblivious/keys.js";
import { encapsulate } from "../../src/oblivious/ohttp.js";
import { padRequest } from "../../src/oblivious/padding.js";
import { obliviousVector } from "../fixtures.js";
import { hex } from "../hex.js";

const vector = obliviousVector<{ readonly key_configuration: string }>("rfc9458-a.json");
const KEY = readKeyConfigurations(concat(bytes([0, 45]), hex(vector.key_configuration)));

test.each([
  [55, 512],
  [513, 1024],
  [1025, 2048],
  [2049, 4096],
  [4097, 8192],
  [8193, 16_384],
  [16_385, 32_768],
  [32_769, 49_152],
  [245_761, 262_144],
])("requests of %i to %i bytes have the longer of these lengths on the wire", async (shortest, longest) => {
  for (const unpadded of [shortest, longest]) {
    const { request } = await encapsulate(KEY, padRequest(new Uint8Array(unpadded - 55)));
    expect(request.length).toBe(longest);
  }
});

test("padding is zero bytes at the end", () => {
  const message = new Uint8Array(700).fill(7);
  const padded = padRequest(message);
  expect(padded.slice(0, 700)).toEqual(message);
  expect(padded.slice(700).every((byte) => byte === 0)).toBe(true);
});
