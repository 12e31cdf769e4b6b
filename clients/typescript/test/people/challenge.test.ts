import { expect, test } from "vitest";
import { toHex, utf8 } from "../../src/bytes.js";
import { approvalChallenge } from "../../src/people/challenge.js";

const NONCE = toHex(Uint8Array.from({ length: 56 }, (_, index) => index));
const ROTATE = { method: "POST", target: "/v1/keys/k/rotate", body: utf8("") };

// Computed with Python's hashlib, and CBOR written by hand.
test.each([
  ["rotate_key", ROTATE, "session.00.11", "b8c02ae19a94f45a14755ad68f3f08f8a28340cd430da578ad87838e3b8d5bc6"],
  [
    "login",
    { method: "GET", target: "/v1/user?a=1&b=%2F", body: utf8("x".repeat(300)) },
    "",
    "370d3540e42ade7545f55660db8101ff3cb15bf1f4b212d9714e66e522cef366",
  ],
  [
    "approve_passkey",
    { method: "POST", target: `/v1/${"p".repeat(300)}`, body: utf8('{"name":"\u00e9"}') },
    `session.${"a".repeat(50)}`,
    "90c186af7ee7f115bcc4621e0842f6f99c6ff748d3d8ad380680472de8595883",
  ],
])("the challenge for %s is that of docs/people.md", async (purpose, request, keyid, expected) => {
  expect(toHex(await approvalChallenge(purpose, NONCE, request, keyid))).toBe(expected);
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
