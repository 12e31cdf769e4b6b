/** The keys that this page makes together with the enclave: who has which share (`docs/split.md`, "A person's share"). */

import type { UserKey } from "@permafrost/client";
import type { Split } from "@permafrost/client/split";

/** The participant whose share the passkey opens; or, without a PRF, a file. */
export const ME = "me";
/** The participant whose share is in the recovery file. */
export const DRAWER = "drawer";
/** The participant whose share the enclave holds. */
export const SERVER = "server";
/** How many of the three sign. */
export const THRESHOLD = 2;

/** What this split key means, to the one who owns it. */
export const MEANING =
  "The key consists of three shares: one that your passkey opens, one in a recovery file that you keep in a drawer, and one in the enclave. Any two of them sign: your passkey together with the enclave, as you do each day; the recovery file together with the enclave; and also the share of your passkey together with the recovery file, without the enclave. None of the three can do anything alone.";

/** Loads the protocol, which only those with such keys need. */
export function loadSplit(): Promise<Split> {
  loading ??= import("@permafrost/client/split").then(({ Split }) => Split.load());
  // What failed may succeed later.
  loading.catch(() => {
    loading = undefined;
  });
  return loading;
}

/** Whether the shares of a key are apart. */
export function isSplit({ custody }: UserKey): boolean {
  return custody === "split";
}

/** Whether the key has the participants that this page makes, so that it can renew and replace their shares. */
export function isOfThisPage({ custody, threshold, participants }: UserKey): boolean {
  const expected = [ME, DRAWER, SERVER];
  return (
    custody === "split" &&
    threshold === THRESHOLD &&
    participants.length === expected.length &&
    participants.every(({ name, public_key }, index) => {
      const isHeldHere = public_key !== undefined;
      return name === expected[index] && isHeldHere === (name !== SERVER);
    })
  );
}

let loading: Promise<Split> | undefined;
