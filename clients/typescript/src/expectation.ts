/** Which enclave a client is ready to trust. */

import { Document } from "./attestation/document.js";
import { AttestationError } from "./attestation/error.js";
import type { Policy } from "./attestation/policy.js";
import type { RootCertificate } from "./attestation/root-certificate.js";
import type { VerifiedDocument } from "./attestation/verified.js";
import { type Binding, readBinding } from "./binding.js";
import { type Bytes, equal, toHex } from "./bytes.js";
import { quoted } from "./quoted.js";

/** What an enclave must be for a client to talk to it. This library itself judges the nonce, user data and public key. */
export interface EnclavePolicy extends Omit<Policy, "nonce" | "userData" | "publicKey"> {
  /** The deployment's name in the measured configuration. */
  readonly deployment?: string;
  /** SHA-256 of the measured configuration file: 32 bytes. */
  readonly configuration?: Bytes;
}

/** What an accepted document says. */
export interface Judged {
  readonly verified: VerifiedDocument;
  readonly binding: Binding;
}

/**
 * Judges a document that was requested with `nonce`, by this machine's clock.
 *
 * @throws {AttestationError}
 */
export async function judge(
  document: Bytes,
  nonce: Bytes,
  rootCertificates: readonly RootCertificate[],
  policy: EnclavePolicy,
): Promise<Judged> {
  const verified = await Document.parse(document).verify(rootCertificates, "now");
  verified.check({ ...policy, nonce });
  const binding = readBinding(verified.userData);
  if (policy.deployment !== undefined && policy.deployment !== binding.deployment) {
    const found = `the deployment is ${quoted(binding.deployment)}`;
    throw new AttestationError("deployment", found, quoted(policy.deployment));
  }
  if (policy.configuration !== undefined && !equal(policy.configuration, binding.configuration)) {
    const found = `the configuration has SHA-256 ${toHex(binding.configuration)}`;
    throw new AttestationError("configuration", found, toHex(policy.configuration));
  }
  return { verified, binding };
}
