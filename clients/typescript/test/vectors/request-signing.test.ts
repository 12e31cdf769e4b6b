import { expect, test } from "vitest";
import { type Bytes, fromBase64, utf8 } from "../../src/bytes.js";
import { type Fields, values } from "../../src/http.js";
import { type BootName, ProfileError, SIGNED_FIELDS } from "../../src/http-signature/profile.js";
import { signRequest } from "../../src/http-signature/request.js";
import { vectors } from "../fixtures.js";
import { hex } from "../hex.js";
import { pairs, request, type VectorRequest } from "./message.js";

interface Unsigned {
  readonly name: string;
  readonly key: "ed25519" | "p256";
  readonly keyid: string;
  readonly created: number;
  readonly nonce: string;
  readonly attestation: BootName;
  readonly request: VectorRequest;
}

interface Signed extends Unsigned {
  readonly signature_base: string;
  readonly signature_fields: readonly string[];
}

interface File {
  readonly keys: readonly { readonly name: string; readonly pkcs8: string; readonly public_key: string }[];
  readonly signed: readonly Signed[];
  readonly refused: readonly Unsigned[];
}

const { keys, signed, refused } = vectors<File>("request-signing.json");

const ALGORITHMS = {
  ed25519: { name: "Ed25519" },
  p256: { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" },
} as const;

function keyOf({ key }: Unsigned) {
  const found = keys.find(({ name }) => name === key);
  if (found === undefined) {
    throw new Error(`the file has no key ${key}`);
  }
  return found;
}

async function sign(vector: Unsigned) {
  const pkcs8 = hex(keyOf(vector).pkcs8);
  const key = await crypto.subtle.importKey("pkcs8", pkcs8, ALGORITHMS[vector.key], false, ["sign"]);
  const { keyid: name, attestation, created, nonce } = vector;
  return signRequest(request(vector.request), { name, key }, attestation, { created, nonce });
}

/** Whether a value of `Signature` verifies over the base that the file has. */
async function verifies(vector: Signed, fields: Fields): Promise<boolean> {
  const [, point = ""] = keyOf(vector).public_key.split(":");
  const algorithm = ALGORITHMS[vector.key];
  const key = await crypto.subtle.importKey("raw", hex(point), algorithm, true, ["verify"]);
  const [field = ""] = values(fields, "signature");
  const signature: Bytes | undefined = fromBase64(field.slice("permafrost=:".length, -1));
  return signature !== undefined && crypto.subtle.verify(algorithm, key, signature, utf8(vector.signature_base));
}

test.each(signed)("a request is signed: $name", async (vector) => {
  const ours = (await sign(vector)).fields.filter(([name]) => SIGNED_FIELDS.includes(name));
  const printed = pairs(vector.signature_fields);
  const withoutSignature = (fields: Fields) => fields.filter(([name]) => name !== "signature");
  expect(withoutSignature(ours)).toEqual(withoutSignature(printed));
  expect(await verifies(vector, printed)).toBe(true);
  expect(await verifies(vector, ours)).toBe(true);
  if (vector.key === "ed25519") {
    expect(ours).toEqual(printed);
  }
});

test.each(refused)("a request is not signed: $name", async (vector) => {
  await expect(sign(vector)).rejects.toThrow(ProfileError);
});
