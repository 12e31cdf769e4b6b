import { type Enclave, nostrSigner, People, type SignedEvent } from "@permafrost/client";

/** Registers the person at this device with a passkey, and has the new key sign a note. */
export async function note(enclave: Enclave, text: string): Promise<SignedEvent> {
  const people = new People(enclave, { device: "Firefox on Linux" });
  const { session, key } = await people.register({ passkeyName: "laptop", userName: "alice" });
  const signer = nostrSigner(session, key); // getPublicKey and signEvent, as window.nostr (NIP-07)
  return signer.signEvent({ created_at: enclave.boot.clock.now(), kind: 1, tags: [], content: text });
}
