/** Documents and certificate paths for the tests, good by default and spoiled one rule at a time. */

import { sigStructure } from "../../src/attestation/document.js";
import { RootCertificate } from "../../src/attestation/root-certificate.js";
import { type Bytes, bytes, concat, utf8 } from "../../src/bytes.js";
import { encode, type Value } from "./cbor.js";
import { bitString, boolean, commonNames, der, integer, objectIdentifier, octetString, sequence, time } from "./der.js";

/** 2026-01-01T00:00:00Z: the timestamp of the documents, in seconds since 1970. */
export const MADE = 1_767_225_600;

/** The places of a path as AWS makes it. */
export const [ROOT, REGION, ZONE, INSTANCE, LEAF] = [0, 1, 2, 3, 4] as const;

export const DIGITAL_SIGNATURE = 0x80;
export const KEY_CERT_SIGN = 0x04;
export const BASIC_CONSTRAINTS = "2.5.29.19";
export const KEY_USAGE = "2.5.29.15";

export interface Extension {
  readonly oid: string;
  readonly critical: boolean;
  readonly content: Bytes;
}

/** What a certificate says. */
export interface Parameters {
  names: string[];
  notBefore: number;
  notAfter: number;
  extensions: Extension[];
  /** The number that stands for the version: 2 for version 3. */
  version: number;
  /** The whole AlgorithmIdentifier, inside and outside. */
  algorithm: Bytes;
}

/** A CA's basic constraints. */
export function authority(pathLength?: number): Extension {
  const content = pathLength === undefined ? sequence(boolean(true)) : sequence(boolean(true), integer(pathLength));
  return { oid: BASIC_CONSTRAINTS, critical: true, content };
}

/** Key usage of one byte: {@link DIGITAL_SIGNATURE}, {@link KEY_CERT_SIGN}. */
export function keyUsage(bits: number): Extension {
  const unused = bits === 0 ? 0 : 31 - Math.clz32(bits & -bits);
  const content = bits === 0 ? bitString(bytes([])) : bitString(bytes([bits]), unused);
  return { oid: KEY_USAGE, critical: true, content };
}

/** A path's parameters and keys: root, region, zone, instance, leaf. */
export class ForgedPath {
  private constructor(
    readonly parameters: Parameters[],
    readonly keys: CryptoKeyPair[],
  ) {}

  /** A good path under keys of its own. Certificates are good from `made` on, in seconds since 1970. */
  static async create(made = MADE): Promise<ForgedPath> {
    const hour = 60 * 60;
    const of = (name: string, hours: number, ...extensions: Extension[]): Parameters => ({
      names: [name],
      notBefore: made,
      notAfter: made + hours * hour,
      extensions,
      version: 2,
      algorithm: ECDSA_WITH_SHA384,
    });
    const parameters = [
      of("root", 10_000 * 24, authority(), keyUsage(KEY_CERT_SIGN)),
      of("region", 20 * 24, authority(2), keyUsage(KEY_CERT_SIGN)),
      of("zone", 5 * 24, authority(1), keyUsage(KEY_CERT_SIGN)),
      of("instance", 24, authority(0), keyUsage(KEY_CERT_SIGN)),
      of("leaf", 3, notAnAuthority(), keyUsage(DIGITAL_SIGNATURE)),
    ];
    return new ForgedPath(parameters, await Promise.all(parameters.map(() => p384())));
  }

  /** The same keys, and one certificate changed. */
  with(index: number, change: (parameters: Parameters) => void): ForgedPath {
    const copy = new ForgedPath(
      this.parameters.map((each) => ({ ...each, names: [...each.names], extensions: [...each.extensions] })),
      [...this.keys],
    );
    change(at(copy.parameters, index));
    return copy;
  }

  /** The certificates in DER, each signed by the one before it. */
  async certificates(): Promise<Bytes[]> {
    return Promise.all(
      this.parameters.map((parameters, index) => {
        const issuer = Math.max(0, index - 1);
        const issuerNames = at(this.parameters, issuer).names;
        return certificate(parameters, at(this.keys, index).publicKey, issuerNames, at(this.keys, issuer).privateKey);
      }),
    );
  }

  /** A good document with its fields changed, and the root it verifies against. */
  async document(
    change: (fields: Fields) => void = () => undefined,
  ): Promise<{ document: Bytes; root: RootCertificate }> {
    return this.documentOver(await this.certificates(), change);
  }

  /** A document whose bundle and leaf are these, signed by the last key. */
  async documentOver(
    certificates: readonly Bytes[],
    change: (fields: Fields) => void = () => undefined,
  ): Promise<{ document: Bytes; root: RootCertificate }> {
    const fields = goodFields();
    fields.set("certificate", at(certificates, certificates.length - 1));
    fields.set("cabundle", certificates.slice(0, -1));
    change(fields);
    const document = await this.sign(encode({ pairs: [...fields] }));
    return { document, root: RootCertificate.fromDer(at(certificates, 0)) };
  }

  /** The payload in a `COSE_Sign1` signed by the last key. */
  async sign(payload: Bytes): Promise<Bytes> {
    const signature = await sign(at(this.keys, this.keys.length - 1).privateKey, sigStructure(PROTECTED, payload));
    return encode(sign1(payload, signature));
  }
}

/** The fields of a payload by name, in their order. */
export type Fields = Map<string, Value>;

/** The fields of a good payload; its certificates are not. */
export function goodFields(): Fields {
  const pcrs = Array.from({ length: 16 }, (_, index) => [index, pcr(index + 1)] as const);
  return new Map<string, Value>([
    ["module_id", "i-0-enc1"],
    ["digest", "SHA384"],
    ["timestamp", MADE * 1000],
    ["pcrs", { pairs: pcrs }],
    ["certificate", bytes([1])],
    ["cabundle", [bytes([1])]],
    ["public_key", null],
    ["user_data", utf8("user data")],
    ["nonce", utf8("nonce")],
  ]);
}

/** A PCR of one byte, 48 times. */
export function pcr(byte: number): Bytes {
  return bytes(Array<number>(48).fill(byte));
}

/** `{1: -35}`. */
export const PROTECTED = bytes([0xa1, 0x01, 0x38, 0x22]);

/** An untagged `COSE_Sign1`, as the device sends it. */
export function sign1(payload: Bytes, signature: Bytes): Value[] {
  return [PROTECTED, { pairs: [] }, payload, signature];
}

/** An extension that no verifier knows. */
export function unknownExtension(critical: boolean): Extension {
  return { oid: "1.3.6.1.4.1.55555.1", critical, content: bytes([5, 0]) };
}

export function at<T>(list: readonly T[], index: number): T {
  const found = list[index];
  if (found === undefined) {
    throw new Error(`there is no entry ${index} of ${list.length}`);
  }
  return found;
}

export async function p384(): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-384" }, true, ["sign", "verify"]);
}

function notAnAuthority(): Extension {
  return { oid: BASIC_CONSTRAINTS, critical: true, content: sequence() };
}

async function certificate(
  parameters: Parameters,
  key: CryptoKey,
  issuer: string[],
  issuerKey: CryptoKey,
): Promise<Bytes> {
  const tbs = sequence(
    der(0xa0, integer(parameters.version)),
    integer(7),
    parameters.algorithm,
    commonNames(...issuer),
    sequence(time(parameters.notBefore), time(parameters.notAfter)),
    commonNames(...parameters.names),
    new Uint8Array(await crypto.subtle.exportKey("spki", key)),
    der(0xa3, sequence(...parameters.extensions.map(extension))),
  );
  const signature = await sign(issuerKey, tbs);
  const half = signature.length / 2;
  const value = sequence(integer(signature.slice(0, half)), integer(signature.slice(half)));
  return sequence(tbs, parameters.algorithm, bitString(value));
}

function extension({ oid, critical, content }: Extension): Bytes {
  return sequence(objectIdentifier(oid), critical ? boolean(true) : concat(), octetString(content));
}

async function sign(key: CryptoKey, message: Bytes): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-384" }, key, message));
}

const ECDSA_WITH_SHA384 = sequence(objectIdentifier("1.2.840.10045.4.3.3"));
