/** A document whose signature and certificates have been verified. */

import type { Bytes } from "../bytes.js";
import type { Payload } from "./payload.js";
import { checkPolicy, type Policy } from "./policy.js";

/**
 * An attestation document that leads to a trusted root certificate: an NSM under that certificate stated all of this.
 *
 * {@link VerifiedDocument.check} judges whether it is the *right* enclave.
 */
export class VerifiedDocument {
  /** The NSM that made it: the instance's id and the enclave's, as `i-0123456789abcdef0-enc0123456789abcdef`. Not empty. */
  readonly moduleId: string;
  /** When the NSM made it, in milliseconds since 1970, by the NSM's clock. */
  readonly timestampMs: number;
  /** The PCRs that were locked then: 1 to 32, by index (0 to 31), SHA-384 values of 48 bytes. */
  readonly pcrs: ReadonlyMap<number, Bytes>;
  /** The caller's nonce: 0 to 512 bytes. */
  readonly nonce: Bytes | undefined;
  /** What the enclave wanted signed: 0 to 512 bytes. In Permafrost a {@link Binding}. */
  readonly userData: Bytes | undefined;
  /** The key that AWS KMS encrypts to: 1 to 1024 bytes, by convention SubjectPublicKeyInfo in DER. */
  readonly publicKey: Bytes | undefined;
  /** The leaf certificate: X.509 in DER, 1 to 1024 bytes. */
  readonly certificate: Bytes;
  /** SHA-256 of the whole document: what `X-Enclave-Attestation` carries. */
  readonly digest: Bytes;
  /** SHA-256 of the root certificate that it was verified against. */
  readonly rootSha256: Bytes;
  /** The time at which it was judged, in milliseconds since 1970; its own for `"signed"`. */
  readonly judgedAtMs: number;

  /** For `Document.verify` alone, which has verified the document. */
  constructor(payload: Payload, verdict: { digest: Bytes; rootSha256: Bytes; judgedAtMs: number }) {
    this.moduleId = payload.moduleId;
    this.timestampMs = payload.timestampMs;
    this.pcrs = payload.pcrs;
    this.nonce = payload.nonce;
    this.userData = payload.userData;
    this.publicKey = payload.publicKey;
    this.certificate = payload.certificate;
    this.digest = verdict.digest;
    this.rootSha256 = verdict.rootSha256;
    this.judgedAtMs = verdict.judgedAtMs;
  }

  /**
   * Judges the document by a policy: debug mode, measurements, nonce, user data, public key, age, in this order.
   *
   * @throws {AttestationError} the rules from `debug-mode` to `from-the-future`; the first that is broken.
   */
  check(policy: Policy): void {
    checkPolicy(this, policy);
  }

  /** Whether the enclave runs in debug mode: PCR0 is all zero, or not in the document. Either way nothing was measured. */
  get isDebug(): boolean {
    return this.pcrs.get(0)?.every((byte) => byte === 0) ?? true;
  }
}
