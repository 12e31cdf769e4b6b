/** The worked example of `docs/signatures.md`, recomputed from what is printed there. */

import { expect, test } from "vitest";
import { type Bytes, bytes, concat, fromBase64, fromHex, sha256, toHex, utf8 } from "../../src/bytes.js";
import type { Fields, HttpRequest, HttpResponse } from "../../src/http.js";
import { publicKeyText } from "../../src/http-signature/key.js";
import { type BootName, SIGNED_FIELDS } from "../../src/http-signature/profile.js";
import { signRequest } from "../../src/http-signature/request.js";
import { verifyResponse } from "../../src/http-signature/response.js";
import { repositoryText } from "../fixtures.js";

const PAGE = repositoryText("docs/signatures.md");

test("the request of the document is what we sign, and the Ed25519 signature is the printed one", async () => {
  const request = printedRequest();
  const principal = { name: "wallet", key: await seedKey(printed("wallet_seed")) };
  const once = { created: 1_767_225_600, nonce: "AAECAwQFBgcICQoLDA0ODw" };
  const signed = await signRequest(unsigned(request), principal, await boot(), once);
  expect(signed).toEqual(request);
});

test("a P-256 key signs the base that is printed", async () => {
  const [, hex = ""] = printed("p256_public_key").split(":");
  const key = await crypto.subtle.importKey("raw", hexBytes(hex), P256, true, ["verify"]);
  expect(await publicKeyText(key)).toBe(printed("p256_public_key"));
  const base = utf8(block('"@method": '));
  const signature = fromBase64(printed("p256_signature")) ?? bytes([]);
  expect(await crypto.subtle.verify({ name: "ECDSA", hash: "SHA-256" }, key, signature, base)).toBe(true);

  const own = await crypto.subtle.generateKey(P256, false, ["sign", "verify"]);
  const request = printedRequest();
  const once = { created: 1_767_225_600, nonce: "AAECAwQFBgcICQoLDA0ODw" };
  const signed = await signRequest(unsigned(request), { name: "wallet", key: own.privateKey }, await boot(), once);
  const field = signed.fields.find(([name]) => name === "signature")?.[1] ?? "";
  const ours = fromBase64(field.slice("permafrost=:".length, -1)) ?? bytes([]);
  expect(await crypto.subtle.verify({ name: "ECDSA", hash: "SHA-256" }, own.publicKey, ours, base)).toBe(true);
});

test("the response of the document is authentic, and names its boot", async () => {
  const { fields, body } = message("HTTP/1.1 422 Unprocessable Entity\n");
  const response: HttpResponse = { status: 422, fields, body };
  const [, key = ""] = printed("boot_public_key").split(":");
  const verified = await verifyResponse(response, printedRequest(), hexBytes(key));
  expect(verified).toEqual({ created: 1_767_225_601, boot: await boot() });
});

const P256 = { name: "ECDSA", namedCurve: "P-256" };

function printedRequest(): HttpRequest {
  return { method: "POST", target: "/v1/keys", ...message("POST /v1/keys HTTP/1.1\n") };
}

function unsigned(request: HttpRequest): HttpRequest {
  return { ...request, fields: request.fields.filter(([name]) => !SIGNED_FIELDS.includes(name)) };
}

/** The name of the document's boot. */
async function boot(): Promise<BootName> {
  return `sha-256=${toHex(await sha256(utf8("the document that this boot made at its start")))}`;
}

/** The private key of a seed, as PKCS#8 (RFC 8410 section 7) wraps it. */
async function seedKey(seed: string): Promise<CryptoKey> {
  const pkcs8 = concat(hexBytes("302e020100300506032b657004220420"), hexBytes(seed));
  return crypto.subtle.importKey("pkcs8", pkcs8, { name: "Ed25519" }, false, ["sign"]);
}

/** Fields and body of the message that begins so. */
function message(firstLine: string): { fields: Fields; body: Bytes } {
  const [head = "", body = ""] = block(firstLine).split("\n\n");
  const fields = head
    .split("\n")
    .slice(1)
    .map((line) => {
      const [name = "", value = ""] = line.split(/: (.*)/);
      return [name.toLowerCase(), value] as const;
    });
  return { fields, body: utf8(body) };
}

/** The block of the document that begins so, without its final line feed. */
function block(beginning: string): string {
  const found = PAGE.split("```")
    .map((each) => each.slice(each.indexOf("\n") + 1))
    .find((each) => each.startsWith(beginning));
  if (found === undefined) {
    throw new Error(`no block of the document begins ${beginning}`);
  }
  return found.replace(/\n$/, "");
}

/** The value in the document's line `name = value`. */
function printed(name: string): string {
  const value = new RegExp(`^${name} = (.*)$`, "m").exec(PAGE)?.[1];
  if (value === undefined) {
    throw new Error(`${name} is not in the document`);
  }
  return value;
}

function hexBytes(hex: string): Bytes {
  const decoded = fromHex(hex);
  if (decoded === undefined) {
    throw new Error(`${hex} is not hex`);
  }
  return decoded;
}
