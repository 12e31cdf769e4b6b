import { describe, expect, test } from "vitest";
import { type Cbor, CborError, decode, kindOf } from "../../src/attestation/cbor.js";
import { bytes } from "../../src/bytes.js";
import { hex } from "../hex.js";

/** RFC 8949 appendix A. */
test.each<[string, Cbor]>([
  ["00", { kind: "integer", value: 0n }],
  ["17", { kind: "integer", value: 23n }],
  ["1818", { kind: "integer", value: 24n }],
  ["1903e8", { kind: "integer", value: 1000n }],
  ["1bffffffffffffffff", { kind: "integer", value: 18446744073709551615n }],
  ["3bffffffffffffffff", { kind: "integer", value: -18446744073709551616n }],
  ["20", { kind: "integer", value: -1n }],
  ["3903e7", { kind: "integer", value: -1000n }],
  ["f5", { kind: "boolean", value: true }],
  ["f6", { kind: "null" }],
  ["f93e00", { kind: "float" }],
  ["fb3ff199999999999a", { kind: "float" }],
  ["4401020304", { kind: "bytes", value: bytes([1, 2, 3, 4]) }],
  ["5f42010243030405ff", { kind: "bytes", value: bytes([1, 2, 3, 4, 5]) }],
  ["62225c", { kind: "text", value: '"\\' }],
  ["64f0908591", { kind: "text", value: "\u{10151}" }],
  ["7f657374726561646d696e67ff", { kind: "text", value: "streaming" }],
  ["c11a514b67b0", { kind: "tag", tag: 1n, value: { kind: "integer", value: 1363896240n } }],
  ["80", { kind: "array", value: [] }],
  ["9f01ff", { kind: "array", value: [{ kind: "integer", value: 1n }] }],
  [
    "bf6161f4ff",
    {
      kind: "map",
      value: [
        [
          { kind: "text", value: "a" },
          { kind: "boolean", value: false },
        ],
      ],
    },
  ],
])("the examples of the RFC are read: %s", (encoded, item) => {
  expect(decode(hex(encoded))).toEqual(item);
});

test.each([
  ["nothing", ""],
  ["a reserved head", "1c"],
  ["an integer of indefinite length", "1f"],
  ["a tag of indefinite length", "df00"],
  ["a break alone", "ff"],
  ["a break in an array", "81ff"],
  ["a break for a value", "bf00ff"],
  ["a break for a tag's content", "c1ff"],
  ["a string in chunks of another type", "5f6161ff"],
  ["a string in chunks of indefinite length", "5f5f4101ffff"],
  ["a string whose chunks do not end", "5f4101"],
  ["an array that does not end", "9f01"],
  ["a text that is not UTF-8", "61ff"],
  ["a text with half a surrogate", "63eda080"],
  ["an unassigned simple value", "f0"],
  ["false in two bytes", "f814"],
  ["a byte after it", "0000"],
])("what is not well-formed is refused: %s", (_, encoded) => {
  expect(() => decode(hex(encoded))).toThrow(CborError);
});

describe("the deterministic encoding", () => {
  test.each([
    "00",
    "1818",
    "190100",
    "1a00010000",
    "1b0000000100000000",
    "3818",
    "4101",
    "a2616100616201",
    "f6",
  ])("what is in it is read: %s", (encoded) => {
    expect(decode(hex(encoded), "deterministic")).toEqual(decode(hex(encoded)));
  });

  test.each([
    ["an integer in two bytes for one", "1817"],
    ["an integer in three bytes for two", "1900ff"],
    ["an integer in five bytes for three", "1a0000ffff"],
    ["an integer in nine bytes for five", "1b00000000ffffffff"],
    ["a length in two bytes for one", "580101"],
    ["a string in chunks", "5f4101ff"],
    ["an array of indefinite length", "9fff"],
    ["a map of indefinite length", "bfff"],
    ["a key twice", "a2616100616101"],
    ["keys out of order", "a2616200616101"],
    ["a longer key first", "a262616100616201"],
    ["a float", "f93e00"],
    ["undefined", "f7"],
  ])("what is not in it is refused, though it is CBOR: %s", (_, encoded) => {
    decode(hex(encoded));
    expect(() => decode(hex(encoded), "deterministic")).toThrow(CborError);
  });
});

test("eight levels are read, and the ninth is refused", () => {
  expect(kindOf(decode(hex(`${"81".repeat(8)}00`)))).toBe("an array");
  expect(() => decode(hex(`${"81".repeat(9)}00`))).toThrow("deeper than 8");
});

test("random bytes are read or refused, and nothing else", () => {
  for (let round = 0; round < 2000; round += 1) {
    const noise = crypto.getRandomValues(new Uint8Array(64));
    for (const encoding of ["any", "deterministic"] as const) {
      try {
        decode(noise, encoding);
      } catch (error) {
        expect(error).toBeInstanceOf(CborError);
      }
    }
  }
});
