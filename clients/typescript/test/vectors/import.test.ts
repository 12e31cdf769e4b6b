import { expect, test } from "vitest";
import { toHex } from "../../src/bytes.js";
import type { BootName } from "../../src/http-signature/profile.js";
import { importInfo, sealImport } from "../../src/import.js";
import { vectors } from "../fixtures.js";
import { hex } from "../hex.js";
import { keyPair } from "../oblivious/x25519.js";

interface Import {
  readonly name: string;
  readonly deployment: string;
  readonly boot: string;
  readonly principal: string;
  readonly idempotency_key: string;
  readonly public_key: string;
  readonly threshold: number;
  readonly participants: readonly string[];
  readonly secret: string;
  readonly recipient_public_key: string;
  readonly ephemeral_private_key: string;
  readonly info: string;
  readonly enc: string;
  readonly ciphertext: string;
}

const { imports } = vectors<{ imports: Import[] }>("import.json");

function given(one: Import) {
  const boot = { name: `sha-256=${one.boot}` as BootName, deployment: one.deployment };
  const request = {
    principal: one.principal,
    idempotencyKey: one.idempotency_key,
    publicKey: one.public_key,
    threshold: one.threshold,
    participants: one.participants,
  };
  return { boot, request, key: { id: 1, publicKey: hex(one.recipient_public_key) } };
}

test.each(imports)("is sealed as the vector says: $name", async (one) => {
  const { boot, request, key } = given(one);
  expect(toHex(importInfo(boot, request))).toBe(one.info);
  const ephemeral = await keyPair(one.ephemeral_private_key, one.enc);
  const body = await sealImport(key, boot, request, hex(one.secret), ephemeral);
  expect(body).toEqual({
    threshold: one.threshold,
    participants: one.participants,
    public_key: one.public_key,
    sealed: { enc: one.enc, ciphertext: one.ciphertext },
  });
});

test.each(imports)("is sealed anew each time, and in no other lengths: $name", async (one) => {
  const { boot, request, key } = given(one);
  const [first, second] = [
    await sealImport(key, boot, request, hex(one.secret)),
    await sealImport(key, boot, request, hex(one.secret)),
  ];
  expect(first.sealed.ciphertext).not.toBe(second.sealed.ciphertext);
  for (const length of [0, 31, 33]) {
    await expect(sealImport(key, boot, request, new Uint8Array(length))).rejects.toThrow(RangeError);
  }
  const short = { ...request, publicKey: one.public_key.slice(2) };
  await expect(sealImport(key, boot, short, hex(one.secret))).rejects.toThrow(RangeError);
});
