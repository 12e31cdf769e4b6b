import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { repositoryText } from "../fixtures.js";

/** Each file of `clients/vectors`, and the test of this client that runs it. One line each, in alphabetical order. */
const RUN: readonly (readonly [file: string, test: string])[] = [
  ["attestation-policy.json", "test/vectors/attestation-policy.test.ts"],
  ["binary-http.json", "test/vectors/binary-http.test.ts"],
  ["binding.json", "test/vectors/binding.test.ts"],
  ["content-digest.json", "test/vectors/content-digest.test.ts"],
  ["document-forms.json", "test/attestation/document-forms.test.ts"],
  ["import.json", "test/vectors/import.test.ts"],
  ["key-configurations.json", "test/vectors/key-configurations.test.ts"],
  ["padding.json", "test/oblivious/padding.test.ts"],
  ["passkey-challenge.json", "test/people/challenge.test.ts"],
  ["request-signing.json", "test/vectors/request-signing.test.ts"],
  ["response-verification.json", "test/vectors/response-verification.test.ts"],
  ["rfc9180-a.1.1.json", "test/oblivious/hpke.test.ts"],
  ["rfc9292-5.json", "test/oblivious/bhttp.test.ts"],
  ["rfc9458-a.json", "test/oblivious/ohttp.test.ts"],
  ["split-share.json", "test/vectors/split-share.test.ts"],
];

test("every file of the folder is run by TypeScript", () => {
  const folder = fileURLToPath(new URL("../../../vectors", import.meta.url));
  const files = readdirSync(folder).filter((name) => name !== "README.md");
  expect(files.sort()).toEqual(RUN.map(([file]) => file));
});

test.each(RUN)("%s is read by the test that is said to run it", (file, source) => {
  const text = repositoryText(`clients/typescript/${source}`);
  expect(text).toMatch(new RegExp(`\\bvectors(<[^(]*>)?\\("${file.replaceAll(".", "\\.")}"\\)`));
});
