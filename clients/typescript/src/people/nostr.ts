/** What web pages know as `window.nostr` (NIP-07), for one key of one session. */

import type { UserKey } from "./api.js";
import type { Session, SignedEvent, UnsignedEvent } from "./session.js";

/** NIP-07, without what a key in the enclave does not do: there is no `nip04` and no `nip44`. */
export interface NostrSigner {
  /** 32 bytes in hex, x-only. */
  getPublicKey(): Promise<string>;
  /** Signs an event; a `pubkey` in it must be this key's; an `id` or `sig` in it is ignored. */
  signEvent(event: UnsignedEvent): Promise<SignedEvent>;
}

/** Code that has the object can have everything signed that the session may sign: give it only to the page's own code. */
export function nostrSigner(session: Session, key: Pick<UserKey, "id" | "group_public_key">): NostrSigner {
  return {
    getPublicKey: async () => key.group_public_key,
    signEvent: (event) => session.signEvent(key.id, event),
  };
}
