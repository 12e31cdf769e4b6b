/** The certificate of a ceremony, checked by what this side knows of the boot. */

import type { Boot } from "../boot.js";
import { bytes, concat, fromHex, utf8 } from "../bytes.js";
import { verifyEd25519 } from "../http-signature/key.js";
import { quoted } from "../quoted.js";
import type { Certificate } from "./api.js";
import { SplitError } from "./error.js";
import { call, type Protocol } from "./protocol.js";

/** The digest of a boot's own attestation document, as parameters name the boot: 32 bytes in hex. */
export function digestOf(boot: Pick<Boot, "name">): string {
  return boot.name.slice("sha-256=".length);
}

/**
 * Checks that every participant has signed the result, and that this boot has.
 *
 * @throws {SplitError} `ceremony`.
 */
export async function checkCertificate(
  protocol: Protocol,
  { outcome, confirmations, enclave }: Certificate,
  boot: Pick<Boot, "name" | "binding">,
): Promise<void> {
  const digest = call(() => protocol.outcomeDigest(JSON.stringify(outcome), JSON.stringify(confirmations)));
  const { parameters } = outcome;
  if (parameters.boot !== digestOf(boot)) {
    throw new SplitError("ceremony", `the ceremony was that of the boot ${parameters.boot}, not ${digestOf(boot)}`);
  }
  const { deployment, bootKey } = boot.binding;
  if (parameters.deployment !== deployment) {
    const found = `the ceremony was that of the deployment ${quoted(parameters.deployment)}`;
    throw new SplitError("ceremony", `${found}, not ${quoted(deployment)}`);
  }
  const signature = fromHex(enclave.signature);
  const signed = concat(utf8("permafrost ceremony certificate\n"), bytes(digest));
  if (signature === undefined || !(await verifyEd25519(bootKey, signed, signature))) {
    throw new SplitError("ceremony", "the enclave's signature over the result does not verify");
  }
}
