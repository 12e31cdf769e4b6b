/** The page on a host that is not the enclave's: by a policy that allows both, and by a host that forwards. */

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { allow } from "../build/allowing.js";
import { PAGE } from "./built.js";
import { onStack } from "./scene.js";

const TYPES: Record<string, string> = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css" };

test.each([
  "javascript:alert(1)",
  "https://a.example/",
  "https://a.example; script-src *",
  "a.example",
  "https://a.example/x",
])("the policy is not opened for %j", (origin) => {
  expect(() => allow("connect-src 'self'", origin)).toThrow(TypeError);
});

onStack("elsewhere", (scene) => {
  let folder: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "permafrost-elsewhere-"));
    const options = ["build", "--logLevel", "warn", "--outDir", folder, "--emptyOutDir"];
    const env = { ...process.env, PERMAFROST_ENCLAVE: scene.stack.origin };
    execFileSync("node_modules/.bin/vite", options, { cwd: PAGE, env });
  });

  afterAll(async () => {
    rmSync(folder, { recursive: true, maxRetries: 5 });
  });

  test("a page of another origin verifies the enclave that its file names", async () => {
    const cors = await listening((incoming, outgoing) =>
      serve(folder, incoming.url ?? "/", outgoing, scene.stack.origin),
    );
    // What the proxy in front of a parent does for the page's origin.
    const page = await scene.browser.newPage();
    await page.route(`${scene.stack.origin}/v1/**`, async (route) => {
      const headers = {
        "access-control-allow-origin": origin(cors),
        "access-control-allow-headers": "content-type, x-enclave-attestation",
        "access-control-expose-headers": "content-digest, signature, signature-input, x-enclave-attestation",
      };
      if (route.request().method() === "OPTIONS") {
        return route.fulfill({ status: 204, headers });
      }
      const response = await route.fetch();
      return route.fulfill({ response, headers: { ...response.headers(), ...headers } });
    });
    await page.goto(`${origin(cors)}/#/enclave`);
    await expect.poll(() => page.locator("h1").textContent()).toBe("The enclave is verified");
    await page.close();
    cors.close();
  });

  test("a host that forwards /v1 is one origin, and needs nothing more", async () => {
    const host = await listening((incoming, outgoing) => {
      if (!incoming.url?.startsWith("/v1/")) {
        void serve(join(PAGE, "dist"), incoming.url ?? "/", outgoing);
        return;
      }
      const { hostname, port } = new URL(scene.stack.origin);
      const { method, headers, url: path } = incoming;
      incoming.pipe(
        request({ hostname, port, path, method, headers, family: 4 }, (response) => {
          outgoing.writeHead(response.statusCode ?? 502, response.headers);
          response.pipe(outgoing);
        }),
      );
    });
    const page = await scene.browser.newPage();
    await page.goto(`${origin(host)}/#/enclave`);
    await expect.poll(() => page.locator("h1").textContent()).toBe("The enclave is verified");
    await page.close();
    host.close();
  });

  /** A static host, with the stack's expectation beside the page. */
  async function serve(from: string, path: string, outgoing: import("node:http").ServerResponse, enclave?: string) {
    if (path === "/permafrost.json") {
      const expectation = (await (await fetch(`${scene.stack.origin}${path}`)).json()) as object;
      outgoing.end(JSON.stringify({ ...expectation, ...(enclave === undefined ? {} : { enclave }) }));
      return;
    }
    const name = path === "/" ? "index.html" : path;
    outgoing.setHeader("content-type", TYPES[extname(name)] ?? "");
    outgoing.end(readFileSync(join(from, name)));
  }
});

function listening(response: Parameters<typeof createServer>[1]): Promise<Server> {
  return new Promise((resolve) => {
    const server = createServer(response as never);
    server.listen(0, "127.0.0.1", () => resolve(server));
  });
}

function origin(server: Server): string {
  return `http://localhost:${(server.address() as AddressInfo).port}`;
}
