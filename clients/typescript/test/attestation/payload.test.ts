import { describe, expect, test } from "vitest";
import { type Payload, parsePayload } from "../../src/attestation/payload.js";
import { type Bytes, bytes, concat, utf8 } from "../../src/bytes.js";
import { encode, type Value } from "../forge/cbor.js";
import { goodFields, MADE, pcr } from "../forge/path.js";
import { refusal } from "./refusal.js";

const MANDATORY = ["module_id", "digest", "timestamp", "pcrs", "certificate", "cabundle"];
const OPTIONAL = ["public_key", "user_data", "nonce"];

function encoded(name?: string, value: Value = null): Bytes {
  const fields = goodFields();
  return encode({ pairs: [...(name === undefined ? fields : fields.set(name, value))] });
}

function parse(name?: string, value?: Value): Payload {
  return parsePayload(encoded(name, value));
}

async function refusalOf(name: string, value: Value) {
  return refusal(() => parse(name, value));
}

function without(names: string[]): Bytes {
  return encode({ pairs: [...goodFields()].filter(([name]) => !names.includes(name)) });
}

function filled(length: number): Bytes {
  return bytes(Array<number>(length).fill(7));
}

function pcrs(...entries: [index: number | bigint, length: number][]): Value {
  return { pairs: entries.map(([index, length]) => [index, filled(length)]) };
}

test("a good payload is read", () => {
  const payload = parse();
  expect(payload).toMatchObject({ moduleId: "i-0-enc1", timestampMs: MADE * 1000, publicKey: undefined });
  expect(payload.pcrs.size).toBe(16);
  expect(payload.pcrs.get(15)).toEqual(pcr(16));
  expect(payload.userData).toEqual(utf8("user data"));
  expect(payload.nonce).toEqual(utf8("nonce"));
});

test("maps of indefinite length and any order read alike", () => {
  const entries = [...goodFields()].reverse().flatMap(([name, value]) => [encode(name), encode(value)]);
  expect(parsePayload(concat(bytes([0xbf]), ...entries, bytes([0xff])))).toEqual(parse());
});

test.each(MANDATORY)("a mandatory field may be neither absent nor null: %s", async (field) => {
  const absent = await refusal(() => parsePayload(without([field])));
  expect(absent).toMatchObject({ rule: "field-missing", found: `${field} is missing` });
  expect((await refusalOf(field, null)).rule).toBe("field-missing");
});

test("an optional field that is null is absent", () => {
  const nulls = goodFields();
  for (const field of OPTIONAL) {
    nulls.set(field, null);
  }
  const payload = parsePayload(encode({ pairs: [...nulls] }));
  expect(payload).toEqual(parsePayload(without(OPTIONAL)));
  expect(payload.nonce).toBeUndefined();
});

test("an unknown field is refused by name", async () => {
  expect(await refusalOf("extra", 1)).toMatchObject({ rule: "field-unknown", found: 'the field "extra"' });
});

test.each([...goodFields()])("a repeated field is refused: %s", async (name, value) => {
  const repeated = encode({ pairs: [...goodFields(), [name, value]] });
  const error = await refusal(() => parsePayload(repeated));
  expect(error).toMatchObject({ rule: "field-duplicate", found: `${name} comes twice` });
});

test.each<[string, Value]>([
  ["module_id", pcr(1)],
  ["digest", pcr(1)],
  ["timestamp", "1"],
  ["timestamp", 1.5],
  ["timestamp", true],
  ["pcrs", [pcr(1)]],
  ["pcrs", { pairs: [["0", pcr(1)]] }],
  ["pcrs", { pairs: [[0, "0"]] }],
  ["certificate", "certificate"],
  ["cabundle", pcr(1)],
  ["cabundle", ["certificate"]],
  ["public_key", "key"],
  ["user_data", "data"],
  ["user_data", { tag: 24, value: pcr(1) }],
  ["nonce", 7],
])("a field of another type is refused: %s, %j", async (field, value) => {
  expect((await refusalOf(field, value)).rule).toBe("field-type");
});

test("a payload that is no map, or has a key that is no text, is refused", async () => {
  for (const payload of [encode([]), encode({ pairs: [...goodFields(), [7, 1]] })]) {
    expect((await refusal(() => parsePayload(payload))).rule).toBe("field-type");
  }
});

test.each([
  ["certificate", 1, 1024],
  ["public_key", 1, 1024],
  ["user_data", 0, 512],
  ["nonce", 0, 512],
])("a byte string has the length that AWS allows: %s, %i to %i", async (field, min, max) => {
  parse(field, filled(min));
  parse(field, filled(max));
  for (const length of [max + 1, ...(min > 0 ? [min - 1] : [])]) {
    const error = await refusalOf(field, filled(length));
    expect(error).toMatchObject({
      rule: "field-length",
      found: `${field} has ${length} bytes`,
      expected: `${min} to ${max}`,
    });
  }
});

test("the module's id is not empty", async () => {
  expect((await refusalOf("module_id", "")).rule).toBe("field-length");
});

test.each([
  "SHA256",
  "SHA512",
  "sha384",
  "SHA384 ",
  "",
])("the digest is SHA384 to the letter, not %j", async (digest) => {
  expect(await refusalOf("digest", digest)).toMatchObject({ rule: "digest", expected: '"SHA384"' });
});

test("the timestamp is positive", async () => {
  for (const bad of [0, -1]) {
    expect((await refusalOf("timestamp", bad)).rule).toBe("timestamp");
  }
  expect(parse("timestamp", 1).timestampMs).toBe(1);
  parse("timestamp", 2n ** 64n - 1n);
});

describe("PCRs", () => {
  test("there are 1 to 32", async () => {
    const all = Array.from({ length: 32 }, (_, index): [number, number] => [index, 48]);
    expect([...parse("pcrs", pcrs([31, 48])).pcrs.keys()]).toEqual([31]);
    expect(parse("pcrs", pcrs(...all)).pcrs.size).toBe(32);
    for (const bad of [pcrs(), pcrs(...all, [32, 48])]) {
      expect((await refusalOf("pcrs", bad)).rule).toBe("field-length");
    }
  });

  test.each([-1n, 32n, 256n, 2n ** 63n - 1n])("an index is 0 to 31, not %i", async (index) => {
    expect((await refusalOf("pcrs", pcrs([index, 48]))).rule).toBe("pcr-index");
  });

  test.each([0, 32, 47, 49, 64])("one has the 48 bytes of SHA-384, not %i", async (length) => {
    const error = await refusalOf("pcrs", pcrs([3, length]));
    expect(error).toMatchObject({ rule: "field-length", found: `PCR3 has ${length} bytes`, expected: "48 to 48" });
  });

  test("a repeated one is refused, however its index is written", async () => {
    expect((await refusalOf("pcrs", pcrs([3, 48], [3, 48]))).rule).toBe("field-duplicate");
    // 3 in one byte and in two.
    const raw = concat(bytes([0xa2, 0x03]), encode(pcr(0)), bytes([0x18, 0x03]), encode(pcr(0)));
    expect((await refusalOf("pcrs", { raw })).rule).toBe("field-duplicate");
  });
});

test("the bundle has 1 to 8 certificates of 1 to 1024 bytes", async () => {
  parse("cabundle", Array<Bytes>(8).fill(filled(1024)));
  for (const bundle of [[], Array<Bytes>(9).fill(filled(1)), [filled(1), filled(0)], [filled(1025)]]) {
    expect((await refusalOf("cabundle", bundle)).rule).toBe("field-length");
  }
});
