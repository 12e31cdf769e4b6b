import { afterEach, expect, test, vi } from "vitest";
import { utf8 } from "../../src/bytes.js";
import { browserAuthenticator, PasskeyError, PrfError } from "../../src/people/authenticator.js";
import { errorOf } from "../enclave/connected.js";

const CHALLENGE = utf8("c".repeat(32));
const ID = "-_-_AAAA";

afterEach(() => {
  vi.unstubAllGlobals();
});

test.each([
  "none",
  "direct",
] as const)("a passkey is made discoverable, with user verification, for the algorithms of the enclave, with the attestation that is asked for: %s", async (attestation) => {
  const create = vi.fn(async () =>
    credential({ attestationObject: utf8("o").buffer, getTransports: () => ["internal"] }),
  );
  vi.stubGlobal("navigator", { credentials: { create } });
  const made = await browserAuthenticator.create({
    challenge: CHALLENGE,
    rpId: "example.org",
    userHandle: utf8("h".repeat(16)),
    userName: "alice",
    attestation,
  });
  expect(create).toHaveBeenCalledWith({
    publicKey: {
      challenge: CHALLENGE,
      rp: { id: "example.org", name: "example.org" },
      user: { id: utf8("h".repeat(16)), name: "alice", displayName: "alice" },
      pubKeyCredParams: [-7, -8, -257].map((alg) => ({ type: "public-key", alg })),
      authenticatorSelection: { residentKey: "required", requireResidentKey: true, userVerification: "required" },
      attestation,
      extensions: { prf: {} },
    },
  });
  expect(made.response).toEqual({
    id: ID,
    rawId: ID,
    type: "public-key",
    response: { clientDataJSON: "ZA", attestationObject: "bw", transports: ["internal"] },
  });
});

test.each([
  [{ prf: { enabled: true } }, true],
  [{ prf: { enabled: false } }, false],
  [{ prf: {} }, false],
  [{}, false],
])("a new passkey has a PRF only if the authenticator says so: %j", async (extensions, prf) => {
  const create = async () => credential({ attestationObject: utf8("o").buffer }, extensions);
  vi.stubGlobal("navigator", { credentials: { create } });
  const asked = { challenge: CHALLENGE, rpId: "example.org", userHandle: utf8("h".repeat(16)), userName: "alice" };
  expect((await browserAuthenticator.create({ ...asked, attestation: "none" })).prf).toBe(prf);
});

test("a PRF is evaluated with a random challenge each time, for the passkey and the input that are named", async () => {
  const output = utf8("p".repeat(32));
  const get = vi.fn(async (_: { publicKey: PublicKeyCredentialRequestOptions }) =>
    credential({}, { prf: { results: { first: output.buffer } } }),
  );
  vi.stubGlobal("navigator", { credentials: { get } });
  const question = { rpId: "example.org", credentialId: ID, salt: utf8("for what") };
  expect(await browserAuthenticator.evaluate(question)).toEqual(output);
  await browserAuthenticator.evaluate(question);
  const asked = get.mock.calls.map(([{ publicKey }]) => publicKey);
  for (const each of asked) {
    expect(each).toMatchObject({
      rpId: "example.org",
      userVerification: "required",
      allowCredentials: [{ type: "public-key", id: Uint8Array.of(0xfb, 0xff, 0xbf, 0, 0, 0) }],
      extensions: { prf: { eval: { first: utf8("for what") } } },
    });
    expect(each.challenge.byteLength).toBe(32);
  }
  expect(asked[0]?.challenge).not.toEqual(asked[1]?.challenge);
});

test.each([
  [{}, PrfError],
  [{ prf: {} }, PrfError],
  [{ prf: { results: {} } }, PrfError],
  [{ prf: { results: { first: utf8("short").buffer } } }, PasskeyError],
])("an authenticator without the output of a PRF is reported: %j", async (extensions, kind) => {
  vi.stubGlobal("navigator", { credentials: { get: async () => credential({}, extensions) } });
  const evaluated = browserAuthenticator.evaluate({ rpId: "example.org", salt: utf8("for what") });
  await expect(evaluated).rejects.toBeInstanceOf(kind);
});

test("a passkey is requested by its id, with user verification", async () => {
  const get = vi.fn(async (_: { publicKey: PublicKeyCredentialRequestOptions }) =>
    credential({ authenticatorData: utf8("a").buffer, signature: utf8("s").buffer, userHandle: null }),
  );
  vi.stubGlobal("navigator", { credentials: { get } });
  const question = { challenge: CHALLENGE, rpId: "example.org" };
  const response = await browserAuthenticator.get({ ...question, credentialId: ID });
  expect(response.response).toEqual({
    clientDataJSON: "ZA",
    authenticatorData: "YQ",
    signature: "cw",
    userHandle: null,
  });
  await browserAuthenticator.get(question);
  const [[named], [open]] = get.mock.calls as [[{ publicKey: object }], [{ publicKey: object }]];
  const id = Uint8Array.of(0xfb, 0xff, 0xbf, 0, 0, 0);
  expect(named.publicKey).toEqual({
    ...question,
    userVerification: "required",
    allowCredentials: [{ type: "public-key", id }],
  });
  expect(open.publicKey).toEqual({ ...question, userVerification: "required" });
});

test("a refusal and a browser without passkeys are reported by the browser's name for them", async () => {
  const refuse = async () => {
    throw new DOMException("no", "NotAllowedError");
  };
  vi.stubGlobal("navigator", { credentials: { get: refuse } });
  const question = { challenge: CHALLENGE, rpId: "example.org" };
  expect((await errorOf(PasskeyError, browserAuthenticator.get(question))).reason).toBe("NotAllowedError");
  vi.stubGlobal("navigator", {});
  expect((await errorOf(PasskeyError, browserAuthenticator.get(question))).reason).toBe("NotSupportedError");
});

test("an unknown passkey is signalled only to browsers that have the signal", async () => {
  const unknown = { rpId: "example.org", credentialId: ID };
  expect(await browserAuthenticator.forget(unknown)).toBe(false);
  vi.stubGlobal("PublicKeyCredential", {});
  expect(await browserAuthenticator.forget(unknown)).toBe(false);
  const signalUnknownCredential = vi.fn(async () => undefined);
  vi.stubGlobal("PublicKeyCredential", { signalUnknownCredential });
  expect(await browserAuthenticator.forget(unknown)).toBe(true);
  expect(signalUnknownCredential.mock.calls).toEqual([[unknown]]);
  signalUnknownCredential.mockRejectedValueOnce(new DOMException("no", "SecurityError"));
  expect(await browserAuthenticator.forget(unknown)).toBe(false);
});

function credential(response: object, extensions: object = {}) {
  return {
    getClientExtensionResults: () => extensions,
    rawId: Uint8Array.of(0xfb, 0xff, 0xbf, 0, 0, 0).buffer,
    response: { clientDataJSON: utf8("d").buffer, ...response },
  };
}
