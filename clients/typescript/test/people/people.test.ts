import { expect, test } from "vitest";
import { fromUtf8, sha256, toHex, utf8 } from "../../src/bytes.js";
import { ProblemError, UnexpectedResponseError } from "../../src/error.js";
import { type HttpRequest, values } from "../../src/http.js";
import { nostrSigner } from "../../src/people/nostr.js";
import type { People } from "../../src/people/people.js";
import { RecoveryTicket } from "../../src/people/ticket.js";
import { errorOf } from "../enclave/connected.js";
import { type FakeEnclave, problem } from "../enclave/fake.js";
import { at } from "../forge/path.js";
import { approvalOf, challengeOf, HANDLE, NONCE, person, SESSION } from "./person.js";

const NAMES = { passkeyName: "laptop", userName: "alice" };

test("a registration is approved as it is sent, and its session's key signs from then on", async () => {
  const { fake, asked, people } = await person();
  const { session } = await people.register(NAMES);
  const register = latest(fake);
  expect(register.target).toBe("/v1/users");
  expect(approvalOf(register)).toEqual({ nonce: NONCE, challenge: await challengeOf("register", register, "") });
  expect(values(register.fields, "signature")).toEqual([]);
  expect(at(asked.created, 0)).toMatchObject({ rpId: "example.org", userName: "alice" });
  expect(toHex(at(asked.created, 0).userHandle)).toBe(HANDLE);
  const body = JSON.parse(fromUtf8(register.body) ?? "");
  expect(body).toMatchObject({ passkey_name: "laptop", session: { device: "a laptop" } });
  // The name in the authenticator goes nowhere else.
  expect(JSON.stringify(body)).not.toContain("alice");

  expect((await session.refresh()).recovery_codes).toBe(7);
  const show = latest(fake);
  expect(values(show.fields, "signature-input")[0]).toContain(`keyid="${SESSION}"`);
  const facts = `sha-256=${toHex(await sha256(utf8("a laptop")))}`;
  expect(values(show.fields, "device-facts")).toEqual([facts]);
  expect(await verifies(show, body.session.public_key)).toBe(true);
  expect(session.user.recovery_codes).toBe(7);
});

test.each([
  ["registered", (people: People) => people.register(NAMES)],
  ["offered", (people: People) => people.offerPasskey("AAAAA-BBBBB", NAMES)],
  ["for a recovery", (people: People) => people.startRecovery(HANDLE, undefined, NAMES)],
])("the authenticator is asked for the attestation that the enclave wants, or not at all: %s", async (_, make) => {
  const { fake, asked, people } = await person();
  const wants = (attestation?: unknown) => {
    fake.operations["POST /v1/challenges"] = () => ({
      nonce: NONCE,
      rp_id: "example.org",
      user_handle: HANDLE,
      attestation,
    });
  };
  for (const attestation of ["none", "direct"]) {
    wants(attestation);
    await make(people);
    expect(asked.created.pop()?.attestation).toBe(attestation);
  }
  for (const attestation of ["enterprise", "", null, undefined, 1]) {
    wants(attestation);
    await errorOf(UnexpectedResponseError, make(people));
    expect(asked.created).toEqual([]);
  }
});

test("what cannot be undone is approved for this very session, by its own passkey", async () => {
  const { fake, asked, people } = await person();
  const session = await people.login();
  expect(at(asked.questions, 0).credentialId).toBeUndefined();
  expect(await session.createRecoveryCodes()).toEqual(["0-AAAAA"]);
  const request = latest(fake);
  const challenge = await challengeOf("create_recovery_codes", request, SESSION);
  expect(approvalOf(request)).toEqual({ nonce: NONCE, challenge });
  expect(at(asked.questions, 1).credentialId).toBe("Y3JlZGVudGlhbCBudW1iZXIgb25l");
});

test("a key is replaced once for one idempotency key", async () => {
  const { fake, people } = await person();
  const session = await people.login();
  fake.operations["POST /v1/keys/k/replace"] = () => ({ key: { id: "l" } });
  expect((await session.replaceKey("k", true, "order-7")).key.id).toBe("l");
  const request = latest(fake);
  expect(fromUtf8(request.body)).toBe('{"disable_old":true}');
  expect(values(request.fields, "idempotency-key")).toEqual(["order-7"]);
  expect(values(request.fields, "signature-input")[0]).toContain('"idempotency-key")');
});

test("each login has its own key", async () => {
  const { fake, people } = await person();
  await people.login();
  await people.login();
  const keys = fake.served
    .filter(({ target }) => target === "/v1/sessions")
    .map(({ body }) => JSON.parse(fromUtf8(body) ?? "").public_key);
  expect(new Set(keys).size).toBe(2);
});

test("an offer is for the user whose code it is", async () => {
  const { fake, asked, people } = await person();
  await people.offerPasskey("AAAAA-BBBBB", NAMES);
  expect(toHex(at(asked.created, 0).userHandle)).toBe(HANDLE);
  const offer = latest(fake);
  expect(approvalOf(offer).challenge).toBe(await challengeOf("offer_passkey", offer, ""));
});

test("requests carry the enclave's time", async () => {
  const { fake, people } = await person();
  const session = await people.login();
  fake.clockAhead = 1000;
  await session.refresh();
  await session.refresh();
  const created = Number(/;created=(\d+)/.exec(values(latest(fake).fields, "signature-input")[0] ?? "")?.[1]);
  expect(created).toBeGreaterThanOrEqual(Math.floor(Date.now() / 1000) + 998);
});

test("a refusal because of the time sets the clock, and the request is sent once more", async () => {
  const { fake, people } = await person({ oblivious: false });
  const session = await people.login();
  let refusals = 0;
  fake.lie = async (request) => {
    const dated = Number(/;created=(\d+)/.exec(values(request.fields, "signature-input")[0] ?? "")?.[1]);
    const now = Math.floor(Date.now() / 1000) + 500;
    if (request.target !== "/v1/user" || now - dated < 60) {
      return undefined;
    }
    refusals += 1;
    const { fields, body } = problem(401, "request-expired");
    return fake.boot.response(request, 401, fields, body, now);
  };
  expect((await session.refresh()).recovery_codes).toBe(7);
  expect(refusals).toBe(1);

  fake.lie = async (request) => {
    refusals += 1;
    const { fields, body } = problem(401, "request-expired");
    return fake.boot.response(request, 401, fields, body, 0);
  };
  await errorOf(ProblemError, session.refresh());
  expect(refusals).toBe(3);
});

test("a window.nostr signs events and has nothing else", async () => {
  const { fake, people } = await person();
  const { session, key } = await people.register(NAMES);
  const signer = nostrSigner(session, key);
  expect(Object.keys(signer)).toEqual(["getPublicKey", "signEvent"]);
  expect(await signer.getPublicKey()).toBe("00");
  const event = { created_at: 1, kind: 1, tags: [["t", "a"]], content: "x", id: "old", sig: "old" };
  expect(await signer.signEvent(event)).toEqual({
    created_at: 1,
    kind: 1,
    tags: [["t", "a"]],
    content: "x",
    id: "i",
    sig: "s",
  });
  const sent = JSON.parse(fromUtf8(latest(fake).body) ?? "");
  expect(sent).toEqual({ type: "nostr_event", event: { created_at: 1, kind: 1, tags: [["t", "a"]], content: "x" } });
});

test("a ticket is read as it was written, also with line breaks, and nothing else is", () => {
  const ticket = RecoveryTicket.of(HANDLE, { id: "11".repeat(16), public_key_digest: "2f".repeat(32) });
  const text = String(ticket);
  expect(text).toMatch(/^[A-Za-z0-9_-]{86}$/);
  expect(RecoveryTicket.parse(`${text.slice(0, 40)}\n ${text.slice(40)}`)).toEqual(ticket);
  for (const other of ["", text.slice(1), `${text}A`, `${text.slice(0, 85)}_`, `.${text.slice(1)}`]) {
    expect(() => RecoveryTicket.parse(other)).toThrow(TypeError);
  }
});

async function verifies(request: HttpRequest, publicKey: string): Promise<boolean> {
  const [, hex = ""] = publicKey.split(":");
  const P256 = { name: "ECDSA", namedCurve: "P-256" };
  const key = await crypto.subtle.importKey("raw", Buffer.from(hex, "hex"), P256, false, ["verify"]);
  const [input = ""] = values(request.fields, "signature-input");
  const [signature = ""] = values(request.fields, "signature");
  const covered = [
    ["@method", request.method],
    ["@path", request.target],
    ["@query", "?"],
    ["content-digest", values(request.fields, "content-digest")[0]],
    ["x-enclave-attestation", values(request.fields, "x-enclave-attestation")[0]],
  ];
  const lines = covered.map(([name, value]) => `"${name}": ${value}`);
  const base = [...lines, `"@signature-params": ${input.replace("permafrost=", "")}`].join("\n");
  const raw = Buffer.from(signature.replace(/^permafrost=:|:$/g, ""), "base64");
  return crypto.subtle.verify({ name: "ECDSA", hash: "SHA-256" }, key, raw, utf8(base));
}

/** The request that the enclave has opened last. */
function latest(fake: FakeEnclave): HttpRequest {
  return at(fake.served, fake.served.length - 1);
}
