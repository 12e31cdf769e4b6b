/** The certificates of a document, from the root certificate to the leaf. */

import { type Bytes, equal, sha256, toHex } from "../bytes.js";
import { Certificate } from "./certificate.js";
import { AttestationError } from "./error.js";
import type { RootCertificate } from "./root-certificate.js";

/** The certificates of one document: one or more CAs, of which the first is a trusted root certificate, and the leaf. */
export class Path {
  private constructor(
    /** SHA-256 of the root certificate: 32 bytes. */
    readonly rootSha256: Bytes,
    private readonly root: Certificate,
    private readonly intermediates: readonly Certificate[],
    private readonly leaf: Certificate,
  ) {}

  /**
   * The path that `cabundle` and `certificate` name, if it starts at one of `trusted`.
   *
   * @throws {AttestationError} `root`, and what {@link Certificate.parse} throws.
   */
  static async from(
    trusted: readonly RootCertificate[],
    cabundle: readonly Bytes[],
    certificate: Bytes,
  ): Promise<Path> {
    const [first, ...others] = cabundle;
    if (first === undefined) {
      throw new AttestationError("field-missing", "cabundle is empty", "at least a root certificate");
    }
    const found = await sha256(first);
    const pinned = await Promise.all(trusted.map(async (root) => ({ der: root.der, digest: await root.sha256() })));
    // Both: its own bytes pin a root certificate, and AWS's has in addition the digest that AWS publishes.
    if (!pinned.some(({ der, digest }) => equal(der, first) && equal(digest, found))) {
      const expected = pinned.map(({ digest }) => toHex(digest)).join(" or ") || "none";
      throw new AttestationError("root", `the document's root certificate has SHA-256 ${toHex(found)}`, expected);
    }
    const intermediates = others.map((der, index) => Certificate.parse(`cabundle[${index + 1}]`, der));
    const leaf = Certificate.parse("certificate", certificate);
    return new Path(found, Certificate.parse("cabundle[0]", first), intermediates, leaf);
  }

  /** The leaf's public key: 97 bytes, an uncompressed point on P-384. */
  get leafKey(): Bytes {
    return this.leaf.key;
  }

  /**
   * Every rule except the signatures (RFC 5280 section 6.1.3 a.2 and a.4, section 6.1.4 k to o), at a time in seconds since 1970.
   *
   * @throws {AttestationError}
   */
  checkRules(at: number): void {
    const authorities = [this.root, ...this.intermediates];
    let issuer = this.root;
    for (const [index, authority] of authorities.entries()) {
      authority.checkValidity(at);
      authority.checkIssuedBy(issuer);
      authority.checkCa(authorities.length - 1 - index);
      issuer = authority;
    }
    this.leaf.checkValidity(at);
    this.leaf.checkIssuedBy(issuer);
    this.leaf.checkLeaf();
  }

  /**
   * The signatures, including the root certificate's own (RFC 5280 section 6.1.3 a.1).
   *
   * @throws {AttestationError} `certificate-signature`.
   */
  async checkSignatures(): Promise<void> {
    let issuer = this.root;
    for (const certificate of [this.root, ...this.intermediates, this.leaf]) {
      await certificate.checkSignedBy(issuer);
      issuer = certificate;
    }
  }
}
