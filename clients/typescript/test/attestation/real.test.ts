/** Documents made by real NSMs. */

import { describe, expect, test } from "vitest";
import { type At, Document } from "../../src/attestation/document.js";
import { AttestationError } from "../../src/attestation/error.js";
import { RootCertificate } from "../../src/attestation/root-certificate.js";
import type { VerifiedDocument } from "../../src/attestation/verified.js";
import { type Bytes, bytes, concat, toHex } from "../../src/bytes.js";
import { attestationFixture, noFixtures } from "../fixtures.js";
import { refusal } from "./refusal.js";

const FIRST = "production-2022-10.cbor";
const NEWEST = "production-2026-02.b64";
const PRODUCTION = [FIRST, "production-2023-01.cbor", "production-2024-12.cbor", NEWEST];
const DEBUG = ["debug-2022-10.cbor", "debug-2023-09.b64"];

async function verify(document: Bytes, at: At = "signed"): Promise<VerifiedDocument> {
  return Document.parse(document).verify(RootCertificate.awsNitroG1(), at);
}

describe.skipIf(noFixtures)(`documents of real NSMs${noFixtures ? ` (${noFixtures})` : ""}`, () => {
  test.each(PRODUCTION)("the production document %s verifies at the time it was made", async (name) => {
    const document = await verify(attestationFixture(name));
    expect(document.isDebug).toBe(false);
    document.check({ releases: "any" });
    expect(document.rootSha256).toEqual(await RootCertificate.awsNitroG1().sha256());
  });

  test.each(DEBUG)("the debug document %s is accepted only when asked for", async (name) => {
    const document = await verify(attestationFixture(name));
    expect(document.isDebug).toBe(true);
    expect((await refusal(() => document.check({ releases: "any" }))).rule).toBe("debug-mode");
    document.check({ releases: "any", allowDebug: true });
  });

  test.each([...PRODUCTION, ...DEBUG])("the document %s has expired", async (name) => {
    expect((await refusal(() => verify(attestationFixture(name), "now"))).rule).toBe("certificate-expired");
  });

  test("the fields of a real document are read", async () => {
    const document = await verify(attestationFixture(NEWEST));
    expect(document.moduleId).toBe("i-0340e0cb833504eb6-enc019c12d31f78864d");
    expect(document.timestampMs).toBe(1_770_065_027_502);
    expect([...document.pcrs.keys()]).toEqual(Array.from({ length: 16 }, (_, index) => index));
    expect(toHex(document.pcrs.get(0) ?? bytes([]))).toMatch(/^9baef83909784e4d/);
    expect(document.publicKey).toEqual(new TextEncoder().encode("dummy"));
    expect(document.userData).toHaveLength(68);
    expect(document.nonce).toHaveLength(20);
  });

  test.each([
    {
      name: "production-2023-01.cbor",
      moduleId: "i-0ec0e572c8263d8ff-enc0185c4fd382eeb25",
      timestampMs: 1_674_047_239_280,
      pcr0: /^d265a83faa7b4fa0/,
      lengths: [undefined, 120, 256],
    },
    {
      name: "production-2024-12.cbor",
      moduleId: "i-0f1cd77d37fd8bcc9-enc018e7aa61e2040ff",
      timestampMs: 1_734_075_478_960,
      pcr0: /^189038eccf28a3a0/,
      lengths: [64, undefined, undefined],
    },
  ])("the fields of $name are read", async ({ name, moduleId, timestampMs, pcr0, lengths }) => {
    const document = await verify(attestationFixture(name));
    expect(document.moduleId).toBe(moduleId);
    expect(document.timestampMs).toBe(timestampMs);
    expect([...document.pcrs.keys()]).toEqual(Array.from({ length: 16 }, (_, index) => index));
    expect(toHex(document.pcrs.get(0) ?? bytes([]))).toMatch(pcr0);
    expect([document.publicKey, document.userData, document.nonce].map((field) => field?.length)).toEqual(lengths);
  });

  test("no altered byte leaves a document that verifies", async () => {
    const good = attestationFixture(NEWEST);
    await verify(good);
    const accepted: string[] = [];
    const rules = new Set<string>();
    const attempt = async (at: number, byte: number, mask: number) => {
      const altered = bytes(good);
      altered[at] = byte ^ mask;
      try {
        await verify(altered);
        accepted.push(`byte ${at} ^ ${mask}`);
      } catch (error) {
        rules.add(error instanceof AttestationError ? error.rule : `not a refusal: ${error}`);
      }
    };
    // The three at once: WebCrypto works beside this thread.
    for (const [at, byte] of good.entries()) {
      await Promise.all([0x01, 0x80, 0xff].map((mask) => attempt(at, byte, mask)));
    }
    expect(accepted).toEqual([]);
    expect([...rules].filter((rule) => rule.startsWith("not a refusal"))).toEqual([]);
    // Were parsing alone to refuse them all, the signature would go untested.
    expect(rules).toContain("document-signature");
  }, 120_000);

  test("no truncated or extended document verifies", async () => {
    const good = attestationFixture(NEWEST);
    for (let end = 0; end < good.length; end += 1) {
      await refusal(() => verify(good.slice(0, end)));
    }
    for (const byte of [0x00, 0xf6, 0xff]) {
      expect((await refusal(() => verify(concat(good, bytes([byte]))))).rule).toBe("trailing-bytes");
    }
  });

  test("a signature does not fit another document", async () => {
    const [one, other] = [attestationFixture(NEWEST), attestationFixture(FIRST)];
    const mixed = concat(one.slice(0, -96), other.slice(-96));
    expect((await refusal(() => verify(mixed))).rule).toBe("document-signature");
  });
});
