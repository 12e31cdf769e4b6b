/** The certificates of a document, from the root to the leaf. */

import { type Bytes, equal, sha256, toHex } from "../bytes.js";
import { Certificate } from "./certificate.js";
import { AttestationError } from "./error.js";
import type { RootCertificate } from "./root-certificate.js";

/** The certificates of one document: one CA or more, a trusted root first, and the leaf. */
export class Path {
  private constructor(
    /** SHA-256 of the root: 32 bytes. */
    readonly rootSha256: Bytes,
    private readonly root: Certificate,
    private readonly intermediates: readonly Certificate[],
    private readonly leaf: Certificate,
  ) {}

  /**
   * The path that `cabundle` and `certificate` name, if it starts at one of `roots`.
   *
   * @throws {AttestationError} `root`, and what {@link Certificate.parse} throws.
   */
  static async from(roots: readonly RootCertificate[], cabundle: readonly Bytes[], certificate: Bytes): Promise<Path> {
    const [first, ...others] = cabundle;
    if (first === undefined) {
      throw new AttestationError("field-missing", "cabundle is empty", "a root at least");
    }
    const found = await sha256(first);
    const trusted = await Promise.all(roots.map(async (root) => ({ der: root.der, digest: await root.sha256() })));
    // Both: a root is pinned by its own bytes, and AWS's by the digest that AWS publishes besides.
    if (!trusted.some(({ der, digest }) => equal(der, first) && equal(digest, found))) {
      const expected = trusted.map(({ digest }) => toHex(digest)).join(" or ") || "none";
      throw new AttestationError("root", `the document's root has SHA-256 ${toHex(found)}`, expected);
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
   * Every rule but the signatures (RFC 5280 section 6.1.3 a.2 and a.4, section 6.1.4 k to o), at a time in seconds since 1970.
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
   * The signatures, the root's own among them (RFC 5280 section 6.1.3 a.1).
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
