import { expect, test } from "vitest";
import { bytes, concat } from "../../src/bytes.js";
import { KeyConfigurationError, readKeyConfigurations } from "../../src/oblivious/keys.js";
import { vectors } from "../fixtures.js";
import { hex } from "../hex.js";

const PUBLISHED = hex(vectors<{ key_configuration: string }>("rfc9458-a.json").key_configuration);
const PUBLIC_KEY = PUBLISHED.slice(3, 35);

/** A list of configurations; a length precedes each. */
function list(...configurations: Uint8Array[]) {
  return concat(...configurations.map((each) => concat(bytes([each.length >> 8, each.length & 0xff]), each)));
}

function configuration(id: number, kem: string, pairs: string) {
  const length = pairs.length / 2;
  return concat(bytes([id]), hex(kem), PUBLIC_KEY, bytes([length >> 8, length & 0xff]), hex(pairs));
}

const OURS = configuration(7, "0020", "00010001");

test("the key of the RFC is read", () => {
  expect(readKeyConfigurations(list(PUBLISHED))).toEqual({ id: 1, publicKey: PUBLIC_KEY });
});

test("the first usable key is used", () => {
  const otherKem = concat(bytes([1]), hex("0010"), hex("04".repeat(65)), hex("000400010001"));
  const otherAead = configuration(2, "0020", "00010003");
  const otherKdf = configuration(3, "0020", "00030001");
  expect(readKeyConfigurations(list(otherKem, otherAead, otherKdf, OURS, PUBLISHED)).id).toBe(7);
});

test("a key for several suites, one of them ours, is used", () => {
  expect(readKeyConfigurations(list(configuration(9, "0020", "0001000300010001"))).id).toBe(9);
});

test.each([
  ["an empty list", list()],
  ["an empty key", list(bytes([]))],
  ["no key of ours", list(configuration(1, "0020", "00010003"))],
  ["a key with no pair", list(configuration(1, "0020", ""))],
  ["a pair and a half", list(configuration(1, "0020", "000100010001"))],
  ["a list without lengths", PUBLISHED],
  ["a length of one byte", bytes([0])],
  ["a good key and half a key", list(OURS, PUBLISHED).slice(0, -1)],
  ["a good key and a malformed one", list(OURS, configuration(1, "0020", "0001"))],
])("a list that cannot be used is refused: %s", (_, encoded) => {
  expect(() => readKeyConfigurations(encoded)).toThrow(KeyConfigurationError);
});

test("every truncation of a key is refused", () => {
  for (let end = 0; end < OURS.length; end += 1) {
    expect(() => readKeyConfigurations(list(OURS.slice(0, end))), `${end} bytes`).toThrow(KeyConfigurationError);
  }
});
