/** The built package in Chromium: its WebCrypto, its fetch, the real documents. */

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bytes, toBase64 } from "../../src/bytes.js";
import { FAKE_ROOT, FakeEnclave } from "../enclave/fake.js";
import { attestationFixture, chromium, noChromium, noFixtures } from "../fixtures.js";

const PACKAGE = fileURLToPath(new URL("../..", import.meta.url));
const DOCUMENTS = ["production-2022-10.cbor", "production-2026-02.b64", "debug-2022-10.cbor", "debug-2023-09.b64"];
const WHY = noFixtures ?? noChromium;

/** What the page of `page.js` reports. */
interface Report {
  readonly verified: readonly string[];
  readonly accepted: readonly string[];
  readonly rules: Readonly<Record<string, number>>;
  readonly altered: number;
  readonly response: unknown;
  readonly refused: string;
  readonly stored: number;
  /** What went wrong in the page, if anything did. */
  readonly failed?: string;
}

const PAGE = `<!doctype html><link rel="icon" href="data:,"><script>
  const fail = (reason) => fetch("/report", { method: "POST", body: JSON.stringify({ failed: String(reason) }) });
  addEventListener("error", (event) => fail(event.message), true);
  addEventListener("unhandledrejection", (event) => fail(event.reason));
</script><script type="module" src="/page.js"></script>`;

describe.skipIf(WHY)(`in Chromium${WHY ? ` (${WHY})` : ""}`, () => {
  const cleanUp: (() => unknown)[] = [];
  let folder: string;
  let fake: FakeEnclave;
  let report: Report;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "permafrost-browser-"));
    cleanUp.push(() => rmSync(folder, { recursive: true, maxRetries: 5 }));
    const build = ["--project", "tsconfig.build.json", "--outDir", join(folder, "dist")];
    execFileSync("node_modules/.bin/tsc", build, { cwd: PACKAGE });
    fake = await FakeEnclave.start();
    report = await new Promise<Report>((resolve, reject) => {
      const server = createServer((request, response) => void serve(request, response, resolve));
      cleanUp.push(() => {
        server.closeAllConnections();
        server.close();
      });
      server.listen(0, "127.0.0.1", () => {
        const { port } = server.address() as AddressInfo;
        const browser = start(`http://127.0.0.1:${port}/`, join(folder, "profile"));
        browser.once("exit", (code) => reject(new Error(`Chromium ended (${code})`)));
        cleanUp.push(() => stop(browser));
      });
    });
  }, 120_000);

  afterAll(async () => {
    for (const each of cleanUp.reverse()) {
      await each();
    }
  });

  /** The page and its modules, the fake enclave, and the report that comes back. */
  async function serve(request: IncomingMessage, response: ServerResponse, done: (report: Report) => void) {
    const chunks: Buffer[] = [];
    for await (const chunk of request) {
      chunks.push(chunk);
    }
    const [body, path = "/"] = [bytes(Buffer.concat(chunks)), request.url];
    if (path === "/report") {
      done(JSON.parse(Buffer.from(body).toString()));
      response.end();
    } else if (path.startsWith("/v1/")) {
      const headers = [["content-type", request.headers["content-type"]], ...signed(request)];
      const fetched = await fake.fetch(`http://${request.headers.host}${path}`, {
        method: request.method ?? "GET",
        headers: headers.filter((field): field is [string, string] => field[1] !== undefined),
        body: body.length > 0 ? body : null,
        cache: "no-store",
        credentials: "omit",
        redirect: "error",
      });
      response.writeHead(fetched.status, Object.fromEntries(fetched.headers));
      response.end(Buffer.from(await fetched.arrayBuffer()));
    } else {
      const { type, content } = file(path);
      response.writeHead(200, { "content-type": type });
      response.end(content);
    }
  }

  function file(path: string): { type: string; content: string } {
    switch (path) {
      case "/":
        return { type: "text/html", content: PAGE };
      case "/page.js":
        return { type: "text/javascript", content: readFileSync(new URL("page.js", import.meta.url), "utf8") };
      case "/input.json": {
        const documents = DOCUMENTS.map((name) => [name, toBase64(attestationFixture(name))]);
        return { type: "application/json", content: JSON.stringify({ documents, root: toBase64(FAKE_ROOT.der) }) };
      }
      default:
        return { type: "text/javascript", content: readFileSync(join(folder, normalize(path)), "utf8") };
    }
  }

  test("the page runs to its end", () => {
    expect(report.failed).toBeUndefined();
  });

  test("the real documents verify", () => {
    expect(report.verified).toEqual(DOCUMENTS);
  });

  test("no altered byte leaves a document that verifies", () => {
    expect(report.accepted).toEqual([]);
    expect(report.altered).toBeGreaterThan(500);
    expect(report.rules["document-signature"]).toBeGreaterThan(100);
  });

  test("a verified enclave responds by Oblivious HTTP, and is refused under AWS's root certificate", () => {
    expect(report.response).toEqual({ ready: true });
    expect(report.refused).toBe("root");
    expect(fake.seen.some(({ target }) => target === "/v1/oblivious")).toBe(true);
    expect(fake.seen.some(({ target }) => target === "/v1/health")).toBe(false);
  });

  test("nothing is stored", () => {
    expect(report.stored).toBe(0);
  });
});

function start(url: string, profile: string): ChildProcess {
  const options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", `--user-data-dir=${profile}`];
  return spawn(chromium ?? "", [...options, url], { stdio: "ignore" });
}

async function stop(browser: ChildProcess): Promise<void> {
  const exited = new Promise((resolve) => browser.once("exit", resolve));
  if (browser.exitCode === null && browser.kill()) {
    await exited;
  }
}

/** The fields that a signature takes. */
function signed(request: IncomingMessage): (readonly [string, string | undefined])[] {
  const names = ["content-digest", "x-enclave-attestation", "signature-input", "signature", "idempotency-key"];
  return names.map((name) => [name, request.headers[name]?.toString()] as const);
}
