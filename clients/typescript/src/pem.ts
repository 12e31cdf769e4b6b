/** PEM (RFC 7468): bytes in base64 between two lines that label them. */

import { type Bytes, fromBase64 } from "./bytes.js";
import { quoted } from "./quoted.js";

/** Why a text is not the one block that was expected. */
export class PemError extends Error {
  override readonly name = "PemError";
}

/**
 * The content of the one block of a text, which must have this label; text around it is skipped.
 *
 * @throws {PemError}
 */
export function readPem(text: string, label: string): Bytes {
  const blocks = [...text.matchAll(/-----BEGIN ([^-]*)-----([^-]*)-----END \1-----/g)];
  const [block] = blocks;
  if (block === undefined || blocks.length > 1) {
    throw new PemError(`there are ${blocks.length} PEM blocks; accepted: one, ${label}`);
  }
  const [, found = "", base64 = ""] = block;
  if (found !== label) {
    throw new PemError(`the PEM block is ${quoted(found)}; accepted: ${label}`);
  }
  const content = fromBase64(base64.replace(/\s+/g, ""));
  if (content === undefined) {
    throw new PemError("the PEM block is not base64; accepted: RFC 4648 section 4, with padding");
  }
  return content;
}
