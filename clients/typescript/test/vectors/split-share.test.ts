import { expect, test } from "vitest";
import { SplitError } from "../../src/split/error.js";
import { Split } from "../../src/split/split.js";
import { errorOf } from "../enclave/connected.js";
import { vectors } from "../fixtures.js";

interface Share {
  readonly name: string;
  readonly text: string;
  readonly key_id: string;
  readonly generation: number;
  readonly participant: string;
  readonly public_key: string;
  readonly threshold: number;
  readonly participants: readonly string[];
  readonly group_public_key: string;
}

interface Refused {
  readonly name: string;
  readonly text: string;
  readonly message: string;
}

const { shares, refused } = vectors<{ shares: Share[]; refused: Refused[] }>("split-share.json");
const split = await Split.load();

test.each(shares)("$name is read, and written in the same bytes", ({ name: _, text, ...said }) => {
  const share = split.parseShare(text);
  expect({
    key_id: share.keyId,
    generation: share.generation,
    participant: share.participant,
    public_key: share.publicKey,
    threshold: share.threshold,
    participants: share.participants,
    group_public_key: share.groupPublicKey,
  }).toEqual(said);
  expect(share.toJson()).toBe(text);

  share.free();
  share.free();
  expect(() => share.toJson()).toThrow(`the share of ${share.participant} was freed`);
});

test.each(refused)("refused: $name", async ({ text, message }) => {
  const error = await errorOf(SplitError, (async () => split.parseShare(text))());
  expect([error.kind, error.message]).toEqual(["share", message]);
});
