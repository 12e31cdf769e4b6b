/** How the parent serves the page. */

import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { get } from "node:http";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { digestOf } from "../build/measured.js";
import { PAGE } from "./built.js";
import { missing } from "./programs.js";
import { Stack } from "./stack.js";

const DIST = join(PAGE, "dist");
const POLICY =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
  "require-trusted-types-for 'script'; trusted-types 'none'; base-uri 'none'; form-action 'none'";

test("the file has the policy of the header, except for what only a header can say", () => {
  expect(readFileSync(join(DIST, "index.html"), "utf8")).toContain(`content="${POLICY}"`);
});

test("the digest of the page is one of what sha256sum writes", () => {
  const names = readdirSync(DIST, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(DIST.length + 1))
    .sort();
  const lines = names.map((name) => `${sha256(readFileSync(join(DIST, name)))}  ${name}\n`);
  expect(digestOf(DIST)).toBe(sha256(lines.join("")));
});

describe.skipIf(missing)(`the parent${missing ? ` (${missing})` : ""}`, () => {
  let stack: Stack;

  beforeAll(async () => {
    stack = await Stack.start();
  });

  afterAll(async () => {
    await stack?.stop();
  });

  test("serves every file as it is, with the policy and its type", async () => {
    for (const path of ["/", "/index.html", ...assets()]) {
      const response = await fetch(stack.origin + path);
      expect(response.status).toBe(200);
      expect(response.headers.get("content-security-policy")).toBe(`${POLICY}; frame-ancestors 'none'`);
      expect(response.headers.get("x-content-type-options")).toBe("nosniff");
      expect(response.headers.get("content-type")).toMatch(
        /^(text\/(html|css|javascript); charset=utf-8|application\/wasm)$/,
      );
      const file = readFileSync(join(DIST, path === "/" ? "index.html" : path));
      expect(Buffer.from(await response.arrayBuffer()).equals(file)).toBe(true);
      const headers = { "if-none-match": response.headers.get("etag") ?? "" };
      expect((await fetch(stack.origin + path, { headers })).status).toBe(304);
      const head = await fetch(stack.origin + path, { method: "HEAD" });
      expect([head.status, head.headers.get("content-length")]).toEqual([200, String(file.length)]);
    }
  });

  test("serves nothing beside the folder, and lists none", async () => {
    for (const path of [
      "/assets",
      "/assets/",
      "/../package.json",
      "/assets/../../package.json",
      "/%2e%2e/package.json",
    ]) {
      // The enclave's own response: it knows no such path.
      expect(await raw(path)).toEqual({ status: 404, signed: true });
    }
  });

  test("accepts GET and HEAD for the page, and leaves the enclave's paths alone", async () => {
    const refused = await fetch(`${stack.origin}/`, { method: "POST" });
    expect([refused.status, refused.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
    const health = await fetch(`${stack.origin}/v1/health`);
    expect([health.status, health.headers.has("signature")]).toEqual([200, true]);
    expect(health.headers.has("content-security-policy")).toBe(false);
  });

  /** A path as it stands: `fetch` would tidy it. */
  function raw(path: string): Promise<{ status: number | undefined; signed: boolean }> {
    const { hostname, port } = new URL(stack.origin);
    return new Promise((resolve, reject) => {
      get({ hostname, port, path, family: 4 }, (response) => {
        response.resume();
        resolve({ status: response.statusCode, signed: response.headers.signature !== undefined });
      }).once("error", reject);
    });
  }
});

function assets(): string[] {
  return readdirSync(join(DIST, "assets")).map((name) => `/assets/${name}`);
}

function sha256(content: Buffer | string): string {
  return createHash("sha256").update(content).digest("hex");
}
