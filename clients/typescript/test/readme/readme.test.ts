import { readFileSync } from "node:fs";
import { afterEach, expect, test, vi } from "vitest";
import { Measurements } from "../../src/attestation/measurements.js";
import { fromUtf8, toBase64, utf8 } from "../../src/bytes.js";
import { FAKE_ROOT, FakeEnclave } from "../enclave/fake.js";
import { pcr } from "../forge/path.js";
import { attestationObject, PUBLIC_KEY, person } from "../people/person.js";
import { sign } from "./example.js";
import { note } from "./people.js";

const README = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
const EXAMPLE = readFileSync(new URL("example.ts", import.meta.url), "utf8");
const PEOPLE = readFileSync(new URL("people.ts", import.meta.url), "utf8");
const SPLIT = readFileSync(new URL("split.ts", import.meta.url), "utf8");
const KEY_ID = "0123456789ab00112233445566778899aabbccddeeff";

afterEach(() => {
  vi.unstubAllGlobals();
});

test("the examples on the page are those that are run here", () => {
  for (const example of [EXAMPLE, PEOPLE, SPLIT]) {
    expect(README).toContain(`\`\`\`ts\n${example}\`\`\``);
  }
});

test("the example for people has a note signed", async () => {
  const { enclave } = await person();
  const some = utf8("some").buffer;
  const credential = {
    getClientExtensionResults: () => ({}),
    rawId: some,
    response: { clientDataJSON: some, attestationObject: attestationObject(PUBLIC_KEY).buffer },
  };
  vi.stubGlobal("navigator", { credentials: { create: async () => credential } });
  expect(await note(enclave, "never thawed")).toMatchObject({ content: "never thawed", sig: "s" });
});

test("the example has a message signed", async () => {
  const fake = await FakeEnclave.start();
  fake.binding = (entries) => entries.set("deployment", "development");
  fake.operations = {
    [`POST /v1/keys/${KEY_ID}/sign`]: ({ body }) => ({ signature: JSON.parse(fromUtf8(body) ?? "").message }),
  };
  vi.stubGlobal("fetch", fake.fetch);

  const { privateKey } = (await crypto.subtle.generateKey({ name: "Ed25519" }, true, [
    "sign",
    "verify",
  ])) as CryptoKeyPair;
  const pkcs8 = new Uint8Array(await crypto.subtle.exportKey("pkcs8", privateKey));
  const signature = await sign(KEY_ID, {
    release: Measurements.fromPcrs([[1, pcr(2)]]).toJson(),
    root: pem("CERTIFICATE", FAKE_ROOT.der),
    key: pem("PRIVATE KEY", pkcs8),
  });
  expect(signature).toBe(Buffer.from(utf8("never thawed")).toString("hex"));
  // The parent has seen the attestation and the keys, and then one request that it could not read.
  expect(fake.seen.map(({ target }) => target.split("?")[0])).toEqual([
    "/v1/attestation",
    "/v1/oblivious-keys",
    "/v1/oblivious",
  ]);
});

function pem(label: string, content: Uint8Array): string {
  const lines = toBase64(content).match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ""].join("\n");
}
