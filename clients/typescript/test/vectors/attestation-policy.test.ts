import { expect, test } from "vitest";
import { Document } from "../../src/attestation/document.js";
import { AttestationError } from "../../src/attestation/error.js";
import { Measurements } from "../../src/attestation/measurements.js";
import type { Policy } from "../../src/attestation/policy.js";
import { RootCertificate } from "../../src/attestation/root-certificate.js";
import { type Bytes, bytes, fromBase64 } from "../../src/bytes.js";
import { vectors } from "../fixtures.js";
import { hex } from "../hex.js";

interface Kept {
  readonly document: string;
  readonly root: string;
  readonly timestamp_ms: number;
}

interface Asked {
  readonly releases?: readonly Readonly<Record<string, string>>[];
  readonly nonce?: string;
  readonly user_data?: string;
  readonly public_key?: string;
  readonly allow_debug?: boolean;
  readonly max_age_ms?: number;
}

interface Case {
  readonly name: string;
  readonly document: "measured" | "debug";
  readonly root: "measured" | "debug";
  readonly altered?: boolean;
  readonly seconds_later?: number;
  readonly policy: Asked;
  readonly refused_by: string | null;
}

interface File {
  readonly documents: Readonly<Record<"measured" | "debug", Kept>>;
  readonly cases: readonly Case[];
}

const { documents, cases } = vectors<File>("attestation-policy.json");

test.each(cases)("$name", async (vector) => {
  expect(await ruleThatRefuses(vector)).toBe(vector.refused_by);
});

async function ruleThatRefuses(vector: Case): Promise<string | null> {
  const { document, timestamp_ms } = documents[vector.document];
  const encoded = base64(document);
  if (vector.altered) {
    encoded[encoded.length - 1] = (encoded.at(-1) ?? 0) ^ 1;
  }
  const root = RootCertificate.fromDer(base64(documents[vector.root].root));
  const at =
    vector.seconds_later === undefined
      ? "signed"
      : new Date((Math.floor(timestamp_ms / 1000) + vector.seconds_later) * 1000);
  try {
    const verified = await Document.parse(encoded).verify(root, at);
    expect(verified.timestampMs).toBe(timestamp_ms);
    verified.check(policy(vector.policy));
    return null;
  } catch (error) {
    if (error instanceof AttestationError) {
      return error.rule;
    }
    throw error;
  }
}

function policy(asked: Asked): Policy {
  return {
    releases: asked.releases?.map((release) => Measurements.fromJson(JSON.stringify(release))) ?? "any",
    ...(asked.nonce === undefined ? {} : { nonce: hex(asked.nonce) }),
    ...(asked.user_data === undefined ? {} : { userData: hex(asked.user_data) }),
    ...(asked.public_key === undefined ? {} : { publicKey: hex(asked.public_key) }),
    ...(asked.allow_debug === undefined ? {} : { allowDebug: asked.allow_debug }),
    ...(asked.max_age_ms === undefined ? {} : { maxAgeMs: asked.max_age_ms }),
  };
}

function base64(text: string): Bytes {
  const decoded = fromBase64(text);
  if (decoded === undefined) {
    throw new Error(`${text} is not base64`);
  }
  return bytes(decoded);
}
