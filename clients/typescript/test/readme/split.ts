import { type Carrier, Split } from "@permafrost/client/split";

/** Makes a key of two, stores the share by `store`, and has a message signed; `carrier` is a session, or a principal and its enclave. */
export async function together(carrier: Carrier, store: (share: string) => Promise<void>): Promise<string> {
  const split = await Split.load();
  const made = await split.generate(carrier, {
    threshold: 2,
    participants: [
      { name: "alice", held: true },
      { name: "server", held: false },
    ],
  });
  await store(made.shares[0]?.toJson() ?? ""); // Encrypt it. A share that is not stored is lost, and the key with it.
  await made.confirm(); // Only now does the key exist.
  const signed = await split.sign(carrier, made.shares, { type: "message", message: "6e6576657220746861776564" });
  for (const share of made.shares) {
    share.free();
  }
  return signed.signature;
}
