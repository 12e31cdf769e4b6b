import { describe, expect, test } from "vitest";
import { type At, Document } from "../../src/attestation/document.js";
import { Measurements } from "../../src/attestation/measurements.js";
import type { Policy } from "../../src/attestation/policy.js";
import type { VerifiedDocument } from "../../src/attestation/verified.js";
import { bytes, concat, toHex, utf8 } from "../../src/bytes.js";
import type { Value } from "../forge/cbor.js";
import { type Fields, ForgedPath, MADE, pcr } from "../forge/path.js";
import { refusal } from "./refusal.js";

const PATH = await ForgedPath.create();

async function verified(change?: (fields: Fields) => void, at: At = "signed"): Promise<VerifiedDocument> {
  const { document, root } = await PATH.document(change);
  return Document.parse(document).verify(root, at);
}

function later(seconds: number): Date {
  return new Date((MADE + seconds) * 1000);
}

function pcrs(...entries: [index: number, byte: number][]): Value {
  return { pairs: entries.map(([index, byte]) => [index, pcr(byte)]) };
}

function release(...entries: [index: number, byte: number][]): Measurements {
  return Measurements.fromPcrs(entries.map(([index, byte]) => [index, pcr(byte)]));
}

async function ruleOf(document: VerifiedDocument, policy: Policy): Promise<string> {
  return (await refusal(() => document.check(policy))).rule;
}

describe("measurements", () => {
  test("every PCR of a release must match", async () => {
    const document = await verified();
    document.check({ releases: [release([0, 1])] });
    document.check({ releases: [release([0, 1], [1, 2], [15, 16])] });
    const error = await refusal(() => document.check({ releases: [release([0, 1], [1, 9])] }));
    expect(error.rule).toBe("measurements");
    expect(error.found).toContain(`PCR1 is ${"02".repeat(48)}`);
    expect(error.expected).toBe(`PCR1 ${"09".repeat(48)}`);
  });

  test("a PCR that is not in the document does not match", async () => {
    const document = await verified();
    const error = await refusal(() => document.check({ releases: [release([16, 0])] }));
    expect(error.message).toContain("PCR16 is absent");
  });

  test("one of several releases must match entirely", async () => {
    const document = await verified();
    const [good, bad, other] = [release([0, 1], [1, 2]), release([0, 1], [1, 3]), release([0, 3], [1, 2])];
    document.check({ releases: [good] });
    document.check({ releases: [bad, good] });
    // PCR0 is right in one and PCR1 in the other: half and half is no release.
    expect(await ruleOf(document, { releases: [bad, other] })).toBe("measurements");
  });

  test("no accepted release accepts nothing", async () => {
    const error = await refusal(async () => (await verified()).check({ releases: [] }));
    expect(error).toMatchObject({ rule: "measurements", expected: "none" });
  });
});

describe("debug mode", () => {
  const debug = (fields: Fields) => fields.set("pcrs", pcrs([0, 0], [1, 1]));

  test("is refused unless it is explicitly allowed", async () => {
    const document = await verified(debug);
    expect(document.isDebug).toBe(true);
    const error = await refusal(() => document.check({ releases: "any" }));
    expect(error).toMatchObject({ rule: "debug-mode" });
    expect(error.found).toContain("00".repeat(48));
    document.check({ releases: "any", allowDebug: true });
  });

  test("does not waive the release", async () => {
    const document = await verified(debug);
    expect(await ruleOf(document, { releases: [release([0, 1])], allowDebug: true })).toBe("measurements");
    expect(await ruleOf(document, { releases: [release([0, 0])] })).toBe("debug-mode");
  });

  test("is what a document without PCR0 counts as", async () => {
    const document = await verified((fields) => fields.set("pcrs", pcrs([1, 1])));
    const error = await refusal(() => document.check({ releases: "any" }));
    expect(error.found).toContain("absent");
  });

  test("depends on PCR0 alone", async () => {
    expect((await verified((fields) => fields.set("pcrs", pcrs([0, 1], [1, 0], [2, 0])))).isDebug).toBe(false);
    const last = concat(pcr(0).slice(1), bytes([1]));
    expect((await verified((fields) => fields.set("pcrs", { pairs: [[0, last]] }))).isDebug).toBe(false);
  });
});

describe("what the document must contain", () => {
  test.each([
    ["nonce", "nonce", utf8("nonce")],
    ["user-data", "userData", utf8("user data")],
    ["public-key", "publicKey", utf8("public key")],
  ])("%s", async (rule, field, right) => {
    const document = await verified((fields) => fields.set("public_key", utf8("public key")));
    const policy = (value: Uint8Array): Policy => ({ releases: "any", [field]: bytes(value) });
    document.check(policy(right));
    for (const wrong of [bytes([]), right.slice(1), concat(right, bytes([0]))]) {
      const error = await refusal(() => document.check(policy(wrong)));
      expect(error.rule).toBe(rule);
      expect(error.found).toContain(toHex(right));
    }
    const none = await verified((fields) => {
      for (const name of ["nonce", "user_data", "public_key"]) {
        fields.set(name, null);
      }
    });
    const error = await refusal(() => none.check(policy(bytes([]))));
    expect(error.rule, "absent is not empty").toBe(rule);
    expect(error.found).toContain("absent");
  });
});

describe("age", () => {
  const policy: Policy = { releases: "any", maxAgeMs: 60_000 };

  test("a document older than allowed is refused", async () => {
    (await verified(undefined, later(60))).check(policy);
    const late = await verified(undefined, later(61));
    const error = await refusal(() => late.check(policy));
    expect(error).toMatchObject({ rule: "too-old", found: "the document is 61000 ms old" });
    late.check({ releases: "any" });
  });

  test("a document from the future has no age", async () => {
    const ahead = (ms: number) => verified((fields) => fields.set("timestamp", MADE * 1000 + ms), later(0));
    (await ahead(300_000)).check(policy);
    expect(await ruleOf(await ahead(300_001), policy)).toBe("from-the-future");
  });
});
