import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { has } from "./secrets.js";

test.each([
  "latin1",
  "hex",
  "base64",
  "base64url",
] as const)("a value is found as %s, wherever it begins", (encoding) => {
  for (const before of [0, 1, 2, 3, 7]) {
    const value = randomBytes(16);
    const text = Buffer.concat([randomBytes(before), value, randomBytes(5)]).toString(encoding);
    const haystack = encoding === "latin1" ? Buffer.from(text, "latin1") : Buffer.from(`{"key":"${text}"}`);
    expect(has(haystack, value)).toBe(true);
    expect(has(haystack, randomBytes(16))).toBe(false);
  }
});
