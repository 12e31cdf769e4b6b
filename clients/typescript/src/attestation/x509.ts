/** The parts of an X.509 certificate (RFC 5280 section 4.1), read from DER and not judged. */

import { toHex } from "../bytes.js";
import {
  bitString,
  boolean,
  DerError,
  DerReader,
  inside,
  objectIdentifier,
  smallInteger,
  TAG,
  time,
  type Value,
  wholeBytes,
} from "./der.js";

/** What a certificate says: names and the signed part as encoded, times in seconds since 1970. */
export interface Fields {
  readonly tbs: Uint8Array;
  readonly tbsAlgorithm: Algorithm;
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
  readonly notBefore: number;
  readonly notAfter: number;
  readonly key: { readonly algorithm: Algorithm; readonly point: Uint8Array };
  readonly extensions: readonly Extension[];
  readonly signatureAlgorithm: Algorithm;
  readonly signature: Uint8Array;
}

export interface Algorithm {
  readonly oid: string;
  readonly parameters: Value | undefined;
}

export interface Extension {
  readonly oid: string;
  readonly critical: boolean;
  readonly content: Uint8Array;
}

/**
 * Reads a certificate of version 3, with nothing after it.
 *
 * @throws {DerError}
 */
export function readCertificate(der: Uint8Array): Fields {
  const outer = new DerReader(der);
  const certificate = inside(outer.read(TAG.sequence, "the certificate"));
  outer.end("it");
  const tbs = certificate.read(TAG.sequence, "tbsCertificate");
  const signatureAlgorithm = readAlgorithm(certificate);
  const signature = wholeBytes(certificate.read(TAG.bitString, "the signature"));
  certificate.end("the signature");

  const reader = inside(tbs);
  const version = reader.optional(TAG.explicit(0), "the version");
  const number = version ? smallInteger(only(version, TAG.integer, "the version")) : 0;
  if (number !== 2) {
    throw new DerError(`it has version ${number + 1}`);
  }
  reader.read(TAG.integer, "the serial number");
  const tbsAlgorithm = readAlgorithm(reader);
  const issuer = reader.read(TAG.sequence, "the issuer").raw;
  const validity = inside(reader.read(TAG.sequence, "the validity"));
  const [notBefore, notAfter] = [time(validity.next("notBefore")), time(validity.next("notAfter"))];
  validity.end("notAfter");
  const subject = reader.read(TAG.sequence, "the subject").raw;
  const key = readKey(reader.read(TAG.sequence, "the public key"));
  reader.optional(TAG.primitive(1), "issuerUniqueID");
  reader.optional(TAG.primitive(2), "subjectUniqueID");
  const extensions = reader.optional(TAG.explicit(3), "the extensions");
  reader.end("the extensions");
  return {
    tbs: tbs.raw,
    tbsAlgorithm,
    issuer,
    subject,
    notBefore,
    notAfter,
    key,
    extensions: extensions ? readExtensionList(extensions) : [],
    signatureAlgorithm,
    signature,
  };
}

/** The one value that another contains. */
function only(value: Value, tag: number, what: string): Value {
  const reader = inside(value);
  const inner = reader.read(tag, what);
  reader.end(what);
  return inner;
}

function readAlgorithm(reader: DerReader): Algorithm {
  const inner = inside(reader.read(TAG.sequence, "an algorithm"));
  const oid = objectIdentifier(inner.read(TAG.objectIdentifier, "an algorithm"));
  const parameters = inner.isEmpty ? undefined : inner.next("an algorithm's parameters");
  inner.end("an algorithm's parameters");
  return { oid, parameters };
}

function readKey(value: Value): Fields["key"] {
  const reader = inside(value);
  const algorithm = readAlgorithm(reader);
  const point = wholeBytes(reader.read(TAG.bitString, "the public key"));
  reader.end("the public key");
  return { algorithm, point };
}

function readExtensionList(value: Value): Extension[] {
  const list = inside(only(value, TAG.sequence, "the extensions"));
  const extensions: Extension[] = [];
  const seen = new Set<string>();
  while (!list.isEmpty) {
    const reader = inside(list.read(TAG.sequence, "an extension"));
    const oid = objectIdentifier(reader.read(TAG.objectIdentifier, "an extension"));
    const critical = reader.optional(TAG.boolean, "an extension's criticality");
    const content = reader.read(TAG.octetString, "an extension").content;
    reader.end("an extension");
    if (seen.has(oid)) {
      throw new DerError(`the extension ${oid} comes twice`);
    }
    seen.add(oid);
    extensions.push({ oid, critical: critical !== undefined && boolean(critical), content });
  }
  return extensions;
}

/** RFC 5280 section 4.2.1.9. An explicit `CA FALSE`, which DER leaves out, is common and accepted. */
export function readBasicConstraints(content: Uint8Array): { ca: boolean; pathLength?: number } {
  const outer = new DerReader(content);
  const reader = inside(outer.read(TAG.sequence, "basic constraints"));
  outer.end("basic constraints");
  const ca = reader.optional(TAG.boolean, "CA");
  const pathLength = reader.optional(TAG.integer, "the path length");
  reader.end("the path length");
  return {
    ca: ca !== undefined && boolean(ca),
    ...(pathLength === undefined ? {} : { pathLength: smallInteger(pathLength) }),
  };
}

/** RFC 5280 section 4.2.1.3: the numbers of the bits that are set. */
export function readKeyUsage(content: Uint8Array): ReadonlySet<number> {
  const outer = new DerReader(content);
  const { bits } = bitString(outer.read(TAG.bitString, "key usage"));
  outer.end("key usage");
  const numbers = Array.from({ length: 8 * bits.length }, (_, bit) => bit);
  return new Set(numbers.filter((bit) => ((bits[bit >> 3] ?? 0) & (0x80 >> (bit & 7))) !== 0));
}

/** A name as errors show it: the values of its attributes, in their order. */
export function nameText(name: Uint8Array): string {
  try {
    const values: string[] = [];
    const names = inside(new DerReader(name).read(TAG.sequence, "a name"));
    while (!names.isEmpty) {
      const set = inside(names.read(TAG.set, "a name"));
      while (!set.isEmpty) {
        const attribute = inside(set.read(TAG.sequence, "an attribute"));
        attribute.read(TAG.objectIdentifier, "an attribute");
        values.push(new TextDecoder().decode(attribute.next("an attribute").content));
      }
    }
    return values.join(", ");
  } catch (error) {
    if (error instanceof DerError) {
      return toHex(name);
    }
    throw error;
  }
}
