import { describe, expect, test } from "vitest";
import { Document } from "../../src/attestation/document.js";
import { DOCUMENT_MAX } from "../../src/attestation/payload.js";
import { type Bytes, bytes, concat, sha256, utf8 } from "../../src/bytes.js";
import { encode, type Value } from "../forge/cbor.js";
import { ForgedPath, goodFields, PROTECTED, sign1 } from "../forge/path.js";
import { hex } from "../hex.js";
import { refusal } from "./refusal.js";

const PAYLOAD = encode({ pairs: [...goodFields()] });
const PARTS = sign1(PAYLOAD, bytes(Array<number>(96).fill(0)));
const GOOD = encode(PARTS);

/** The rule by which bytes are no document; undefined where they are one. */
async function ruleOf(encoded: Bytes): Promise<string> {
  return (await refusal(() => Document.parse(encoded))).rule;
}

function withPart(index: number, part: Value): Bytes {
  return encode(PARTS.with(index, part));
}

function filled(length: number, byte: number): Bytes {
  return bytes(Array<number>(length).fill(byte));
}

test("a document is accepted untagged and with tag 18", () => {
  Document.parse(GOOD);
  Document.parse(encode({ tag: 18, value: PARTS }));
});

test("a tagged document verifies, by the digest of all its bytes", async () => {
  const { document, root } = await (await ForgedPath.create()).document();
  const tagged = concat(bytes([0xd2]), document);
  const verified = await Document.parse(tagged).verify(root, "signed");
  expect(verified.digest).toEqual(await sha256(tagged));
});

test("an array of indefinite length is accepted", () => {
  Document.parse(concat(bytes([0x9f]), GOOD.slice(1), bytes([0xff])));
});

test("what is parsed cannot be changed from outside", async () => {
  const { document, root } = await (await ForgedPath.create()).document();
  const parsed = Document.parse(document);
  document.fill(0);
  await parsed.verify(root, "signed");
});

test("input is capped before it is parsed", async () => {
  expect(await ruleOf(bytes([]))).toBe("document-size");
  expect(await ruleOf(filled(DOCUMENT_MAX + 1, 0))).toBe("document-size");
  expect(await ruleOf(filled(DOCUMENT_MAX, 0))).not.toBe("document-size");
});

test.each([
  ["a reserved head", bytes([0x1c])],
  ["a break", bytes([0xff])],
  ["a protected header that is not CBOR", withPart(0, bytes([0xff]))],
  ["a payload that is not CBOR", withPart(2, bytes([0xff]))],
  ["an empty payload", withPart(2, bytes([]))],
])("what is not CBOR is refused: %s", async (_, encoded) => {
  expect(await ruleOf(encoded)).toBe("cbor");
});

test("claimed lengths cost nothing", async () => {
  // A byte string, a text, an array and a map of 2^60 entries, and nothing in them.
  for (const head of [0x5b, 0x7b, 0x9b, 0xbb]) {
    expect(await ruleOf(bytes([head, 0x10, 0, 0, 0, 0, 0, 0, 0]))).toBe("cbor");
  }
});

test("deep nesting is refused", async () => {
  expect(await ruleOf(filled(DOCUMENT_MAX, 0x81))).toBe("cbor");
  expect(await ruleOf(filled(DOCUMENT_MAX, 0xd2))).toBe("cbor");
  expect(await ruleOf(filled(DOCUMENT_MAX, 0x9f))).toBe("cbor");
});

test("bytes after the end are refused in every part", async () => {
  for (const [encoded, found] of [
    [concat(GOOD, bytes([0])), "1 bytes follow the document"],
    [withPart(0, concat(PROTECTED, bytes([0]))), "1 bytes follow the protected header"],
    [withPart(2, concat(PAYLOAD, hex("f6f6f6"))), "3 bytes follow the payload"],
  ] as const) {
    const error = await refusal(() => Document.parse(encoded));
    expect(error).toMatchObject({ rule: "trailing-bytes", found });
  }
});

test("every truncation is refused", async () => {
  for (let end = 0; end < GOOD.length; end += 1) {
    await ruleOf(GOOD.slice(0, end));
  }
});

test.each<[string, Bytes]>([
  ["null", encode(null)],
  ["a map", encode({ pairs: [] })],
  ["an array of none", encode([])],
  ["an array of three", encode([null, null, null])],
  ["an array of five", encode([null, null, null, null, null])],
  ["tag 17", encode({ tag: 17, value: PARTS })],
  ["two tags", encode({ tag: 18, value: { tag: 18, value: PARTS } })],
  ["a protected header that is a map", withPart(0, { pairs: [[1, -35]] })],
  ["no payload", withPart(2, null)],
  ["no signature", withPart(3, null)],
])("what is not a COSE_Sign1 is refused: %s", async (_, encoded) => {
  expect(await ruleOf(encoded)).toBe("cose-structure");
});

test.each<[string, Value]>([
  ["nothing", { pairs: [] }],
  ["-1", { pairs: [[1, -1]] }],
  ["ES256", { pairs: [[1, -7]] }],
  ["ES512", { pairs: [[1, -36]] }],
  ["another label", { pairs: [[2, -35]] }],
  ["a text", { pairs: [[1, "ES384"]] }],
  [
    "a key id too",
    {
      pairs: [
        [1, -35],
        [4, 1],
      ],
    },
  ],
  [
    "ES384 twice",
    {
      pairs: [
        [1, -35],
        [1, -35],
      ],
    },
  ],
  ["an array", []],
  ["null", null],
])("only ES384 and nothing else may be protected: %s", async (_, header) => {
  expect(await ruleOf(withPart(0, encode(header)))).toBe("protected-header");
});

test("nothing may be unprotected", async () => {
  for (const header of [{ pairs: [[4, bytes([1])]] }, [], null] as Value[]) {
    expect(await ruleOf(withPart(1, header))).toBe("unprotected-header");
  }
});

test("a signature has 96 bytes", async () => {
  for (const length of [0, 32, 48, 64, 95, 97]) {
    expect(await ruleOf(withPart(3, filled(length, 0)))).toBe("signature-length");
  }
});

describe("an unsigned document of QEMU", () => {
  test("is refused, with its own algorithm and with ES384's", async () => {
    const unsigned = encode([hex("a10120"), { pairs: [] }, PAYLOAD, filled(64, 0)]);
    expect(await ruleOf(unsigned)).toBe("protected-header");
    expect(await ruleOf(encode(PARTS.with(3, filled(64, 0))))).toBe("signature-length");
  });
});

test("no text of a document reaches an error as it is", async () => {
  const fields = goodFields().set(`\u001b[2J\u009b\u202e${"x".repeat(1000)}`, 1);
  const { message } = await refusal(() => Document.parse(withPart(2, encode({ pairs: [...fields] }))));
  expect(message).toContain("\\u{1b}[2J\\u{9b}\\u{202e}");
  expect(message).toMatch(/^[ -~]*$/);
  expect(message.length).toBeLessThan(300);
  expect(utf8(message)).toHaveLength(message.length);
});
