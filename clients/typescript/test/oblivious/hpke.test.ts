import { expect, test } from "vitest";
import { bytes, toHex, utf8 } from "../../src/bytes.js";
import { expand, extract, generateKeyPair, HpkeError, setupBaseSender } from "../../src/oblivious/hpke.js";
import { vectors } from "../fixtures.js";
import { hex } from "../hex.js";
import { keyPair } from "./x25519.js";

interface Rfc9180 {
  readonly info: string;
  readonly skEm: string;
  readonly pkEm: string;
  readonly pkRm: string;
  readonly encryption: { readonly aad: string; readonly pt: string; readonly ct: string };
  readonly exports: { readonly exporter_context: string; readonly L: number; readonly exported_value: string }[];
}

const vector = vectors<Rfc9180>("rfc9180-a.1.1.json");

async function sender() {
  const ephemeral = await keyPair(vector.skEm, vector.pkEm);
  return setupBaseSender(hex(vector.pkRm), hex(vector.info), ephemeral);
}

test("the sender of the RFC encapsulates the printed key", async () => {
  expect(toHex((await sender()).enc)).toBe(vector.pkEm);
});

test("the sender of the RFC seals as printed", async () => {
  const { aad, ct, pt } = vector.encryption;
  expect(toHex(await (await sender()).seal(hex(pt), hex(aad)))).toBe(ct);
});

test.each(vector.exports)("the sender of the RFC exports $exported_value", async (each) => {
  const exported = await (await sender()).export(hex(each.exporter_context), each.L);
  expect(toHex(exported)).toBe(each.exported_value);
});

/** RFC 5869 appendix A.3: no salt, no info; the first 32 of its 42 bytes. */
test("HKDF without a salt is that of the RFC", async () => {
  const prk = await extract(bytes([]), hex("0b".repeat(22)));
  expect(toHex(prk)).toBe("19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04");
  const okm = "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d";
  expect(toHex(await expand(prk, bytes([]), 32))).toBe(okm);
  await expect(expand(prk, bytes([]), 33)).rejects.toThrow("at most 32");
});

test("a context seals one message: a second one would repeat the nonce", async () => {
  const context = await sender();
  await context.seal(utf8("one"));
  await expect(context.seal(utf8("two"))).rejects.toThrow(HpkeError);
});

test.each([
  ["zero", "00".repeat(32)],
  ["one", `01${"00".repeat(31)}`],
  ["a point of order 8", "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"],
  ["31 bytes", "11".repeat(31)],
  ["33 bytes", "11".repeat(33)],
])("an invalid receiver's key is refused: %s", async (_, key) => {
  await expect(setupBaseSender(hex(key), bytes([]), await generateKeyPair())).rejects.toThrow(HpkeError);
});
