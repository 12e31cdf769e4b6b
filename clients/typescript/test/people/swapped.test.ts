/** The parent gives a person the enclave's response to another request: its own, an older one, or one with another passkey. */

import { describe, expect, test } from "vitest";
import { bytes, concat, toHex, utf8 } from "../../src/bytes.js";
import { UnexpectedResponseError } from "../../src/error.js";
import type { Fields, HttpRequest } from "../../src/http.js";
import { contentDigest } from "../../src/http-signature/profile.js";
import { ResponseError } from "../../src/http-signature/response.js";
import { bindResponse } from "../../src/http-signature/unsigned.js";
import { PasskeyError } from "../../src/people/authenticator.js";
import { publicKeyDigestOf } from "../../src/people/new-passkey.js";
import type { People } from "../../src/people/people.js";
import { errorOf } from "../enclave/connected.js";
import { attestationObject, DIGEST, HANDLE, PUBLIC_KEY, person } from "./person.js";

const NAMES = { passkeyName: "laptop", userName: "alice" };

/** What the parent makes the guardians or the first device approve. */
const THEIRS = { id: "22".repeat(16), public_key_digest: "66".repeat(32) };

const STEPS: readonly (readonly [string, (people: People) => Promise<unknown>, unknown])[] = [
  ["/v1/recoveries", (people) => people.startRecovery(HANDLE, undefined, NAMES), THEIRS],
  ["/v1/links/passkey", (people) => people.offerPasskey("AAAAA-BBBBB", NAMES), THEIRS],
  ["/v1/links/open", (people) => people.offerPasskey("AAAAA-BBBBB", NAMES), { user_handle: "66".repeat(16) }],
  ["/v1/challenges", (people) => people.login(), { nonce: "66".repeat(56), rp_id: "example.org", attestation: "none" }],
];

/** The request whose response the parent passes on. */
const OTHERS: readonly (readonly [string, (request: HttpRequest) => Promise<HttpRequest>])[] = [
  ["its own request, bound in the same way", (request) => bindResponse({ ...request, body: utf8("{}") })],
  [
    "its own body with the nonce of the request",
    async (request) => {
      const body = utf8("{}");
      return { ...request, body, fields: put(request.fields, "content-digest", await contentDigest(body)) };
    },
  ],
  ["an earlier request, equal but for its nonce", (request) => bindResponse(request)],
  [
    "the same request without its nonce",
    async (request) => ({ ...request, fields: drop(request.fields, "request-nonce") }),
  ],
  [
    "the same request without its digest",
    async (request) => ({ ...request, fields: drop(request.fields, "content-digest") }),
  ],
  [
    "the same request without both",
    async (request) => ({
      ...request,
      fields: drop(drop(request.fields, "request-nonce"), "content-digest"),
    }),
  ],
  [
    "the same request with its own passkey",
    async (request) => ({
      ...request,
      fields: put(request.fields, "passkey-response", "its own"),
    }),
  ],
];

describe.each(STEPS)("a response about %s is not believed if it is the response to", (path, step, said) => {
  test.each(OTHERS)("%s", async (_, other) => {
    const { fake, people } = await person({ oblivious: false });
    fake.lie = async (request) => {
      const json: Fields = [["content-type", "application/json"]];
      const response = async () => fake.boot.response(await other(request), 200, json, utf8(JSON.stringify(said)));
      return request.target === path ? response() : undefined;
    };
    const error = await errorOf(ResponseError, step(people));
    expect(["components", "signature"]).toContain(error.rule);
  });
});

test.each(
  STEPS.slice(0, 2),
)("%s: a signed response about another passkey than the one made here is refused", async (path, step) => {
  const { fake, people } = await person();
  fake.operations[`POST ${path}`] = () => THEIRS;
  expect((await errorOf(UnexpectedResponseError, step(people))).message).toContain(DIGEST);
});

test("the ticket of a recovery names the passkey made here", async () => {
  const { people } = await person();
  const { ticket } = await people.startRecovery(HANDLE, undefined, NAMES);
  expect(ticket.publicKeyDigest).toBe(DIGEST);
});

function put(fields: Fields, name: string, value: string): Fields {
  return [...drop(fields, name), [name, value]];
}

function drop(fields: Fields, name: string): Fields {
  return fields.filter(([each]) => each !== name);
}

function made(attestationObject: string) {
  return { id: "", rawId: "", type: "public-key", response: { attestationObject } } as const;
}

describe("the digest of a new passkey's key", () => {
  test("does not depend on what follows the key", async () => {
    const extensions = bytes([0xa0]);
    for (const object of [attestationObject(PUBLIC_KEY), attestationObject(PUBLIC_KEY, extensions, 0xc5)]) {
      expect(await publicKeyDigestOf(made(base64url(object)))).toBe(DIGEST);
    }
  });

  test.each([
    ["no text", ""],
    ["no base64url", "****"],
    ["no CBOR", base64url(utf8("no CBOR"))],
    ["CBOR that is no map", base64url(bytes([0x80]))],
    ["a map without authenticator data", base64url(bytes([0xa0]))],
    ["no credential", base64url(attestationObject(PUBLIC_KEY, bytes([]), 0x05))],
    ["no key", base64url(attestationObject(bytes([])))],
    ["half a key", base64url(attestationObject(PUBLIC_KEY.slice(0, -1)))],
    ["a byte after the object", base64url(concat(attestationObject(PUBLIC_KEY), bytes([0])))],
  ])("is not made of %s", async (_, object) => {
    await errorOf(PasskeyError, publicKeyDigestOf(made(object)));
  });

  test("is 32 bytes in hex", () => {
    expect(DIGEST).toHaveLength(2 * 32);
    expect(toHex(PUBLIC_KEY)).toHaveLength(2 * 77);
  });
});

function base64url(value: Uint8Array): string {
  return Buffer.from(value).toString("base64url");
}
