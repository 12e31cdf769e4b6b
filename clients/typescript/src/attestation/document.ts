/** The `COSE_Sign1` around an attestation document, and the step from parsed to verified. */

import { type Bytes, bytes, concat, sha256, utf8 } from "../bytes.js";
import { type Cbor, kindOf } from "./cbor.js";
import { type DocumentForm, readEncoded } from "./encoded.js";
import { AttestationError } from "./error.js";
import { verifyP384 } from "./p384.js";
import { Path } from "./path.js";
import { DOCUMENT_MAX, type Payload, parsePayload, readCbor } from "./payload.js";
import type { RootCertificate } from "./root-certificate.js";
import { VerifiedDocument } from "./verified.js";

/** The time at which certificates must be valid and the document's age is taken. */
export type At =
  /** This machine's clock, now: for clients. */
  | "now"
  /**
   * The document's own signed timestamp: was it good when it was made? For audits of kept documents. It says nothing about freshness:
   * a leaf key that leaks after its three hours can sign any timestamp within them.
   */
  | "signed"
  /** A given time; before 1970 counts as 1970. */
  | Date;

/**
 * An attestation document that has been parsed and **not** verified: nothing in it can be read. {@link Document.verify} returns a
 * {@link VerifiedDocument}, which can be.
 */
export class Document {
  readonly #encoded: Bytes;
  readonly #seal: Seal;
  readonly #payload: Payload;

  private constructor(encoded: Bytes, seal: Seal, payload: Payload) {
    this.#encoded = encoded;
    this.#seal = seal;
    this.#payload = payload;
  }

  /**
   * Parses a document: `COSE_Sign1` (RFC 9052 section 4.2) in CBOR (RFC 8949), tagged 18 or untagged, 1 to 16384 bytes. Every syntax
   * rule of AWS's "Nitro Enclaves Attestation Process" section 3.2.2 is checked here; the signature is not.
   *
   * @throws {AttestationError} the rules from `document-size` to `pcr-index`: the structure, the headers, and the type and length of
   *   each field. Unknown, missing and repeated fields and bytes after the end are refused.
   */
  static parse(encoded: Uint8Array): Document {
    if (encoded.length < 1 || encoded.length > DOCUMENT_MAX) {
      const found = `the document has ${encoded.length} bytes`;
      throw new AttestationError("document-size", found, `1 to ${DOCUMENT_MAX}`);
    }
    const own = bytes(encoded);
    const seal = readSeal(readCbor(own, "document"));
    return new Document(own, seal, parsePayload(seal.payload));
  }

  /**
   * Parses a document in any form in which services hand it out, and says which it was: binary, hex, base64 or base64url (with or
   * without padding); the latter three also as a quoted string or in a member of a JSON object. At most 65536 bytes.
   *
   * `member` names the member of a JSON object that contains the document. Without it, the document is in a member called
   * `attestation`, `attestation_doc`, `attestation_document`, `document` or `doc` (case, `_` and `-` make no difference), and no other
   * member of the object may contain one.
   *
   * @throws {AttestationError} the rules from `input-size` to `ambiguous`: the input is in none of the forms, or can be read in more
   *   than one way; and those of {@link Document.parse}.
   */
  static read(
    input: string | Uint8Array,
    options: { readonly member?: string } = {},
  ): { readonly document: Document; readonly form: DocumentForm } {
    const { bytes, form } = readEncoded(input, options.member);
    return { document: Document.parse(bytes), form };
  }

  /**
   * Verifies the document: its certificates lead from one of `rootCertificates` to the leaf, all are valid at `at`, and the leaf's key made the ES384
   * signature. {@link VerifiedDocument.check} judges what the document says.
   *
   * The path (AWS section 3.2.3, RFC 5280 section 6) is `cabundle[0]`, which is a root certificate byte for byte, then the rest of `cabundle`, then
   * `certificate`. Each is issued and signed by the one before it with ecdsa-with-SHA384 under a P-384 key and is valid at `at`, both ends
   * included. All but the leaf are CAs with keyCertSign and a path length that allows what follows; the leaf is not a CA and has
   * digitalSignature. A critical extension other than basic constraints and key usage is refused. Revocation is not checked: AWS
   * says not to.
   *
   * @throws {AttestationError} the rules from `root` to `document-signature`.
   */
  async verify(rootCertificates: RootCertificate | readonly RootCertificate[], at: At): Promise<VerifiedDocument> {
    const judgedAtMs = milliseconds(at, this.#payload.timestampMs);
    const path = await Path.from([rootCertificates].flat(), this.#payload.cabundle, this.#payload.certificate);
    path.checkRules(Math.floor(judgedAtMs / 1000));
    // Before the path's own five: an altered document fails after one signature.
    await this.#checkSignature(path.leafKey);
    await path.checkSignatures();
    return new VerifiedDocument(this.#payload, {
      digest: await sha256(this.#encoded),
      rootSha256: path.rootSha256,
      judgedAtMs,
    });
  }

  async #checkSignature(leafKey: Bytes): Promise<void> {
    const { protectedHeader, payload, signature } = this.#seal;
    if (!(await verifyP384(leafKey, sigStructure(protectedHeader, payload), signature))) {
      const found = "the document's ES384 signature does not verify";
      throw new AttestationError("document-signature", found, "one by the key of certificate");
    }
  }
}

/** The parts of a `COSE_Sign1`, except its unprotected header, which is empty. */
interface Seal {
  readonly protectedHeader: Bytes;
  readonly payload: Bytes;
  readonly signature: Bytes;
}

/** The bytes that a `COSE_Sign1` signs (RFC 9052 section 4.4), without external data. */
export function sigStructure(protectedHeader: Uint8Array, payload: Uint8Array): Bytes {
  const arrayOfFour = bytes([0x84, 0x60 | CONTEXT.length]);
  return concat(arrayOfFour, CONTEXT, byteString(protectedHeader), byteString(bytes([])), byteString(payload));
}

/** RFC 8949 section 3.1, in the shortest form; at most 65535 bytes. */
function byteString(content: Uint8Array): Bytes {
  const { length } = content;
  const head = length < 24 ? [0x40 | length] : length < 256 ? [0x58, length] : [0x59, length >> 8, length & 0xff];
  return concat(bytes(head), content);
}

function readSeal(document: Cbor): Seal {
  const [protectedPart, unprotected, payloadPart, signaturePart] = sign1(document);
  const protectedHeader = content(protectedPart, "the protected header");
  const signature = content(signaturePart, "the signature");
  checkProtected(readCbor(protectedHeader, "protected header"));
  if (signature.length !== 96) {
    throw new AttestationError("signature-length", `the signature has ${signature.length} bytes`, "96");
  }
  if (unprotected.kind !== "map" || unprotected.value.length > 0) {
    throw new AttestationError("unprotected-header", `the unprotected header is ${shown(unprotected)}`, "an empty map");
  }
  return { protectedHeader, payload: content(payloadPart, "the payload"), signature };
}

function sign1(document: Cbor): readonly [Cbor, Cbor, Cbor, Cbor] {
  const array = document.kind === "tag" && document.tag === 18n ? document.value : document;
  if (array.kind === "array") {
    const [one, two, three, four, ...more] = array.value;
    if (one && two && three && four && more.length === 0) {
      return [one, two, three, four];
    }
  }
  throw new AttestationError(
    "cose-structure",
    `the document is ${shown(array)}`,
    "an array of four, untagged or with tag 18",
  );
}

function content(part: Cbor, name: string): Bytes {
  if (part.kind !== "bytes") {
    const expected = "byte strings for the protected header, the payload and the signature";
    throw new AttestationError("cose-structure", `${name} is ${kindOf(part)}`, expected);
  }
  return part.value;
}

function checkProtected(header: Cbor): void {
  const [entry, ...more] = header.kind === "map" ? header.value : [];
  const [key, value] = entry ?? [];
  const isEs384 = key?.kind === "integer" && key.value === 1n && value?.kind === "integer" && value.value === -35n;
  if (!isEs384 || more.length > 0) {
    throw new AttestationError("protected-header", `the protected header is ${shown(header)}`, "{1: -35} (ES384)");
  }
}

/** Describes an unexpected item of a structure: its type, and how much is in it. */
function shown(item: Cbor): string {
  switch (item.kind) {
    case "array":
    case "map":
      return `${kindOf(item)} of ${item.value.length}`;
    case "tag":
      return `tagged ${item.tag}`;
    default:
      return kindOf(item);
  }
}

function milliseconds(at: At, signedAt: number): number {
  const time = at === "signed" ? signedAt : at === "now" ? Date.now() : at.getTime();
  if (Number.isNaN(time)) {
    throw new RangeError("the time of judgement is not a date");
  }
  return Math.max(0, time);
}

const CONTEXT = utf8("Signature1");
