/** The cases of `clients/vectors/document-forms.json`, and what the table cannot say. */

import { describe, expect, test } from "vitest";
import { Document } from "../../src/attestation/document.js";
import { ENCODED_MAX, readEncoded } from "../../src/attestation/encoded.js";
import { RootCertificate } from "../../src/attestation/root-certificate.js";
import { type Bytes, bytes, concat, fromBase64, fromHex, utf8 } from "../../src/bytes.js";
import { repositoryFile, repositoryText, vectors } from "../fixtures.js";
import { refusal } from "./refusal.js";

interface Case {
  readonly name: string;
  readonly input: string;
  readonly repeat?: number;
  readonly member?: string;
}

interface Table {
  readonly document: string;
  readonly read: readonly (Case & { form: string })[];
  readonly refused: readonly (Case & { refused_by: string })[];
}

const TABLE = vectors<Table>("document-forms.json");

const DOCUMENT = fromBase64(TABLE.document) ?? bytes([]);
const TAGGED = concat(bytes([0xd2]), DOCUMENT);

const BINARY: ReadonlyMap<string, Bytes> = new Map([
  ["<binary>", DOCUMENT],
  ["<tagged binary>", TAGGED],
  ["<ff>", bytes([0xff])],
]);

// Node's own encoders: what is read here was not written by the code that reads it.
const base64 = Buffer.from(DOCUMENT).toString("base64");
const base64url = Buffer.from(DOCUMENT).toString("base64url");
const hex = Buffer.from(DOCUMENT).toString("hex");
const TEXT: Readonly<Record<string, string>> = {
  "<base64>": base64,
  "<base64 unpadded>": base64.replaceAll("=", ""),
  "<base64 lines>": inLines(base64, 76, "\r\n"),
  "<base64 escaped>": base64.replaceAll("/", "\\/"),
  "<base64 twice>": Buffer.from(base64).toString("base64"),
  "<base64url>": base64url.padEnd(base64.length, "="),
  "<base64url unpadded>": base64url,
  "<hex>": hex,
  "<HEX>": hex.toUpperCase(),
  "<hex lines>": inLines(hex, 60, "\n"),
  "<tagged base64>": Buffer.from(TAGGED).toString("base64"),
  "<tagged hex>": Buffer.from(TAGGED).toString("hex"),
};

function inLines(text: string, length: number, end: string): string {
  return (text.match(new RegExp(`.{1,${length}}`, "g")) ?? []).join(end);
}

/** The input, with each `<name>` replaced by the document in that form. */
function inputOf({ input, repeat = 1 }: Case): string | Bytes {
  const text = Object.entries(TEXT).reduce((made, [name, form]) => made.replaceAll(name, form), input);
  return BINARY.get(input) ?? text.repeat(repeat);
}

function bothTypes(input: string | Bytes): (string | Bytes)[] {
  return typeof input === "string" ? [input, utf8(input)] : [input];
}

test("the table is about the example document", () => {
  expect(DOCUMENT).toEqual(repositoryFile("common/src/attestation/example/document.cbor"));
});

describe("a document is read", () => {
  test.each(TABLE.read)("$name", (one) => {
    for (const input of bothTypes(inputOf(one))) {
      const read = readEncoded(input, one.member);
      expect(String(read.form)).toBe(one.form);
      const tagged = one.input.includes("<tagged") && one.member === undefined;
      expect(read.bytes).toEqual(one.input === "<ff>" ? bytes([0xff]) : tagged ? TAGGED : DOCUMENT);
    }
  });
});

describe("is refused", () => {
  test.each(TABLE.refused)("$name", async (one) => {
    for (const input of bothTypes(inputOf(one))) {
      expect((await refusal(() => readEncoded(input, one.member))).rule).toBe(one.refused_by);
    }
  });
});

test("a document that is read can be verified, and its form is said", async () => {
  const root = RootCertificate.fromPem(repositoryText("common/src/attestation/example/root.pem"));
  const { document, form } = Document.read(JSON.stringify({ evidence: base64url, n: 1 }), { member: "evidence" });
  expect({ ...form }).toEqual({ encoding: "base64url", container: "json-member", member: "evidence" });
  const verified = await document.verify(root, "signed");
  expect(verified.digest).toEqual((await Document.parse(DOCUMENT).verify(root, "signed")).digest);
});

test("what reads as a document and is not one is refused by the rules of Document.parse", async () => {
  expect((await refusal(() => Document.read("8440"))).rule).toBe("cbor");
  expect((await refusal(() => Document.read(bytes([0xff])))).rule).toBe("cbor");
});

test("a document under another name is pointed out", async () => {
  const { message } = await refusal(() => Document.read(JSON.stringify({ evidence: hex, n: 1 })));
  expect(message).toMatch(/or a member that you name; "evidence" contains a document$/);
});

test("what is read cannot be changed from outside", () => {
  const input = bytes(DOCUMENT);
  const read = readEncoded(input);
  input.fill(0);
  expect(read.bytes).toEqual(DOCUMENT);
});

test("no hex is the base64 of a document", () => {
  const digits = [..."0123456789abcdefABCDEF"];
  for (const pair of [...digits.flatMap((one) => digits.map((two) => one + two)), "0x", "0X"]) {
    const [first] = fromBase64(`${pair}AA`) ?? bytes([]);
    expect(first).toBeDefined();
    expect([0x84, 0x9f, 0xd2], pair).not.toContain(first);
  }
  expect(fromHex("8444")).toEqual(bytes([0x84, 0x44]));
});

test("text of the input reaches an error escaped and cut", async () => {
  const long = "\u001b[2J\u202e".repeat(1000);
  const names = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`${index}${long.slice(0, 100)}`, 1]));
  for (const input of [long, `{"a": ${long}`, `{"${long}`, `"${long}`, JSON.stringify(names)]) {
    for (const member of [undefined, long]) {
      const { message } = await refusal(() => readEncoded(input, member));
      expect(message.length).toBeLessThan(7000);
      expect(message).toMatch(/^[ -~]*$/);
    }
  }
});

test("a name of the prototype is a member like any other", async () => {
  const input = `{"__proto__": "${base64}", "constructor": 1}`;
  expect((await refusal(() => readEncoded(input))).message).toContain('"__proto__" contains a document');
  expect(readEncoded(input, "__proto__").bytes).toEqual(DOCUMENT);
});

test("input of the greatest length is read in time, whatever is in it", async () => {
  for (const unit of ["[", '{"a":', '\\"', '"a":"b",', "A", "=", "{", '"']) {
    const text = unit.repeat(ENCODED_MAX / unit.length);
    for (const input of [text, `{"doc":"${text}`.slice(0, ENCODED_MAX), `{"doc":${text}`.slice(0, ENCODED_MAX)]) {
      await refusal(() => readEncoded(input));
    }
  }
}, 10_000);
