/** This verifier and the Rust one, side by side over altered documents. */

import { spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { Document } from "../../src/attestation/document.js";
import { AttestationError } from "../../src/attestation/error.js";
import { RootCertificate } from "../../src/attestation/root-certificate.js";
import { type Bytes, bytes } from "../../src/bytes.js";
import { attestationFixture, noFixtures, noPrograms, program } from "../fixtures.js";

const VERIFIED = "verified";
const WHY = noFixtures ?? noPrograms;

function rust(document: Bytes): string {
  const options = ["--at", "signed", "--allow-debug", "--json"];
  const { stdout } = spawnSync(program("permafrost"), ["attest", "verify", "-", ...options], { input: document });
  const { error } = JSON.parse(stdout.toString()) as { error?: { rule: string } };
  return error?.rule ?? VERIFIED;
}

async function ours(document: Bytes): Promise<string> {
  try {
    const verified = await Document.parse(document).verify(RootCertificate.awsNitroG1(), "signed");
    verified.check({ releases: "any", allowDebug: true });
    return VERIFIED;
  } catch (error) {
    if (error instanceof AttestationError) {
      return error.rule;
    }
    throw error;
  }
}

describe.skipIf(WHY)(`beside the Rust verifier${WHY ? ` (${WHY})` : ""}`, () => {
  test.each([
    "production-2022-10.cbor",
    "production-2023-01.cbor",
    "production-2024-12.cbor",
    "production-2026-02.b64",
    "debug-2022-10.cbor",
    "debug-2023-09.b64",
  ])("%s is judged alike, as it is and altered", async (name) => {
    const good = attestationFixture(name);
    expect([await ours(good), rust(good)]).toEqual([VERIFIED, VERIFIED]);
    const rules = new Set<string>();
    // A prime, so that every part of a document is met; each byte with one of three masks.
    for (let at = 0; at < good.length; at += 17) {
      const altered = bytes(good);
      altered[at] = (good[at] ?? 0) ^ ([0x01, 0x80, 0xff][at % 3] ?? 0);
      const [mine, theirs] = [await ours(altered), rust(altered)];
      rules.add(mine);
      // DER is read more strictly here: what is malformed ends there, and not in a later rule.
      const stricter = mine === "certificate-syntax" || mine === "certificate-key";
      expect(stricter && theirs !== VERIFIED ? theirs : mine, `byte ${at} of ${name}`).toBe(theirs);
    }
    expect(rules.size).toBeGreaterThan(5);
    expect(rules).not.toContain(VERIFIED);
  }, 60_000);
});
