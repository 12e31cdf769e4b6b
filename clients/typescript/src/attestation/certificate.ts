/** One certificate of a path, and the rules that it must follow. */

import { type Bytes, bytes, equal } from "../bytes.js";
import { quoted } from "../quoted.js";
import { DerError, fixedSignature, objectIdentifier, TAG } from "./der.js";
import { AttestationError } from "./error.js";
import { verifyP384 } from "./p384.js";
import {
  type Algorithm,
  type Extension,
  type Fields,
  nameText,
  readBasicConstraints,
  readCertificate,
  readKeyUsage,
} from "./x509.js";

/** The place of a certificate in the document: `cabundle[0]` is the root, `certificate` the leaf whose key signs the document. */
export type Place = `cabundle[${number}]` | "certificate";

/**
 * A certificate of version 3 with a P-384 key, an ecdsa-with-SHA384 signature and no critical extension that is not known.
 */
export class Certificate {
  private constructor(
    readonly place: Place,
    /** An uncompressed point on P-384 (SEC 1 section 2.3.3): 97 bytes. */
    readonly key: Bytes,
    private readonly fields: Fields,
    private readonly extensions: Extensions,
  ) {}

  /**
   * Parses a certificate and checks everything that does not depend on its place in the path.
   *
   * @throws {AttestationError} `certificate-syntax`, `certificate-algorithm`, `certificate-key`, `certificate-critical-extension`.
   */
  static parse(place: Place, der: Uint8Array): Certificate {
    const fields = asSyntax(place, () => readCertificate(der));
    for (const algorithm of [fields.signatureAlgorithm, fields.tbsAlgorithm]) {
      checkAlgorithm(place, algorithm);
    }
    const key = p384Key(place, fields.key);
    return new Certificate(place, key, fields, readExtensions(place, fields.extensions));
  }

  /** RFC 5280 section 4.1.2.5: valid from notBefore to notAfter, both included. `at` is in seconds since 1970. */
  checkValidity(at: number): void {
    const { notBefore, notAfter } = this.fields;
    const expected = `a certificate that is valid at ${utc(at)}, the time of judgement`;
    if (at < notBefore) {
      const found = `${this.place} is not valid before ${utc(notBefore)}`;
      throw new AttestationError("certificate-not-yet-valid", found, expected);
    }
    if (at > notAfter) {
      throw new AttestationError("certificate-expired", `${this.place} expired after ${utc(notAfter)}`, expected);
    }
  }

  /** The names chain. Byte equality is stricter than RFC 5280 section 7.1, and holds for AWS. */
  checkIssuedBy(issuer: Certificate): void {
    if (!equal(this.fields.issuer, issuer.fields.subject)) {
      const found = `${this.place} was issued by ${quoted(nameText(this.fields.issuer))}`;
      const expected = `the certificate before it, ${quoted(nameText(issuer.fields.subject))}`;
      throw new AttestationError("certificate-issuer", found, expected);
    }
  }

  /** RFC 5280 sections 4.2.1.9 and 4.2.1.3 for a CA that `following` further CAs follow. */
  checkCa(following: number): void {
    const { basicConstraints, keyUsage } = this.extensions;
    if (!basicConstraints?.ca || !basicConstraints.critical) {
      throw this.#basicConstraintsError("critical, CA true");
    }
    const allowed = basicConstraints.pathLength;
    if (allowed !== undefined && following > allowed) {
      const found = `${following} CA certificates follow ${this.place}`;
      throw new AttestationError("certificate-path-length", found, `at most ${allowed}, its path length constraint`);
    }
    if (!keyUsage?.has(KEY_CERT_SIGN)) {
      throw this.#keyUsageError("keyCertSign");
    }
  }

  /** RFC 5280 sections 4.2.1.9 and 4.2.1.3 for the leaf, which signs documents and nothing else. */
  checkLeaf(): void {
    const { basicConstraints, keyUsage } = this.extensions;
    if (basicConstraints?.ca || basicConstraints?.pathLength !== undefined) {
      throw this.#basicConstraintsError("CA false and no path length, or no basic constraints");
    }
    if (!keyUsage?.has(DIGITAL_SIGNATURE)) {
      throw this.#keyUsageError("digitalSignature");
    }
  }

  /** The certificate's signature under the issuer's key. */
  async checkSignedBy(issuer: Certificate): Promise<void> {
    const signature = fixedSignature(this.fields.signature, 48);
    if (signature === undefined || !(await verifyP384(issuer.key, bytes(this.fields.tbs), signature))) {
      const found = `the signature of ${this.place} does not verify`;
      throw new AttestationError("certificate-signature", found, `a signature by the key of ${issuer.place}`);
    }
  }

  #basicConstraintsError(expected: string): AttestationError {
    const came = this.extensions.basicConstraints;
    const parts = came && [
      ...(came.critical ? ["critical"] : []),
      `CA ${came.ca}`,
      ...(came.pathLength === undefined ? [] : [`path length ${came.pathLength}`]),
    ];
    const found = `${this.place} has basic constraints ${parts?.join(", ") ?? "none"}`;
    return new AttestationError("certificate-basic-constraints", found, expected);
  }

  #keyUsageError(expected: string): AttestationError {
    const came = this.extensions.keyUsage;
    const bits = came && `bits ${[...came].join(", ")}`;
    const found = `${this.place} has the key usage ${bits ?? "none"}`;
    return new AttestationError("certificate-key-usage", found, `one with ${expected}`);
  }
}

/** The extensions that are judged; key usage as the numbers of its bits. */
interface Extensions {
  readonly basicConstraints?: { readonly ca: boolean; readonly critical: boolean; readonly pathLength?: number };
  readonly keyUsage?: ReadonlySet<number>;
}

function readExtensions(place: Place, list: readonly Extension[]): Extensions {
  let extensions: Extensions = {};
  for (const { oid, critical, content } of list) {
    if (oid === BASIC_CONSTRAINTS) {
      const read = asSyntax(place, () => readBasicConstraints(content));
      extensions = { ...extensions, basicConstraints: { ...read, critical } };
    } else if (oid === KEY_USAGE) {
      extensions = { ...extensions, keyUsage: asSyntax(place, () => readKeyUsage(content)) };
    } else if (critical) {
      const found = `${place} has the critical extension ${oid}`;
      const expected = "basic constraints (2.5.29.19), key usage (2.5.29.15)";
      throw new AttestationError("certificate-critical-extension", found, expected);
    }
  }
  return extensions;
}

/** RFC 5758 section 3.2: ecdsa-with-SHA384, its parameters absent. */
function checkAlgorithm(place: Place, { oid, parameters }: Algorithm): void {
  if (oid !== ECDSA_WITH_SHA384 || parameters !== undefined) {
    const found = `${place} is signed with ${oid}${parameters === undefined ? "" : " with parameters"}`;
    throw new AttestationError("certificate-algorithm", found, `ecdsa-with-SHA384 (${ECDSA_WITH_SHA384})`);
  }
}

/** RFC 5480 section 2.1.1: id-ecPublicKey, the named curve secp384r1, an uncompressed point. */
function p384Key(place: Place, { algorithm, point }: Fields["key"]): Bytes {
  const named = algorithm.parameters?.tag === TAG.objectIdentifier ? algorithm.parameters : undefined;
  const curve = named && asSyntax(place, () => objectIdentifier(named));
  if (algorithm.oid === EC_PUBLIC_KEY && curve === P384 && point.length === 97 && point[0] === 4) {
    return bytes(point);
  }
  const found = `${place} has a key of ${algorithm.oid}, ${curve ?? "no named curve"}, ${point.length} bytes`;
  throw new AttestationError("certificate-key", found, `P-384 (${P384}), 97 bytes, uncompressed`);
}

function asSyntax<T>(place: Place, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof DerError) {
      const found = `${place} is not a certificate: ${error.message}`;
      throw new AttestationError("certificate-syntax", found, "DER, X.509 version 3");
    }
    throw error;
  }
}

function utc(seconds: number): string {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? `${seconds} s since 1970` : date.toISOString().replace(".000Z", "Z");
}

const ECDSA_WITH_SHA384 = "1.2.840.10045.4.3.3";
const EC_PUBLIC_KEY = "1.2.840.10045.2.1";
const P384 = "1.3.132.0.34";
const BASIC_CONSTRAINTS = "2.5.29.19";
const KEY_USAGE = "2.5.29.15";

/** RFC 5280 section 4.2.1.3. */
const DIGITAL_SIGNATURE = 0;
const KEY_CERT_SIGN = 5;
