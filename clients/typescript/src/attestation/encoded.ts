/**
 * Attestation documents in the forms in which services hand them out: binary, hex, base64 or base64url; the latter three also in a
 * quoted string (JSON, RFC 8259) or in a member of a JSON object.
 *
 * White space around text and inside hex and base64 is skipped. What text stands for is decided by the bytes that it decodes to, which
 * must begin as a `COSE_Sign1` does. The Rust reader (`common/src/attestation/encoded`) follows the same rules.
 */

import { type Bytes, bytes, fromBase64, fromHex, fromUtf8, toHex, utf8 } from "../bytes.js";
import { quoted } from "../quoted.js";
import { AttestationError } from "./error.js";

/** The longest input that is read, in bytes: 64 KiB. */
export const ENCODED_MAX = 64 * 1024;

/** How text stands for bytes: RFC 4648 sections 4, 5 and 8. */
export type TextEncoding = "base64" | "base64url" | "hex";

/** The form in which a document came. `String(form)` says it in words, such as `base64 in a quoted string`. */
export class DocumentForm {
  constructor(
    /** `"binary"`: the document itself. */
    readonly encoding: "binary" | TextEncoding,
    /** What the encoded document is in: nothing else, a JSON string, or a member of a JSON object. */
    readonly container: "none" | "quoted-string" | "json-member" = "none",
    /** The name of the member of a JSON object; undefined in any other container. */
    readonly member?: string,
  ) {}

  toString(): string {
    switch (this.container) {
      case "none":
        return this.encoding;
      case "quoted-string":
        return `${this.encoding} in a quoted string`;
      case "json-member":
        return `${this.encoding} in the JSON member ${quoted(this.member ?? "")}`;
    }
  }
}

/** A document, not parsed yet, and the form in which it came. */
export interface EncodedDocument {
  readonly form: DocumentForm;
  readonly bytes: Bytes;
}

/**
 * Reads a document in any form: 1 to 65536 bytes, or a string of that length in UTF-8. `member` names the member of a JSON object that
 * contains the document; without it, the member is called `attestation`, `attestation_doc`, `attestation_document`, `document` or
 * `doc` (case, `_` and `-` make no difference), and no other member may contain one.
 *
 * @throws {AttestationError} the rules from `input-size` to `ambiguous`.
 */
export function readEncoded(input: string | Uint8Array, member?: string): EncodedDocument {
  const own = typeof input === "string" ? utf8(input) : input;
  if (own.length < 1 || own.length > ENCODED_MAX) {
    throw new AttestationError("input-size", `the input has ${own.length} bytes`, `1 to ${ENCODED_MAX}`);
  }
  const text = fromUtf8(own)?.replace(/^[ \t\n\f\r]+|[ \t\n\f\r]+$/g, "");
  if (text?.startsWith("{")) {
    return inObject(readMembers(text), member);
  }
  if (member !== undefined) {
    const expected = `an object with the member ${quoted(member)}`;
    throw new AttestationError("member", "the input is not a JSON object", expected);
  }
  if (text === undefined) {
    return { form: new DocumentForm("binary"), bytes: bytes(own) };
  }
  if (text === "") {
    throw new AttestationError("input-size", "the input is nothing but white space", FORMS);
  }
  if (text.startsWith('"')) {
    // Text that begins with a quotation mark and is JSON is a string.
    const { encoding, bytes } = decode(String(parseJson(text)), "the quoted string");
    return { form: new DocumentForm(encoding, "quoted-string"), bytes };
  }
  const { encoding, bytes: decoded } = decode(text, "the text");
  return { form: new DocumentForm(encoding), bytes: decoded };
}

function inObject(members: Members, member: string | undefined): EncodedDocument {
  const name = member ?? documentMember(members);
  const value = members.get(name);
  if (!members.has(name)) {
    throw new AttestationError("member", `there is no member ${quoted(name)}`, `one of ${listed([...members.keys()])}`);
  }
  if (typeof value !== "string") {
    throw new AttestationError("member", `the member ${quoted(name)} is ${kindOf(value)}`, "a string");
  }
  const { encoding, bytes } = decode(value, `the member ${quoted(name)}`);
  return { form: new DocumentForm(encoding, "json-member", name), bytes };
}

/** The members of a JSON object by name, none twice. */
type Members = ReadonlyMap<string, unknown>;

function readMembers(text: string): Members {
  const members = new Map(Object.entries(parseJson(text) as object));
  const names = new Set<string>();
  for (const name of memberNames(text)) {
    if (names.has(name)) {
      throw new AttestationError("json", `the member ${quoted(name)} comes twice`, "once");
    }
    names.add(name);
  }
  return members;
}

/** The names of an object's members with the repeated ones, of which JSON.parse keeps the last. The text is well-formed JSON. */
function memberNames(text: string): string[] {
  const names: string[] = [];
  let [depth, string] = [0, ""];
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\]:]/g)) {
    if (token === "{" || token === "[") {
      depth += 1;
    } else if (token === "}" || token === "]") {
      depth -= 1;
    } else if (token !== ":") {
      string = token;
    } else if (depth === 1) {
      names.push(JSON.parse(string));
    }
  }
  return names;
}

/** The name of the member that contains the document, if it can be only one. */
function documentMember(members: Members): string {
  const names = [...members.keys()];
  const documents = names.filter((name) => {
    const value = members.get(name);
    return typeof value === "string" && readingsOf(value).some(isDocument);
  });
  if (documents.length > 1) {
    const found = `the members ${listed(documents)} each contain a document`;
    throw new AttestationError("ambiguous", found, "one, or a member that you name");
  }
  // Without a document, a single member of a known name is what was meant: its own error says most.
  const [name, ...others] = documents.length > 0 ? documents : names.filter(isKnown);
  if (name !== undefined && others.length === 0 && isKnown(name)) {
    return name;
  }
  const advice = documents.map((document) => `; ${quoted(document)} contains a document`).join("");
  throw new AttestationError(
    "member",
    `the object has the members ${listed(names)}`,
    `a document in ${NAMES}, or a member that you name${advice}`,
  );
}

function isKnown(name: string): boolean {
  return KNOWN.has(name.replaceAll(/[_-]/g, "").toLowerCase());
}

interface Reading {
  readonly encoding: TextEncoding;
  readonly bytes: Bytes;
}

/** The document that a text stands for, by its first bytes. */
function decode(text: string, place: string): Reading {
  const readings = readingsOf(text);
  const [document, ...others] = readings.filter(isDocument);
  if (document === undefined) {
    const found = readings.map(shown).join(" and ") || `neither hex nor base64: ${quoted(text)}`;
    throw new AttestationError("encoding", `${place} is ${found}`, FORMS);
  }
  if (others.length > 0) {
    throw new AttestationError("ambiguous", `${place} is a document both as hex and as base64`, "only one of them");
  }
  return document;
}

function readingsOf(text: string): Reading[] {
  const compact = text.replaceAll(/[ \t\n\f\r]+/g, "");
  const isUrl = /[-_]/.test(compact);
  return [
    { encoding: "hex", bytes: fromHex(compact.replace(/^0[xX]/, "")) },
    { encoding: isUrl ? "base64url" : "base64", bytes: isUrl ? decodeBase64url(compact) : decodeBase64(compact) },
  ].filter((reading): reading is Reading => reading.bytes !== undefined && reading.bytes.length > 0);
}

/** The bytes of base64 with or without its padding; undefined for any other text. */
function decodeBase64(text: string): Bytes | undefined {
  const padding = text.endsWith("=") ? "" : "=".repeat((4 - (text.length % 4)) % 4);
  return fromBase64(text + padding);
}

function decodeBase64url(text: string): Bytes | undefined {
  return /[+/]/.test(text) ? undefined : decodeBase64(text.replaceAll("-", "+").replaceAll("_", "/"));
}

/** RFC 9052 section 4.2: an array of four, or of indefinite length, with tag 18 or without, that begins with a byte string. */
function isDocument({ bytes }: Reading): boolean {
  const [array = 0, content = 0] = bytes.subarray(bytes[0] === 0xd2 ? 1 : 0);
  const isByteString = (content >= 0x40 && content <= 0x5b) || content === 0x5f;
  return (array === 0x84 || array === 0x9f) && isByteString;
}

function shown({ encoding, bytes }: Reading): string {
  const start = toHex(bytes.subarray(0, 4));
  return `${encoding} of ${bytes.length} bytes that begin with ${start}, not as a COSE_Sign1 does`;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const reason = quoted(error instanceof Error ? error.message : String(error));
    throw new AttestationError("json", `the input begins as JSON, but ${reason}`, "well-formed JSON");
  }
}

function kindOf(value: unknown): string {
  if (value === null) {
    return "null";
  }
  if (typeof value === "object") {
    return Array.isArray(value) ? "an array" : "an object";
  }
  return `a ${typeof value}`;
}

function listed(names: readonly string[]): string {
  const shownNames = names.slice(0, LISTED_MAX).map(quoted).join(", ") || "(none)";
  return names.length > LISTED_MAX ? `${shownNames} and ${names.length - LISTED_MAX} more` : shownNames;
}

/** The most names that an error lists. */
const LISTED_MAX = 8;

/** The names by which a document is known, without case, `_` and `-`. */
const KNOWN: ReadonlySet<string> = new Set(["attestation", "attestationdoc", "attestationdocument", "document", "doc"]);

const NAMES = "attestation, attestation_doc, attestation_document, document or doc";

const FORMS = "a document in binary, hex, base64 or base64url, as a quoted string, or in a member of a JSON object";
