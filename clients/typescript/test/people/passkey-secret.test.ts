/** Wrapped shares, opened by another implementation of docs/split.md, and everything that opens none. */

import { createDecipheriv, hkdfSync } from "node:crypto";
import { expect, test } from "vitest";
import { bytes, fromUtf8, toHex, utf8 } from "../../src/bytes.js";
import { values } from "../../src/http.js";
import { PrfError } from "../../src/people/authenticator.js";
import { PasskeySecret, WrappedShareError } from "../../src/people/passkey-secret.js";
import { errorOf } from "../enclave/connected.js";
import { encode } from "../forge/cbor.js";
import { hex } from "../hex.js";
import { CREDENTIAL, PASSKEY, person } from "./person.js";

const SHARE = { keyId: "ab".repeat(22), generation: 300, participant: "me" };
const JSON_OF_A_SHARE = `{"version":1,"participant_key":"${"17".repeat(32)}"}`;

const output = (byte = 9) => bytes(Array<number>(32).fill(byte));
const secret = (byte?: number, passkey = PASSKEY) => PasskeySecret.of(output(byte), passkey);

test("a wrapped share opens by what docs/split.md says of it, and by nothing of this library", async () => {
  const wrapped = Buffer.from(await (await secret()).wrap(SHARE, utf8(JSON_OF_A_SHARE)), "hex");
  expect(wrapped[0]).toBe(1);
  expect(wrapped.subarray(1, 17).toString("hex")).toBe(PASSKEY);
  expect(wrapped.length).toBe(JSON_OF_A_SHARE.length + 45);
  const context = encode(["permafrost wrapped share", 1, hex(SHARE.keyId), SHARE.generation, "me", hex(PASSKEY)]);
  const key = Buffer.from(hkdfSync("sha256", output(), new Uint8Array(), context, 32));
  const decipher = createDecipheriv("aes-256-gcm", key, wrapped.subarray(17, 29));
  decipher.setAAD(context).setAuthTag(wrapped.subarray(-16));
  const opened = Buffer.concat([decipher.update(wrapped.subarray(29, -16)), decipher.final()]);
  expect(opened.toString()).toBe(JSON_OF_A_SHARE);
});

test("the same share is never wrapped twice alike, and the plaintext and the PRF output are zeroed", async () => {
  const prf = output();
  const one = await PasskeySecret.of(prf, PASSKEY);
  expect(prf).toEqual(output(0));
  const plaintext = utf8(JSON_OF_A_SHARE);
  const wrapped = [await one.wrap(SHARE, plaintext), await one.wrap(SHARE, utf8(JSON_OF_A_SHARE))];
  expect(plaintext.every((byte) => byte === 0)).toBe(true);
  expect(wrapped[0]).not.toBe(wrapped[1]);
  for (const each of wrapped) {
    expect(fromUtf8(await one.unwrap(SHARE, each))).toBe(JSON_OF_A_SHARE);
    expect(PasskeySecret.passkeyOf(each)).toBe(PASSKEY);
  }
});

test.each([
  ["another key", { ...SHARE, keyId: "ac".repeat(22) }],
  ["another generation", { ...SHARE, generation: 301 }],
  ["another participant", { ...SHARE, participant: "drawer" }],
])("a wrapped share does not open as that of %s", async (_, share) => {
  const one = await secret();
  const error = await errorOf(WrappedShareError, one.unwrap(share, await one.wrap(SHARE, utf8("share"))));
  expect(error.kind).toBe("other-passkey");
});

test("another passkey is refused by name, with what would open the share", async () => {
  const wrapped = await (await secret()).wrap(SHARE, utf8("share"));
  const other = await secret(8, "ff".repeat(16));
  const error = await errorOf(WrappedShareError, other.unwrap(SHARE, wrapped));
  expect([error.kind, error.passkey]).toEqual(["other-passkey", PASSKEY]);
  expect(error.message).toContain("the recovery file");
});

test("no altered bit leaves a wrapped share that opens", async () => {
  const one = await secret();
  const wrapped = hex(await one.wrap(SHARE, utf8("share")));
  for (let at = 0; at < wrapped.length; at += 1) {
    const altered = wrapped.map((byte, index) => (index === at ? byte ^ 1 : byte));
    await expect(one.unwrap(SHARE, toHex(altered))).rejects.toBeInstanceOf(WrappedShareError);
  }
});

test.each([
  "",
  "01",
  "zz",
  `02${"00".repeat(60)}`,
  "01".repeat(4097),
])("what is no wrapped share is malformed: %.10s", async (text) => {
  expect((await errorOf(WrappedShareError, (await secret()).unwrap(SHARE, text))).kind).toBe("malformed");
});

test("a share that the enclave would not take is refused before it is wrapped", async () => {
  const one = await secret();
  expect(await one.wrap(SHARE, bytes(Array<number>(4051).fill(1)))).toHaveLength(2 * 4096);
  const large = bytes(Array<number>(4052).fill(1));
  expect((await errorOf(TypeError, one.wrap(SHARE, large))).message).toContain("accepted: at most 4051");
  expect(large.every((byte) => byte === 0)).toBe(true);
});

test("a session's secret comes from the passkey that opened it, and nothing is sent for it", async () => {
  const { people, asked, fake } = await person();
  const { session } = await people.register({ passkeyName: "laptop", userName: "alice" });
  expect(session.prf).toBe(true);
  const before = fake.seen.length;
  const made = await session.passkeySecret();
  expect(made.passkey).toBe(PASSKEY);
  expect(fake.seen.length).toBe(before);
  const salt = utf8("permafrost wrapped share");
  expect(asked.evaluated).toEqual([{ rpId: "example.org", credentialId: CREDENTIAL, salt }]);
  const wrapped = await made.wrap(SHARE, utf8("share"));

  const later = await people.login();
  expect(later.prf).toBeUndefined();
  expect(fromUtf8(await (await later.passkeySecret()).unwrap(SHARE, wrapped))).toBe("share");
});

test("a passkey without a PRF is known from its registration, and refused by name", async () => {
  const { people, asked } = await person();
  asked.prf = false;
  const { session } = await people.register({ passkeyName: "laptop", userName: "alice" });
  expect(session.prf).toBe(false);
  expect((await errorOf(PrfError, session.passkeySecret())).message).toContain("or a share file instead");
});

test("what is sent of a new passkey says nothing of its PRF", async () => {
  const { people, fake } = await person();
  await people.register({ passkeyName: "laptop", userName: "alice" });
  const sent = fake.served.flatMap(({ fields }) => values(fields, "passkey-response"));
  expect(sent).toHaveLength(1);
  const response = JSON.parse(Buffer.from(sent[0]?.split(".")[1] ?? "", "base64url").toString());
  expect(Object.keys(response)).toEqual(["id", "rawId", "type", "response"]);
});
