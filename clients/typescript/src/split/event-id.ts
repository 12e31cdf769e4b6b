/** The id of a Nostr event (NIP-01): 32 bytes in hex. */

import { sha256, toHex, utf8 } from "../bytes.js";
import type { UnsignedEvent } from "../people/session.js";

/** `JSON.stringify` escapes what NIP-01 escapes, and other control characters, which the enclave refuses. */
export async function eventId(author: string, { created_at, kind, tags, content }: UnsignedEvent): Promise<string> {
  return toHex(await sha256(utf8(JSON.stringify([0, author, created_at, kind, tags, content]))));
}
