/** Split custody with the real enclave program. */

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sha256, toHex, utf8 } from "../../src/bytes.js";
import { Enclave } from "../../src/enclave.js";
import { ProblemError } from "../../src/error.js";
import { problemName } from "../../src/problem.js";
import type { Carrier } from "../../src/split/carrier.js";
import { SplitError } from "../../src/split/error.js";
import type { HeldShare } from "../../src/split/held-share.js";
import { Split } from "../../src/split/split.js";
import { errorOf } from "../enclave/connected.js";
import { Stack } from "../enclave/stack.js";
import { noPrograms } from "../fixtures.js";
import { together } from "../readme/split.js";
import { outputKey, verifies } from "./bip340.js";

const TWO_OF_TWO = {
  threshold: 2,
  participants: [
    { name: "alice", held: true },
    { name: "server", held: false },
  ],
};
const TWO_OF_THREE = {
  threshold: 2,
  participants: [
    { name: "alice", held: true },
    { name: "drawer", held: true },
    { name: "server", held: false },
  ],
};
const MESSAGE = toHex(utf8("never thawed"));
const WHAT = { type: "message", message: MESSAGE } as const;

describe.skipIf(noPrograms)(`split custody with the development stack${noPrograms ? ` (${noPrograms})` : ""}`, () => {
  let stack: Stack;
  let carrier: Carrier;
  let split: Split;

  beforeAll(async () => {
    stack = await Stack.start();
    carrier = { enclave: await Enclave.connect(stack.options), principal: stack.principal };
    split = await Split.load();
  }, 60_000);

  afterAll(async () => stack.end());

  async function made(wanted: typeof TWO_OF_TWO): Promise<readonly HeldShare[]> {
    const unconfirmed = await split.generate(carrier, wanted);
    await unconfirmed.confirm();
    return unconfirmed.shares;
  }

  async function signs(shares: readonly HeldShare[], key: string): Promise<void> {
    const { signature, public_key } = await split.sign(carrier, shares, WHAT);
    expect(public_key).toBe(key);
    expect(verifies(key, MESSAGE, signature)).toBe(true);
    expect(verifies(key, `${MESSAGE}00`, signature)).toBe(false);
  }

  test("a key of two signs everything that a key signs", async () => {
    const [alice] = await made(TWO_OF_TWO);
    if (alice === undefined) {
      throw new Error("there is no share");
    }
    const key = alice.groupPublicKey;
    await signs([alice], key);
    const digest = toHex(await sha256(utf8("never thawed")));
    const ofDigest = await split.sign(carrier, [alice], { type: "digest", digest });
    expect(verifies(key, digest, ofDigest.signature)).toBe(true);

    const root = "ab".repeat(32);
    for (const merkle of [{}, { merkle_root: root }]) {
      const spend = await split.sign(carrier, [alice], { type: "taproot_spend", sighash: digest, ...merkle });
      expect(spend.public_key).toBe(outputKey(key, merkle.merkle_root));
      expect(verifies(spend.public_key, digest, spend.signature)).toBe(true);
    }
  });

  test("a key of three is refreshed, and each old share is refused by name", async () => {
    const old = await made(TWO_OF_THREE);
    const key = keyOf(old);
    await signs(old.slice(0, 1), key);
    const refreshed = await split.refresh(carrier, old);
    expect(refreshed.generation).toBe(2);
    // Until it is confirmed, the old shares sign.
    await signs(old.slice(1), key);
    const certificate = await refreshed.confirm();
    expect(certificate.outcome).toEqual(refreshed.outcome);
    expect(certificate).toEqual(await split.certificate(carrier, refreshed.keyId));
    for (const share of refreshed.shares) {
      await signs([share], key);
    }
    for (const share of old) {
      const refused = await errorOf(SplitError, split.sign(carrier, [share], WHAT));
      expect([refused.kind, refused.message]).toEqual([
        "share",
        "the share is of generation 1; accepted: the share of generation 2, which the key has now",
      ]);
    }
  });

  test("a lost share is replaced, and participants come and go", async () => {
    const [alice, ...lost] = await made(TWO_OF_THREE);
    if (alice === undefined) {
      throw new Error("there is no share");
    }
    for (const share of lost) {
      share.free();
    }
    const replaced = await split.reshare(carrier, {
      shares: [alice],
      threshold: 2,
      participants: [
        { name: "alice", seat: "stays" },
        { name: "paper", seat: "comes" },
        { name: "server", seat: "enclave" },
      ],
    });
    await replaced.confirm();
    expect(replaced.shares.map(({ participant }) => participant)).toEqual(["alice", "paper"]);
    expect(replaced.shares[0]?.publicKey).toBe(alice.publicKey);
    for (const share of replaced.shares) {
      await signs([share], alice.groupPublicKey);
    }
    expect((await errorOf(SplitError, split.sign(carrier, [alice], WHAT))).kind).toBe("share");
    const another = split.reshare(carrier, {
      shares: replaced.shares,
      threshold: 2,
      participants: [
        { name: "drawer", seat: "stays" },
        { name: "server", seat: "enclave" },
      ],
    });
    expect((await errorOf(SplitError, another)).message).toBe("drawer stays, but has no share here");
  });

  test("wrapped shares are kept in the same write, and go with the next generation", async () => {
    const unconfirmed = await split.generate(carrier, TWO_OF_TWO);
    const wrapped = [{ participant: "alice", wrapped: "00ff".repeat(100) }];
    await unconfirmed.confirm(wrapped);
    const { keyId, shares } = unconfirmed;
    expect(await split.wrappedShares(carrier, keyId)).toEqual({
      key_id: keyId,
      generation: 1,
      record_version: 1,
      wrapped_shares: wrapped,
    });
    await (await split.refresh(carrier, shares)).confirm();
    expect((await split.wrappedShares(carrier, keyId)).wrapped_shares).toEqual([]);
  });

  test("a Nostr event is signed under the id that both sides compute", async () => {
    const shares = await made(TWO_OF_TWO);
    const key = keyOf(shares);
    const content = 'a "line"\n\t\\ \u{1f9ca} \u2028\b\f\r/<é>';
    const event = { created_at: 1_700_000_000, kind: 1, tags: [["t", 'a"b']], content };
    const signed = await split.sign(carrier, shares, { type: "nostr_event", event });
    const escaped = 'a \\"line\\"\\n\\t\\\\ \u{1f9ca} \u2028\\b\\f\\r/<é>';
    const hashed = `[0,"${key}",1700000000,1,[["t","a\\"b"]],"${escaped}"]`;
    const id = toHex(await sha256(utf8(hashed)));
    expect(signed.event).toEqual({ ...event, id, pubkey: key, sig: signed.signature });
    expect(verifies(key, id, signed.signature)).toBe(true);
  });

  test("the example of the README makes a key and signs", async () => {
    let stored = "";
    const signature = await together(carrier, async (share) => {
      stored = share;
    });
    expect(verifies(split.parseShare(stored).groupPublicKey, MESSAGE, signature)).toBe(true);
  });

  test("an aborted ceremony leaves nothing", async () => {
    const unconfirmed = await split.generate(carrier, TWO_OF_TWO);
    await unconfirmed.abort();
    const refused = await errorOf(ProblemError, unconfirmed.confirm());
    expect(problemName(refused.problem)).toBe("ceremony-not-found");
    expect(() => unconfirmed.shares[0]?.toJson()).toThrow("the share of alice was freed");
  });
});

function keyOf(shares: readonly HeldShare[]): string {
  return shares[0]?.groupPublicKey ?? "";
}
