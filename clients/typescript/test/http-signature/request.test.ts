import { expect, test } from "vitest";
import { utf8 } from "../../src/bytes.js";
import { type Fields, type HttpRequest, values } from "../../src/http.js";
import { generateSessionKey, publicKeyText } from "../../src/http-signature/key.js";
import { ProfileError } from "../../src/http-signature/profile.js";
import { once, signRequest } from "../../src/http-signature/request.js";

const BOOT = `sha-256=${"5a".repeat(32)}` as const;

function request(fields: Fields = [], target = "/v1/keys?limit=1"): HttpRequest {
  return { method: "GET", target, fields, body: utf8("") };
}

async function principal(name = "alice") {
  return { name, key: (await generateSessionKey()).privateKey };
}

test("the signed text is that of the profile", async () => {
  const fields: Fields = [
    ["content-type", "application/json"],
    ["accept", "a field that is not covered"],
    ["idempotency-key", "order-7"],
  ];
  const signed = await signRequest(request(fields), await principal(), BOOT, { created: 1, nonce: "abcdefghijklmnop" });
  expect(values(signed.fields, "signature-input")).toEqual([
    'permafrost=("@method" "@path" "@query" "content-digest" "x-enclave-attestation" "content-type" "idempotency-key");created=1;nonce="abcdefghijklmnop";keyid="alice"',
  ]);
  expect(values(signed.fields, "accept")).toHaveLength(1);
});

test("a request that is signed again has one signature, by a new nonce", async () => {
  const alice = await principal();
  const first = await signRequest(request(), alice, BOOT);
  const second = await signRequest(first, alice, BOOT);
  expect(values(second.fields, "signature")).toHaveLength(1);
  expect(values(second.fields, "signature-input")).not.toEqual(values(first.fields, "signature-input"));
});

test("nonces differ and fit the form", () => {
  expect(once().nonce).not.toBe(once().nonce);
  expect(once().nonce).toMatch(/^[A-Za-z0-9_-]{22}$/);
});

test.each<[string, string, HttpRequest]>([
  ["a bare ?", "request-target", request([], "/v1/keys?")],
  ["a fragment", "request-target", request([], "/v1/keys#a")],
  ["a space", "request-target", request([], "/v1/a b")],
  ["no slash", "request-target", request([], "v1/keys")],
  ["a repeated type", "field-repeated", request(Array(2).fill(["content-type", "text/plain"]))],
  ["a type with a line feed", "field-text", request([["content-type", 'a\n"@path": /']])],
  ["a key with a space at its end", "field-text", request([["idempotency-key", "a "]])],
  ["a long key", "field-length", request([["idempotency-key", "a".repeat(257)]])],
])("a request that would be refused is not signed: %s", async (_, rule, refused) => {
  const error = await signRequest(refused, await principal(), BOOT).catch((error: unknown) => error);
  expect(error).toBeInstanceOf(ProfileError);
  expect(error).toMatchObject({ rule });
});

test.each(["", "a b", 'a"', "a".repeat(65), "\u{e9}"])("a principal cannot be called %j", async (name) => {
  await expect(signRequest(request(), await principal(name), BOOT)).rejects.toThrow("keyid");
});

test("a session's private key cannot be read", async () => {
  const { privateKey, publicKey } = await generateSessionKey();
  await expect(crypto.subtle.exportKey("pkcs8", privateKey)).rejects.toThrow();
  await expect(crypto.subtle.exportKey("jwk", privateKey)).rejects.toThrow();
  expect(await publicKeyText(publicKey)).toMatch(/^ecdsa-p256-sha256:04[0-9a-f]{128}$/);
});

test("a key of another curve does not sign", async () => {
  const { privateKey } = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-384" }, false, ["sign"]);
  await expect(signRequest(request(), { name: "alice", key: privateKey }, BOOT)).rejects.toThrow("ECDSA on P-384");
});
