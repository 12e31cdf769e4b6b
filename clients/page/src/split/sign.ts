/** Signing with a split key: the share is open for one signature. */

import type { Session, SignedEvent, UnsignedEvent, UserKey } from "@permafrost/client";
import { loadSplit } from "./custody.js";
import { openFiles, openWrapped, type ShareFiles, using } from "./opened.js";

/** Signs an event together with the enclave: with the share in the file, if one is given, and otherwise with that of the passkey. */
export async function signTogether(
  session: Session,
  key: UserKey,
  event: UnsignedEvent,
  given: ShareFiles,
): Promise<SignedEvent> {
  const split = await loadSplit();
  const shares = given.files.length > 0 ? await openFiles(split, key, given) : [await openWrapped(split, session, key)];
  const signed = await using(shares, () => split.sign(session, shares, { type: "nostr_event", event }));
  if (signed.event === undefined) {
    throw new TypeError("there is no signed event");
  }
  return signed.event;
}
