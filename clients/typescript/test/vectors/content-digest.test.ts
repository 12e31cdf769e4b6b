import { expect, test } from "vitest";
import { contentDigest } from "../../src/http-signature/profile.js";
import { vectors } from "../fixtures.js";
import { hex } from "../hex.js";

interface Digest {
  readonly name: string;
  readonly body: string;
  readonly content_digest: string;
}

const { digests, refused } = vectors<{ digests: Digest[]; refused: Digest[] }>("content-digest.json");

test.each(digests)("$name", async ({ body, content_digest }) => {
  expect(await contentDigest(hex(body))).toBe(content_digest);
});

// A response is compared with the one form that `contentDigest` writes.
test.each(refused)("is not the digest of the body: $name", async ({ body, content_digest }) => {
  expect(await contentDigest(hex(body))).not.toBe(content_digest);
});
