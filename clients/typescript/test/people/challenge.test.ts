import { expect, test } from "vitest";
import { toHex, utf8 } from "../../src/bytes.js";
import { approvalChallenge, requestDigest } from "../../src/people/challenge.js";
import { vectors } from "../fixtures.js";
import { hex } from "../hex.js";

const NONCE = toHex(Uint8Array.from({ length: 56 }, (_, index) => index));
const ROTATE = { method: "POST", target: "/v1/keys/k/rotate", body: utf8("") };

interface Challenges {
  readonly challenges: readonly {
    readonly name: string;
    readonly purpose: string;
    readonly nonce: string;
    readonly method: string;
    readonly target: string;
    readonly body: string;
    readonly keyid: string;
    readonly request_digest: string;
    readonly challenge: string;
  }[];
}

test.each(
  vectors<Challenges>("passkey-challenge.json").challenges,
)("the challenge is that of the vectors: $name", async (vector) => {
  const request = { method: vector.method, target: vector.target, body: hex(vector.body) };
  expect(toHex(await requestDigest(request, vector.keyid))).toBe(vector.request_digest);
  const challenge = await approvalChallenge(vector.purpose, vector.nonce, request, vector.keyid);
  expect(toHex(challenge)).toBe(vector.challenge);
});

test("every part of a request is in its challenge", async () => {
  const challenges = await Promise.all([
    approvalChallenge("rotate_key", NONCE, ROTATE, "a"),
    approvalChallenge("replace_key", NONCE, ROTATE, "a"),
    approvalChallenge("rotate_key", `ff${NONCE.slice(2)}`, ROTATE, "a"),
    approvalChallenge("rotate_key", NONCE, { ...ROTATE, method: "PUT" }, "a"),
    approvalChallenge("rotate_key", NONCE, { ...ROTATE, target: "/v1/keys/l/rotate" }, "a"),
    approvalChallenge("rotate_key", NONCE, { ...ROTATE, target: `${ROTATE.target}?a` }, "a"),
    approvalChallenge("rotate_key", NONCE, { ...ROTATE, body: utf8("{}") }, "a"),
    approvalChallenge("rotate_key", NONCE, ROTATE, "b"),
  ]);
  expect(new Set(challenges.map(toHex)).size).toBe(challenges.length);
});

test.each(["", "00", "0".repeat(111), "0".repeat(114), "x".repeat(112)])("the nonce %j is refused", async (nonce) => {
  await expect(approvalChallenge("login", nonce, ROTATE, "")).rejects.toThrow(TypeError);
});
