/** What web pages call `window.nostr` (NIP-07), for one key of one session. */

import type { UserKey } from "./api.js";
import type { Session, SignedEvent, UnsignedEvent } from "./session.js";

/** NIP-07, and nothing of it that a key in the enclave does not do: there is no `nip04` and no `nip44`. */
export interface NostrSigner {
  /** 32 bytes in hex, x-only. */
  getPublicKey(): Promise<string>;
  /** Signs an event; a `pubkey` in it must be this key's, an `id` or `sig` in it is not looked at. */
  signEvent(event: UnsignedEvent): Promise<SignedEvent>;
}

/** Whoever has the object can have everything signed that the session may: give it to no code but the page's own. */
export function nostrSigner(session: Session, key: Pick<UserKey, "id" | "group_public_key">): NostrSigner {
  return {
    getPublicKey: async () => key.group_public_key,
    signEvent: (event) => session.signEvent(key.id, event),
  };
}
