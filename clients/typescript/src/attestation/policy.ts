/** What a verifier requires of a verified document. */

import { type Bytes, equal, toHex } from "../bytes.js";
import { AttestationError, type AttestationRule } from "./error.js";
import type { Measurements } from "./measurements.js";
import type { VerifiedDocument } from "./verified.js";

/**
 * What a verifier requires of a document. Debug mode is refused unless it is explicitly allowed; measurements are given or explicitly waived;
 * everything else is checked if it is set.
 */
export interface Policy {
  /**
   * The releases that are accepted: each PCR of at least one of them must be in the document with that very value. With none, no
   * document is accepted. `"any"` accepts any code, for those who look at the PCRs themselves or only want to know that some enclave made
   * the document.
   */
  readonly releases: readonly Measurements[] | "any";
  /** Proof that the document was made after the nonce was. */
  readonly nonce?: Bytes;
  /** The user data that the document must have. */
  readonly userData?: Bytes;
  /** The public key that the document must have. */
  readonly publicKey?: Bytes;
  /**
   * Accepts enclaves in debug mode, whose memory the parent instance may read and whose PCR0-2 are zero. Accepted releases must still
   * match.
   */
  readonly allowDebug?: boolean;
  /**
   * How long before the time of judgement the document may have been made, in milliseconds. (And at most five minutes after it: clocks
   * differ.) It has no effect on a document that is judged at `"signed"`, when its age is zero.
   */
  readonly maxAgeMs?: number;
}

/** @throws {AttestationError} */
export function checkPolicy(document: VerifiedDocument, policy: Policy): void {
  if (document.isDebug && policy.allowDebug !== true) {
    const found = `the enclave is in debug mode: PCR0 is ${hexOrAbsent(document.pcrs.get(0))}`;
    throw new AttestationError("debug-mode", found, "a measured PCR0");
  }
  if (policy.releases !== "any") {
    checkReleases(document, policy.releases);
  }
  checkField("nonce", "the nonce", document.nonce, policy.nonce);
  checkField("user-data", "the user data", document.userData, policy.userData);
  checkField("public-key", "the public key", document.publicKey, policy.publicKey);
  if (policy.maxAgeMs !== undefined) {
    checkAge(document.judgedAtMs - document.timestampMs, policy.maxAgeMs);
  }
}

function checkReleases(document: VerifiedDocument, releases: readonly Measurements[]): void {
  const mismatches: { found: string; expected: string }[] = [];
  for (const release of releases) {
    const mismatch = firstMismatch(release, document);
    if (mismatch === undefined) {
      return;
    }
    mismatches.push(mismatch);
  }
  const found = mismatches.map((mismatch) => mismatch.found).join("; ");
  const expected = mismatches.map((mismatch) => mismatch.expected).join("; or ") || "none";
  throw new AttestationError("measurements", `the PCRs are of no accepted release: ${found}`, expected);
}

/** The first PCR, by index, that differs from a release's. */
function firstMismatch(
  release: Measurements,
  document: VerifiedDocument,
): { found: string; expected: string } | undefined {
  for (const [index, expected] of release.pcrs) {
    const found = document.pcrs.get(index);
    if (found === undefined || !equal(found, expected)) {
      return { found: `PCR${index} is ${hexOrAbsent(found)}`, expected: `PCR${index} ${toHex(expected)}` };
    }
  }
  return undefined;
}

function checkField(rule: AttestationRule, name: string, found: Bytes | undefined, expected: Bytes | undefined): void {
  if (expected !== undefined && (found === undefined || !equal(found, expected))) {
    throw new AttestationError(rule, `${name} is ${hexOrAbsent(found)}`, toHex(expected));
  }
}

function checkAge(age: number, maxAge: number): void {
  if (age > maxAge) {
    throw new AttestationError("too-old", `the document is ${age} ms old`, `at most ${maxAge} ms`);
  }
  if (-age > AHEAD_MAX_MS) {
    const found = `the document is from ${-age} ms after the time of judgement`;
    throw new AttestationError("from-the-future", found, `at most ${AHEAD_MAX_MS} ms`);
  }
}

function hexOrAbsent(value: Bytes | undefined): string {
  return value === undefined ? "absent" : toHex(value);
}

/** How far a document may be ahead of the verifier's clock when its age is judged. */
const AHEAD_MAX_MS = 5 * 60 * 1000;
